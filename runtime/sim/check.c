#include "runtime/sim/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sim/clocks.h"
#include "runtime/sim/shadow.h"

#define MAX_REPORTS 20
#define MEMO 64
#define MIN_COLLECT ((size_t)1 << 20)
#define MAX_RUNS 0x1p28 /* of one operand */
#define NO_THREAD UINT32_MAX
#define STATE_EMPTY 0u /* nothing was written */
#define STATE_INIT 1u  /* written before the entry */

/* Who accessed: thread, its epoch, instruction of its queue. */
struct actor {
	uint32_t thread, epoch, pc;
};

struct reader {
	struct actor by;
	uint32_t next; /* 0: last */
};

/* History of a byte since its last write; states are shared by all bytes
 * with the same history, number 0 and 1 are fixed. */
struct state {
	struct actor writer; /* NO_THREAD: before the entry, or never */
	uint32_t readers;
};

#define CHAINED 16 /* results that a vector unit holds at a time */

/* A result that a vector unit keeps for chained sources. */
struct chained {
	bool used;
	enum dtype dtype;
	int rank;
	int64_t base, size[VEC_MAX_RANK], stride[VEC_MAX_RANK];
};

struct check {
	struct sim *sim;
	struct clocks clocks;
	struct shadow dram, *gbuf, *wbuf; /* per group */
	struct state *state;
	size_t nstates, state_cap;
	struct reader *reader;
	size_t nreaders, reader_cap;
	size_t limit; /* of states and readers before they are collected */

	struct chained *chain; /* by group, CHAINED results each, in turn */

	/* The access at hand. */
	struct actor me;
	bool write;
	enum space space;
	uint32_t written; /* state after a write, 0: not made yet */
	struct {
		uint32_t from, to;
	} memo[MEMO];

	uint64_t *reported; /* pairs of places already named */
	size_t nreported;
	uint64_t found;
};

static void *
grow(void *p, size_t count, size_t *cap, size_t item)
{
	if (count < *cap)
		return p;
	*cap = *cap > 0 ? 2 * *cap : 256;
	p = realloc(p, *cap * item);
	if (p == NULL)
		ice("checker", "out of memory for %zu states", *cap);
	return p;
}

static uint32_t
new_state(struct check *c, struct actor writer, uint32_t readers)
{
	c->state = grow(c->state, c->nstates, &c->state_cap,
	    sizeof *c->state);
	c->state[c->nstates] = (struct state){ writer, readers };
	return (uint32_t)c->nstates++;
}

static uint32_t
new_reader(struct check *c, struct actor by, uint32_t next)
{
	c->reader = grow(c->reader, c->nreaders, &c->reader_cap,
	    sizeof *c->reader);
	c->reader[c->nreaders] = (struct reader){ by, next };
	return (uint32_t)c->nreaders++;
}

/* ---- reports ---- */

/* True the first time for a pair of places; counts all. */
static bool
fresh_report(struct check *c, uint64_t kind, const struct actor *a,
    const struct actor *b)
{
	uint64_t key[5] = { kind, a->thread, a->pc, b->thread, b->pc };
	uint64_t h = hash_bytes(WAVE_HASH_SEED, key, sizeof key);

	for (size_t i = 0; i < c->nreported; i++)
		if (c->reported[i] == h)
			return false;
	c->found++;
	if (c->nreported == MAX_REPORTS)
		return false;
	c->reported[c->nreported++] = h;
	return true;
}

static const char *
place(const struct check *c, const struct actor *a, char *buf, size_t size)
{
	const struct sim *s = c->sim;
	const struct sim_queue *q =
	    &s->groups[a->thread / Q_COUNT].queue[a->thread % Q_COUNT];
	const struct sim_insn *in = &q->code[a->pc];
	char op[160];

	snprintf(buf, size, "group %d queue %s pc %" PRIu32 " %s%s",
	    q->group->id, queue_name(q->id), q->base + a->pc,
	    insn_name(in->op), sim_op_text(s, in, op, sizeof op));
	return buf;
}

