#include "tests/lib/tile_gen.h"

#include <string.h>

#include "support/target.h"
#include "tests/lib/unit.h"

#define MAX_BUFFERS 64
#define MAX_STEPS 48 /* iterations of a nest */

/* A buffer as a matrix of f32. */
struct mat {
	struct tile_buffer *b;
	int64_t rows, cols;
};

struct gen {
	struct tile_program *p;
	uint64_t seed;
	int left; /* statements still to make */
	struct mat mat[MAX_BUFFERS];
	int n; /* visible ones */
	struct tile_buffer *lbuf_v, *lbuf_h, *obuf;
};

/* A part of a matrix: address of its first element and its row pitch. */
struct part {
	struct mat m;
	struct tile_aff at;
};

static int64_t
pick(struct gen *g, int64_t n)
{
	return (int64_t)(unit_random(&g->seed) >> 16) % n;
}

void
tile_gen_target(struct wave_target *t)
{
	target_defaults(t, "gen");
	t->rows = t->cols = 4;
	t->block_m = 8;
}

static bool
readable(const struct mat *m, unsigned spaces)
{
	return (spaces >> m->b->space & 1) != 0 &&
	    m->b->role != ROLE_OUTPUT;
}

#define ON_CHIP (1u << SPACE_GBUF | 1u << SPACE_WBUF)

/* A visible matrix of at least rows x cols in one of the spaces. */
static struct mat
choose(struct gen *g, unsigned spaces, bool write, int64_t rows,
    int64_t cols)
{
	int at = (int)pick(g, g->n);

	for (int i = 0; i < g->n; i++) {
		const struct mat *m = &g->mat[(at + i) % g->n];
		bool ok = write ? m->b->role != ROLE_INPUT &&
			(spaces >> m->b->space & 1) != 0 :
				  readable(m, spaces);
		if (ok && m->rows >= rows && m->cols >= cols)
			return *m;
	}
	ice("tile_gen", "no matrix of %d x %d", (int)rows, (int)cols);
}

/* Moves along some of the loops between the scope and the cursor. */
static void
wander(struct gen *g, struct tile_aff *a, const struct tile_buffer *b,
    int64_t room, int64_t step)
{
	for (struct tile_loop *l = g->p->cur; l != NULL && l != b->scope;
	     l = l->parent) {
		int64_t by = pick(g, 3);
		if (by * (l->count - 1) > room)
			continue;
		room -= by * (l->count - 1);
		taff_add(a, l, by * step);
	}
	a->offset += pick(g, room + 1) * step;
}

static struct part
part_of(struct gen *g, struct mat m, int64_t rows, int64_t cols)
{
	struct part p = { m, taff(m.b, 0) };

	wander(g, &p.at, m.b, m.rows - rows, m.cols * 4);
	wander(g, &p.at, m.b, m.cols - cols, 4);
	return p;
}

/* Copies rows x cols between DRAM and the chip. */
static void
transfer(struct gen *g, enum tile_kind kind, const struct part *dram,
    const struct part *chip, int64_t rows, int64_t cols)
{
	struct tile_dma *m = tile_emit(g->p, kind,
	    kind == TILE_LOAD ? Q_LD : Q_ST)->dma;

	m->d.dram_dtype = m->d.chip_dtype = DT_F32;
	m->d.rank = 2;
	m->d.traffic = TRAFFIC_ACTIVATION;
	m->dram = dram->at;
	m->chip = chip->at;
	m->d.dim[0] = (struct dma_dim){ rows, dram->m.cols * 4,
		chip->m.cols * 4, 0, 0 };
	m->d.dim[1] = (struct dma_dim){ cols, 4, 4, 0, 0 };
}

