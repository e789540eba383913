/* Control instructions. */
#include "runtime/sim/core.h"

#include "runtime/sim/check.h"

void
sim_complete(struct sim_queue *q, int64_t end)
{
	q->end = end;
	q->done = later(q->done, end);
}

void
sim_next(struct sim *s, struct sim_queue *q)
{
	q->time += s->target->issue_cycles;
	q->pc++;
}

const char *
step_NOP(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	(void)in;
	sim_next(s, q);
	return NULL;
}

const char *
step_HALT(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	(void)in;
	if (q->depth > 0)
		return "HALT inside a loop";
	q->time += s->target->issue_cycles;
	q->state = QUEUE_HALTED;
	q->group->finish = later(q->group->finish, later(q->time, q->done));
	return NULL;
}

const char *
step_LOOP(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	if (q->depth == ISA_MAX_LOOPS)
		return "a ninth loop level";
	sim_next(s, q);
	q->idx[q->depth] = 0;
	q->left[q->depth] = in->value - 1;
	q->body[q->depth] = q->pc;
	q->depth++;
	return NULL;
}

const char *
step_ENDLOOP(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	int top = q->depth - 1;

	(void)in;
	if (top < 0)
		return "ENDLOOP without LOOP";
	sim_next(s, q);
	if (q->left[top] > 0) {
		q->left[top]--;
		q->idx[top]++;
		q->pc = q->body[top];
	} else {
		q->idx[top] = 0;
		q->depth = top;
	}
	return NULL;
}

/* The signal is sent when everything before it in the queue is complete; the
 * queue itself goes on. */
const char *
step_SIGNAL(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	int64_t time = later(q->time, q->done);

	sim_signal_at(s, q, in, time);
	q->group->finish = later(q->group->finish, time);
	sim_next(s, q);
	return NULL;
}

/* The last group to arrive lets the others go on. */
static void
open_barrier(struct sim *s, const struct sim_queue *last)
{
	for (int i = 0; i < s->ngroups; i++) {
		struct sim_queue *q = &s->groups[i].queue[Q_CO];

		if (q == last)
			continue;
		q->state = QUEUE_READY;
		q->time = later(q->time, last->time);
		heap_push(&s->heap, q->time, sim_queue_key(q));
	}
	if (s->check != NULL)
		check_barrier(s->check);
}

const char *
step_BARRIER(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	(void)in;
	if (q->arrived == q->barriers) {
		q->arrived++;
		q->time = later(q->time, q->done);
		s->arrivals++;
		if (s->arrivals == q->arrived * s->ngroups)
			open_barrier(s, q);
	}
	if (s->arrivals < q->arrived * s->ngroups) {
		q->state = QUEUE_BLOCKED;
		q->want = INT64_MAX;
		return NULL;
	}
	q->barriers++;
	sim_next(s, q);
	return NULL;
}

const char *
step_WAIT(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	int64_t want = in->value, time = q->time;

	if (in->vaff != 0 && !add_int64(want,
		aff_eval(&s->tables.aff[in->vaff], q->idx, q->group->id),
		&want))
		return "the awaited value overflows";
	if (!sim_wait(s, q, in->sem, want, &time)) {
		q->state = QUEUE_BLOCKED;
		q->want = want;
		return NULL;
	}
	q->time = later(q->time, time);
	sim_next(s, q);
	return NULL;
}
