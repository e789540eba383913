/* The backend as a whole: a legalized graph to a program. */
#ifndef WAVE_BACKEND_BACKEND_H
#define WAVE_BACKEND_BACKEND_H

#include "backend/tile.h"
#include "ir/graph.h"

/* How a transposed convolution with a stride is computed: a strided data
 * gradient is one. */
enum dgrad {
	DGRAD_PHASE, /* a dense convolution for each phase of the output */
	DGRAD_ZEROS, /* the window over the image with zeros inserted */
};

/* Where the array takes the partial tile of a contraction's depth, k. */
enum partial_k {
	PARTIAL_FIRST, /* thin blocks need not wait behind its short shift */
	PARTIAL_LAST,
};

struct weight_cache;

struct backend_options {
	enum dgrad dgrad; /* -fdgrad= */
	enum partial_k partial_k; /* -fpartial-k= */
	bool no_overlap; /* -fno-overlap: see struct tile_program */
	/* Constants in the machine's order, of all graphs of a compilation that
	 * have one arena; NULL: each orders its own. */
	struct weight_cache *weights;
	bool pieces; /* backend_train: see tile_link_finish */
	bool serialize; /* -fserialize: full order after each instruction */
};

/* Lowers g for t and plans its memory. The graph must satisfy the passes'
 * property "legal". groups of the machine run it; with more than one, g is the
 * share of one group: inputs and outputs are bound with their first dimension
 * `groups` times as large. serialize of opt does not matter here. NULL
 * after a diagnostic. */
struct tile_program *backend_tile(struct arena *a, struct diag *d,
    const struct graph *g, const struct wave_target *t, int groups,
    const struct backend_options *opt);

/* Synchronises and encodes a planned tile program. */
struct wave_program *backend_code(struct arena *a, struct diag *d,
    struct tile_program *p, const struct backend_options *opt);

/* A training object: entries init, step, steps and eval. step and eval are
 * planned programs over the same states; step is used up. The tensors bound
 * under the names of each[] (ends with NULL) hold `steps` steps, which the
 * entry steps runs; step and eval take the first. NULL after a diagnostic. */
struct backend_training {
	struct tile_program *step, *eval;
	const char *const *each;
	int64_t steps;
};
struct wave_program *backend_train(struct arena *a, struct diag *d,
    const struct backend_training *t, const struct backend_options *opt);

#endif
