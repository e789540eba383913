/* From a model to a program: what wavecc and wavetrain share. */
#ifndef WAVE_TOOLS_DRIVER_H
#define WAVE_TOOLS_DRIVER_H

#include "backend/backend.h"
#include "backend/weights.h"
#include "frontend/net.h"
#include "frontend/onnx_write.h"
#include "passes/train.h"
#include "tools/cc_options.h"

struct driver {
	const char *tool; /* name in messages */
	struct wavecc_options o;
	struct arena *arena;
	struct diag diag;
	char *data; /* the input file */
	size_t size;
	/* What the stages have made so far. Of a training object graph and
	 * tile are the step's; eval and eval_tile the other entry's. */
	struct graph *graph, *eval;
	struct graph *model; /* eval as it was before the passes */
	struct net_train train; /* the train section of a .net */
	struct train_options train_options;
	struct mbs_outcome groups; /* -fmbs=: layer groups before lowering */
	struct graph *plain; /* -fmbs=optimal: the model without them */
	int64_t steps;    /* of entry `steps` */
	const char **each; /* tensors that hold them; ends with NULL */
	struct tile_program *tile, *eval_tile;
	struct wave_program *program;
	struct wave_target *target;
	struct weight_cache weights;
	bool pieces; /* the program is only to be written */
};

/* An arena, diagnostics on standard error, default options. */
void driver_start(struct driver *dr, const char *tool);
void driver_end(struct driver *dr);

bool driver_has_suffix(const char *s, const char *suffix);
/* Whether the input is a graph (.onnx .net .wgr). */
bool driver_is_graph(const struct driver *dr);
/* "wavecc: WHAT" with -v and -###. */
void driver_say(const struct driver *dr, const char *what);

/* The stages; each is false after a diagnostic. */
bool driver_check(struct driver *dr);  /* kind of input, options that fit */
bool driver_target(struct driver *dr); /* -march, -mKEY=VALUE */
bool driver_read(struct driver *dr);   /* file to model */
bool driver_train(struct driver *dr);  /* -ftrain: model to step and eval */
/* -fmbs=: layer groups by the numbers of the machine, on dr->graph. */
bool driver_serialize_batch(struct driver *dr);
/* -fmbs=optimal -Rpass=mbs: the model again, once the step is lowered. */
void driver_remark_moves(struct driver *dr);
bool driver_passes(struct driver *dr); /* to legal graphs */
bool driver_tile(struct driver *dr);   /* to schedules */
/* Parts of these for one graph: passes without dumps, its schedule. */
bool driver_run_passes(struct driver *dr, struct graph *g);
struct tile_program *driver_lower(struct driver *dr, const struct graph *g);
/* -fmbs=optimal, the step is lowered: takes groups by the rules of the paper
 * instead where these turn out to cost less; true when it did. */
bool driver_choose(struct driver *dr);
/* Whether -Rpass= asks for what -fmbs= has to say. */
bool driver_wants_groups(const struct driver *dr);
bool driver_code(struct driver *dr);   /* to a program */

/* Instead of the last three: the passes that a model may have gone through
 * and still be the model in other words (-emit-onnx). */
bool driver_model_passes(struct driver *dr);

/* Writes g, forward in inference form, to path as ONNX. */
bool driver_write_onnx(struct driver *dr, const struct graph *g,
    const char *path, const struct onnx_write_options *opt);

/* All of them: a model to a program. */
bool driver_compile(struct driver *dr);

#endif
