/* Loads, shifts, waves and drains against one-element formulas. */
#include "runtime/sim/exec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/simgroup.h"
#include "tests/lib/simview.h"
#include "tests/lib/unit.h"

/* A tile of a view. */
struct tile {
	struct view v;
	int64_t outer0, k0, outer, k;
};

static void
random_tile(struct simgroup *s, struct tile *t, int64_t base)
{
	bool tr = (t->v.flags & VIEW_TRANSPOSED) != 0;
	int64_t rows = view_rows(&t->v), cols = view_cols(&t->v);
	int64_t outer = tr ? cols : rows, k = tr ? rows : cols;
	int64_t most = random_int(&s->seed, 0, 4) ? 40 : 300;

	t->outer0 = random_int(&s->seed, 0, outer - 1);
	t->k0 = random_int(&s->seed, 0, k - 1);
	t->outer = random_int(&s->seed, 1, outer - t->outer0);
	t->k = random_int(&s->seed, 1, k - t->k0);
	if (t->outer > most)
		t->outer = most;
	if (t->k > most)
		t->k = most;
	t->v.base = simgroup_aff(s, base);
	t->v.outer0 = simgroup_aff(s, t->outer0);
	t->v.k0 = simgroup_aff(s, t->k0);
}

static struct view_element
tile_element(const struct tile *t, int64_t outer, int64_t k)
{
	if ((t->v.flags & VIEW_TRANSPOSED) != 0)
		return view_element(&t->v, t->k0 + k, t->outer0 + outer);
	return view_element(&t->v, t->outer0 + outer, t->k0 + k);
}

static bool
outside(const struct mem *m, int64_t address, enum dtype t)
{
	return address < 0 ||
	    address + (int64_t)dtype_size(t) > (int64_t)m->size;
}

/* Element (outer, k) as f32; *bad set when it lies outside. */
static float
naive_load(const struct simgroup *s, const struct tile *t, int64_t outer,
    int64_t k, bool *bad)
{
	struct view_element e = tile_element(t, outer, k);
	const struct mem *m = t->v.space == SPACE_WBUF ? &s->g.wbuf :
	    &s->g.gbuf;
	int64_t at = e.address + s->aff[t->v.base].base;

	if (e.zero)
		return 0;
	if (outside(m, at, t->v.dtype)) {
		*bad = true;
		return 0;
	}
	return load_as_f32(m->data + at, t->v.dtype);
}

static void
check_load(struct simgroup *s, const struct tile *t, struct bank *b,
    bool stationary, unsigned *traps)
{
	const char *why = NULL;
	bool bad = false, ok = exec_ldlbuf(&s->g, &t->v, simgroup_idx, b,
	    t->outer, t->k, stationary, &why);
	int64_t wrong = 0;

	for (int64_t i = 0; i < t->outer; i++) {
		for (int64_t k = 0; k < t->k; k++) {
			float want = naive_load(s, t, i, k, &bad);

			if (ok && memcmp(&b->data[stationary ?
			    k * t->outer + i : i * t->k + k], &want, 4) != 0)
				wrong++;
		}
	}
	if (ok == bad)
		fail_msg("load %s, but elements %s", ok ? "done" : why,
		    bad ? "lie outside" : "are all inside");
	if (wrong != 0)
		fail_msg("%lld elements differ", (long long)wrong);
	*traps += bad;
	if (!ok)
		return;
	assert_int_equal(b->rows, stationary ? t->k : t->outer);
	assert_int_equal(b->cols, stationary ? t->outer : t->k);
	assert_int_equal(b->dtype, t->v.dtype);
}

