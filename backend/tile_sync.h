/* Shared by the parts of the dependence analysis: tile_distance.c (when do two
 * accesses meet), tile_needs.c (what must be ordered in one body),
 * tile_reduce.c (which of it needs a wait), tile_known.c (what follows from
 * waits), tile_lift.c (what that tells the body around), tile_sync.c (the
 * walk). */
#ifndef WAVE_BACKEND_TILE_SYNC_H
#define WAVE_BACKEND_TILE_SYNC_H

#include "backend/tile_access.h"
#include "backend/tile_order.h"

/* An access as a body sees it: of one child of the body, all iterations of the
 * loops inside the child taken together. */
struct sync_access {
	struct tile_access box;
	enum queue queue;
	uint32_t child;       /* index in the body */
	uint32_t first, last; /* leaves that make it */
	bool foreign;         /* the buffer's scope lies inside the child: only
	                         its addresses matter here */
};
typedef VEC(struct sync_access *) sync_access_vec;

/* Before leaf y of queue `to` starts in iteration N of the body, leaf x of
 * queue `from` must be complete in iteration N - distance. */
struct sync_need {
	enum queue from, to;
	uint32_t x, y;
	uint32_t a, b; /* children of the body with x and y */
	int64_t distance;
};
typedef VEC(struct sync_need) sync_need_vec;

/* A point in the progress of a queue, relative to the iteration of the body
 * under consideration: iteration * base + (2*leaf for "entered the child that
 * starts at leaf", 2*leaf + 1 for "completed leaf"). */
typedef int64_t sync_time;
#define SYNC_NEVER (INT64_MIN / 4)

/* What is known about the queues at some point. */
struct sync_clock {
	sync_time at[Q_COUNT];
};

struct sync_child {
	struct tile_node *node;
	struct tile_span span;
	uint32_t last[Q_COUNT];           /* leaf; where in span.queues */
	struct sync_clock exit[Q_COUNT];  /* known when queue Q is through */
	struct sync_clock edge[Q_COUNT];  /* waits of queue Q before it */
};

struct sync_body {
	struct tile_loop *loop; /* NULL: top level */
	int depth;              /* of the loop; -1 */
	int64_t iterations;     /* all of an entry */
	uint32_t nchildren;
	struct sync_child *child;
	sync_access_vec access; /* sorted by child */
	sync_need_vec need;
};

struct sync_pass {
	struct tile_program *p;
	struct arena *a;
	bool serialize;
	struct tile_order order;
	uint32_t (*last)[Q_COUNT];  /* last leaf by node order and queue */
	struct sync_clock *entry;   /* by leaf: known when it first starts, in
	                               terms of the body being worked on */
	sync_time base;
	struct tile_buffer *pe;     /* stands for the registers of the PEs */
	bool *shared;               /* by buffer: meets another's addresses */
};

/* Least D >= start with an iteration N of the body such that x in iteration N
 * and y in N + D may touch the same byte; -1 when there is none. Both boxes
 * are of the same buffer, whose scope encloses the body. */
int64_t tile_distance(const struct tile_loop *body, const struct tile_access *x,
    const struct tile_access *y, int64_t start);

/* A queue's part of a child of the body, with the times at which the queue
 * enters and completes it in iteration 0. */
struct sync_event {
	uint32_t child;
	sync_time enter, done;
};

/* The events of each queue in one iteration of a body (tile_reduce.c). */
struct sync_events {
	struct sync_pass *s;
	struct sync_body *body;
	size_t nevents[Q_COUNT];
	struct sync_event *event[Q_COUNT];
};
void sync_events(struct sync_events *r, struct sync_pass *s,
    struct sync_body *body);

/* Index of the last event of q entered at position pos, or -1. */
long sync_event_at(const struct sync_events *r, int q, sync_time pos);

sync_time sync_floor_div(sync_time a, sync_time b);
void sync_nothing(struct sync_clock *c);
/* Adds what `add`, moved by `by`, knows. */
void sync_learn(struct sync_clock *c, const struct sync_clock *add,
    sync_time by);

/* What is known from waits (tile_known.c): trees over the events, node 1 on
 * top and the leaves behind the others. Follows edges that change after it is
 * made only when told. */
struct sync_known {
	const struct sync_events *r;
	size_t leaves[Q_COUNT];
	struct sync_clock *node[Q_COUNT];
};
void sync_known(struct sync_known *k, const struct sync_events *r);
/* The wait of queue `to` for `from` before child c has changed. */
void sync_known_edge(struct sync_known *k, const struct sync_child *c,
    enum queue to, enum queue from);
/* Adds to c what follows at once from queue q having reached `now`. */
void sync_known_at(const struct sync_known *k, struct sync_clock *c, int q,
    sync_time now);

/* Marks buffers whose addresses another one of the space shares. */
void tile_sync_shared(struct sync_pass *s);

/* Fills body->need from its accesses. */
void tile_sync_needs(struct sync_pass *s, struct sync_body *body);

/* Chooses waits (child.edge) that imply every need, none of them idle. */
void tile_sync_reduce(struct sync_pass *s, struct sync_body *body);

/* Translates what is known inside the body to the body around it: entry[] of
 * its leaves, exit[] (one per queue) of the loop as a child. */
void tile_sync_lift(struct sync_pass *s, struct sync_body *body,
    struct sync_clock *exit);

/* Child of the body with this leaf. */
uint32_t tile_sync_child(const struct sync_body *body, uint32_t leaf);

#endif
