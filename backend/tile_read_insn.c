/* Instructions of the text form. */
#include <string.h>

#include "backend/tile_reader.h"
#include "backend/tile_text.h"

/* dim=(size, dram, chip) or dim=(size, dram, chip, start, bound) */
static void
read_dim(struct tile_reader *r, struct tile_dma *m, const struct tile_value *v)
{
	struct tile_value *e[5] = { NULL }, *x = v->list;
	struct dma_dim *d;
	int n = 0;

	if (m->d.rank == DMA_MAX_RANK) {
		tile_reader_error(r, v->word.pos, "more than %d dimensions",
		    DMA_MAX_RANK);
		return;
	}
	for (; x != NULL && n < 5; x = x->next)
		e[n++] = x;
	if (v->kind != VAL_LIST || x != NULL || (n != 3 && n != 5)) {
		tile_reader_error(r, v->word.pos,
		    "dim needs (size, dram, chip) or (size, dram, chip, "
		    "start, bound)");
		return;
	}
	d = &m->d.dim[m->d.rank];
	d->size = tile_read_int(r, e[0]);
	d->dram = tile_read_int(r, e[1]);
	d->chip = tile_read_int(r, e[2]);
	if (n == 5) {
		m->start[m->d.rank] = tile_read_aff(r, e[3]);
		d->bound = tile_read_int(r, e[4]);
	}
	m->d.rank++;
}

static void
read_dma(struct tile_reader *r, struct tile_dma *m)
{
	struct tile_value *v;

	m->dram = tile_take_aff(r, "dram", true);
	m->chip = tile_take_aff(r, "chip", true);
	m->d.dram_dtype = tile_take_type(r, "type", DT_NONE);
	m->d.chip_dtype = tile_take_type(r, "chip_type", m->d.dram_dtype);
	m->d.traffic = (enum traffic)tile_take_name(r, "traffic",
	    tile_traffic_names, TRAFFIC_COUNT, TRAFFIC_OTHER);
	m->d.fill = tile_take_real(r, "fill");
	for (v = tile_take(r, "dim"); v != NULL; v = tile_take(r, "dim"))
		read_dim(r, m, v);
	m->d.index_dim = (int)tile_take_int(r, "index_dim", -1);
	if (m->d.index_dim != -1)
		m->index = tile_take_aff(r, "index", true);
}

static void
read_axis(struct tile_reader *r, const char *key, struct view_axis *x)
{
	int64_t v[8] = { 1, 1, 1, 1, 0, 1, 1, 0 };

	tile_take_ints(r, key, v, 8, 8);
	x->out = v[0];
	x->kernel = v[1];
	x->stride = v[2];
	x->dil = v[3];
	x->pad = v[4];
	x->up = v[5];
	x->extent = v[6];
	x->addr = v[7];
}

static void
read_view(struct tile_reader *r, struct tile_view *t)
{
	struct view *v = &t->v;
	int64_t pair[2] = { 0, 0 };

	t->base = tile_take_aff(r, "base", true);
	v->dtype = tile_take_type(r, "type", DT_NONE);
	t->outer0 = tile_take_aff(r, "outer0", false);
	t->k0 = tile_take_aff(r, "k0", false);
	v->flags = (uint32_t)tile_take_int(r, "flags", 0);
	tile_take_ints(r, "rows", pair, 2, 2);
	v->n = pair[0];
	v->n_addr = pair[1];
	pair[0] = pair[1] = 0;
	tile_take_ints(r, "cols", pair, 2, 2);
	v->c = pair[0];
	v->c_addr = pair[1];
	read_axis(r, "d", &v->axis[0]);
	read_axis(r, "h", &v->axis[1]);
	read_axis(r, "w", &v->axis[2]);
	pair[0] = pair[1] = 0;
	tile_take_ints(r, "blocks", pair, 2, 2);
	v->kcg = pair[0];
	v->ncg = pair[1];
}

/* The elements of key=(type, address, number...), count numbers; returns the
 * address, without a buffer where the key is absent. */
static struct tile_aff
read_operand(struct tile_reader *r, const char *key, enum dtype *type,
    int64_t *numbers, int count)
{
	struct tile_value *v = tile_take(r, key), *e;
	struct tile_aff a = taff_num(0);
	int n = 0;

	if (v == NULL)
		return a;
	if (v->kind != VAL_LIST || v->list->next == NULL) {
		tile_reader_error(r, v->word.pos,
		    "'%s' needs (type, address, ...)", key);
		return a;
	}
	*type = tile_read_type(r, v->list);
	a = tile_read_aff(r, v->list->next);
	for (e = v->list->next->next; e != NULL; e = e->next) {
		if (n < count)
			numbers[n] = tile_read_int(r, e);
		n++;
	}
	if (n != count)
		tile_reader_error(r, v->word.pos, "'%s' has %d numbers, "
		    "not %d", key, n, count);
	if (a.buffer == NULL)
		tile_reader_error(r, v->word.pos, "'%s' has no buffer", key);
	return a;
}

