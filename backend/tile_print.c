/* The text form; TILE.md describes it. */
#include <string.h>

#include "backend/tile_text.h"
#include "support/dtype.h"
#include "support/str.h"
#include "support/target.h"

const char *const tile_kind_names[TILE_KIND_COUNT] = { "load", "store", "ldv",
	"ldh", "shift", "exec", "drain", "ldobuf", "map", "red", "win",
	"barrier" };

const char *const tile_role_names[ROLE_STATE + 1] = { "temp", "const",
	"input", "output", "state" };

const char *const tile_traffic_names[TRAFFIC_COUNT] = { "weight",
	"activation", "gradient", "weight_gradient", "mask", "optimizer",
	"other" };

const char *const tile_act_names[EPI_ACT_COUNT] = { "none", "relu",
	"leaky_relu", "clip", "sigmoid", "tanh", "hard_sigmoid",
	"hard_swish" };

static void
number(struct strbuf *s, int64_t v)
{
	strbuf_addf(s, "%lld", (long long)v);
}

/* " key=v" unless v is the default. */
static void
field(struct strbuf *s, const char *key, int64_t v, int64_t dflt)
{
	if (v == dflt)
		return;
	strbuf_addf(s, " %s=", key);
	number(s, v);
}

static void
text_field(struct strbuf *s, const char *key, const char *text)
{
	if (text == NULL)
		return;
	strbuf_addf(s, " %s=", key);
	strbuf_add_quoted(s, text);
}

static void
real_field(struct strbuf *s, const char *key, double v)
{
	static const double zero;

	if (memcmp(&v, &zero, sizeof v) == 0)
		return;
	strbuf_addf(s, " %s=", key);
	strbuf_add_double(s, v);
}

static void
float_field(struct strbuf *s, const char *key, float v)
{
	static const float zero;

	if (memcmp(&v, &zero, sizeof v) == 0)
		return;
	strbuf_addf(s, " %s=", key);
	strbuf_add_float(s, v);
}

/* " key=(v, v, ...)" */
static void
list(struct strbuf *s, const char *key, const int64_t *v, int n)
{
	strbuf_addf(s, " %s=(", key);
	for (int i = 0; i < n; i++) {
		if (i > 0)
			strbuf_add(s, ", ");
		number(s, v[i]);
	}
	strbuf_add(s, ")");
}

static void
add_term(struct strbuf *s, bool first, int64_t factor, const char *what,
    uint32_t id)
{
	/* The sign apart, so that the factor reads back as a number. */
	if (factor < 0)
		strbuf_add(s, "-");
	else if (!first)
		strbuf_add(s, "+");
	strbuf_add(s, what);
	if (strcmp(what, "g") != 0)
		strbuf_addf(s, "%u", id);
	strbuf_addf(s, "*%llu", factor < 0 ?
	    0ull - (unsigned long long)factor : (unsigned long long)factor);
}

static void
aff(struct strbuf *s, const struct tile_aff *a)
{
	bool first = true;

	if (a->buffer != NULL) {
		strbuf_addf(s, "%%b%u", a->buffer->id);
		first = false;
	}
	if (a->offset != 0 || (first && a->nterms == 0 && a->gstride == 0)) {
		if (!first && a->offset > 0)
			strbuf_add(s, "+");
		number(s, a->offset);
		first = false;
	}
	for (int i = 0; i < a->nterms; i++) {
		add_term(s, first, a->term[i].stride, "%i",
		    a->term[i].loop->id);
		first = false;
	}
	if (a->gstride != 0)
		add_term(s, first, a->gstride, "g", 0);
}

static void
aff_field(struct strbuf *s, const char *key, const struct tile_aff *a)
{
	strbuf_addf(s, " %s=", key);
	aff(s, a);
}

static void
buffer_field(struct strbuf *s, const char *key, const struct tile_buffer *b)
{
	if (b != NULL)
		strbuf_addf(s, " %s=%%b%u", key, b->id);
}

static bool
is_zero(const struct tile_aff *a)
{
	return a->buffer == NULL && a->offset == 0 && a->nterms == 0 &&
	    a->gstride == 0;
}

