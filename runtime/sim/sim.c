/* The device: open, run an entry, close. */
#include "runtime/sim/core.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/sim/check.h"
#include "runtime/sim/pool.h"

#define MAX_TIME ((int64_t)1 << 60)
#define MAX_GROUPS 4096
#define MAX_BANKS 65536

static step_fn *const steps[256] = {
#define INSN(name, code, queues, fields, summary) [code] = step_##name,
#include "backend/isa/insns.def"
};

const char *
sim_op_text(const struct sim *s, const struct sim_insn *in, char *buf,
    size_t size)
{
	buf[0] = '\0';
	if (in->source < s->program->nops) {
		const struct wave_op *op = &s->program->ops[in->source];

		snprintf(buf, size, " (%s, %s)",
		    op->name != NULL ? op->name : "?",
		    op->op != NULL ? op->op : "?");
	}
	return buf;
}

static bool
trap(struct sim *s, const struct sim_queue *q, const char *why)
{
	char op[160];

	diag_error(s->diag, NULL,
	    "entry '%s': trap in group %d, queue %s, pc %" PRIu32
	    " %s%s at cycle %" PRId64 ": %s",
	    s->entry->name, q->group->id, queue_name(q->id), q->base + q->pc,
	    q->pc < q->count ? insn_name(q->code[q->pc].op) : "-",
	    sim_op_text(s, &q->code[q->pc], op, sizeof op), q->time, why);
	return false;
}

static void
log_insn(struct sim *s, const struct sim_queue *q, uint32_t pc,
    int64_t dispatch)
{
	struct insn_word w = insn_load(s->program->code[q->id].data,
	    (size_t)q->base + pc);
	struct strbuf b = { 0 };
	struct insn in;
	char op[160];

	if (insn_decode(&w, &in, &(const char *){ NULL }))
		insn_print(&b, &in);
	fprintf(s->options.log,
	    "%10" PRId64 " %10" PRId64 " g%d.%s %5" PRIu32 "  %s%s\n",
	    dispatch, q->end, q->group->id, queue_name(q->id), q->base + pc,
	    b.data != NULL ? b.data : "",
	    sim_op_text(s, &q->code[pc], op, sizeof op));
	strbuf_free(&b);
}

/* Runs the queue's next instruction, or the one that asked for a grant. */
static bool
step(struct sim *s, struct sim_queue *q)
{
	const struct sim_insn *in = &q->code[q->pc];
	bool grant = q->state == QUEUE_GRANT;
	uint32_t pc = q->pc;
	int64_t dispatch = grant ? q->dispatch : q->time;
	int64_t limit = s->options.max_instructions;

	if (in->trap != NULL)
		return trap(s, q, in->trap);
	step_fn *fn = !grant ? steps[in->op] :
	    q->id == Q_LD || q->id == Q_ST ? sim_dma_grant : sim_array_grant;
	const char *why;

	q->end = dispatch;
	why = fn(s, q, in);
	if (why != NULL)
		return trap(s, q, why);
	if (q->pc == pc && q->state != QUEUE_HALTED)
		return true;
	if (s->options.log != NULL)
		log_insn(s, q, pc, dispatch);
	q->stats.instructions++;
	s->ops[in->source].instructions++;
	if (limit > 0 && ++s->executed > limit)
		return trap(s, q, "the limit of instructions is reached");
	return true;
}

/* Runs a queue until another event comes first. */
static bool
run_queue(struct sim *s, struct sim_queue *q)
{
	uint64_t key = sim_queue_key(q);

	for (;;) {
		s->now = later(s->now, q->time);
		if (s->now > MAX_TIME)
			return trap(s, q, "time overflows");
		if (!step(s, q))
			return false;
		if (q->state == QUEUE_BLOCKED || q->state == QUEUE_HALTED)
			return true;
		const struct sim_event *top = s->heap.at;

		if (s->heap.len > 0 && (top->time < q->time ||
		    (top->time == q->time && top->key < key)))
			break;
	}
	heap_push(&s->heap, q->time, key);
	return true;
}

static bool
run_events(struct sim *s)
{
	while (s->heap.len > 0) {
		struct sim_event e = s->heap.at[0];

		heap_pop(&s->heap);
		s->now = later(s->now, e.time);
		if ((e.key & EVENT_QUEUE) == 0) {
			sim_signal_fire(s, (uint32_t)e.key);
			continue;
		}
		struct sim_group *g = &s->groups[(e.key & ~EVENT_QUEUE) >> 8];

		if (!run_queue(s, &g->queue[e.key & 255]))
			return false;
	}
	for (int i = 0; i < s->ngroups; i++)
		for (int q = 0; q < Q_COUNT; q++)
			if (s->groups[i].queue[q].state != QUEUE_HALTED) {
				sim_deadlock(s);
				return false;
			}
	return true;
}