static void
loads_of_random_views(void **state)
{
	uint64_t seed = 21;
	unsigned traps = 0;
	struct bank b = {0};

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		struct simgroup s;
		struct tile t;
		int64_t base, bytes;
		bool stationary = random_int(&seed, 0, 1) != 0;

		t.v = random_view(&seed, VIEW_LOAD, &base, &bytes);
		if (i % 5 == 0) /* too small a memory */
			bytes = random_int(&seed, 0, bytes - 1);
		if (i % 11 == 0)
			base -= random_int(&seed, 1, base + 1);
		simgroup_init(&s, seed, 0,
		    t.v.space == SPACE_GBUF ? (size_t)bytes : 0,
		    t.v.space == SPACE_WBUF ? (size_t)bytes : 0);
		s.g.pool = i % 4 == 0 ? pool_new(2) : NULL;
		random_tile(&s, &t, base);
		check_load(&s, &t, &b, stationary, &traps);
		simgroup_free(&s);
	}
	free(b.data);
	assert_in_range(traps, 100, 2000);
}

/* Layers as compilers make them: large enough for every fast path and both
 * threads. */
static void
loads_of_convolutions(void **state)
{
	static const struct {
		int64_t n, hw, c, kernel, stride, pad, dil;
	} conv[] = {
		{2, 14, 64, 3, 1, 1, 1}, {1, 17, 48, 3, 2, 1, 1},
		{1, 23, 3, 7, 2, 3, 1}, {2, 9, 130, 1, 1, 0, 1},
		{1, 12, 20, 3, 1, 2, 2}, {3, 1, 300, 1, 1, 0, 1},
		{1, 30, 1, 5, 1, 2, 1}, {40, 2, 16, 2, 1, 0, 1},
	};
	static const enum dtype types[] = {DT_F32, DT_F16, DT_BF16};
	unsigned traps = 0;
	struct bank b = {0};

	(void)state;
	for (unsigned i = 0; i < 12 * sizeof conv / sizeof *conv; i++) {
		struct simgroup s;
		struct tile t = {.v = {.space = SPACE_GBUF}};
		enum dtype type = types[i % 3];
		int64_t size = (int64_t)dtype_size(type);
		int64_t n = conv[i / 12].n, hw = conv[i / 12].hw;
		int64_t c = conv[i / 12].c, kernel = conv[i / 12].kernel;
		struct view_axis a = {.kernel = kernel,
		    .stride = conv[i / 12].stride, .dil = conv[i / 12].dil,
		    .pad = conv[i / 12].pad, .up = 1, .extent = hw};

		a.out = (hw + 2 * a.pad - (kernel - 1) * a.dil - 1) /
		    a.stride + 1;
		t.v.dtype = type;
		t.v.flags = i / 3 % 2 ? VIEW_TRANSPOSED : 0;
		t.v.n = n;
		t.v.c = c;
		t.v.n_addr = hw * hw * c * size;
		t.v.c_addr = size;
		t.v.axis[0] = (struct view_axis){1, 1, 1, 1, 0, 1, 1, 0};
		t.v.axis[1] = t.v.axis[2] = a;
		t.v.axis[1].addr = hw * c * size;
		t.v.axis[2].addr = c * size;
		simgroup_init(&s, i, 0, (size_t)(n * hw * hw * c * size), 0);
		s.g.pool = i % 2 ? pool_new(2) : NULL;
		t.outer = t.v.flags ? view_cols(&t.v) : view_rows(&t.v);
		t.k = t.v.flags ? view_rows(&t.v) : view_cols(&t.v);
		t.v.base = t.v.outer0 = t.v.k0 = 0;
		t.outer0 = t.k0 = 0;
		if (t.k > 400)
			t.k = 400;
		check_load(&s, &t, &b, i / 6 % 2 != 0, &traps);
		simgroup_free(&s);
	}
	free(b.data);
	assert_int_equal(traps, 0);
}

/* ---- waves ---- */

static void
fill_bank(struct bank *b, int64_t rows, int64_t cols, uint64_t *seed)
{
	free(b->data);
	b->cap = (size_t)(rows * cols);
	b->data = malloc(b->cap * sizeof *b->data);
	assert_non_null(b->data);
	b->rows = rows;
	b->cols = cols;
	for (size_t i = 0; i < b->cap; i++)
		b->data[i] = random_float(seed);
}

