#include "tests/lib/tile_hb.h"

#include <string.h>

#include "tests/lib/tile_elems.h"

#define SPACES (SPACE_COUNT + 1)
#define PE_SPACE SPACE_COUNT

/* What execution k of a queue needs of the others: completed executions. */
struct step {
	struct tile_node *node;
	int queue;
	int32_t need[Q_COUNT];  /* executions of that queue, -1: none */
	int64_t place;          /* planned address of the first operand */
	int64_t idx[ISA_MAX_LOOPS];
};

/* Last executions that touched a byte, plus 1. */
struct touched {
	int32_t write[Q_COUNT], read[Q_COUNT];
};

struct clock {
	int32_t done[Q_COUNT];
};

struct signal {
	struct clock clock;
};

struct hb {
	struct arena *a;
	const struct tile_program *p;
	const struct wave_program *code;
	struct isa_tables tables;
	VEC(struct step) step;
	VEC(uint32_t) of_queue[Q_COUNT]; /* steps by queue */
	VEC(struct hb_site) wait, signal;
	struct touched *mem[SPACES];
	size_t size[SPACES];
	struct step *cur;
	int32_t cur_k;
	const char *bad;
};

/* ---- what must be ordered ---- */

static int64_t
address(const struct place *at)
{
	return at->buffer->address + at->version * at->buffer->pitch +
	    at->offset;
}

static struct touched *
byte_at(struct hb *h, int space, int64_t at)
{
	if ((size_t)at >= h->size[space]) {
		size_t n = ((size_t)at + 1) * 2;
		struct touched *m = NEW_ARRAY(h->a, struct touched, n);
		if (h->size[space] > 0)
			memcpy(m, h->mem[space],
			    h->size[space] * sizeof *m);
		h->mem[space] = m;
		h->size[space] = n;
	}
	return &h->mem[space][at];
}

static void
touch(void *user, struct place at, int64_t size, bool write)
{
	struct hb *h = user;
	int space = at.buffer != NULL ? (int)at.buffer->space : PE_SPACE;
	int64_t from = at.buffer != NULL ? address(&at) : at.offset;

	if (at.buffer != NULL &&
	    (at.offset < 0 || at.offset + size > at.buffer->bytes) &&
	    at.buffer->space != SPACE_LBUF_V &&
	    at.buffer->space != SPACE_LBUF_H && at.buffer->space != SPACE_OBUF)
		h->bad = "an element outside its buffer";
	for (int64_t i = 0; i < size && h->bad == NULL; i++) {
		struct touched *t = byte_at(h, space, from + i);
		for (int q = 0; q < Q_COUNT; q++) {
			int32_t last = t->write[q];
			if (write && t->read[q] > last)
				last = t->read[q];
			if (q != h->cur->queue && last > h->cur->need[q])
				h->cur->need[q] = last;
		}
		if (write)
			t->write[h->cur->queue] = h->cur_k + 1;
		else
			t->read[h->cur->queue] = h->cur_k + 1;
	}
}

static const struct tile_aff *
first_operand(const struct tile_insn *in)
{
	switch (in->kind) {
	case TILE_LOAD:
	case TILE_STORE:
		return &in->dma->chip;
	case TILE_MAP:
	case TILE_RED:
	case TILE_WIN:
		return &in->vec->dst;
	case TILE_SHIFT:
	case TILE_EXEC:
	case TILE_BARRIER:
	case TILE_KIND_COUNT:
		return NULL;
	default:
		return &in->mx.view->base;
	}
}

static void
add_step(void *user, struct tile_node *n, const int64_t *idx)
{
	struct hb *h = user;
	const struct tile_aff *op = first_operand(n->insn);
	struct step s;
	int q = (int)n->insn->queue;

	memset(&s, 0, sizeof s);
	s.node = n;
	s.queue = q;
	memcpy(s.idx, idx, sizeof s.idx);
	if (op != NULL) {
		struct place at = tile_aff_place(op, idx);
		s.place = address(&at);
	}
	h->cur_k = (int32_t)h->of_queue[q].len;
	VEC_PUSH(h->a, &h->of_queue[q], (uint32_t)h->step.len);
	VEC_PUSH(h->a, &h->step, s);
	h->cur = &h->step.data[h->step.len - 1];
	/* Needs are looked up before the own touches count. */
	tile_elems(n->insn, idx, touch, h);
}

