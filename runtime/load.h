/* Inside the loader: the sections of an object file, found and proven to lie
 * in the file, for the code that reads the records in them. */
#ifndef WAVE_RUNTIME_LOAD_H
#define WAVE_RUNTIME_LOAD_H

#include <stdbool.h>

#include <wave/object.h>

#include "support/arena.h"
#include "support/diag.h"
#include "support/objfile.h"

struct load {
	struct arena *arena;
	struct diag *d;
	struct loc loc;
	const uint8_t *bytes;
	size_t size;
	struct {
		const uint8_t *data; /* NULL for .bss */
		uint64_t size, address;
		bool found;
	} section[OBJ_SECTIONS];
	struct wave_program *p;
};

/* Reports one error and returns false. */
bool load_fail(struct load *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Finds all sections of the file. */
bool load_sections(struct load *l);

/* Reads .note.wave: target, accumulation, ISA version, sizes. */
bool load_notes(struct load *l);

/* Reads the record sections into the program. */
bool load_records(struct load *l);

#endif