static const char *
type_name(enum dtype t)
{
	return t == DT_NONE ? "none" : dtype_name(t);
}

/* ---- instructions ---- */

static void
print_dma(struct strbuf *s, const struct tile_dma *m)
{
	const struct dma *d = &m->d;

	aff_field(s, "dram", &m->dram);
	aff_field(s, "chip", &m->chip);
	strbuf_addf(s, " type=%s", type_name(d->dram_dtype));
	if (d->chip_dtype != d->dram_dtype)
		strbuf_addf(s, " chip_type=%s", type_name(d->chip_dtype));
	strbuf_addf(s, " traffic=%s", tile_traffic_names[d->traffic]);
	real_field(s, "fill", d->fill);
	for (int i = 0; i < d->rank; i++) {
		const struct dma_dim *x = &d->dim[i];
		strbuf_addf(s, " dim=(%lld, %lld, %lld", (long long)x->size,
		    (long long)x->dram, (long long)x->chip);
		if (x->bound != 0) {
			strbuf_add(s, ", ");
			aff(s, &m->start[i]);
			strbuf_addf(s, ", %lld", (long long)x->bound);
		}
		strbuf_add(s, ")");
	}
	if (d->index_dim != -1) {
		field(s, "index_dim", d->index_dim, -1);
		aff_field(s, "index", &m->index);
	}
}

static void
print_axis(struct strbuf *s, const char *key, const struct view_axis *x)
{
	const int64_t v[8] = { x->out, x->kernel, x->stride, x->dil, x->pad,
		x->up, x->extent, x->addr };
	static const int64_t plain[8] = { 1, 1, 1, 1, 0, 1, 1, 0 };

	if (memcmp(v, plain, sizeof v) != 0)
		list(s, key, v, 8);
}

static void
print_view(struct strbuf *s, const struct tile_view *t)
{
	const struct view *v = &t->v;
	const int64_t rows[2] = { v->n, v->n_addr };
	const int64_t cols[2] = { v->c, v->c_addr };
	const int64_t blocks[2] = { v->kcg, v->ncg };

	aff_field(s, "base", &t->base);
	strbuf_addf(s, " type=%s", type_name(v->dtype));
	if (!is_zero(&t->outer0))
		aff_field(s, "outer0", &t->outer0);
	if (!is_zero(&t->k0))
		aff_field(s, "k0", &t->k0);
	field(s, "flags", v->flags, 0);
	list(s, "rows", rows, 2);
	list(s, "cols", cols, 2);
	print_axis(s, "d", &v->axis[0]);
	print_axis(s, "h", &v->axis[1]);
	print_axis(s, "w", &v->axis[2]);
	if (v->kcg != 0 || v->ncg != 0)
		list(s, "blocks", blocks, 2);
}

static void
print_vector(struct strbuf *s, const char *key, const struct tile_aff *a,
    enum dtype t)
{
	if (a->buffer == NULL)
		return;
	strbuf_addf(s, " %s=(%s, ", key, type_name(t));
	aff(s, a);
	strbuf_add(s, ")");
}

static void
print_epi(struct strbuf *s, const struct tile_epi *t)
{
	const struct epi *e;

	if (t == NULL)
		return;
	e = &t->e;
	strbuf_addf(s, " epi=%s",
	    e->act < EPI_ACT_COUNT ? tile_act_names[e->act] : "bad");
	float_field(s, "alpha", e->alpha);
	float_field(s, "beta", e->beta);
	if (e->round != DT_NONE)
		strbuf_addf(s, " round=%s", type_name(e->round));
	print_vector(s, "scale", &t->scale, e->scale.dtype);
	print_vector(s, "bias", &t->bias, e->bias.dtype);
	if (t->residual.buffer == NULL)
		return;
	strbuf_addf(s, " residual=(%s, ", type_name(e->res_dtype));
	aff(s, &t->residual);
	strbuf_addf(s, ", %lld, %lld, %lld, %lld, %lld)",
	    (long long)e->res_n, (long long)e->res_axis[0],
	    (long long)e->res_axis[1], (long long)e->res_axis[2],
	    (long long)e->res_c);
}

