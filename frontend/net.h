/* The network language (.net) to graph IR; frontend/DSL.md describes it. */
#ifndef WAVE_FRONTEND_NET_H
#define WAVE_FRONTEND_NET_H

#include "ir/graph.h"

struct net_define { /* -DNAME=VALUE */
	const char *name, *value; /* an integer, float, true, false or text */
};

struct net_options {
	/* -fbatch: the first dimension of every input; 0: as written. */
	int64_t batch;
	uint64_t seed; /* of the initial weights */
	/* Instead of the defaults of the network's arguments and of the
	 * numbers after `where`. A name that the network lacks is an error. */
	const struct net_define *defines;
	size_t ndefines;
	bool no_weights;    /* leave parameters without initial data */
	int64_t max_bytes;  /* of all parameters; 0: 8 GiB */
};

enum net_loss { NET_LOSS_NONE, NET_CROSS_ENTROPY, NET_MSE };
enum net_optimizer { NET_OPTIMIZER_NONE, NET_SGD, NET_ADAM };
enum net_schedule {
	NET_SCHEDULE_NONE,
	NET_CONSTANT,
	NET_STEP,   /* times gamma after each epoch of `at`, or every `every` */
	NET_COSINE, /* down to `final` in the last epoch */
};

/* What a layer means in training, where the graph holds its inference form. */
enum net_hint_kind {
	NET_DROPOUT,    /* identity; number: probability of zero */
	NET_BATCH_NORM, /* batch_norm; number: momentum, the share of the batch
	                   in the running statistics */
};
struct net_hint {
	enum net_hint_kind kind;
	struct value *value; /* the layer's result */
	double number;
};

/* The train section. Without one everything is 0. */
struct net_train {
	bool given;
	enum net_loss loss;
	double smoothing; /* of the labels */
	enum net_optimizer optimizer;
	double momentum, weight_decay, beta1, beta2, epsilon;
	bool nesterov;
	bool decay_norms; /* weight decay on norms and biases, too */
	enum net_schedule schedule;
	double lr, gamma, final;
	int64_t every, warmup; /* epochs; warmup: linear from 0 */
	const int64_t *at;     /* epochs, ascending */
	size_t nat;
	int64_t batch, epochs; /* 0: not given */
	VEC(struct net_hint) hints; /* in the order of the layers */
};

/* Reads the len bytes of text, which came from path; include files lie in the
 * folder of path. Parameters become states "LAYER.weight" and so on, trainable
 * ones and statistics. opt and train may be NULL. The result and what train
 * points to live in a. NULL after at least one error was reported. */
struct graph *net_parse(struct arena *a, struct diag *d, const char *path,
    const char *text, size_t len, const struct net_options *opt,
    struct net_train *train);

#endif