static void
report_race(struct check *c, const struct actor *other, bool other_writes,
    int64_t lo, int64_t hi)
{
	char me[256], it[256];

	if (!fresh_report(c, 1 + (uint64_t)other_writes, &c->me, other))
		return;
	diag_error(c->sim->diag, NULL,
	    "race: %s %s %s bytes %" PRId64 "..%" PRId64 ", %s by %s, with "
	    "no order between them",
	    place(c, &c->me, me, sizeof me), c->write ? "writes" : "reads",
	    space_name(c->space), lo, hi - 1,
	    other_writes ? "written" : "read",
	    place(c, other, it, sizeof it));
}

static void
report_empty(struct check *c, int64_t lo, int64_t hi)
{
	char me[256];

	if (!fresh_report(c, 0, &c->me, &c->me))
		return;
	diag_error(c->sim->diag, NULL,
	    "uninitialised: %s reads %s bytes %" PRId64 "..%" PRId64
	    ", which nothing wrote",
	    place(c, &c->me, me, sizeof me), space_name(c->space), lo,
	    hi - 1);
}

static void
report_order(struct check *c, const struct actor *waiter, uint32_t sem,
    uint32_t thread)
{
	char me[256], name[128];
	struct actor other = { thread, 0, 0 };

	if (!fresh_report(c, 3, waiter, &other))
		return;
	diag_error(c->sim->diag, NULL,
	    "ambiguous: %s may pass on a signal of semaphore %s from group "
	    "%" PRIu32 " queue %s instead of the one it needs",
	    place(c, waiter, me, sizeof me),
	    sim_sem_name(c->sim, sem % c->clocks.nsems, name, sizeof name),
	    thread / Q_COUNT, queue_name((enum queue)(thread % Q_COUNT)));
}

/* ---- one access ---- */

static bool
ordered(const struct check *c, const struct actor *a)
{
	return a->thread == NO_THREAD || a->thread == c->me.thread ||
	    clocks_ordered(&c->clocks, c->me.thread, a->thread, a->epoch);
}

static uint32_t
after_write(struct check *c, const struct state *old, int64_t lo, int64_t hi)
{
	for (uint32_t r = old->readers; r != 0; r = c->reader[r].next)
		if (!ordered(c, &c->reader[r].by))
			report_race(c, &c->reader[r].by, false, lo, hi);
	if (c->written == 0)
		c->written = new_state(c, c->me, 0);
	return c->written;
}

/* Drops readers that are ordered before this one: who must be ordered after
 * this one is then after them. */
static uint32_t
after_read(struct check *c, uint32_t id, const struct state *old)
{
	uint32_t keep = 0;
	struct state s = *old;

	for (uint32_t r = s.readers; r != 0; r = c->reader[r].next) {
		struct actor by = c->reader[r].by;

		if (by.thread == c->me.thread && by.epoch == c->me.epoch)
			return id;
		if (!ordered(c, &by))
			keep = new_reader(c, by, keep);
	}
	return new_state(c, s.writer, new_reader(c, c->me, keep));
}

static uint32_t
next_state(void *user, uint32_t id, int64_t lo, int64_t hi)
{
	struct check *c = user;
	uint32_t slot = id % MEMO;

	if (c->memo[slot].from == id + 1)
		return c->memo[slot].to;
	struct state old = c->state[id];

	if (!ordered(c, &old.writer))
		report_race(c, &old.writer, true, lo, hi);
	if (!c->write && id == STATE_EMPTY)
		report_empty(c, lo, hi);
	/* A read of nothing is reported once, then taken as written. */
	if (!c->write && id == STATE_EMPTY)
		old = c->state[STATE_INIT];
	uint32_t to = c->write ? after_write(c, &old, lo, hi) :
				 after_read(c, id, &old);

	c->memo[slot].from = id + 1;
	c->memo[slot].to = to;
	return to;
}

static struct shadow *
shadow_of(struct check *c, enum space space, uint32_t thread)
{
	if (space == SPACE_DRAM)
		return &c->dram;
	return space == SPACE_GBUF ? &c->gbuf[thread / Q_COUNT] :
				     &c->wbuf[thread / Q_COUNT];
}

static void
access_run(void *user, int64_t lo, int64_t len)
{
	struct check *c = user;

	shadow_map(shadow_of(c, c->space, c->me.thread), lo, len, next_state,
	    c);
}

