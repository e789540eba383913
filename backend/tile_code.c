#include "backend/tile_code.h"

#include <string.h>

struct stream {
	VEC(struct insn_word) word;
	VEC(struct wave_source) source;
};

/* What entries share, and what becomes of them. */
struct tile_link {
	struct arena *out, *scratch;
	struct diag *d;
	struct tile_desc desc;
	struct stream stream[Q_COUNT];
	VEC(struct wave_entry) entries;
	VEC(const char *) sem_names;
	struct tile_objects objects;
	bool failed;
};

/* One entry. */
struct code {
	struct tile_link *l;
	struct tile_program *p;
	struct diag *d;
	struct arena *a;
	struct tile_order order;
	struct tile_desc *desc;
	struct tile_sems sems;
	uint32_t first[Q_COUNT];
	uint32_t op0; /* of its ops among all */
	bool failed;
};

static void
fail(struct code *c, const struct tile_node *n, const char *what,
    const char *why)
{
	struct loc loc;

	memset(&loc, 0, sizeof loc);
	if (n != NULL && n->op < c->p->ops.len)
		loc.node = c->p->ops.data[n->op].name;
	diag_error(c->d, &loc, "tile: %s: %s", what, why);
	c->failed = true;
}

/* Appends in to the queue's stream as part of n's op (NULL: of none). */
static void
put(struct code *c, enum queue q, const struct tile_node *n,
    const struct insn *in)
{
	struct stream *s = &c->l->stream[q];
	struct wave_source *last = s->source.len > 0 ?
	    &s->source.data[s->source.len - 1] :
	    NULL;
	struct wave_source one = { (uint32_t)q, (uint32_t)s->word.len, 1, 0 };
	struct insn_word w = { 0, 0 };
	const char *why = NULL;

	if (c->failed)
		return;
	if (!insn_encode(in, &w, &why)) {
		fail(c, n, insn_name(in->op), why);
		return;
	}
	VEC_PUSH(c->l->scratch, &s->word, w);
	if (n == NULL || n->op >= c->p->ops.len)
		return;
	one.op = c->op0 + n->op;
	if (last != NULL && last->op == one.op &&
	    last->first + last->count == one.first)
		last->count++;
	else
		VEC_PUSH(c->l->scratch, &s->source, one);
}

static struct insn
make(enum opcode op)
{
	struct insn in;

	memset(&in, 0, sizeof in);
	in.op = op;
	return in;
}

static void
waits(struct code *c, enum queue q, const struct tile_node *n)
{
	const sem_wait_vec *v = &c->sems.wait[n->order][q];

	for (size_t i = 0; i < v->len; i++) {
		struct sem_wait w = v->data[i];
		struct insn in = make(INSN_WAIT);
		in.field[FIELD_sem] = w.sem;
		in.field[FIELD_value] = w.value;
		if (w.value < INT32_MIN || w.value > INT32_MAX) {
			in.field[FIELD_value] = 0;
			w.step.offset = w.value;
		}
		in.field[FIELD_vaff] = tile_desc_aff(c->desc, &w.step,
		    false);
		put(c, q, n, &in);
	}
}

static void
signals(struct code *c, enum queue q, const struct tile_node *n)
{
	struct insn in = make(INSN_SIGNAL);

	if (c->sems.signal[n->order][q] < 0)
		return;
	in.field[FIELD_sem] = c->sems.signal[n->order][q];
	in.field[FIELD_by] = 1;
	put(c, q, n, &in);
}

static int64_t
first_field(const struct tile_insn *t)
{
	if (t->mx.first == TFIRST_LOOP)
		return FIRST_LOOP(t->mx.first_loop->depth);
	return t->mx.first == TFIRST_ALWAYS ? FIRST_ALWAYS : FIRST_NEVER;
}

static struct insn
block(struct code *c, enum opcode op, const struct tile_insn *t)
{
	struct insn in = make(op);

	in.field[FIELD_stview] = tile_desc_view(c->desc, t->mx.view);
	in.field[FIELD_m] = t->mx.m;
	in.field[FIELD_stn] = t->mx.n;
	in.field[FIELD_obuf] = tile_desc_bank(c->desc, t->mx.obuf);
	if (op == INSN_StLBUF && t->mx.epi != NULL)
		in.field[FIELD_epi] = tile_desc_epi(c->desc, t->mx.epi);
	return in;
}

