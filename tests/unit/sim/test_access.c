/* Closed forms of accesses against the definitions of DESIGN.md, element by
 * element, on random descriptors. */
#include <string.h>

#include "runtime/sim/access.h"
#include "runtime/sim/shadow.h"
#include "tests/lib/unit.h"

#define SPACE_BYTES 60000
#define ORIGIN 20000

/* Bytes seen, relative to ORIGIN. */
static uint8_t want[SPACE_BYTES], have[SPACE_BYTES];
static struct range want_range;

static void
clear(void)
{
	memset(want, 0, sizeof want);
	memset(have, 0, sizeof have);
	want_range = (struct range){ INT64_MAX, INT64_MIN };
}

static void
touch(int64_t address, int64_t size)
{
	assert_in_range(address + ORIGIN, 0, SPACE_BYTES - 8);
	memset(want + address + ORIGIN, 1, (size_t)size);
	if (address < want_range.lo)
		want_range.lo = address;
	if (address + size > want_range.hi)
		want_range.hi = address + size;
}

static void
on_run(void *user, int64_t lo, int64_t len)
{
	(void)user;
	assert_in_range(lo + ORIGIN, 0, SPACE_BYTES - len);
	memset(have + lo + ORIGIN, 1, (size_t)len);
}

static void
on_box(void *user, const struct box *b)
{
	box_runs(b, on_run, user);
}

static int64_t
pick(uint64_t *seed, int64_t lo, int64_t hi)
{
	return lo + (int64_t)(unit_random(seed) % (uint64_t)(hi - lo + 1));
}

/* ---- views ---- */

static struct view
random_view(uint64_t *seed)
{
	struct view v = { .space = SPACE_GBUF,
		.dtype = pick(seed, 0, 1) ? DT_F32 : DT_F16,
		.flags = (uint32_t)pick(seed, 0, 1),
		.n = pick(seed, 1, 3),
		.c = pick(seed, 1, 6),
		.n_addr = pick(seed, -40, 300) };

	v.c_addr = pick(seed, 0, 3) ? (int64_t)dtype_size(v.dtype) :
				      pick(seed, -8, 16);
	for (int a = 0; a < 3; a++) {
		struct view_axis *x = &v.axis[a];

		x->out = pick(seed, 1, a == 0 ? 2 : 5);
		x->kernel = pick(seed, 1, a == 0 ? 2 : 3);
		x->stride = pick(seed, 1, 3);
		x->dil = pick(seed, -2, 2);
		x->pad = pick(seed, -3, 3);
		x->up = pick(seed, 1, 3);
		x->extent = pick(seed, 1, 7);
		x->addr = pick(seed, -70, 90);
	}
	if (pick(seed, 0, 3) == 0) {
		v.kcg = pick(seed, 1, 3);
		v.ncg = pick(seed, 1, 3);
	}
	return v;
}

/* The definition: element (p, q) of the view. */
static void
touch_element(const struct view *v, int64_t base, int64_t p, int64_t q)
{
	int64_t o[3], k[3], c = q % v->c, row = p;
	int64_t address = base;

	q /= v->c;
	for (int a = 2; a >= 0; a--) {
		o[a] = p % v->axis[a].out;
		p /= v->axis[a].out;
		k[a] = q % v->axis[a].kernel;
		q /= v->axis[a].kernel;
	}
	for (int a = 0; a < 3; a++) {
		const struct view_axis *x = &v->axis[a];
		int64_t pos = o[a] * x->stride + k[a] * x->dil - x->pad;

		if (pos < 0 || pos % x->up != 0 || pos / x->up >= x->extent)
			return;
		address += pos / x->up * x->addr;
	}
	if (v->kcg > 0 && row / v->ncg != c / v->kcg)
		return;
	c = v->kcg > 0 ? c % v->kcg : c;
	touch(address + p * v->n_addr + c * v->c_addr,
	    (int64_t)dtype_size(v->dtype));
}