static void
check_wave(struct simgroup *s, int64_t m, int64_t n, int64_t k, int steps)
{
	struct bank h = {0}, v = {0}, o = {0};
	const char *why = NULL;
	float *want = calloc((size_t)(m * n), sizeof *want);

	assert_non_null(want);
	for (int step = 0; step < steps; step++) {
		fill_bank(&h, m, k, &s->seed);
		fill_bank(&v, k, n, &s->seed);
		assert_true(exec_shift(&s->g, &v, k, n, &why));
		for (int64_t i = 0; i < m; i++)
			for (int64_t j = 0; j < n; j++)
				for (int64_t p = 0; p < k; p++)
					want[i * n + j] = fmaf(
					    h.data[i * k + p],
					    v.data[p * n + j],
					    want[i * n + j]);
		/* the PEs hold the tile, whatever becomes of the bank */
		memset(v.data, 0x55, (size_t)(k * n) * 4);
		assert_true(exec_gemm(&s->g, &h, &o, m, k, n, step == 0,
		    &why));
	}
	assert_int_equal(o.rows, m);
	assert_int_equal(o.cols, n);
	for (int64_t i = 0; i < m * n; i++) {
		uint32_t b;

		memcpy(&b, &o.data[i], sizeof b);
		assert_int_equal(b, float_bits(want[i]));
	}
	free(want);
	free(h.data);
	free(v.data);
	free(o.data);
}

static void
waves(void **state)
{
	struct simgroup s;

	(void)state;
	simgroup_init(&s, 5, 0, 0, 0);
	for (int i = 0; i < 60; i++) {
		if (i == 30)
			s.g.pool = pool_new(2);
		check_wave(&s, random_int(&s.seed, 1, 60),
		    random_int(&s.seed, 1, 130), random_int(&s.seed, 1, 130),
		    (int)random_int(&s.seed, 1, 3));
	}
	check_wave(&s, 300, 128, 128, 2);
	check_wave(&s, 16, 4, 4, 2);
	simgroup_free(&s);
}

static void
wave_traps(void **state)
{
	struct simgroup s;
	struct bank h = {0}, v = {0}, o = {0};
	const char *why = NULL;

	(void)state;
	simgroup_init(&s, 5, 0, 0, 0);
	fill_bank(&h, 3, 4, &s.seed);
	fill_bank(&v, 4, 5, &s.seed);
	assert_false(exec_gemm(&s.g, &h, &o, 3, 4, 5, true, &why));
	assert_string_equal(why, "ExecGEMM with other extents than its tiles");
	assert_false(exec_shift(&s.g, &v, 4, 4, &why));
	assert_string_equal(why,
	    "ShiftV of a tile with other extents than loaded");
	assert_true(exec_shift(&s.g, &v, 4, 5, &why));
	assert_false(exec_gemm(&s.g, &h, &o, 2, 4, 5, true, &why));
	assert_false(exec_gemm(&s.g, &h, &o, 3, 4, 5, false, &why));
	assert_string_equal(why, "ExecGEMM adds to sums of other extents");
	assert_true(exec_gemm(&s.g, &h, &o, 3, 4, 5, true, &why));
	assert_true(exec_gemm(&s.g, &h, &o, 3, 4, 5, false, &why));
	free(h.data);
	free(v.data);
	free(o.data);
	simgroup_free(&s);
}

/* ---- drains ---- */

/* A drain as the test sees it. */
struct drain_case {
	struct tile t;
	struct epi e;
	int64_t base, bytes;     /* of the destination */
	int64_t res_at, res_low; /* residual: where it starts, lowest offset */
	struct bank sums;
};

static enum dtype
random_type(uint64_t *seed)
{
	static const enum dtype types[] = {DT_F32, DT_F16, DT_BF16};

	return types[random_int(seed, 0, 2)];
}

/* Wide vectors behind each other in WBUF; returns the bytes they take. */
static int64_t
random_vector(struct simgroup *s, struct epi_vector *e, int64_t at,
    int64_t channels)
{
	if (random_int(&s->seed, 0, 1) == 0)
		return at;
	e->space = SPACE_WBUF;
	e->dtype = random_type(&s->seed);
	e->base = simgroup_aff(s, at);
	return at + channels * (int64_t)dtype_size(e->dtype);
}

