/* The order that semaphores establish: vector clocks of queues, signals as
 * events that carry them. */
#ifndef WAVE_RUNTIME_SIM_CLOCKS_H
#define WAVE_RUNTIME_SIM_CLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/isa/isa.h"

/* Thread number t = group * Q_COUNT + queue. Each thread counts epochs, which
 * end with its SIGNALs; a clock says of each thread up to which epoch
 * everything is complete. */

struct clock_event { /* a signal that arrived */
	int64_t value;   /* of the semaphore, with it */
	uint32_t thread, epoch;
	uint32_t own;    /* ticket: what the signal itself guarantees */
	uint32_t all;    /* ticket: with all earlier signals */
};

struct clock_wait { /* a wait that passed */
	uint32_t thread, epoch, pc;
	uint32_t event; /* the first that sufficed */
};

struct clock_sem {
	struct clock_event *event;
	struct clock_wait *wait;
	uint32_t nevents, event_cap, nwaits, wait_cap;
	bool shared;  /* several threads signal it */
	bool ordered; /* each event is after all before it */
};

struct clocks {
	uint32_t threads, nsems; /* nsems per group */
	uint32_t *now;           /* threads x threads */
	uint32_t *pool;          /* tickets: clocks of `threads` numbers */
	size_t ntickets, ticket_cap;
	uint32_t *sender;        /* thread of each ticket */
	struct clock_sem *sem;   /* groups x nsems */
};

void clocks_init(struct clocks *c, uint32_t groups, uint32_t nsems);
void clocks_free(struct clocks *c);

/* Current epoch of a thread. */
static inline uint32_t
clocks_epoch(const struct clocks *c, uint32_t t)
{
	return c->now[(size_t)t * c->threads + t];
}

/* Whether everything of thread w up to epoch is ordered before what thread t
 * does now. */
static inline bool
clocks_ordered(const struct clocks *c, uint32_t t, uint32_t w,
    uint32_t epoch)
{
	return c->now[(size_t)t * c->threads + w] >= epoch;
}

/* A signal leaves thread t; returns its ticket. */
uint32_t clocks_signal(struct clocks *c, uint32_t t);
/* It arrives at semaphore number sem (over all groups) and brings it to value.
 * False with *victim set to a wait that might have passed on this signal
 * instead of one it needs: the order of its signallers is not fixed. */
bool clocks_fire(struct clocks *c, uint32_t sem, uint32_t ticket,
    int64_t value, struct clock_wait *victim);
/* Thread t passes a wait for want; false with *other set to the signaller of
 * an earlier such signal. */
bool clocks_wait(struct clocks *c, uint32_t t, uint32_t sem, int64_t want,
    uint32_t pc, uint32_t *other);
/* The threads of all groups' queue meet: each gets the clocks of all. */
void clocks_barrier(struct clocks *c, enum queue queue);

#endif