static void
access_box(void *user, const struct box *b)
{
	struct check *c = user;
	char me[256];

	if (box_run_count(b) < MAX_RUNS)
		box_runs(b, access_run, user);
	else if (fresh_report(c, 4, &c->me, &c->me))
		diag_error(c->sim->diag, NULL,
		    "unchecked: %s touches too many pieces of %s",
		    place(c, &c->me, me, sizeof me), space_name(c->space));
}

static void collect(struct check *c);

static void
begin_access(struct check *c, const struct sim_queue *q, enum space space,
    bool write)
{
	c->me.thread = (uint32_t)(q->group->id * Q_COUNT + (int)q->id);
	c->me.epoch = clocks_epoch(&c->clocks, c->me.thread);
	c->me.pc = q->pc;
	c->write = write;
	c->space = space;
	c->written = 0;
	memset(c->memo, 0, sizeof c->memo);
	collect(c);
}

void
check_dma(struct check *c, const struct sim_queue *q, const struct dma *d,
    const struct access_dma *a, bool load)
{
	begin_access(c, q, SPACE_DRAM, false);
	access_box(c, &a->index);
	begin_access(c, q, load ? SPACE_DRAM : d->space, false);
	access_box(c, load ? &a->dram : &a->chip);
	begin_access(c, q, load ? d->space : SPACE_DRAM, true);
	access_box(c, load ? &a->chip : &a->dram);
}

/* ---- chains ---- */

static struct chained
chained_of(const struct check *c, const struct sim_queue *q,
    const struct vec *v, const struct vec_operand *o)
{
	struct chained r = { .used = true, .dtype = o->dtype,
		.rank = v->rank, .base = aff_eval(
		    &c->sim->tables.aff[o->base], q->idx, q->group->id) };

	for (int i = 0; i < v->rank; i++) {
		r.size[i] = v->size[i];
		r.stride[i] = o->stride[i];
	}
	return r;
}

static bool
same_chained(const struct chained *a, const struct chained *b)
{
	bool same = a->used && b->used && a->dtype == b->dtype &&
	    a->rank == b->rank && a->base == b->base;

	for (int i = 0; same && i < a->rank; i++)
		same = a->size[i] == b->size[i] &&
		    a->stride[i] == b->stride[i];
	return same;
}

/* The result that v leaves in the unit takes the place of one with its name,
 * else of the oldest. */
static void
note_chained(struct check *c, const struct sim_queue *q, const struct vec *v)
{
	struct chained *of = &c->chain[q->group->id * CHAINED];
	struct chained r = chained_of(c, q, v, &v->dst);
	int at = 0;

	while (at < CHAINED - 1 && !(of[at].used && of[at].base == r.base))
		at++;
	memmove(&of[1], &of[0], (size_t)at * sizeof *of);
	of[0] = r;
}

static void
check_chained(struct check *c, const struct sim_queue *q,
    const struct vec *v, const struct vec_operand *o)
{
	const struct chained *of = &c->chain[q->group->id * CHAINED];
	struct chained r = chained_of(c, q, v, o);
	char me[256];

	for (int i = 0; i < CHAINED; i++)
		if (same_chained(&of[i], &r))
			return;
	if (fresh_report(c, 5, &c->me, &c->me))
		diag_error(c->sim->diag, NULL,
		    "no result was left in the vector unit for the chained "
		    "source of %s", place(c, &c->me, me, sizeof me));
}

void
check_vec(struct check *c, const struct sim_queue *q, enum opcode op,
    const struct vec *v)
{
	const struct aff *aff = c->sim->tables.aff;

	for (int i = 0; i < VEC_MAX_SRC; i++) {
		const struct vec_operand *o = &v->src[i];

		if (o->space == SPACE_NONE)
			continue;
		begin_access(c, q, o->space, false);
		if ((v->chain >> i & 1) != 0)
			check_chained(c, q, v, o);
		(void)access_vec_boxes(op, v, i,
		    aff_eval(&aff[o->base], q->idx, q->group->id),
		    access_box, c);
	}
	begin_access(c, q, v->dst.space, true);
	(void)access_vec_boxes(op, v, -1,
	    aff_eval(&aff[v->dst.base], q->idx, q->group->id), access_box,
	    c);
	if ((v->chain & VEC_CHAIN_DST) != 0)
		note_chained(c, q, v);
}

static void
check_tile(struct check *c, const struct sim_queue *q, const struct view *v,
    int64_t outer, int64_t k, bool write)
{
	struct access_tile a = sim_tile(c->sim, q, v, outer, k);

	begin_access(c, q, v->space, write);
	(void)access_tile_boxes(&a, access_box, c);
}

