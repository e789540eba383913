/* Mini-batch serialization: layer groups with a sub-batch each, so that what
 * passes between the layers of a group stays in the global buffer. See
 * passes/MBS.md; the algorithm and the accounting are those of S. Lym et al.,
 * "Mini-batch Serialization: CNN Training with Inter-layer Data Reuse",
 * MLSys 2019. */
#ifndef WAVE_PASSES_MBS_H
#define WAVE_PASSES_MBS_H

#include "ir/graph.h"
#include "support/str.h"

enum mbs_variant {
	MBS_NONE,
	MBS_BASELINE, /* every layer's tensors through DRAM */
	MBS_ARCHOPT,  /* the same schedule; the machine shifts weights ahead */
	MBS_IL,       /* layers that fit with the whole batch stay on chip */
	MBS_FS,       /* one sub-batch for the whole network */
	MBS_1,        /* greedy groups; branches of modules through DRAM */
	MBS_2,        /* greedy groups, branches share what is on chip */
	MBS_OPTIMAL,  /* best contiguous groups; inputs computed again */
	MBS_VARIANTS
};

/* Names of -fmbs=; MBS_NONE when unknown. */
extern const char *const mbs_names[MBS_VARIANTS];
enum mbs_variant mbs_parse(const char *name);

enum mbs_objective { MBS_TRAFFIC, MBS_TIME };

struct mbs_options {
	enum mbs_variant variant;
	enum mbs_objective objective;
	bool fused;       /* baseline, archopt: norm, ReLU and add in one layer
	                     each with what is before them */
	int64_t buffer;   /* bytes of one group's global buffer; 0: no limit */
	int64_t parts;    /* groups of the chip that divide the batch */
	int64_t elem;     /* bytes of an activation or gradient */
	int64_t state;    /* bytes of a weight as stored, of its partial
	                     gradient and its momentum */
	double bandwidth; /* DRAM bytes a second of one group, 0: no limit */
	double macs;      /* products a second of one group */
	int64_t rows, cols; /* of its array; 0: not known */
	bool zeros;         /* -fdgrad=zeros */
};

/* Traffic in bytes of one group and step, by what it is for. */
struct mbs_traffic {
	double activation; /* forward, and what backward reads of it */
	double gradient;
	double mask;       /* of ReLUs, indices of pools */
	double weight;     /* read by forward and data gradient */
	double weight_gradient;
	double update;     /* 5 W; shared by the groups of a chip, less */
};
double mbs_total(const struct mbs_traffic *t);

enum mbs_kind {
	MBS_VIEW, MBS_CONV, MBS_NORM, MBS_RELU, MBS_MAP, MBS_MAX_POOL,
	MBS_AVG_POOL, MBS_ADD, MBS_CONCAT
};

/* A layer: one node of the forward graph. Bytes are those of one sample. */
struct mbs_layer {
	struct node *node;
	enum mbs_kind kind;
	double in, out;   /* operands with samples, result */
	double space;     /* while it runs; 0: it does not */
	double image;     /* of the network's input, as it is stored */
	double statistics; /* of a norm, stored for its gradient */
	double channels;  /* of a norm */
	double weight;    /* elements */
	double products;  /* a sample */
	uint32_t run;     /* IL: its run, 0: none */
	bool first;       /* reads the network's input: no data gradient */
	bool again;       /* the backward pass computes it again */
	double gain;      /* seconds of DRAM that spares for one of the array */
};

/* A unit: a layer with its norm and ReLU, or a module between two cut points
 * of the graph. */
struct mbs_unit {
	size_t first, count; /* layers */
	double space;        /* bytes of a sample while it runs, branches
	                        sharing what is on chip */
	double space_apart;  /* the same, each branch on its own */
	double saved;        /* bytes of a sample stored for backward that are
	                        made here */
	double rebuilt;      /* of these what can be computed again from
	                        others */
	double again;        /* and what is, by its convolution */
	double boundary;     /* bytes of a sample that leave it */
	bool boundary_saved;
	bool whole_batch;    /* holds statistics of the whole batch */
	int64_t samples[2];  /* that fit: apart, shared */
	uint32_t group;      /* 1 + index, 0: none */
};

struct mbs_group {
	size_t first, count;  /* units */
	int64_t iterations, sub_batch;
	double traffic;
	double slack; /* bytes of the buffer left at the largest unit */
};