/* The residual is laid out like the destination, maybe denser or wider. */
static void
random_residual(struct simgroup *s, struct drain_case *d)
{
	int64_t size[5] = {d->t.v.n, d->t.v.axis[0].out, d->t.v.axis[1].out,
	    d->t.v.axis[2].out, d->t.v.c};
	int64_t *step[5] = {&d->e.res_n, &d->e.res_axis[0],
	    &d->e.res_axis[1], &d->e.res_axis[2], &d->e.res_c};
	int64_t at;

	d->res_at = d->bytes;
	d->res_low = 0;
	if (random_int(&s->seed, 0, 1) == 0)
		return;
	d->e.res_space = SPACE_GBUF;
	d->e.res_dtype = random_type(&s->seed);
	at = (int64_t)dtype_size(d->e.res_dtype);
	for (int i = 4; i >= 0; i--) {
		*step[i] = at;
		at *= size[i];
		if (random_int(&s->seed, 0, 4) == 0)
			at += random_int(&s->seed, 1, 8);
		if (random_int(&s->seed, 0, 9) == 0)
			*step[i] = 0; /* broadcast */
	}
	d->e.res_base = simgroup_aff(s, d->res_at);
	d->bytes += at;
}

static float
value_at(const struct simgroup *s, enum space space, enum dtype t,
    int64_t address, bool *bad)
{
	const struct mem *m = space == SPACE_WBUF ? &s->g.wbuf : &s->g.gbuf;

	if (!outside(m, address, t))
		return load_as_f32(m->data + address, t);
	*bad = true;
	return 0;
}

static float
naive_act(const struct epi *e, float v)
{
	switch (e->act) {
	case EPI_RELU: return isnan(v) ? v : v > 0 ? v : 0;
	case EPI_LEAKY_RELU: return v >= 0 ? v : e->alpha * v;
	case EPI_CLIP:
		if (v < e->alpha)
			v = e->alpha;
		return v > e->beta ? e->beta : v;
	case EPI_SIGMOID: return vecmath_f32(VF_sigmoid, v, 0, 0, NULL);
	case EPI_TANH: return vecmath_f32(VF_tanh, v, 0, 0, NULL);
	case EPI_HARD_SIGMOID:
		v = fmaf(e->alpha, v, e->beta);
		return v < 0 ? 0 : v > 1 ? 1 : v;
	case EPI_HARD_SWISH: {
		float g = fmaf(v, 1.0f / 6, 0.5f);

		return v * (g < 0 ? 0 : g > 1 ? 1 : g);
	}
	case EPI_NONE:
	case EPI_ACT_COUNT: break;
	}
	return v;
}

static float
naive_round(const struct epi *e, float v)
{
	if (e->round == DT_F16)
		return f16_to_f32(f32_to_f16(v));
	return e->round == DT_BF16 ? bf16_to_f32(f32_to_bf16(v)) : v;
}

/* Writes the expected element into the copy of GBUF. */
static void
naive_drain(const struct simgroup *s, const struct drain_case *d, int64_t i,
    int64_t j, uint8_t *want, bool *bad)
{
	struct view_element e = tile_element(&d->t, i, j);
	const struct aff *aff = s->aff;
	const struct epi *p = &d->e;
	float v = d->sums.data[i * d->t.k + j];
	int64_t at = e.address + aff[d->t.v.base].base;
	int64_t res = aff[p->res_base].base + e.n * p->res_n + e.c * p->res_c;

	if (p->scale.space != SPACE_NONE)
		v *= value_at(s, p->scale.space, p->scale.dtype,
		    aff[p->scale.base].base +
		    e.c * (int64_t)dtype_size(p->scale.dtype), bad);
	if (p->bias.space != SPACE_NONE)
		v += value_at(s, p->bias.space, p->bias.dtype,
		    aff[p->bias.base].base +
		    e.c * (int64_t)dtype_size(p->bias.dtype), bad);
	v = naive_round(p, v);
	for (int a = 0; a < 3; a++)
		res += e.o[a] * p->res_axis[a];
	if (p->res_space != SPACE_NONE)
		v = naive_round(p, v + value_at(s, p->res_space,
		    p->res_dtype, res, bad));
	v = naive_act(p, v);
	if (outside(&s->g.gbuf, at, d->t.v.dtype)) {
		*bad = true;
		return;
	}
	if (isnan(v))
		v = NAN;
	dtype_set(want + at, d->t.v.dtype, 0, (double)v);
}