/* ---- what is ordered ---- */

struct queue_state {
	uint32_t pc;
	int depth;
	int64_t idx[ISA_MAX_LOOPS], count[ISA_MAX_LOOPS];
	uint32_t start[ISA_MAX_LOOPS];
	int32_t done;        /* executions issued */
	struct clock clock;
	bool halted;
};

/* The OBUF version in use. */
struct turn {
	const struct tile_buffer *buffer;
	int64_t idx[ISA_MAX_LOOPS], count;
};

struct run {
	struct hb *h;
	struct turn turn[2]; /* mx, ml */
	struct queue_state q[Q_COUNT];
	const struct hb_site *without;
	VEC(struct signal) *sem;
	int *owner;
	uint32_t nsems;
	struct clock *at;    /* by step */
	const char *why;
};

static enum opcode
kind_opcode(enum tile_kind k)
{
	static const enum opcode op[TILE_KIND_COUNT] = {
		INSN_DLOAD, INSN_DSTORE, INSN_LdLBUF_V, INSN_LdLBUF_H,
		INSN_ShiftV, INSN_ExecGEMM, INSN_StLBUF, INSN_LdOBUF,
		INSN_VMAP, INSN_VRED, INSN_VWIN, INSN_BARRIER
	};
	return op[k];
}

static void
join(struct clock *a, const struct clock *b)
{
	for (int q = 0; q < Q_COUNT; q++) {
		if (b->done[q] > a->done[q])
			a->done[q] = b->done[q];
	}
}

/* Versions of OBUF buffers take the banks in turn. */
static bool
check_turn(struct run *r, const struct step *s, int64_t bank)
{
	const struct tile_insn *in = s->node->insn;
	const struct tile_buffer *b = in->mx.obuf;
	struct turn *t = &r->turn[in->queue == Q_ML];
	int64_t banks = r->h->p->target->obuf_banks;
	size_t levels = b->scope != NULL ? (size_t)b->scope->depth + 1 : 0;

	if (t->buffer != NULL && (t->buffer != b ||
	    memcmp(t->idx, s->idx, levels * sizeof *t->idx) != 0))
		t->count++;
	t->buffer = b;
	memcpy(t->idx, s->idx, sizeof t->idx);
	return bank == t->count % (banks > 1 ? banks : 1);
}

static bool
check_step(struct run *r, const struct step *s, const struct insn *in,
    const int64_t *idx)
{
	const struct isa_tables *t = &r->h->tables;
	int64_t at = s->place;

	if (in->op != kind_opcode(s->node->insn->kind)) {
		r->why = "another instruction than the tree's";
		return false;
	}
	if (in->op == INSN_DLOAD || in->op == INSN_DSTORE)
		at = aff_eval(&t->aff[t->dma[in->field[FIELD_dma]].chip_base],
		    idx, 0);
	else if (in->field[FIELD_vec] != 0)
		at = aff_eval(&t->aff[t->vec[in->field[FIELD_vec]].dst.base],
		    idx, 0);
	else if (in->field[FIELD_view] != 0)
		at = aff_eval(&t->aff[t->view[in->field[FIELD_view]].base],
		    idx, 0);
	else if (in->field[FIELD_stview] != 0)
		at = aff_eval(&t->aff[t->view[in->field[FIELD_stview]].base],
		    idx, 0);
	if (at != s->place) {
		r->why = "another address than the plan's";
		return false;
	}
	if (in->op == INSN_ExecGEMM && !check_turn(r, s,
	    aff_eval(&t->aff[in->field[FIELD_obuf]], idx, 0))) {
		r->why = "another bank than its turn";
		return false;
	}
	return true;
}

