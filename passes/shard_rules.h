/* What shard.c and shard_rules.c share. */
#ifndef WAVE_PASSES_SHARD_RULES_H
#define WAVE_PASSES_SHARD_RULES_H

#include "ir/graph.h"

/* Operands that rules speak of; the last stands for all that follow. */
#define SHARD_OPERANDS 16

/* What a group has of a value of the original. */
struct held {
	struct value *whole;    /* all of it, as the other groups */
	struct value *share;    /* 1/parts of it, row-major */
	enum op combine;        /* OP_NONE, or: it is what this op makes of */
	struct value *partial;  /* one of each group, */
	struct value *gathered; /* which all have after they met */
};

struct shard {
	struct arena *arena;
	const struct graph *from;
	struct graph *to;
	int parts;
	bool trains; /* else results must not depend on parts */
	struct held *held; /* by value id of from */
	const char *phase; /* of the node at hand */
	const char *why;
	VEC(const struct value *) pending; /* partial, not gathered */
	VEC(const struct node *) list;     /* that wait */
	bool waiting;       /* nodes of the list are being copied */
	uint32_t last_read; /* nodes of `to` from here on are the end */
	const struct node *scanned; /* read_late: up to here */
	bool gathers;               /* and one was met behind last_read */
	struct node *run;     /* the first copy of the nodes of one layer group
	                         and phase that are being copied */
};

/* How a node runs in each group. */
enum shard_rule {
	SHARD_WHOLE, /* all of it, the same in all groups */
	SHARD_SPLIT, /* its share of the results */
	SHARD_SUM,   /* a partial result */
};

struct shard_use {
	bool share; /* the operand is read as a share */
};

/* Copies of v: all of it, or the group's share. Sums must be gathered. */
struct value *shard_whole(struct shard *s, const struct value *v);
struct value *shard_share(struct shard *s, const struct value *v);
/* Whether groups have nothing but their shares of v. */
bool shard_split(const struct shard *s, const struct value *v);

/* s->why = "OP 'NAME': rule"; false. */
bool shard_refuse(struct shard *s, const struct node *n, const char *rule);

/* Decides how n runs and what it reads; combine_by is the op that makes one of
 * partial results. False with s->why set. */
bool shard_rule(struct shard *s, const struct node *n, struct shard_use *use,
    enum shard_rule *rule, enum op *combine_by);

#endif