void
check_view(struct check *c, const struct sim_queue *q,
    const struct sim_insn *in, bool store)
{
	const struct view *v = &c->sim->tables.view[in->desc];
	const struct epi *e = &c->sim->tables.epi[in->epi];
	const struct epi_vector *channel[2] = { &e->scale, &e->bias };
	bool drain = in->op == INSN_StLBUF || in->op == INSN_LdOBUF;
	int64_t k = drain ? in->n : in->k;

	for (int i = 0; i < 2 && in->epi != 0; i++) {
		if (channel[i]->space == SPACE_NONE)
			continue;
		struct view cv = access_channel_view(v, channel[i]);

		check_tile(c, q, &cv, in->m, k, false);
	}
	if (in->epi != 0 && e->res_space != SPACE_NONE) {
		struct view rv = access_residual_view(v, e);

		check_tile(c, q, &rv, in->m, k, false);
	}
	check_tile(c, q, v, in->m, k, store);
}

/* ---- order ---- */

static uint32_t
thread_of(int group, enum queue q)
{
	return (uint32_t)group * Q_COUNT + (uint32_t)q;
}

uint32_t
check_signal(struct check *c, int group, enum queue q)
{
	return clocks_signal(&c->clocks, thread_of(group, q));
}

void
check_fire(struct check *c, int group, uint32_t sem, uint32_t ticket,
    int64_t value)
{
	struct clock_wait w;
	uint32_t id = (uint32_t)group * c->clocks.nsems + sem;

	if (clocks_fire(&c->clocks, id, ticket, value, &w))
		return;
	struct actor a = { w.thread, 0, w.pc };

	report_order(c, &a, sem, c->clocks.sender[ticket]);
}

void
check_wait(struct check *c, int group, enum queue q, uint32_t sem,
    int64_t want)
{
	uint32_t t = thread_of(group, q), other;
	struct actor a = { t, 0, c->sim->groups[group].queue[q].pc };

	if (!clocks_wait(&c->clocks, t,
		(uint32_t)group * c->clocks.nsems + sem, want, a.pc, &other))
		report_order(c, &a, sem, other);
}

void
check_barrier(struct check *c)
{
	clocks_barrier(&c->clocks, Q_CO);
}

/* ---- keeping the table of states small ---- */

struct remap {
	struct check *c;
	struct state *old;
	struct reader *oldr;
	uint32_t *to; /* new number + 1 */
};

static uint32_t
keep_state(void *user, uint32_t id, int64_t lo, int64_t hi)
{
	struct remap *r = user;
	uint32_t list = 0;

	(void)lo;
	(void)hi;
	if (id <= STATE_INIT)
		return id;
	if (r->to[id] != 0)
		return r->to[id] - 1;
	for (uint32_t i = r->old[id].readers; i != 0; i = r->oldr[i].next)
		list = new_reader(r->c, r->oldr[i].by, list);
	uint32_t n = new_state(r->c, r->old[id].writer, list);

	r->to[id] = n + 1;
	return n;
}

static void
map_memories(struct check *c, shadow_fn *fn, void *user)
{
	shadow_map_all(&c->dram, fn, user);
	for (int g = 0; g < c->sim->groups_made; g++) {
		shadow_map_all(&c->gbuf[g], fn, user);
		shadow_map_all(&c->wbuf[g], fn, user);
	}
}

static void
first_states(struct check *c)
{
	struct actor nobody = { NO_THREAD, 0, 0 };

	c->state = NULL;
	c->reader = NULL;
	c->nstates = c->state_cap = c->nreaders = c->reader_cap = 0;
	(void)new_state(c, nobody, 0);
	(void)new_state(c, nobody, 0);
	(void)new_reader(c, nobody, 0);
}

/* Drops states that no byte has any more, when there are many. */
static void
collect(struct check *c)
{
	if (c->nstates + c->nreaders < c->limit)
		return;
	struct remap r = { c, c->state, c->reader,
		calloc(c->nstates, sizeof(uint32_t)) };

	if (r.to == NULL)
		ice("checker", "out of memory for %zu states", c->nstates);
	first_states(c);
	map_memories(c, keep_state, &r);
	free(r.old);
	free(r.oldr);
	free(r.to);
	c->limit = 2 * (c->nstates + c->nreaders) + MIN_COLLECT;
}