static void
print_matrix(struct strbuf *s, const struct tile_insn *in)
{
	buffer_field(s, "lbuf_v", in->mx.lbuf_v);
	buffer_field(s, "lbuf_h", in->mx.lbuf_h);
	buffer_field(s, "obuf", in->mx.obuf);
	field(s, "m", in->mx.m, 0);
	field(s, "k", in->mx.k, 0);
	field(s, "n", in->mx.n, 0);
	if (in->mx.first == TFIRST_ALWAYS)
		strbuf_add(s, " first=always");
	else if (in->mx.first == TFIRST_LOOP)
		strbuf_addf(s, " first=%%i%u", in->mx.first_loop->id);
	field(s, "mode", in->mx.mode, 0);
	if (in->mx.view != NULL)
		print_view(s, in->mx.view);
	print_epi(s, in->mx.epi);
}

static void
print_operand(struct strbuf *s, const char *key, const struct tile_aff *a,
    const struct vec_operand *o, int rank)
{
	if (a->buffer == NULL)
		return;
	strbuf_addf(s, " %s=(%s, ", key, type_name(o->dtype));
	aff(s, a);
	for (int i = 0; i < rank; i++)
		strbuf_addf(s, ", %lld", (long long)o->stride[i]);
	strbuf_add(s, ")");
}

static void
print_vec(struct strbuf *s, const struct tile_vec *t)
{
	static const char *const axis[3] = { "d", "h", "w" };
	static const char *const src[VEC_MAX_SRC] = { "x", "y", "z" };
	const struct vec *v = &t->v;

	strbuf_addf(s, " func=%s", vec_func_name((enum vec_func)v->func));
	list(s, "size", v->size, v->rank);
	field(s, "nred", v->nred, 0);
	field(s, "chain", v->chain, 0);
	print_operand(s, "dst", &t->dst, &v->dst, v->rank);
	for (int i = 0; i < VEC_MAX_SRC; i++)
		print_operand(s, src[i], &t->src[i], &v->src[i], v->rank);
	for (int i = 0; i < 3; i++) {
		const int64_t a[5] = { v->axis[i].stride, v->axis[i].dil,
			v->axis[i].pad, v->axis[i].extent, v->axis[i].up };
		if (a[0] != 0 || a[1] != 0 || a[2] != 0 || a[3] != 0 ||
		    a[4] != 0)
			list(s, axis[i], a, a[4] != 0 ? 5 : 4);
	}
	real_field(s, "p", v->param[0]);
	real_field(s, "q", v->param[1]);
}

static void
print_insn(struct strbuf *s, const struct tile_node *n)
{
	const struct tile_insn *in = n->insn;

	strbuf_addf(s, "%s %s", queue_name(in->queue),
	    tile_kind_names[in->kind]);
	if (n->op != 0)
		strbuf_addf(s, " @%u", n->op);
	switch (in->kind) {
	case TILE_LOAD:
	case TILE_STORE:
		print_dma(s, in->dma);
		break;
	case TILE_MAP:
	case TILE_RED:
	case TILE_WIN:
		print_vec(s, in->vec);
		break;
	case TILE_BARRIER:
		break;
	default:
		print_matrix(s, in);
		break;
	}
	strbuf_add(s, "\n");
}

/* ---- the rest ---- */

static void
print_buffer(struct strbuf *s, const struct tile_buffer *b)
{
	strbuf_addf(s, "buffer %%b%u", b->id);
	if (b->name != NULL) {
		strbuf_add(s, " ");
		strbuf_add_quoted(s, b->name);
	}
	strbuf_addf(s, " %s", space_name(b->space));
	field(s, "bytes", b->bytes, -1);
	field(s, "depth", b->depth, 1);
	if (b->scope != NULL)
		strbuf_addf(s, " scope=%%i%u", b->scope->id);
	if (b->role != ROLE_TEMP)
		strbuf_addf(s, " role=%s", tile_role_names[b->role]);
	if (b->traffic != TRAFFIC_OTHER)
		strbuf_addf(s, " traffic=%s", tile_traffic_names[b->traffic]);
	text_field(s, "bind", b->bind_name);
	if (b->dtype != DT_NONE)
		strbuf_addf(s, " type=%s", type_name(b->dtype));
	if (b->rank > 0) {
		list(s, "dims", b->dim, b->rank);
		list(s, "strides", b->stride, b->rank);
	}
	field(s, "per_group", b->per_group, 0);
	field(s, "group_stride", b->group_stride, 0);
	field(s, "at", b->address, 0);
	field(s, "pitch", b->pitch, 0);
	if (b->data != NULL) {
		const uint8_t *byte = b->data;
		strbuf_add(s, " data=hex \"");
		for (int64_t i = 0; i < b->bytes; i++) {
			static const char digit[] = "0123456789abcdef";
			const char two[2] = { digit[byte[i] >> 4],
				digit[byte[i] & 15] };
			strbuf_addn(s, two, 2);
		}
		strbuf_add(s, "\"");
	}
	strbuf_add(s, "\n");
}