struct mbs_cost { /* bytes, and more of them for each iteration */
	double once, again;
};

struct mbs_plan {
	const struct mbs_options *o;
	int64_t batch; /* of one group of the chip */
	VEC(struct mbs_layer) layers;
	VEC(struct mbs_unit) units;
	VEC(struct mbs_group) groups;
	size_t *made; /* by value id: the layer that makes it, + 1 */
	struct mbs_cost *cost; /* units.len + 1: of the units before each */
	struct arena *arena;
};

/* Layers and units of the forward graph g, a model of training in inference
 * form or with statistics of the batch. False after a diagnostic: no batch. */
bool mbs_units(struct mbs_plan *p, struct graph *g, struct diag *d);

bool mbs_is_group_norm(const struct node *n);
/* Whether the backward pass reads v: operands of contractions and norms. */
bool mbs_is_saved(const struct value *v);
/* The group norm whose ReLU v is, from whose input v can be computed again;
 * NULL: there is none. */
const struct node *mbs_rebuilt_from(const struct value *v);

/* Chooses what the backward pass computes again (mbs_again.c): marks layers
 * and adds up units of p, whose groups are not chosen yet. Nothing without a
 * bandwidth and a clock. */
void mbs_again(struct mbs_plan *p, const struct graph *g);

/* IL (mbs_il.c): whether a layer's operands and result fit for the whole batch;
 * numbers runs of such layers; what that spares of one's own traffic,
 * activations and gradients. */
bool mbs_stays(const struct mbs_plan *p, const struct mbs_layer *l);
void mbs_find_runs(struct mbs_plan *p);
struct mbs_traffic mbs_run_spares(const struct mbs_plan *p,
    const struct mbs_layer *l);

/* Chooses groups (mbs_group.c). */
void mbs_choose(struct mbs_plan *p);

/* The accounting of the paper as a function (mbs_model.c): a unit without and
 * within a group of so many iterations, and the whole plan. Bytes of one group
 * of the chip and step. */
struct mbs_traffic mbs_unit_plain(const struct mbs_plan *p,
    const struct mbs_unit *u);
struct mbs_traffic mbs_unit_grouped(const struct mbs_plan *p,
    const struct mbs_unit *u, int64_t iterations);
/* Between a unit and the next one, in other groups. */
double mbs_boundary(const struct mbs_plan *p, const struct mbs_unit *u);
struct mbs_traffic mbs_plan_traffic(const struct mbs_plan *p);
/* The same without weights of contractions and their gradients in groups, which
 * depend on the samples that the backend takes where it may choose. */
struct mbs_traffic mbs_plan_fixed(const struct mbs_plan *p);
/* What no schedule can avoid that computes no convolution or mean over windows
 * twice: every saved tensor out and in once, weights, gradients and updates
 * once. */
double mbs_lower_bound(const struct mbs_plan *p);

/* Least cycles of the array for the contractions of a step and group of the
 * chip, and their products, inserted zeros of `zeros` included: the quotient is
 * the utilization that the quantisation into tiles allows (mbs_bound.c). The
 * shift of weights is hidden, nothing else holds the array up, and the batch is
 * not divided. Rows and columns have to be known. */
struct mbs_array { double cycles, products; };
struct mbs_array mbs_array_bound(const struct mbs_plan *p);
/* Of these, those for the result of l, whose op is conv. */
double mbs_conv_cycles(const struct mbs_plan *p, const struct mbs_layer *l);

/* Marks nodes and values of g for the plan; called before autodiff. */
void mbs_mark(struct mbs_plan *p, struct graph *g);

/* What is known of a schedule before it is lowered. */
struct mbs_outcome {
	struct mbs_traffic fixed; /* mbs_plan_fixed */
	double greedy; /* MBS_OPTIMAL: bytes that MBS_2 would move */
	bool tight;    /* not even one sample of a unit fits */
};

/* All of it: groups of g by o, remarks as text lines into report (may be
 * NULL). False after a diagnostic. */
bool mbs_schedule(struct graph *g, struct diag *d,
    const struct mbs_options *o, struct strbuf *report,
    struct mbs_outcome *out);

/* One line of traffic behind `what`. */
void mbs_report_traffic(const struct mbs_traffic *t, const char *what,
    struct strbuf *report);

#endif
