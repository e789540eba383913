/* Semaphores: signals are events in simulated time, waits block queues. */
#include "runtime/sim/core.h"

#include <inttypes.h>
#include <stdlib.h>

#include "runtime/sim/check.h"

/* An instruction names one of 65536. */
int64_t
sim_semaphores(const struct sim *s)
{
	int64_t n = s->target->semaphores;

	return n < 1 ? 1 : n < 65536 ? n : 65536;
}

static uint32_t
new_slot(struct sim *s)
{
	if (s->nfree == 0) {
		uint32_t n = s->nsignals > 0 ? 2 * s->nsignals : 64;

		s->signals = realloc(s->signals, n * sizeof *s->signals);
		s->free_signals = realloc(s->free_signals,
		    n * sizeof *s->free_signals);
		if (s->signals == NULL || s->free_signals == NULL)
			ice("sim", "out of memory for %" PRIu32 " signals",
			    n);
		for (uint32_t i = n; i > s->nsignals; i--)
			s->free_signals[s->nfree++] = i - 1;
		s->nsignals = n;
	}
	return s->free_signals[--s->nfree];
}

void
sim_signal_at(struct sim *s, struct sim_queue *q, const struct sim_insn *in,
    int64_t time)
{
	uint32_t slot = new_slot(s);

	s->signals[slot] = (struct sim_signal){
		.group = (uint32_t)q->group->id,
		.sem = in->sem,
		.queue = q->id,
		.by = in->value,
	};
	if (s->check != NULL)
		s->signals[slot].ticket = check_signal(s->check,
		    q->group->id, q->id);
	if (time <= s->now)
		sim_signal_fire(s, slot);
	else
		heap_push(&s->heap, time, EVENT_SIGNAL | slot);
}

static void
remember(struct sem_history *h, int64_t time, int64_t value)
{
	if (h->len == h->cap) {
		h->cap = h->cap > 0 ? 2 * h->cap : 16;
		h->event = realloc(h->event, h->cap * sizeof *h->event);
		if (h->event == NULL)
			ice("sim", "out of memory for %zu signals", h->cap);
	}
	h->event[h->len++] = (struct sem_event){ time, value };
}

void
sim_signal_fire(struct sim *s, uint32_t slot)
{
	struct sim_signal *sig = &s->signals[slot];
	struct sim_group *g = &s->groups[sig->group];
	int64_t *value = &g->sem[sig->sem];

	*value += sig->by;
	if (g->history != NULL)
		remember(&g->history[sig->sem], s->now, *value);
	if (s->check != NULL)
		check_fire(s->check, g->id, sig->sem, sig->ticket, *value);
	for (int i = 0; i < Q_COUNT; i++) {
		struct sim_queue *q = &g->queue[i];

		if (q->state != QUEUE_BLOCKED || q->want > *value ||
		    q->code[q->pc].sem != sig->sem)
			continue;
		q->state = QUEUE_READY;
		q->time = later(q->time, s->now);
		heap_push(&s->heap, q->time, sim_queue_key(q));
	}
	s->free_signals[s->nfree++] = slot;
}

/* The first time at which the semaphore had the wanted value. */
static int64_t
when_reached(const struct sem_history *h, int64_t want)
{
	size_t lo = 0, hi = h->len;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (h->event[mid].value >= want)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo < h->len ? h->event[lo].time : 0;
}

bool
sim_wait(struct sim *s, struct sim_queue *q, uint32_t sem, int64_t want,
    int64_t *time)
{
	struct sim_group *g = q->group;

	if (want > 0 && g->sem[sem] < want)
		return false;
	if (want > 0 && g->history != NULL)
		*time = when_reached(&g->history[sem], want);
	if (want > 0 && s->check != NULL)
		check_wait(s->check, g->id, q->id, sem, want);
	return true;
}

const char *
sim_sem_name(const struct sim *s, uint32_t sem, char *buf, size_t size)
{
	const struct wave_program *p = s->program;
	uint64_t at = sem;

	for (const struct wave_entry *e = p->entries; e < s->entry; e++)
		at += e->nsems;
	if (at < p->nsem_names && p->sem_names[at] != NULL &&
	    p->sem_names[at][0] != '\0')
		snprintf(buf, size, "s%" PRIu32 " '%s'", sem,
		    p->sem_names[at]);
	else
		snprintf(buf, size, "s%" PRIu32, sem);
	return buf;
}

bool
sim_check_exit(struct sim *s)
{
	const struct wave_entry *e = s->entry;
	char name[128];

	if (e->sem_exit == NULL)
		return true;
	for (int i = 0; i < s->ngroups; i++)
		for (uint32_t j = 0; j < (uint32_t)sim_semaphores(s); j++) {
			int64_t have = s->groups[i].sem[j];
			int64_t want = j < e->nsems ? e->sem_exit[j] : 0;

			if (have == want)
				continue;
			diag_error(s->diag, NULL,
			    "entry '%s': group %d halts with semaphore %s at "
			    "%" PRId64 ", declared %" PRId64, e->name, i,
			    sim_sem_name(s, j, name, sizeof name), have,
			    want);
			return false;
		}
	return true;
}