static void
random_transfer(struct gen *g, enum tile_kind kind)
{
	int64_t rows = 1 + pick(g, 3), cols = 1 + pick(g, 4);
	bool load = kind == TILE_LOAD;
	struct mat d = choose(g, 1u << SPACE_DRAM, !load, rows, cols);
	struct mat c = choose(g, load ? ON_CHIP : 1u << SPACE_GBUF, load,
	    rows, cols);
	struct part dp = part_of(g, d, rows, cols);
	struct part cp = part_of(g, c, rows, cols);
	struct tile_dma *m;

	transfer(g, kind, &dp, &cp, rows, cols);
	if (pick(g, 3) != 0)
		return;
	/* The same with coordinates, some of them outside. */
	m = g->p->cur != NULL ? g->p->cur->last->insn->dma :
				g->p->last->insn->dma;
	m->dram = taff(d.b, 0);
	wander(g, &m->dram, d.b, d.cols - cols, 4);
	m->start[0] = taff_num(-1);
	wander(g, &m->start[0], d.b, d.rows - rows + 2, 1);
	m->d.dim[0].bound = d.rows;
	m->d.fill = 0.5;
}

static void
operand(struct vec_operand *o, struct tile_aff *at, const struct part *p)
{
	o->dtype = DT_F32;
	o->stride[0] = p->m.cols * 4;
	o->stride[1] = 4;
	*at = p->at;
}

static void
random_map(struct gen *g)
{
	static const struct {
		enum vec_func f;
		int nsrc;
	} funcs[] = { { VF_copy, 1 }, { VF_neg, 1 }, { VF_abs, 1 },
		{ VF_relu, 1 }, { VF_max, 2 }, { VF_min, 2 }, { VF_mul, 2 },
		{ VF_fill, 0 }, { VF_select, 3 } };
	size_t f = (size_t)pick(g, sizeof funcs / sizeof *funcs);
	int64_t rows = 1 + pick(g, 3), cols = 1 + pick(g, 4);
	struct mat d = choose(g, 1u << SPACE_GBUF, true, rows, cols);
	struct part dp = part_of(g, d, rows, cols), sp[VEC_MAX_SRC];
	struct tile_vec *v;

	for (int i = 0; i < funcs[f].nsrc; i++) {
		struct mat s = choose(g, ON_CHIP, false, rows, cols);
		sp[i] = s.b == d.b ? dp : part_of(g, s, rows, cols);
	}
	v = tile_emit(g->p, TILE_MAP, Q_VE)->vec;
	v->v.func = funcs[f].f;
	v->v.rank = 2;
	v->v.size[0] = rows;
	v->v.size[1] = cols;
	v->v.param[0] = 0.25;
	operand(&v->v.dst, &v->dst, &dp);
	for (int i = 0; i < funcs[f].nsrc; i++)
		operand(&v->v.src[i], &v->src[i], &sp[i]);
}

static void
random_reduction(struct gen *g)
{
	int64_t rows = 1 + pick(g, 3), cols = 1 + pick(g, 4);
	struct mat d = choose(g, 1u << SPACE_GBUF, true, rows, 1);
	struct mat s = choose(g, ON_CHIP, false, rows, cols);
	struct part dp = part_of(g, d, rows, 1), sp;
	struct tile_vec *v;

	for (int i = 0; s.b == d.b && i < 8; i++)
		s = choose(g, ON_CHIP, false, rows, cols);
	if (s.b == d.b)
		return;
	sp = part_of(g, s, rows, cols);
	v = tile_emit(g->p, TILE_RED, Q_VE)->vec;
	v->v.func = pick(g, 2) != 0 ? VF_rmax : VF_rmin;
	v->v.rank = 2;
	v->v.nred = 1;
	v->v.size[0] = rows;
	v->v.size[1] = cols;
	operand(&v->v.dst, &v->dst, &dp);
	v->v.dst.stride[1] = 0;
	operand(&v->v.src[0], &v->src[0], &sp);
}