/* ---- one run ---- */

static bool
uses_array(const struct sim *s, enum queue q)
{
	for (uint32_t i = 0; i < s->entry->count[q]; i++)
		if (s->code[q][i].op == INSN_ShiftV ||
		    s->code[q][i].op == INSN_ExecGEMM)
			return true;
	return false;
}

static void
start_queue(struct sim *s, struct sim_group *g, enum queue id)
{
	struct sim_queue *q = &g->queue[id];
	struct matrix m = q->mat;
	size_t lb = (size_t)later(s->target->lbuf_banks, 1);
	size_t ob = (size_t)later(s->target->obuf_banks, 1);

	memset(q, 0, sizeof *q);
	q->id = id;
	q->group = g;
	q->code = s->code[id];
	q->count = s->entry->count[id];
	q->base = s->entry->first[id];
	q->ex = id == Q_ML ? &g->ex_ml : &g->ex;
	if (q->count == 0) {
		q->state = QUEUE_HALTED;
		return;
	}
	if (id == Q_MX || id == Q_ML) {
		m.vb = q->ex->array.lbuf_v;
		m.hb = q->ex->array.lbuf_h;
		m.ob = q->ex->array.obuf;
		q->mat = (struct matrix){ .vb = m.vb, .hb = m.hb,
			.ob = m.ob };
		q->mat.v = NEW_ARRAY(s->run_arena, struct bank_time, lb);
		q->mat.h = NEW_ARRAY(s->run_arena, struct bank_time, lb);
		q->mat.obuf = NEW_ARRAY(s->run_arena, struct bank_time, ob);
		for (size_t i = 0; i < ob; i++)
			q->mat.obuf[i].started = -s->target->rows;
	}
	heap_push(&s->heap, 0, sim_queue_key(q));
}

static void
forget_banks(struct exec_array *a, const struct wave_target *t)
{
	for (int64_t i = 0; i < later(t->lbuf_banks, 1); i++) {
		a->lbuf_v[i].rows = a->lbuf_v[i].cols = 0;
		a->lbuf_h[i].rows = a->lbuf_h[i].cols = 0;
	}
	for (int64_t i = 0; i < later(t->obuf_banks, 1); i++)
		a->obuf[i].rows = a->obuf[i].cols = 0;
	a->pe.rows = a->pe.cols = 0;
}

static void
start_group(struct sim *s, struct sim_group *g)
{
	size_t nsems = (size_t)sim_semaphores(s);

	memset(&g->array, 0, sizeof g->array);
	g->array_owner = Q_MX;
	g->finish = 0;
	memset(g->busy, 0, sizeof g->busy);
	memset(g->until, 0, sizeof g->until);
	for (int u = 0; u < UNIT_COUNT; u++)
		g->spans[u].len = 0, g->spans[u].slack = 0;
	g->sem = NEW_ARRAY(s->run_arena, int64_t, nsems);
	g->history = s->shared_array ? NEW_ARRAY(s->run_arena,
	    struct sem_history, nsems) : NULL;
	forget_banks(&g->ex.array, s->target);
	forget_banks(&g->ex_ml.array, s->target);
	for (int q = 0; q < Q_COUNT; q++)
		start_queue(s, g, (enum queue)q);
}

static void
free_history(struct sim *s)
{
	for (int i = 0; s->shared_array && i < s->ngroups; i++)
		for (int64_t j = 0; j < sim_semaphores(s); j++)
			free(s->groups[i].history[j].event);
	s->shared_array = false;
}

static const struct wave_entry *
find_entry(const struct wave_program *p, const char *name)
{
	for (uint32_t i = 0; i < p->nentries; i++)
		if (strcmp(p->entries[i].name, name) == 0)
			return &p->entries[i];
	return NULL;
}

