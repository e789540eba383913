/* Compiling graphs and running them on the simulator, for tests. */
#ifndef WAVE_TESTS_LIB_COMPILED_H
#define WAVE_TESTS_LIB_COMPILED_H

#include "backend/backend.h"
#include "ir/eval.h"
#include "ir/graph.h"

#define COMPILE_SETTINGS 6

/* How to compile. */
struct compile_how {
	const char *target; /* as after -march= */
	char set[COMPILE_SETTINGS][40]; /* as after -m; "": none */
	int level;          /* -O */
	enum dtype precision; /* -mprecision; DT_NONE: the model's */
	enum dgrad dgrad;   /* -fdgrad= */
	enum partial_k partial_k; /* -fpartial-k= */
	bool no_overlap; /* -fno-overlap */
	bool serialize;     /* -fserialize */
	bool shard;         /* over the target's groups, where possible */
};

/* How to run. */
struct run_how {
	bool check;
	int threads; /* 0: 1 */
	int64_t max_instructions; /* 0: no limit */
};

/* Of a run. */
struct run_stats {
	int64_t cycles, instructions;
};

/* A compiled graph. */
struct compiled {
	struct wave_target *target;
	struct graph *graph; /* legalized */
	int groups;          /* that share the batch */
	struct tile_program *tile;
	struct wave_program *code;
};

/* Compiles g, which the passes change. False after a diagnostic. */
bool compiled_make(struct arena *a, struct diag *d, struct graph *g,
    const struct compile_how *b, struct compiled *m);

/* The same tile program as other code. NULL after a diagnostic. */
struct wave_program *compiled_code(struct arena *a, struct diag *d,
    const struct compiled *m, bool serialize);

/* Runs code of m on inputs parallel to its graph's inputs; out, parallel to
 * the outputs, is allocated. stats may be NULL.
 * False after a diagnostic: the program does not load, trapped, or the checker
 * found something. */
bool compiled_run(struct arena *a, struct diag *d, const struct compiled *m,
    const struct wave_program *code, const struct eval_tensor *in,
    const struct run_how *how, struct eval_tensor *out,
    struct run_stats *stats);

/* One line: "tiny -O2 -mgbuf_bytes=8192". */
const char *compile_name(struct arena *a, const struct compile_how *b);

/* Whether an op of the program runs in pieces through the global buffer. */
bool compiled_tiles(const struct compiled *m);

#endif