static struct insn
load_tile(struct code *c, enum opcode op, const struct tile_insn *t,
    int64_t outer, struct tile_buffer *bank)
{
	struct insn in = make(op);

	in.field[FIELD_k] = t->mx.k;
	in.field[FIELD_outer] = outer;
	in.field[FIELD_bank] = tile_desc_bank(c->desc, bank);
	in.field[FIELD_view] = tile_desc_view(c->desc, t->mx.view);
	return in;
}

static struct insn
matrix(struct code *c, const struct tile_insn *t)
{
	struct insn in;

	switch (t->kind) {
	case TILE_LDV:
		return load_tile(c, INSN_LdLBUF_V, t, t->mx.n, t->mx.lbuf_v);
	case TILE_LDH:
		return load_tile(c, INSN_LdLBUF_H, t, t->mx.m, t->mx.lbuf_h);
	case TILE_DRAIN:
		return block(c, INSN_StLBUF, t);
	case TILE_LDOBUF:
		return block(c, INSN_LdOBUF, t);
	case TILE_EXEC:
		in = make(INSN_ExecGEMM);
		in.field[FIELD_first] = first_field(t);
		in.field[FIELD_m] = t->mx.m;
		in.field[FIELD_bank] = tile_desc_bank(c->desc,
		    t->mx.lbuf_h);
		in.field[FIELD_obuf] = tile_desc_bank(c->desc, t->mx.obuf);
		break;
	default:
		in = make(INSN_ShiftV);
		in.field[FIELD_bank] = tile_desc_bank(c->desc,
		    t->mx.lbuf_v);
		break;
	}
	in.field[FIELD_mode] = t->mx.mode;
	in.field[FIELD_k] = t->mx.k;
	in.field[FIELD_n] = t->mx.n;
	return in;
}

static struct insn
translate(struct code *c, const struct tile_insn *t)
{
	static const enum opcode op[TILE_KIND_COUNT] = {
		[TILE_LOAD] = INSN_DLOAD, [TILE_STORE] = INSN_DSTORE,
		[TILE_MAP] = INSN_VMAP, [TILE_RED] = INSN_VRED,
		[TILE_WIN] = INSN_VWIN, [TILE_BARRIER] = INSN_BARRIER,
	};
	struct insn in = make(op[t->kind]);

	switch (t->kind) {
	case TILE_LOAD:
	case TILE_STORE:
		in.field[FIELD_dma] = tile_desc_dma(c->desc, t->dma);
		break;
	case TILE_MAP:
	case TILE_RED:
	case TILE_WIN:
		in.field[FIELD_vec] = tile_desc_vec(c->desc, t->vec);
		break;
	case TILE_BARRIER:
		break;
	default:
		in = matrix(c, t);
		break;
	}
	return in;
}

/* The body starting at n as queue q sees it. */
static void
body(struct code *c, enum queue q, const struct tile_node *n)
{
	for (; n != NULL && !c->failed; n = n->next) {
		struct insn in;
		if ((c->order.span[n->order].queues & 1u << q) == 0)
			continue;
		waits(c, q, n);
		if (n->kind == TILE_NODE_INSN) {
			in = translate(c, n->insn);
			put(c, q, n, &in);
		} else {
			in = make(INSN_LOOP);
			in.field[FIELD_count] = n->loop->count;
			put(c, q, n, &in);
			body(c, q, n->loop->first);
			in = make(INSN_ENDLOOP);
			put(c, q, n, &in);
		}
		signals(c, q, n);
	}
}

/* ---- entries ---- */

static void
check_limits(struct code *c)
{
	int64_t words = c->p->target->code_words;

	if (c->desc->full)
		fail(c, NULL, "descriptors",
		    "more of one kind than instructions can index");
	for (int q = 0; q < Q_COUNT; q++) {
		if (words > 0 && (int64_t)c->l->stream[q].word.len -
		    c->first[q] > words)
			fail(c, NULL, queue_name((enum queue)q),
			    "more instructions than the target's code_words");
	}
}

static void
add_entry(struct code *c)
{
	struct tile_link *l = c->l;
	struct wave_entry e = { .name = c->p->entry,
		.groups = c->p->groups, .sem_exit = c->sems.exit,
		.nsems = c->sems.count };

	for (int q = 0; q < Q_COUNT; q++) {
		e.first[q] = c->first[q];
		e.count[q] = (uint32_t)l->stream[q].word.len - c->first[q];
	}
	for (uint32_t i = 0; i < c->sems.count; i++)
		VEC_PUSH(l->out, &l->sem_names, c->sems.name[i]);
	VEC_PUSH(l->out, &l->entries, e);
	tile_objects_add(&l->objects, c->p);
}