static int
send(struct run *r, int q, const struct insn *in)
{
	struct signal sig = { r->q[q].clock };
	uint32_t sem = (uint32_t)in->field[FIELD_sem];

	sig.clock.done[q] = r->q[q].done;
	if (r->owner[sem] >= 0 && r->owner[sem] != q) {
		r->why = "a semaphore of two queues";
		return -1;
	}
	r->owner[sem] = q;
	for (int64_t i = 0; i < in->field[FIELD_by]; i++)
		VEC_PUSH(r->h->a, &r->sem[sem], sig);
	return 1;
}

static int
execute(struct run *r, int q, const struct insn *in)
{
	struct queue_state *s = &r->q[q];
	uint32_t i;

	if ((size_t)s->done >= r->h->of_queue[q].len) {
		r->why = "more instructions than the tree";
		return -1;
	}
	i = r->h->of_queue[q].data[s->done++];
	r->at[i] = s->clock;
	return check_step(r, &r->h->step.data[i], in, s->idx) ? 1 : -1;
}

/* Executes one event of queue q. 1: done, 0: blocked, -1: wrong. */
static int
advance(struct run *r, int q)
{
	struct queue_state *s = &r->q[q];
	const struct wave_entry *e = r->h->code->entries;
	struct insn in;
	const char *why;
	struct insn_word w;
	bool skip = r->without != NULL && r->without->queue == q &&
	    r->without->pc == s->pc;

	if (s->pc >= e->count[q]) {
		r->why = "past the end of the code";
		return -1;
	}
	w = insn_load(r->h->code->code[q].data, e->first[q] + s->pc);
	if (!insn_decode(&w, &in, &why) ||
	    !insn_allowed(in.op, (enum queue)q)) {
		r->why = "a bad encoding";
		return -1;
	}
	if (in.op == INSN_WAIT && !skip) {
		const struct aff *v =
		    &r->h->tables.aff[in.field[FIELD_vaff]];
		uint32_t sem = (uint32_t)in.field[FIELD_sem];
		int64_t want = in.field[FIELD_value] +
		    aff_eval(v, s->idx, 0);
		if (want > 0 && (int64_t)r->sem[sem].len < want)
			return 0;
		if (want > 0)
			join(&s->clock, &r->sem[sem].data[want - 1].clock);
	}
	s->pc++;
	if (skip || in.op == INSN_WAIT)
		return 1;
	if (in.op == INSN_HALT) {
		s->halted = true;
	} else if (in.op == INSN_SIGNAL) {
		return send(r, q, &in);
	} else if (in.op == INSN_LOOP) {
		s->start[s->depth] = s->pc;
		s->count[s->depth] = in.field[FIELD_count];
		s->idx[s->depth++] = 0;
	} else if (in.op == INSN_ENDLOOP) {
		if (++s->idx[s->depth - 1] < s->count[s->depth - 1])
			s->pc = s->start[s->depth - 1];
		else
			s->idx[--s->depth] = 0;
	} else {
		return execute(r, q, &in);
	}
	return 1;
}

static enum hb_result
run(struct run *r)
{
	bool more = true;

	while (more) {
		more = false;
		for (int q = 0; q < Q_COUNT; q++) {
			int did = 1;
			while (did == 1 && !r->q[q].halted) {
				did = advance(r, q);
				more = more || did == 1;
				if (did < 0)
					return HB_CODE;
			}
		}
	}
	for (int q = 0; q < Q_COUNT; q++) {
		if (!r->q[q].halted) {
			r->why = arena_printf(r->h->a, "%s blocked at %u",
			    queue_name((enum queue)q), r->q[q].pc);
			return HB_DEADLOCK;
		}
		if ((size_t)r->q[q].done != r->h->of_queue[q].len) {
			r->why = "fewer instructions than the tree";
			return HB_CODE;
		}
	}
	for (uint32_t i = 0; i < r->nsems; i++) {
		if (r->sem[i].len != r->h->code->entries->sem_exit[i]) {
			r->why = "an exit counter";
			return HB_EXIT;
		}
	}
	return HB_OK;
}

