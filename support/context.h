/* The inside of a wave_context. */
#ifndef WAVE_SUPPORT_CONTEXT_H
#define WAVE_SUPPORT_CONTEXT_H

#include <wave/context.h>

#include "support/arena.h"
#include "support/diag.h"

struct wave_context {
	struct arena *arena;
	struct diag diag;
	wave_message_fn *fn;
	void *user;
};

#endif