static void
make_drain(struct simgroup *s, struct drain_case *d, uint64_t seed, bool tight)
{
	int64_t wbuf;

	memset(d, 0, sizeof *d);
	memset(s, 0, sizeof *s);
	s->seed = seed | 1;
	simgroup_reset(s);
	d->t.v = random_view(&s->seed, VIEW_DRAIN, &d->base, &d->bytes);
	for (int a = 0; a < 3; a++)
		d->t.v.axis[a].kernel = 1;
	wbuf = random_vector(s, &d->e.scale, 0, d->t.v.c);
	wbuf = random_vector(s, &d->e.bias, wbuf, d->t.v.c);
	random_residual(s, d);
	if (random_int(&s->seed, 0, 1) == 0)
		d->e.round = random_type(&s->seed);
	d->e.act = (enum epi_act)random_int(&s->seed, 0, EPI_ACT_COUNT - 1);
	d->e.alpha = (float)random_int(&s->seed, -3, 3) * 0.25f;
	d->e.beta = d->e.alpha + (float)random_int(&s->seed, 0, 3);
	if (tight) {
		int64_t *cut = random_int(&s->seed, 0, 1) && wbuf > 0 ? &wbuf :
		    &d->bytes;

		*cut = random_int(&s->seed, 0, *cut - 1);
	}
	/* the affs made so far stay */
	struct simgroup made = *s;

	simgroup_init(s, made.seed, 0, (size_t)d->bytes, (size_t)wbuf);
	memcpy(s->aff, made.aff, sizeof s->aff);
	s->tables.naff = made.tables.naff;
	random_tile(s, &d->t, d->base);
	fill_bank(&d->sums, d->t.outer, d->t.k, &s->seed);
}

static void
drains_of_random_views(void **state)
{
	uint64_t seed = 77;
	unsigned traps = 0;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct simgroup s;
		struct drain_case d;
		const char *why = NULL;
		bool bad = false, ok;
		uint8_t *want;

		make_drain(&s, &d, unit_random(&seed), i % 6 == 0);
		s.g.pool = i % 4 == 0 ? pool_new(2) : NULL;
		want = malloc(s.g.gbuf.size + 1);
		assert_non_null(want);
		memcpy(want, s.g.gbuf.data, s.g.gbuf.size);
		for (int64_t r = 0; r < d.t.outer; r++)
			for (int64_t c = 0; c < d.t.k; c++)
				naive_drain(&s, &d, r, c, want, &bad);
		ok = exec_drain(&s.g, &d.t.v, i % 9 == 8 ? NULL : &d.e,
		    simgroup_idx, &d.sums, d.t.outer, d.t.k, &why);
		if (i % 9 != 8) {
			if (ok == bad)
				fail_msg("drain %u %s", i, ok ? "done" : why);
			if (ok && memcmp(want, s.g.gbuf.data,
			    s.g.gbuf.size) != 0)
				fail_msg("drain %u differs", i);
		}
		traps += bad;
		free(want);
		free(d.sums.data);
		simgroup_free(&s);
	}
	assert_in_range(traps, 50, 1000);
}

/* A drain without an epilogue, loaded back, is the block again, rounded to the
 * type it was stored in. */