static enum hb_result
judge_order(struct run *r, bool serial)
{
	struct hb *h = r->h;
	int32_t done[Q_COUNT] = { 0 };

	for (size_t i = 0; i < h->step.len; i++) {
		const struct step *s = &h->step.data[i];
		for (int q = 0; q < Q_COUNT; q++) {
			int32_t need = serial ? done[q] : s->need[q];
			if (q == s->queue || r->at[i].done[q] >= need)
				continue;
			r->why = arena_printf(h->a,
			    "step %zu of %s (node %u, execution %d) needs %d "
			    "of %s, has %d", i,
			    queue_name((enum queue)s->queue), s->node->order,
			    done[s->queue], need, queue_name((enum queue)q),
			    r->at[i].done[q]);
			return HB_RACE;
		}
		done[s->queue]++;
	}
	return HB_OK;
}

static void
run_start(struct run *r, struct hb *h, const struct hb_site *without)
{
	memset(r, 0, sizeof *r);
	r->h = h;
	r->without = without;
	r->nsems = h->code->entries->nsems;
	r->sem = arena_calloc(h->a, r->nsems + 1, sizeof *r->sem);
	r->owner = NEW_ARRAY(h->a, int, r->nsems + 1);
	for (uint32_t i = 0; i < r->nsems; i++)
		r->owner[i] = -1;
	r->at = NEW_ARRAY(h->a, struct clock, h->step.len + 1);
}

enum hb_result
hb_judge(struct hb *h, const struct hb_site *without, bool serial,
    const char **why)
{
	struct arena *keep = h->a;
	enum hb_result res;
	struct run r;

	*why = "";
	if (h->bad != NULL) {
		*why = h->bad;
		return HB_CODE;
	}
	h->a = arena_new();
	run_start(&r, h, without);
	res = run(&r);
	if (res == HB_OK)
		res = judge_order(&r, serial);
	if (r.why != NULL)
		*why = arena_strdup(keep, r.why);
	arena_free(h->a);
	h->a = keep;
	return res;
}

bool
hb_implied(struct hb *h, const struct hb_site *without)
{
	struct arena *keep = h->a;
	struct run all, less;
	bool same;

	h->a = arena_new();
	run_start(&all, h, NULL);
	run_start(&less, h, without);
	same = run(&all) == HB_OK && run(&less) == HB_OK;
	for (size_t i = 0; i < h->step.len && same; i++) {
		int own = h->step.data[i].queue;

		for (int q = 0; q < Q_COUNT; q++)
			if (q != own &&
			    all.at[i].done[q] != less.at[i].done[q])
				same = false;
	}
	arena_free(h->a);
	h->a = keep;
	return same;
}

/* ---- set-up ---- */

static void
find_sites(struct hb *h)
{
	for (int q = 0; q < Q_COUNT; q++) {
		for (uint32_t i = 0; i < h->code->entries->count[q]; i++) {
			struct insn_word w = insn_load(h->code->code[q].data,
			    i);
			struct hb_site site = { q, i };
			struct insn in;
			const char *why;
			if (!insn_decode(&w, &in, &why))
				continue;
			if (in.op == INSN_WAIT)
				VEC_PUSH(h->a, &h->wait, site);
			if (in.op == INSN_SIGNAL)
				VEC_PUSH(h->a, &h->signal, site);
		}
	}
}

struct hb *
hb_new(struct arena *a, const struct tile_program *p,
    const struct wave_program *code)
{
	struct hb *h = NEW(a, struct hb);
	struct diag d = { 0 };

	h->a = a;
	h->p = p;
	h->code = code;
	for (int k = 0; k < DESC_COUNT; k++) {
		if (!desc_decode(a, &d, (enum desc_kind)k, code->desc[k].data,
			code->desc[k].size, &h->tables))
			h->bad = "descriptors do not decode";
	}
	tile_steps(p, add_step, h);
	find_sites(h);
	return h;
}

size_t
hb_waits(const struct hb *h, const struct hb_site **out)
{
	*out = h->wait.data;
	return h->wait.len;
}

size_t
hb_signals(const struct hb *h, const struct hb_site **out)
{
	*out = h->signal.data;
	return h->signal.len;
}

size_t
hb_size(const struct hb *h)
{
	return h->step.len;
}