static void
random_window(struct gen *g)
{
	int64_t h = 2 + pick(g, 2), w = 2 + pick(g, 3);
	int64_t pad = pick(g, 2), taps = 2;
	int64_t oh = h + 2 * pad - taps + 1, ow = w + 2 * pad - taps + 1;
	struct mat s = choose(g, ON_CHIP, false, h, w);
	struct mat d = choose(g, 1u << SPACE_GBUF, true, oh, ow);
	struct part sp, dp;
	struct tile_vec *v;

	if (s.b == d.b)
		return;
	sp = part_of(g, s, h, w);
	dp = part_of(g, d, oh, ow);
	v = tile_emit(g->p, TILE_WIN, Q_VE)->vec;
	v->v.func = VF_wmax;
	v->v.rank = 8;
	for (int i = 0; i < 8; i++)
		v->v.size[i] = 1;
	v->v.size[2] = oh;
	v->v.size[3] = ow;
	v->v.size[6] = v->v.size[7] = taps;
	operand(&v->v.dst, &v->dst, &dp);
	operand(&v->v.src[0], &v->src[0], &sp);
	v->v.dst.stride[0] = v->v.dst.stride[1] = 0;
	v->v.src[0].stride[0] = v->v.src[0].stride[1] = 0;
	v->v.dst.stride[2] = d.cols * 4;
	v->v.dst.stride[3] = 4;
	v->v.src[0].stride[2] = s.cols * 4;
	v->v.src[0].stride[3] = 4;
	v->v.axis[0] = (struct vec_axis){ 1, 1, 0, 1, 0 };
	v->v.axis[1] = (struct vec_axis){ 1, 1, pad, h, 1 };
	v->v.axis[2] = (struct vec_axis){ 1, 1, pad, w, 0 };
}

/* A view of rows x cols of a matrix; by base, or by first row and column. */
static void
matrix_view(struct gen *g, struct tile_view *t, struct mat m, int64_t rows,
    int64_t cols)
{
	struct view *v = &t->v;

	v->dtype = DT_F32;
	v->n_addr = m.cols * 4;
	v->c_addr = 4;
	for (int i = 0; i < 3; i++)
		v->axis[i] = (struct view_axis){ 1, 1, 1, 1, 0, 1, 1, 0 };
	t->outer0 = t->k0 = taff_num(0);
	if (pick(g, 2) != 0) {
		v->n = rows;
		v->c = cols;
		t->base = part_of(g, m, rows, cols).at;
		return;
	}
	v->n = m.rows;
	v->c = m.cols;
	t->base = taff(m.b, 0);
	wander(g, &t->outer0, m.b, m.rows - rows, 1);
	wander(g, &t->k0, m.b, m.cols - cols, 1);
}

static void
load_tiles(struct gen *g, enum queue q, struct tile_buffer *bv,
    struct tile_buffer *bh, int64_t m, int64_t k, int64_t n)
{
	struct mat w = choose(g, ON_CHIP, false, n, k);
	struct mat x = choose(g, ON_CHIP, false, m, k);
	struct tile_insn *in = tile_emit(g->p, TILE_LDV, q);

	matrix_view(g, in->mx.view, w, n, k);
	in->mx.lbuf_v = bv;
	in->mx.k = k;
	in->mx.n = n;
	in = tile_emit(g->p, TILE_LDH, q);
	matrix_view(g, in->mx.view, x, m, k);
	in->mx.lbuf_h = bh;
	in->mx.k = k;
	in->mx.m = m;
	in = tile_emit(g->p, TILE_SHIFT, q);
	in->mx.lbuf_v = bv;
	in->mx.k = k;
	in->mx.n = n;
}

static void
multiply(struct gen *g, enum queue q, struct tile_loop *kl,
    struct tile_buffer *obuf, const int64_t *mkn, bool first)
{
	struct tile_loop *scope = g->p->cur;
	struct tile_buffer *bv = tile_buffer(g->p, "v", SPACE_LBUF_V, 1,
	    scope != NULL ? 2 : 1, scope);
	struct tile_buffer *bh = tile_buffer(g->p, "h", SPACE_LBUF_H, 1,
	    scope != NULL ? 2 : 1, scope);
	struct tile_insn *in;

	load_tiles(g, q, bv, bh, mkn[0], mkn[1], mkn[2]);
	in = tile_emit(g->p, TILE_EXEC, q);
	in->mx.lbuf_h = bh;
	in->mx.obuf = obuf;
	in->mx.m = mkn[0];
	in->mx.k = mkn[1];
	in->mx.n = mkn[2];
	in->mx.first = first ? kl != NULL ? TFIRST_LOOP : TFIRST_ALWAYS :
			       TFIRST_NEVER;
	in->mx.first_loop = kl;
}