static void
check_tile(const struct access_tile *a)
{
	const struct view *v = a->view;
	struct range r, whole;
	const char *why;

	clear();
	for (int64_t i = 0; i < a->outer; i++)
		for (int64_t j = 0; j < a->k; j++) {
			int64_t x = a->outer0 + i, y = a->k0 + j;

			if (v->flags & VIEW_TRANSPOSED)
				touch_element(v, a->base, y, x);
			else
				touch_element(v, a->base, x, y);
		}
	assert_true(access_tile_fits(a, &why));
	access_tile_boxes(a, on_box, NULL);
	assert_memory_equal(want, have, SPACE_BYTES);
	assert_true(access_tile_bounds(a, &r));
	if (want_range.lo > want_range.hi) {
		assert_true(r.hi <= r.lo);
		return;
	}
	assert_int_equal(r.lo, want_range.lo);
	assert_int_equal(r.hi, want_range.hi);
	assert_true(access_view_bounds(v, &whole));
	assert_true(whole.lo + a->base <= r.lo && r.hi <= whole.hi + a->base);
}

static void
test_views(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct view v = random_view(&seed);
		struct access_tile a = { .view = &v,
			.base = pick(&seed, -100, 100) };
		int64_t p, q;

		assert_true(access_view_extents(&v, &p, &q));
		bool t = (v.flags & VIEW_TRANSPOSED) != 0;
		int64_t outer = t ? q : p, k = t ? p : q;

		a.outer0 = pick(&seed, 0, outer - 1);
		a.k0 = pick(&seed, 0, k - 1);
		a.outer = pick(&seed, 1, outer - a.outer0);
		a.k = pick(&seed, 1, k - a.k0);
		check_tile(&a);
	}
}

static void
test_tile_outside(void **state)
{
	uint64_t seed = 5;
	struct view v = random_view(&seed);
	struct access_tile a = { .view = &v };
	const char *why = NULL;
	int64_t p, q;

	(void)state;
	v.flags = 0;
	assert_true(access_view_extents(&v, &p, &q));
	a.outer = p;
	a.k = q;
	assert_true(access_tile_fits(&a, &why));
	a.k0 = 1;
	assert_false(access_tile_fits(&a, &why));
	assert_string_equal(why, "the tile leaves its view");
	a.k0 = 0;
	a.outer0 = -1;
	assert_false(access_tile_fits(&a, &why));
}

/* ---- DMA ---- */

static void
test_dma(void **state)
{
	uint64_t seed = 21;
	struct aff aff[8] = { { 0 } };
	struct isa_tables t = { .aff = aff, .naff = 8 };
	const int64_t idx[ISA_MAX_LOOPS] = { 0 };

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct dma d = { .space = SPACE_GBUF, .dram_dtype = DT_F32,
			.chip_dtype = DT_F16, .rank = 3, .index_dim = -1 };
		struct access_dma a;
		const char *why;
		int64_t n = 0;
		bool load = i % 2;

		for (int k = 0; k < 3; k++) {
			d.dim[k] = (struct dma_dim){ pick(&seed, 1, 5),
				pick(&seed, -60, 60), pick(&seed, -60, 60),
				0, 0 };
			aff[k + 1].base = pick(&seed, -4, 8);
			if (pick(&seed, 0, 1)) {
				d.dim[k].start = (uint32_t)k + 1;
				d.dim[k].bound = pick(&seed, 1, 6);
			}
		}
		clear();
		int64_t j[3];

		for (j[0] = 0; j[0] < d.dim[0].size; j[0]++)
		for (j[1] = 0; j[1] < d.dim[1].size; j[1]++)
		for (j[2] = 0; j[2] < d.dim[2].size; j[2]++) {
			int64_t at = 0;
			bool in = true;

			for (int k = 0; k < 3; k++) {
				const struct dma_dim *x = &d.dim[k];
				int64_t c = j[k] + (x->start ?
				    aff[x->start].base : 0);

				in &= !x->start || (c >= 0 && c < x->bound);
				at += c * x->dram;
			}
			if (in) {
				touch(at, 4);
				n++;
			}
		}
		assert_true(access_dma(&t, &d, idx, 0, load, &a, &why));
		assert_int_equal(a.elements, n);
		assert_int_equal(a.dram_bytes, 4 * n);
		box_runs(&a.dram, on_run, NULL);
		assert_memory_equal(want, have, SPACE_BYTES);
		assert_int_equal(a.filled, load ? d.dim[0].size *
		    d.dim[1].size * d.dim[2].size : n);
	}
}