/* ---- entries ---- */

static uint32_t
to_init(void *user, uint32_t value, int64_t lo, int64_t hi)
{
	(void)user;
	(void)lo;
	(void)hi;
	return value == STATE_EMPTY ? STATE_EMPTY : STATE_INIT;
}

static uint32_t
set_init(void *user, uint32_t value, int64_t lo, int64_t hi)
{
	(void)value;
	(void)lo;
	(void)hi;
	return *(uint32_t *)user;
}

static void
mark(struct check *c, uint64_t address, uint64_t size)
{
	uint32_t init = STATE_INIT;
	uint64_t end = c->sim->program->dram_size;

	if (address >= end)
		return;
	size = size < end - address ? size : end - address;
	shadow_map(&c->dram, (int64_t)address, (int64_t)size, set_init,
	    &init);
}

/* Initial data, inputs and state hold something, with their padding. */
static void
mark_initial(struct check *c)
{
	const struct wave_program *p = c->sim->program;

	mark(c, 0, p->data.size);
	for (uint32_t i = 0; i < p->nbindings; i++) {
		const struct wave_binding *b = &p->bindings[i];
		int64_t bytes = (int64_t)dtype_size(b->dtype), n;

		if (b->kind == WAVE_BIND_OUTPUT)
			continue;
		for (int d = 0; d < b->rank; d++)
			if (mul_int64(b->dim[d], b->stride[d], &n) &&
			    n > bytes)
				bytes = n;
		mark(c, b->address, (uint64_t)bytes);
	}
}

struct check *
check_new(struct sim *s)
{
	struct check *c = calloc(1, sizeof *c);
	size_t groups = (size_t)s->groups_made;

	if (c == NULL)
		ice("checker", "out of memory");
	c->sim = s;
	c->gbuf = calloc(groups, sizeof *c->gbuf);
	c->wbuf = calloc(groups, sizeof *c->wbuf);
	c->chain = calloc(groups * CHAINED, sizeof *c->chain);
	c->reported = calloc(MAX_REPORTS, sizeof *c->reported);
	if (c->gbuf == NULL || c->wbuf == NULL || c->reported == NULL ||
	    c->chain == NULL)
		ice("checker", "out of memory");
	shadow_init(&c->dram, s->program->dram_size);
	for (size_t g = 0; g < groups; g++) {
		shadow_init(&c->gbuf[g], s->program->gbuf_size);
		shadow_init(&c->wbuf[g], s->program->wbuf_size);
	}
	first_states(c);
	c->limit = MIN_COLLECT;
	mark_initial(c);
	return c;
}

void
check_free(struct check *c)
{
	if (c == NULL)
		return;
	shadow_free(&c->dram);
	for (int g = 0; g < c->sim->groups_made; g++) {
		shadow_free(&c->gbuf[g]);
		shadow_free(&c->wbuf[g]);
	}
	clocks_free(&c->clocks);
	free(c->gbuf);
	free(c->wbuf);
	free(c->chain);
	free(c->state);
	free(c->reader);
	free(c->reported);
	free(c);
}

void
check_begin(struct check *c)
{
	uint32_t empty = STATE_EMPTY;

	shadow_map_all(&c->dram, to_init, NULL);
	for (int g = 0; g < c->sim->groups_made; g++) {
		shadow_map_all(&c->gbuf[g], set_init, &empty);
		shadow_map_all(&c->wbuf[g], set_init, &empty);
	}
	memset(c->chain, 0, (size_t)c->sim->groups_made * CHAINED *
	    sizeof *c->chain);
	free(c->state);
	free(c->reader);
	first_states(c);
	clocks_free(&c->clocks);
	clocks_init(&c->clocks, (uint32_t)c->sim->ngroups,
	    (uint32_t)sim_semaphores(c->sim));
	c->limit = MIN_COLLECT;
	c->nreported = 0;
	c->found = 0;
}

bool
check_end(struct check *c)
{
	if (c->found > c->nreported)
		diag_error(c->sim->diag, NULL,
		    "%" PRIu64 " more findings of the checker are not shown",
		    c->found - (uint64_t)c->nreported);
	return c->found == 0;
}