static void
epilogue(struct gen *g, struct tile_insn *in)
{
	struct tile_epi *e = NEW(g->p->arena, struct tile_epi);
	struct mat s;

	e->e.act = EPI_CLIP;
	e->e.alpha = -1;
	e->e.beta = 1;
	in->mx.epi = e;
	if (in->mx.view->k0.nterms == 0 && pick(g, 2) != 0) {
		s = choose(g, ON_CHIP, false, 1, in->mx.view->v.c);
		e->e.bias.dtype = DT_F32;
		if (s.b != in->mx.view->base.buffer)
			e->bias = part_of(g, s, 1, in->mx.view->v.c).at;
	}
	if (pick(g, 3) == 0 && in->mx.view->v.n == in->mx.m) {
		s = choose(g, 1u << SPACE_GBUF, false, in->mx.m, in->mx.n);
		if (s.b == in->mx.view->base.buffer)
			return;
		e->residual = part_of(g, s, in->mx.m, in->mx.n).at;
		e->e.res_dtype = DT_F32;
		e->e.res_n = s.cols * 4;
		e->e.res_c = 4;
	}
}

static void
random_gemm(struct gen *g)
{
	const int64_t mkn[3] = { 1 + pick(g, 3), 1 + pick(g, 4),
		1 + pick(g, 3) };
	enum queue q = pick(g, 3) == 0 ? Q_ML : Q_MX;
	struct tile_loop *scope = g->p->cur, *kl = NULL;
	struct tile_buffer *obuf = tile_buffer(g->p, "o", SPACE_OBUF, 1,
	    scope != NULL ? 2 : 1, scope);
	bool first = pick(g, 4) != 0;
	struct tile_insn *in;
	struct mat d;

	if (!first) {
		d = choose(g, 1u << SPACE_GBUF, false, mkn[0], mkn[2]);
		in = tile_emit(g->p, TILE_LDOBUF, q);
		matrix_view(g, in->mx.view, d, mkn[0], mkn[2]);
		in->mx.obuf = obuf;
		in->mx.m = mkn[0];
		in->mx.n = mkn[2];
	}
	if (pick(g, 2) != 0)
		kl = tile_loop_open(g->p, "k", 1 + pick(g, 3));
	multiply(g, q, kl, obuf, mkn, first);
	if (kl != NULL)
		tile_loop_close(g->p);
	in = tile_emit(g->p, TILE_DRAIN, q);
	d = choose(g, 1u << SPACE_GBUF, true, mkn[0], mkn[2]);
	matrix_view(g, in->mx.view, d, mkn[0], mkn[2]);
	in->mx.obuf = obuf;
	in->mx.m = mkn[0];
	in->mx.n = mkn[2];
	epilogue(g, in);
}

/* ---- buffers ---- */

static struct mat
new_mat(struct gen *g, const char *name, enum space space, bool big)
{
	struct tile_loop *scope = g->p->cur;
	struct mat m;
	int depth = scope != NULL ? 1 + (int)pick(g, 3) : 1;

	m.rows = big ? 6 : 4 + pick(g, 2);
	m.cols = big ? 8 : 5 + pick(g, 3);
	m.b = tile_buffer(g->p, name, space, m.rows * m.cols * 4, depth,
	    scope);
	m.b->dtype = DT_F32;
	m.b->rank = 2;
	m.b->dim[0] = m.rows;
	m.b->dim[1] = m.cols;
	m.b->stride[0] = m.cols * 4;
	m.b->stride[1] = 4;
	return m;
}

static void
show(struct gen *g, struct mat m)
{
	if (g->n < MAX_BUFFERS)
		g->mat[g->n++] = m;
}

static void
new_bound(struct gen *g, enum tile_role role, int i)
{
	struct mat m = new_mat(g, role == ROLE_INPUT ? "in" : "out",
	    SPACE_DRAM, true);

	m.b->role = role;
	m.b->traffic = TRAFFIC_ACTIVATION;
	m.b->bind_name = arena_printf(g->p->arena, "%s%d", m.b->name, i);
	show(g, m);
}