struct tile_link *
tile_link_new(struct arena *out, struct diag *d)
{
	struct tile_link *l = NEW(out, struct tile_link);

	l->out = out;
	l->d = d;
	l->scratch = arena_new();
	l->objects.arena = out;
	tile_desc_start(&l->desc, l->scratch);
	return l;
}

bool
tile_link_add(struct tile_link *l, struct tile_program *p,
    const struct tile_syncs *syncs)
{
	struct insn halt = make(INSN_HALT);
	struct code c;

	memset(&c, 0, sizeof c);
	c.l = l;
	c.p = p;
	c.d = l->d;
	c.a = arena_new();
	c.desc = &l->desc;
	c.op0 = (uint32_t)l->objects.ops.len;
	c.desc->banks = tile_banks(c.a, p);
	tile_order(c.a, p, &c.order);
	for (int q = 0; q < Q_COUNT; q++)
		c.first[q] = (uint32_t)l->stream[q].word.len;
	if (tile_sems(c.a, p, l->d, &c.order, syncs, &c.sems)) {
		for (int q = 0; q < Q_COUNT; q++) {
			body(&c, (enum queue)q, p->first);
			put(&c, (enum queue)q, NULL, &halt);
		}
		check_limits(&c);
	} else {
		c.failed = true;
	}
	if (!c.failed)
		add_entry(&c);
	l->failed = l->failed || c.failed;
	arena_free(c.a);
	return !c.failed;
}

/* ---- the program ---- */

static struct wave_bytes
code_bytes(struct tile_link *l, enum queue q)
{
	const struct stream *s = &l->stream[q];
	struct wave_bytes out = { NULL, s->word.len * 16 };
	uint8_t *data = arena_alloc(l->out, out.size);

	for (size_t i = 0; i < s->word.len; i++)
		insn_store(data, i, s->word.data[i]);
	out.data = data;
	return out;
}

static void
descriptors(struct tile_link *l, struct wave_program *out)
{
	const struct tile_desc *d = &l->desc;
	struct isa_tables t;
	const uint32_t count[DESC_COUNT] = { d->aff.count, d->view.count,
		d->epi.count, d->dma.count, d->vec.count };

	t.aff = (void *)d->aff.data;
	t.view = (void *)d->view.data;
	t.epi = (void *)d->epi.data;
	t.dma = (void *)d->dma.data;
	t.vec = (void *)d->vec.data;
	/* "none" is entry 0 with all bytes 0, which stores index_dim + 1. */
	t.dma[0].index_dim = -1;
	t.naff = count[DESC_AFF];
	t.nview = count[DESC_VIEW];
	t.nepi = count[DESC_EPI];
	t.ndma = count[DESC_DMA];
	t.nvec = count[DESC_VEC];
	for (int k = 0; k < DESC_COUNT; k++) {
		size_t size = desc_record_size((enum desc_kind)k) * count[k];
		uint8_t *bytes = arena_alloc(l->out, size);
		desc_encode((enum desc_kind)k, &t, bytes);
		out->desc[k].data = bytes;
		out->desc[k].size = size;
	}
}

static void
streams(struct tile_link *l, struct wave_program *out)
{
	struct wave_source *src;
	size_t n = 0;

	for (int q = 0; q < Q_COUNT; q++) {
		out->code[q] = code_bytes(l, (enum queue)q);
		n += l->stream[q].source.len;
	}
	src = NEW_ARRAY(l->out, struct wave_source, n + 1);
	out->sources = src;
	for (int q = 0; q < Q_COUNT; q++) {
		for (size_t i = 0; i < l->stream[q].source.len; i++)
			*src++ = l->stream[q].source.data[i];
	}
	out->nsources = (uint32_t)n;
	out->entries = l->entries.data;
	out->nentries = (uint32_t)l->entries.len;
	out->sem_names = l->sem_names.data;
	out->nsem_names = (uint32_t)l->sem_names.len;
}

struct wave_program *
tile_link_finish(struct tile_link *l, bool pieces)
{
	struct wave_program *out = NULL;

	if (!l->failed && l->entries.len > 0) {
		out = NEW(l->out, struct wave_program);
		streams(l, out);
		descriptors(l, out);
		tile_objects_finish(&l->objects, pieces, out);
	}
	arena_free(l->scratch);
	return out;
}

struct wave_program *
tile_codegen(struct tile_program *p, struct diag *d,
    const struct tile_syncs *syncs)
{
	struct tile_link *l = tile_link_new(p->arena, d);

	tile_link_add(l, p, syncs);
	return tile_link_finish(l, false);
}