static struct tile_epi *
read_epi(struct tile_reader *r)
{
	struct tile_epi *t = NEW(r->arena, struct tile_epi);
	int64_t res[5] = { 0 };
	int act = tile_take_name(r, "epi", tile_act_names, EPI_ACT_COUNT,
	    -1);

	if (act < 0)
		return NULL;
	t->e.act = (enum epi_act)act;
	t->e.round = tile_take_type(r, "round", DT_NONE);
	t->e.alpha = (float)tile_take_real(r, "alpha");
	t->e.beta = (float)tile_take_real(r, "beta");
	t->scale = read_operand(r, "scale", &t->e.scale.dtype, NULL, 0);
	t->bias = read_operand(r, "bias", &t->e.bias.dtype, NULL, 0);
	t->residual = read_operand(r, "residual", &t->e.res_dtype, res, 5);
	t->e.res_n = res[0];
	t->e.res_axis[0] = res[1];
	t->e.res_axis[1] = res[2];
	t->e.res_axis[2] = res[3];
	t->e.res_c = res[4];
	return t;
}

static void
read_first(struct tile_reader *r, struct tile_insn *in)
{
	struct tile_value *v = tile_take(r, "first");

	if (v == NULL)
		return;
	if (v->kind == VAL_WORD && strcmp(v->word.text, "always") == 0) {
		in->mx.first = TFIRST_ALWAYS;
	} else if (v->kind == VAL_SUM && v->sum->kind == TERM_LOOP &&
	    v->sum->next == NULL && v->sum->number.text == NULL) {
		in->mx.first = TFIRST_LOOP;
		in->mx.first_loop = tile_read_loop(r, v->sum->id);
	} else {
		tile_reader_error(r, v->word.pos,
		    "'first' is 'always' or a loop");
	}
}

static void
read_matrix(struct tile_reader *r, struct tile_insn *in)
{
	in->mx.lbuf_v = tile_take_buffer(r, "lbuf_v");
	in->mx.lbuf_h = tile_take_buffer(r, "lbuf_h");
	in->mx.obuf = tile_take_buffer(r, "obuf");
	in->mx.m = tile_take_int(r, "m", 0);
	in->mx.k = tile_take_int(r, "k", 0);
	in->mx.n = tile_take_int(r, "n", 0);
	read_first(r, in);
	in->mx.mode = (int)tile_take_int(r, "mode", 0);
	if (in->mx.view != NULL)
		read_view(r, in->mx.view);
	if (in->kind == TILE_DRAIN)
		in->mx.epi = read_epi(r);
}

static void
read_func(struct tile_reader *r, struct tile_vec *t)
{
	const char *names[VF_COUNT];

	for (int i = 0; i < VF_COUNT; i++)
		names[i] = vec_func_name((enum vec_func)i);
	t->v.func = (uint32_t)tile_take_name(r, "func", names, VF_COUNT,
	    VF_COUNT);
	if (t->v.func == VF_COUNT && r->errors == r->errors_before)
		tile_reader_error(r, r->head, "'func' is missing");
}

static void
read_vec(struct tile_reader *r, struct tile_vec *t)
{
	static const char *const axis[3] = { "d", "h", "w" };
	static const char *const src[VEC_MAX_SRC] = { "x", "y", "z" };
	struct vec *v = &t->v;

	read_func(r, t);
	v->rank = tile_take_ints(r, "size", v->size, 1, VEC_MAX_RANK);
	v->nred = (int)tile_take_int(r, "nred", 0);
	v->chain = (int)tile_take_int(r, "chain", 0);
	t->dst = read_operand(r, "dst", &v->dst.dtype, v->dst.stride,
	    v->rank);
	for (int i = 0; i < VEC_MAX_SRC; i++)
		t->src[i] = read_operand(r, src[i], &v->src[i].dtype,
		    v->src[i].stride, v->rank);
	for (int i = 0; i < 3; i++) {
		int64_t a[5] = { 0 };
		tile_take_ints(r, axis[i], a, 4, 5);
		v->axis[i].stride = a[0];
		v->axis[i].dil = a[1];
		v->axis[i].pad = a[2];
		v->axis[i].extent = a[3];
		v->axis[i].up = a[4];
	}
	v->param[0] = tile_take_real(r, "p");
	v->param[1] = tile_take_real(r, "q");
}

void
tile_read_insn(struct tile_reader *r, struct tile_insn *in)
{
	switch (in->kind) {
	case TILE_LOAD:
	case TILE_STORE:
		read_dma(r, in->dma);
		break;
	case TILE_MAP:
	case TILE_RED:
	case TILE_WIN:
		read_vec(r, in->vec);
		break;
	case TILE_BARRIER:
		break;
	default:
		read_matrix(r, in);
		break;
	}
}