/* A buffer on chip or in DRAM, at once written as a whole. */
static void
new_filled(struct gen *g)
{
	static const enum space spaces[] = { SPACE_GBUF, SPACE_GBUF,
		SPACE_GBUF, SPACE_WBUF, SPACE_DRAM };
	struct mat m = new_mat(g, "t", spaces[pick(g, 5)], false);
	enum space from = m.b->space == SPACE_DRAM ? SPACE_GBUF : SPACE_DRAM;
	struct mat s = choose(g, 1u << from, false, 4, 5);
	struct part sp, mp = { m, taff(m.b, 0) };

	if (s.rows < m.rows || s.cols < m.cols) {
		m.rows = s.rows < m.rows ? s.rows : m.rows;
		m.cols = s.cols < m.cols ? s.cols : m.cols;
		mp.m = m;
	}
	sp = part_of(g, s, m.rows, m.cols);
	if (from == SPACE_DRAM)
		transfer(g, TILE_LOAD, &sp, &mp, m.rows, m.cols);
	else
		transfer(g, TILE_STORE, &mp, &sp, m.rows, m.cols);
	show(g, m);
}

static void
statements(struct gen *g, int64_t steps, int depth)
{
	int n = 1 + (int)pick(g, 4);

	for (int i = 0; i < n && g->left > 0; i++) {
		int64_t what = pick(g, 12), count = 1 + pick(g, 4);
		int seen = g->n;
		g->left--;
		g->p->cur_op = (uint32_t)pick(g, (int64_t)g->p->ops.len);
		if (what < 2 && depth < 4 && steps * count <= MAX_STEPS) {
			tile_loop_open(g->p, "x", count);
			if (pick(g, 3) != 0)
				new_filled(g);
			statements(g, steps * count, depth + 1);
			if (g->p->cur->first == NULL)
				random_map(g);
			tile_loop_close(g->p);
			g->n = seen;
		} else if (what < 3) {
			new_filled(g);
		} else if (what < 5) {
			random_transfer(g, TILE_LOAD);
		} else if (what < 7) {
			random_transfer(g, TILE_STORE);
		} else if (what < 9) {
			random_map(g);
		} else if (what < 10) {
			if (pick(g, 2) != 0)
				random_reduction(g);
			else
				random_window(g);
		} else {
			random_gemm(g);
		}
	}
}

/* What is left in the GBUF goes to outputs. */
static void
show_all(struct gen *g)
{
	int n = g->n;

	for (int i = 0; i < n; i++) {
		struct mat m = g->mat[i], out;
		struct part from = { m, taff(m.b, 0) }, to;
		if (m.b->space != SPACE_GBUF)
			continue;
		out = m;
		out.b = tile_buffer(g->p, "rest", SPACE_DRAM, m.b->bytes, 1,
		    NULL);
		out.b->role = ROLE_OUTPUT;
		out.b->traffic = TRAFFIC_ACTIVATION;
		out.b->bind_name = arena_printf(g->p->arena, "rest%d", i);
		out.b->dtype = DT_F32;
		out.b->rank = 1;
		out.b->dim[0] = m.b->bytes / 4;
		out.b->stride[0] = 4;
		to = (struct part){ out, taff(out.b, 0) };
		transfer(g, TILE_STORE, &to, &from, m.rows, m.cols);
	}
}

struct tile_program *
tile_gen(struct arena *a, const struct wave_target *t, uint64_t seed,
    int size)
{
	struct gen *g = NEW(a, struct gen);
	struct mat m;
	struct part from, to;

	g->p = tile_new(a, t);
	g->p->overlap = seed % 2 == 0;
	g->seed = seed * 2654435761u + 1;
	g->left = size;
	for (int i = 0; i < 3; i++) {
		struct wave_op op = { arena_printf(a, "op%d", i), "Test",
			"forward", "gen", 0, 0 };
		VEC_PUSH(a, &g->p->ops, op);
	}
	new_bound(g, ROLE_INPUT, 0);
	new_bound(g, ROLE_INPUT, 1);
	m = new_mat(g, "first", SPACE_GBUF, true);
	from = part_of(g, g->mat[0], m.rows, m.cols);
	to = (struct part){ m, taff(m.b, 0) };
	transfer(g, TILE_LOAD, &from, &to, m.rows, m.cols);
	show(g, m);
	new_bound(g, ROLE_OUTPUT, 0);
	new_bound(g, ROLE_OUTPUT, 1);
	while (g->left > 0)
		statements(g, 1, 0);
	show_all(g);
	return g->p;
}
