/* The wait graph of a deadlock. */
#include "runtime/sim/core.h"

#include <inttypes.h>

/* Whether queue q still has a SIGNAL of sem to execute: later in its code or
 * in a loop that is open. */
static bool
may_signal(const struct sim_queue *q, uint32_t sem)
{
	uint32_t from = q->pc;

	if (q->state == QUEUE_HALTED)
		return false;
	for (int l = 0; l < q->depth; l++)
		if (q->left[l] > 0 && q->body[l] < from)
			from = q->body[l];
	for (uint32_t i = from; i < q->count; i++)
		if (q->code[i].op == INSN_SIGNAL && q->code[i].sem == sem &&
		    q->code[i].trap == NULL)
			return true;
	return false;
}

static void
add_signallers(struct strbuf *b, const struct sim_group *g, uint32_t sem)
{
	int found = 0;

	for (int i = 0; i < Q_COUNT; i++) {
		const struct sim_queue *q = &g->queue[i];

		if (!may_signal(q, sem))
			continue;
		strbuf_addf(b, "%s%s at pc %" PRIu32,
		    found++ > 0 ? ", " : "; could still be signalled by ",
		    queue_name(q->id), q->base + q->pc);
	}
	if (found == 0)
		strbuf_add(b, "; no queue signals it any more");
}

static void note(struct diag *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
note(struct diag *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(d, DIAG_NOTE, NULL, fmt, ap);
	va_end(ap);
}

/* Who is missing at the barrier that q waits at. */
static void
describe_barrier(const struct sim *s, const struct sim_queue *q)
{
	struct strbuf b = { 0 };

	for (int g = 0; g < s->ngroups; g++)
		if (s->groups[g].queue[Q_CO].arrived < q->arrived)
			strbuf_addf(&b, "%s group %d",
			    b.len > 0 ? "," : "", g);
	note(s->diag,
	    "group %d queue %s pc %" PRIu32 " waits at barrier %" PRId64
	    " for%s",
	    q->group->id, queue_name(q->id), q->base + q->pc, q->arrived,
	    b.len > 0 ? b.data : " nobody");
	strbuf_free(&b);
}

static void
describe(const struct sim *s, const struct sim_queue *q)
{
	const struct sim_insn *in = &q->code[q->pc];
	struct strbuf b = { 0 };
	char name[128];

	if (in->op == INSN_BARRIER) {
		describe_barrier(s, q);
		return;
	}
	add_signallers(&b, q->group, in->sem);
	note(s->diag,
	    "group %d queue %s pc %" PRIu32 "%s waits for %s >= %" PRId64
	    ", it is %" PRId64 "%s",
	    q->group->id, queue_name(q->id), q->base + q->pc,
	    sim_op_text(s, in, (char[160]){ 0 }, 160),
	    sim_sem_name(s, in->sem, name, sizeof name), q->want,
	    q->group->sem[in->sem], b.data);
	strbuf_free(&b);
}

void
sim_deadlock(struct sim *s)
{
	int blocked = 0;

	for (int g = 0; g < s->ngroups; g++)
		for (int i = 0; i < Q_COUNT; i++)
			blocked += s->groups[g].queue[i].state ==
			    QUEUE_BLOCKED;
	diag_error(s->diag, NULL,
	    "entry '%s': deadlock at cycle %" PRId64
	    ": %d queues wait for signals that cannot come",
	    s->entry->name, s->now, blocked);
	for (int g = 0; g < s->ngroups; g++)
		for (int i = 0; i < Q_COUNT; i++)
			if (s->groups[g].queue[i].state == QUEUE_BLOCKED)
				describe(s, &s->groups[g].queue[i]);
}