static void
print_head(struct strbuf *s, const struct tile_program *p)
{
	struct wave_target dflt;

	strbuf_addf(s, "wave.tile %d\ntarget ", TILE_TEXT_VERSION);
	strbuf_add_quoted(s, p->target->name);
	target_defaults(&dflt, "");
	for (unsigned i = 0; i < target_nkeys; i++) {
		const struct target_key *k = &target_keys[i];
		if (memcmp((const char *)p->target + k->member,
			(const char *)&dflt + k->member,
			k->real ? sizeof(double) : sizeof(int64_t)) == 0)
			continue;
		strbuf_addf(s, " %s=", k->name);
		target_add_value(s, p->target, k);
	}
	strbuf_add(s, "\nprogram ");
	strbuf_add_quoted(s, p->entry);
	field(s, "groups", p->groups, 1);
	field(s, "overlap", p->overlap, 0);
	field(s, "gbuf", p->gbuf_used, 0);
	field(s, "wbuf", p->wbuf_used, 0);
	field(s, "dram", p->dram_used, 0);
	strbuf_add(s, "\n");
}

static void
print_ops(struct strbuf *s, const struct tile_program *p)
{
	for (size_t i = 0; i < p->ops.len; i++) {
		const struct wave_op *o = &p->ops.data[i];
		strbuf_add(s, "op ");
		strbuf_add_quoted(s, o->name != NULL ? o->name : "");
		text_field(s, "kind", o->op);
		text_field(s, "phase", o->phase);
		text_field(s, "loc", o->loc);
		field(s, "macs", o->macs, 0);
		field(s, "macs_paper", o->macs_paper, 0);
		strbuf_add(s, "\n");
	}
	for (size_t i = 0; i < p->layer_groups.len; i++) {
		const struct wave_layer_group *g = &p->layer_groups.data[i];
		strbuf_add(s, "layers ");
		strbuf_add_quoted(s, g->ops != NULL ? g->ops : "");
		field(s, "sub_batch", g->sub_batch, 0);
		field(s, "iterations", g->iterations, 0);
		strbuf_add(s, "\n");
	}
}

static void
indent(struct strbuf *s, int n)
{
	for (int i = 0; i < n; i++)
		strbuf_add(s, "\t");
}

static void
print_body(struct strbuf *s, const struct tile_node *n, int depth)
{
	for (; n != NULL; n = n->next) {
		indent(s, depth);
		if (n->kind == TILE_NODE_INSN) {
			print_insn(s, n);
			continue;
		}
		strbuf_addf(s, "loop %%i%u", n->loop->id);
		if (n->loop->name != NULL) {
			strbuf_add(s, " ");
			strbuf_add_quoted(s, n->loop->name);
		}
		strbuf_addf(s, " count=%lld", (long long)n->loop->count);
		field(s, "overlap", n->loop->overlap, 0);
		if (n->op != 0)
			strbuf_addf(s, " @%u", n->op);
		strbuf_add(s, " {\n");
		print_body(s, n->loop->first, depth + 1);
		indent(s, depth);
		strbuf_add(s, "}\n");
	}
}

void
tile_print(struct strbuf *out, const struct tile_program *p)
{
	print_head(out, p);
	print_ops(out, p);
	for (size_t i = 0; i < p->buffers.len; i++)
		print_buffer(out, p->buffers.data[i]);
	print_body(out, p->first, 0);
}