static void
spilled_sums(void **state)
{
	uint64_t seed = 99;

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct simgroup s;
		struct drain_case d;
		struct bank back = {0};
		const char *why = NULL;

		make_drain(&s, &d, unit_random(&seed), false);
		s.g.pool = i % 3 == 0 ? pool_new(2) : NULL;
		d.e.round = d.t.v.dtype;
		for (size_t k = 0; k < d.sums.cap; k++)
			if (isnan(d.sums.data[k]))
				d.sums.data[k] = NAN;
		assert_true(exec_drain(&s.g, &d.t.v, NULL, simgroup_idx,
		    &d.sums, d.t.outer, d.t.k, &why));
		assert_true(exec_ldobuf(&s.g, &d.t.v, simgroup_idx, &back,
		    d.t.outer, d.t.k, &why));
		assert_int_equal(back.rows, d.t.outer);
		assert_int_equal(back.cols, d.t.k);
		assert_int_equal(back.dtype, DT_F32);
		for (size_t k = 0; k < d.sums.cap; k++) {
			float want = naive_round(&d.e, d.sums.data[k]);

			assert_memory_equal(&back.data[k], &want, 4);
		}
		free(back.data);
		free(d.sums.data);
		simgroup_free(&s);
	}
}

/* ---- hostile descriptors ---- */

/* Whatever a view says, nothing outside is touched and nothing overflows; the
 * sanitizers watch. */
static void
hostile_views(void **state)
{
	struct simgroup s;
	struct bank b = {0}, sums = {0};
	unsigned done = 0;

	(void)state;
	simgroup_init(&s, 4, 0, 600, 600);
	fill_bank(&sums, 8, 8, &s.seed);
	for (int i = 0; i < 20000; i++) {
		int64_t base, bytes;
		struct view v = random_view(&s.seed, VIEW_LOAD, &base,
		    &bytes);
		struct epi e = {.res_space = i % 2 ? SPACE_GBUF : SPACE_NONE,
		    .res_dtype = DT_F16};
		int64_t *number[] = {&v.n_addr, &v.c_addr, &v.axis[0].stride,
		    &v.axis[0].dil, &v.axis[0].pad, &v.axis[0].addr,
		    &v.axis[1].stride, &v.axis[1].addr, &v.axis[2].stride,
		    &v.axis[2].dil, &v.axis[2].pad, &v.axis[2].addr, &base,
		    &e.res_n, &e.res_c, &e.res_axis[0], &e.res_axis[1],
		    &e.res_axis[2]};
		int64_t *positive[] = {&v.n, &v.c, &v.axis[0].extent,
		    &v.axis[1].extent, &v.axis[2].extent, &v.axis[0].up,
		    &v.axis[2].up};
		const char *why;

		for (int64_t k = random_int(&s.seed, 1, 6); k > 0; k--) {
			int64_t h = hostile_int(&s.seed);

			*number[random_int(&s.seed, 0, 17)] =
			    hostile_int(&s.seed);
			if (h > 0 && h < (int64_t)1 << 41)
				*positive[random_int(&s.seed, 0, 6)] = h;
		}
		simgroup_reset(&s);
		v.base = simgroup_aff(&s, base);
		v.outer0 = simgroup_aff(&s, hostile_int(&s.seed));
		v.k0 = simgroup_aff(&s, hostile_int(&s.seed));
		e.res_base = simgroup_aff(&s, hostile_int(&s.seed));
		done += exec_ldlbuf(&s.g, &v, simgroup_idx, &b,
		    random_int(&s.seed, 1, 40), random_int(&s.seed, 1, 40),
		    i % 3 == 0, &why);
		v.space = SPACE_GBUF;
		done += exec_drain(&s.g, &v, &e, simgroup_idx, &sums, 8, 8,
		    &why);
	}
	assert_in_range(done, 50, 39000);
	free(b.data);
	free(sums.data);
	simgroup_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_of_random_views),
		cmocka_unit_test(loads_of_convolutions),
		cmocka_unit_test(waves),
		cmocka_unit_test(wave_traps),
		cmocka_unit_test(drains_of_random_views),
		cmocka_unit_test(spilled_sums),
		cmocka_unit_test(hostile_views),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
