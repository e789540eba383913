/* Random networks for the backend: every lowering class in every form and
 * dtype, chained, with shared values, several outputs and dynamic weights;
 * large enough to be cut into tiles where the global buffer has some
 * KiB. */
#ifndef WAVE_TESTS_LIB_RANDOM_NET_H
#define WAVE_TESTS_LIB_RANDOM_NET_H

#include "tests/lib/randgraph.h"

struct net {
	struct unit *unit;
	uint64_t seed;
	struct graph *g;
	struct random_graph of[DT_COUNT]; /* values by dtype; all share g */
	bool contractions; /* only contractions and data movement */
	int64_t batch;     /* first dimension of all inputs; 0: any */
	bool zero_size;    /* some tensors are empty */
};

/* The ops of training are behind it in the table. */
#define NET_LAST_OP OP_log_softmax

enum net_kind {
	NET_ANY,
	NET_CONTRACTIONS, /* only contractions and data movement */
	NET_BATCH,        /* images of one even batch, constant weights */
	NET_KINDS
};

/* A network of 1 to 8 nodes that depends on kind and seed only. */
struct graph *random_net(struct unit *u, uint64_t seed, enum net_kind kind);

/* ---- parts ---- */

int64_t net_between(struct net *n, int64_t lo, int64_t hi);
bool net_chance(struct net *n, int percent);

/* An input or a constant with elements from -limit to limit. */
struct value *net_leaf(struct net *n, enum dtype t, int rank,
    const int64_t *dim, double limit, bool constant);

/* A value of dtype t and a rank within limits, new where the pool has none. */
struct value *net_pick(struct net *n, enum dtype t, int lo, int hi);

/* Adds v to the values that later nodes may read. */
void net_offer(struct net *n, struct value *v);

/* The result of the spec, offered; NULL where it is no valid node. */
struct value *net_add(struct net *n, const struct node_spec *spec);

/* random_net_matrix.c: a contraction on values of dtype t. */
struct value *net_conv(struct net *n, enum dtype t, bool transposed);
struct value *net_matmul(struct net *n, enum dtype t);

/* Convolutions of one shape around which a value goes as residual. */
struct value *net_block(struct net *n, enum dtype t);

#endif