/* ---- windows ---- */

static void
test_windows(void **state)
{
	uint64_t seed = 31;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct vec v = { .func = VF_wsum, .rank = 8 };
		int64_t j[8];

		for (int d = 0; d < 8; d++)
			v.size[d] = pick(&seed, 1, 3);
		v.src[0] = (struct vec_operand){ SPACE_GBUF, DT_F32, 0,
			{ pick(&seed, -90, 90), pick(&seed, -90, 90),
			    pick(&seed, -90, 90), pick(&seed, -90, 90), 4 } };
		for (int a = 0; a < 3; a++)
			v.axis[a] = (struct vec_axis){ pick(&seed, 1, 3),
				pick(&seed, 1, 2), pick(&seed, -1, 3),
				pick(&seed, 1, 6), pick(&seed, 0, 3) };
		clear();
		memset(j, 0, sizeof j);
		for (;;) {
			int64_t at = j[0] * v.src[0].stride[0] +
			    j[4] * v.src[0].stride[4];
			bool in = true;
			int d = 7;

			for (int a = 0; a < 3; a++) {
				const struct vec_axis *x = &v.axis[a];
				int64_t pos = j[a + 1] * x->stride +
				    j[a + 5] * x->dil - x->pad;

				int64_t up = x->up > 1 ? x->up : 1;

				in &= pos >= 0 && pos % up == 0 &&
				    pos / up < x->extent;
				pos /= up;
				at += pos * v.src[0].stride[a + 1];
			}
			if (in)
				touch(at, 4);
			for (; d >= 0 && ++j[d] == v.size[d]; d--)
				j[d] = 0;
			if (d < 0)
				break;
		}
		access_vec_boxes(INSN_VWIN, &v, 0, 0, on_box, NULL);
		assert_memory_equal(want, have, SPACE_BYTES);
		struct range r;

		assert_true(access_vec_bounds(INSN_VWIN, &v, 0, &r));
		if (want_range.lo <= want_range.hi) {
			assert_int_equal(r.lo, want_range.lo);
			assert_int_equal(r.hi, want_range.hi);
		}
	}
}

/* ---- the shadow map against an array ---- */

struct recolor {
	uint32_t to;
	bool add; /* the new value depends on the old */
};

static uint32_t
recolor(void *user, uint32_t value, int64_t lo, int64_t hi)
{
	const struct recolor *r = user;

	assert_true(lo < hi);
	return r->add ? (value + r->to) % 7 : r->to;
}

static uint32_t
read_value(void *user, uint32_t value, int64_t lo, int64_t hi)
{
	uint32_t *copy = user;

	for (int64_t i = lo; i < hi; i++)
		copy[i] = value;
	return value;
}

static void
test_shadow(void **state)
{
	static uint32_t plain[20000], copy[20000];
	struct shadow s;
	uint64_t seed = 3;

	(void)state;
	memset(plain, 0, sizeof plain);
	shadow_init(&s, 20000);
	for (int i = 0; i < 3000; i++) {
		int64_t lo = pick(&seed, 0, 19999);
		int64_t len = pick(&seed, 1, pick(&seed, 0, 1) ? 40 : 9000);
		struct recolor r = { (uint32_t)pick(&seed, 0, 3),
			pick(&seed, 0, 1) };

		len = lo + len > 20000 ? 20000 - lo : len;
		for (int64_t k = lo; k < lo + len; k++)
			plain[k] = r.add ? (plain[k] + r.to) % 7 : r.to;
		shadow_map(&s, lo, len, recolor, &r);
		if (i % 10 == 0) {
			shadow_map(&s, 0, 20000, read_value, copy);
			assert_memory_equal(plain, copy, sizeof plain);
		}
	}
	shadow_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_views),
		UNIT_TEST(test_tile_outside),
		UNIT_TEST(test_dma),
		UNIT_TEST(test_windows),
		UNIT_TEST(test_shadow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