static bool
check_entry(const struct sim *s, struct diag *d)
{
	const struct wave_entry *e = s->entry;

	if (e->groups < 1 || e->groups > s->groups_made) {
		diag_error(d, NULL,
		    "entry '%s' runs on %d groups, the target has %d",
		    e->name, e->groups, s->groups_made);
		return false;
	}
	for (int q = 0; q < Q_COUNT; q++)
		if ((uint64_t)e->first[q] + e->count[q] >
		    s->program->code[q].size / 16) {
			diag_error(d, NULL,
			    "entry '%s': its code of queue %s is outside the "
			    "program", e->name, queue_name((enum queue)q));
			return false;
		}
	return true;
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void
start_run(struct sim *s)
{
	arena_free(s->run_arena);
	s->run_arena = arena_new();
	s->have_stats = false;
	s->ngroups = s->entry->groups;
	s->now = s->dram_free = s->executed = 0;
	s->arrivals = 0;
	s->peak_gbuf = s->peak_wbuf = 0;
	s->heap.len = 0;
	s->nfree = 0;
	for (uint32_t i = s->nsignals; i > 0; i--)
		s->free_signals[s->nfree++] = i - 1;
	s->ops = NEW_ARRAY(s->run_arena, struct sim_counters,
	    (size_t)s->program->nops + 1);
	sim_decode(s);
	s->shared_array = uses_array(s, Q_MX) && uses_array(s, Q_ML);
	for (int i = 0; i < s->ngroups; i++)
		start_group(s, &s->groups[i]);
}

static bool
sim_run(struct device *dev, const char *entry, struct diag *d)
{
	struct sim *s = (struct sim *)dev;
	double t0 = seconds();

	s->entry = find_entry(s->program, entry);
	if (s->entry == NULL) {
		diag_error(d, NULL, "the program has no entry '%s'", entry);
		return false;
	}
	if (!check_entry(s, d))
		return false;
	s->diag = d;
	start_run(s);
	if (s->check != NULL)
		check_begin(s->check);
	bool ok = run_events(s) && sim_check_exit(s);

	free_history(s);
	if (s->check != NULL && !check_end(s->check))
		ok = false;
	if (ok) {
		sim_finish(s, seconds() - t0);
		s->have_stats = true;
	}
	s->diag = NULL;
	return ok;
}

/* ---- open and close ---- */

static bool
sim_move(struct sim *s, uint64_t address, size_t size)
{
	return s->dram.data != NULL && address <= s->dram.size &&
	    size <= s->dram.size - address;
}

static bool
sim_write(struct device *dev, uint64_t address, const void *data,
    size_t size)
{
	struct sim *s = (struct sim *)dev;

	if (!sim_move(s, address, size))
		return false;
	memcpy(s->dram.data + address, data, size);
	return true;
}

static bool
sim_read(struct device *dev, uint64_t address, void *data, size_t size)
{
	struct sim *s = (struct sim *)dev;

	if (!sim_move(s, address, size))
		return false;
	memcpy(data, s->dram.data + address, size);
	return true;
}

static void
free_array(struct exec_array *a, const struct wave_target *t)
{
	for (int64_t i = 0; i < later(t->lbuf_banks, 1); i++) {
		free(a->lbuf_v[i].data);
		free(a->lbuf_h[i].data);
	}
	for (int64_t i = 0; i < later(t->obuf_banks, 1); i++)
		free(a->obuf[i].data);
	free(a->pe.data);
}

static void
sim_close(struct device *dev)
{
	struct sim *s = (struct sim *)dev;

	for (int i = 0; i < s->groups_made; i++) {
		struct sim_group *g = &s->groups[i];

		free_array(&g->ex.array, s->target);
		free_array(&g->ex_ml.array, s->target);
		free(g->ex.gbuf.data);
		free(g->ex.wbuf.data);
		for (int u = 0; u < UNIT_COUNT; u++)
			free(g->spans[u].span);
	}
	pool_free(s->pool);
	check_free(s->check);
	free(s->dram.data);
	free(s->heap.at);
	free(s->signals);
	free(s->free_signals);
	arena_free(s->run_arena);
	arena_free(s->arena);
	free(s);
}

static const struct device_ops sim_ops = { sim_write, sim_read, sim_run,
	sim_close };

static bool
fits(struct diag *d, const char *what, uint64_t need, int64_t have)
{
	if ((have <= 0 || need <= (uint64_t)have) && need < (uint64_t)1 << 44)
		return true;
	diag_error(d, NULL,
	    "the program needs %" PRIu64 " bytes of %s, the target has "
	    "%" PRId64, need, what, have);
	return false;
}

static bool
make_memory(struct sim *s, struct diag *d, struct mem *m, uint64_t size,
    const char *what)
{
	m->size = size;
	if (s->options.timing_only)
		return true;
	m->data = calloc(size > 0 ? (size_t)size : 1, 1);
	if (m->data == NULL)
		diag_error(d, NULL, "no host memory for %" PRIu64
		    " bytes of %s", size, what);
	return m->data != NULL;
}

static void
make_array(struct sim *s, struct exec_array *a)
{
	size_t lb = (size_t)later(s->target->lbuf_banks, 1);
	size_t ob = (size_t)later(s->target->obuf_banks, 1);

	a->lbuf_v = NEW_ARRAY(s->arena, struct bank, lb);
	a->lbuf_h = NEW_ARRAY(s->arena, struct bank, lb);
	a->obuf = NEW_ARRAY(s->arena, struct bank, ob);
}

static bool
make_group(struct sim *s, struct diag *d, struct sim_group *g, int id)
{
	const struct wave_program *p = s->program;

	g->id = id;
	make_array(s, &g->ex.array);
	make_array(s, &g->ex_ml.array);
	s->groups_made++;
	if (!make_memory(s, d, &g->ex.gbuf, p->gbuf_size, "GBUF") ||
	    !make_memory(s, d, &g->ex.wbuf, p->wbuf_size, "WBUF"))
		return false;
	g->ex.dram = g->ex_ml.dram = &s->dram;
	g->ex_ml.gbuf = g->ex.gbuf;
	g->ex_ml.wbuf = g->ex.wbuf;
	g->ex.group = g->ex_ml.group = id;
	g->ex.tables = g->ex_ml.tables = &s->tables;
	g->ex.target = g->ex_ml.target = s->target;
	g->ex.pool = g->ex_ml.pool = s->pool;
	return true;
}

static bool
make_machine(struct sim *s, struct diag *d)
{
	const struct wave_program *p = s->program;
	const struct wave_target *t = s->target;
	int groups = 1;

	for (int k = 0; k < DESC_COUNT; k++)
		if (!desc_decode(s->arena, d, (enum desc_kind)k,
			p->desc[k].data, p->desc[k].size, &s->tables))
			return false;
	if (!fits(d, "DRAM", p->dram_size, t->dram_bytes) ||
	    !fits(d, "GBUF", p->gbuf_size, t->gbuf_bytes) ||
	    !fits(d, "WBUF", p->wbuf_size, t->wbuf_bytes) ||
	    !make_memory(s, d, &s->dram, p->dram_size, "DRAM"))
		return false;
	if (p->data.size > p->dram_size) {
		diag_error(d, NULL, "the initial data is larger than the "
		    "program's DRAM");
		return false;
	}
	if (s->dram.data != NULL && p->data.size > 0)
		memcpy(s->dram.data, p->data.data, p->data.size);
	for (uint32_t i = 0; i < p->nentries; i++)
		if (p->entries[i].groups > groups)
			groups = p->entries[i].groups;
	if ((t->groups > 0 && groups > t->groups) || groups > MAX_GROUPS) {
		diag_error(d, NULL, "the program runs on %d groups, the "
		    "target has %" PRId64, groups, t->groups);
		return false;
	}
	if (t->lbuf_banks > MAX_BANKS || t->obuf_banks > MAX_BANKS) {
		diag_error(d, NULL, "the target has too many banks");
		return false;
	}
	if (!s->options.timing_only)
		s->pool = pool_new(s->options.threads > 0 ?
		    s->options.threads : 1);
	s->groups = NEW_ARRAY(s->arena, struct sim_group, (size_t)groups);
	for (int i = 0; i < groups; i++)
		if (!make_group(s, d, &s->groups[i], i))
			return false;
	sim_prepare_tables(s);
	return true;
}

/* The checker keeps a little for every page of the memories. */
static bool
can_check(const struct sim *s, struct diag *d)
{
	const struct wave_program *p = s->program;
	uint64_t limit = (uint64_t)1 << 38;
	uint64_t chip = p->gbuf_size + p->wbuf_size;

	if (p->dram_size < limit && p->gbuf_size < limit &&
	    p->wbuf_size < limit && chip * (uint64_t)s->groups_made < limit)
		return true;
	diag_error(d, NULL, "the program's memory is too large to be checked");
	return false;
}

struct device *
sim_open(const struct wave_program *p, const struct sim_options *o,
    struct diag *d)
{
	struct sim *s = calloc(1, sizeof *s);

	if (s == NULL) {
		diag_error(d, NULL, "no host memory for the simulator");
		return NULL;
	}
	s->dev.ops = &sim_ops;
	s->program = p;
	s->target = &p->target;
	s->options = *o;
	s->arena = arena_new();
	if (!make_machine(s, d)) {
		sim_close(&s->dev);
		return NULL;
	}
	if (o->check && !can_check(s, d)) {
		sim_close(&s->dev);
		return NULL;
	}
	if (o->check)
		s->check = check_new(s);
	return &s->dev;
}

const struct sim_stats *
sim_stats(const struct device *dev)
{
	const struct sim *s = (const struct sim *)dev;

	return s->have_stats ? &s->stats : NULL;
}

const struct sim_record *
sim_record(const struct device *dev)
{
	const struct sim *s = (const struct sim *)dev;

	return s->have_stats && s->options.record ? &s->record : NULL;
}
