/* DMA boxes against a loop over single elements. */
#include "runtime/sim/exec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/simgroup.h"
#include "tests/lib/unit.h"

struct box_case {
	struct dma d;
	int64_t dram_base, chip_base, index_base;
	int64_t start[DMA_MAX_RANK];
	int64_t dram_bytes, chip_bytes;
};

static enum dtype
random_type(uint64_t *seed)
{
	return (enum dtype)random_int(seed, DT_NONE + 1, DT_COUNT - 1);
}

static enum dtype
random_float_type(uint64_t *seed)
{
	static const enum dtype types[] = {DT_F32, DT_F16, DT_BF16, DT_F64};

	return types[random_int(seed, 0, 3)];
}

static void
random_dtypes(uint64_t *seed, struct dma *d)
{
	if (random_int(seed, 0, 1)) {
		d->dram_dtype = d->chip_dtype = random_type(seed);
		return;
	}
	d->dram_dtype = random_float_type(seed);
	d->chip_dtype = random_float_type(seed);
}

static void
random_box(uint64_t *seed, struct box_case *b)
{
	struct dma *d = &b->d;
	int64_t size[DMA_MAX_RANK], wide[DMA_MAX_RANK], stride[DMA_MAX_RANK];
	struct extent e;

	memset(b, 0, sizeof *b);
	random_dtypes(seed, d);
	d->space = random_int(seed, 0, 1) ? SPACE_GBUF : SPACE_WBUF;
	d->rank = (int)random_int(seed, 1, DMA_MAX_RANK);
	d->fill = (double)random_int(seed, -3, 3) * 0.5;
	d->index_dim = random_int(seed, 0, 2) ? -1 :
	    (int)random_int(seed, 0, d->rank - 1);
	for (int i = 0; i < d->rank; i++) {
		size[i] = random_int(seed, 1, random_int(seed, 0, 3) ? 4 : 20);
		wide[i] = size[i];
		if (random_int(seed, 0, 2) == 0) { /* starts somewhere */
			wide[i] = random_int(seed, 1, 20);
			b->start[i] = random_int(seed, -5, wide[i] + 2);
			d->dim[i].bound = wide[i];
		}
		if (i == d->index_dim)
			wide[i] += 6;
		d->dim[i].size = size[i];
	}
	e = random_strides(seed, d->rank, wide,
	    (int64_t)dtype_size(d->dram_dtype), stride);
	for (int i = 0; i < d->rank; i++)
		d->dim[i].dram = stride[i];
	b->dram_base = -e.low;
	b->index_base = (e.high - e.low + 3) / 4 * 4;
	b->dram_bytes = b->index_base;
	if (d->index_dim >= 0)
		b->dram_bytes += 4 * size[d->index_dim];
	e = random_strides(seed, d->rank, size,
	    (int64_t)dtype_size(d->chip_dtype), stride);
	for (int i = 0; i < d->rank; i++)
		d->dim[i].chip = stride[i];
	b->chip_base = -e.low;
	b->chip_bytes = e.high - e.low;
}

static void
prepare(struct simgroup *s, struct box_case *b, uint64_t seed)
{
	struct dma *d = &b->d;
	bool gbuf = d->space == SPACE_GBUF;

	simgroup_init(s, seed, (size_t)b->dram_bytes,
	    gbuf ? (size_t)b->chip_bytes : 0,
	    gbuf ? 0 : (size_t)b->chip_bytes);
	d->dram_base = simgroup_aff(s, b->dram_base);
	d->chip_base = simgroup_aff(s, b->chip_base);
	for (int i = 0; i < d->rank; i++)
		if (d->dim[i].bound > 0)
			d->dim[i].start = simgroup_aff(s, b->start[i]);
	if (d->index_dim < 0)
		return;
	d->index_base = simgroup_aff(s, b->index_base);
	for (int64_t i = 0; i < d->dim[d->index_dim].size; i++) {
		int32_t v = (int32_t)random_int(&s->seed, 0, 5);
		int64_t at = b->index_base + 4 * i;

		if (d->dim[d->index_dim].bound > 0)
			v -= 2;
		if (at + 4 <= (int64_t)s->dram.size)
			memcpy(s->dram.data + at, &v, 4);
	}
}

static bool
inside(const struct mem *m, int64_t at, enum dtype t)
{
	return at >= 0 && at + (int64_t)dtype_size(t) <= (int64_t)m->size;
}

/* One conversion with one rounding; a NaN that is converted loses its
 * payload, a plain copy keeps all bits. */
static void
put(uint8_t *dst, enum dtype to, const uint8_t *src, enum dtype from)
{
	if (to == from) {
		memcpy(dst, src, dtype_size(to));
		return;
	}
	double v = dtype_get(src, from, 0);

	dtype_set(dst, to, 0, isnan(v) ? (double)NAN : v);
}

/* Does what the descriptor says, element by element, to copies of the
 * memories; false when an access lies outside. */
static bool
naive(const struct simgroup *s, const struct box_case *b, bool load,
    struct mem *dram, struct mem *chip)
{
	const struct dma *d = &b->d;
	int64_t i[DMA_MAX_RANK] = {0};

	if (d->index_dim >= 0 && (b->index_base < 0 || b->index_base +
	    4 * d->dim[d->index_dim].size > (int64_t)s->dram.size))
		return false;
	for (;;) {
		int64_t at = b->dram_base, to = b->chip_base;
		bool in = true;
		int k;

		for (k = 0; k < d->rank; k++) {
			const struct dma_dim *x = &d->dim[k];
			int64_t pos = i[k];
			int32_t v;

			if (k == d->index_dim) {
				memcpy(&v, s->dram.data + b->index_base +
				    4 * i[k], 4);
				pos = v;
			}
			if (x->start != 0) {
				pos += b->start[k];
				in = in && pos >= 0 && pos < x->bound;
			}
			at += pos * x->dram;
			to += i[k] * x->chip;
		}
		if ((in || load) && !inside(chip, to, d->chip_dtype))
			return false;
		if (in && !inside(dram, at, d->dram_dtype))
			return false;
		if (in && load)
			put(chip->data + to, d->chip_dtype, dram->data + at,
			    d->dram_dtype);
		else if (in)
			put(dram->data + at, d->dram_dtype, chip->data + to,
			    d->chip_dtype);
		else if (load)
			dtype_set(chip->data + to, d->chip_dtype, 0, d->fill);
		for (k = d->rank - 1; k >= 0; k--) {
			if (++i[k] < d->dim[k].size)
				break;
			i[k] = 0;
		}
		if (k < 0)
			return true;
	}
}

static struct mem
clone(const struct mem *m)
{
	struct mem c = {malloc(m->size + 1), m->size};

	assert_non_null(c.data);
	memcpy(c.data, m->data, m->size);
	return c;
}

/* The list must not send two elements of a store to one place: which is last
 * would be a matter of order. Here order is kept, so it may. */
static bool
check_box(struct simgroup *s, const struct box_case *b, bool load,
    const char *what)
{
	struct mem *chip = b->d.space == SPACE_GBUF ? &s->g.gbuf : &s->g.wbuf;
	struct mem dram2 = clone(&s->dram), chip2 = clone(chip);
	const char *why = NULL;
	bool want = naive(s, b, load, &dram2, &chip2);
	bool ok = exec_dma(&s->g, &b->d, simgroup_idx, load, &why);

	if (ok != want)
		fail_msg("%s: %s", what, ok ? "done, but elements lie outside" :
		    why);
	if (ok && memcmp(dram2.data, s->dram.data, dram2.size) != 0)
		fail_msg("%s: DRAM differs", what);
	if (ok && memcmp(chip2.data, chip->data, chip2.size) != 0)
		fail_msg("%s: chip differs", what);
	free(dram2.data);
	free(chip2.data);
	return ok;
}

static void
random_boxes(void **state)
{
	uint64_t seed = 17;
	unsigned traps = 0, runs = 6000;

	(void)state;
	for (unsigned n = 0; n < runs; n++) {
		struct simgroup s;
		struct box_case b;
		char what[64];
		bool load = n % 2 == 0;

		random_box(&seed, &b);
		if (n % 7 == 0)
			b.dram_bytes = random_int(&seed, 0, b.dram_bytes - 1);
		if (n % 9 == 0)
			b.chip_bytes = random_int(&seed, 0, b.chip_bytes - 1);
		prepare(&s, &b, unit_random(&seed));
		s.g.pool = n % 5 == 0 ? pool_new(2) : NULL;
		snprintf(what, sizeof what, "%s %u", load ? "load" : "store",
		    n);
		traps += !check_box(&s, &b, load, what);
		simgroup_free(&s);
	}
	assert_in_range(traps, runs / 20, runs / 2);
}

/* Large boxes, shared by threads, one of which converts. */
static void
large_boxes(void **state)
{
	(void)state;
	for (int n = 0; n < 8; n++) {
		struct simgroup s;
		struct box_case b = {.d = {.space = SPACE_GBUF, .rank = 3,
		    .index_dim = n == 3 ? 1 : -1, .fill = 2}};
		struct dma *d = &b.d;
		int64_t size[3] = {9, 50, 300};

		d->dram_dtype = n % 2 ? DT_F32 : DT_F16;
		d->chip_dtype = n & 2 ? DT_BF16 : d->dram_dtype;
		int64_t at = (int64_t)dtype_size(d->dram_dtype);
		int64_t to = (int64_t)dtype_size(d->chip_dtype);

		for (int i = 2; i >= 0; i--) {
			d->dim[i].size = size[i];
			d->dim[i].dram = at;
			d->dim[i].chip = to;
			at *= size[i] + (n == 4);
			to *= size[i];
		}
		if (n == 5) { /* two rows hang out on either side */
			d->dim[1].bound = 50;
			b.start[1] = -2;
		}
		b.index_base = (at + 3) / 4 * 4;
		b.dram_bytes = b.index_base + 4 * 50;
		b.chip_bytes = to;
		prepare(&s, &b, (uint64_t)n);
		s.g.pool = n % 3 ? pool_new(2) : NULL;
		assert_true(check_box(&s, &b, true, "large load"));
		assert_true(check_box(&s, &b, false, "large store"));
		simgroup_free(&s);
	}
}

static void
hostile_boxes(void **state)
{
	struct simgroup s;
	unsigned done = 0;

	(void)state;
	simgroup_init(&s, 23, 500, 500, 500);
	for (int n = 0; n < 40000; n++) {
		struct box_case b;
		struct dma *d = &b.d;
		const char *why;

		random_box(&s.seed, &b);
		simgroup_reset(&s);
		for (int64_t k = random_int(&s.seed, 1, 5); k > 0; k--) {
			struct dma_dim *x = &d->dim[random_int(&s.seed, 0,
			    d->rank - 1)];
			int64_t h = hostile_int(&s.seed);

			switch (random_int(&s.seed, 0, 5)) {
			case 0: x->dram = h; break;
			case 1: x->chip = h; break;
			case 2: x->size = h > 0 && h < 1 << 20 ? h : 3; break;
			case 3:
				x->bound = h > 0 ? h : 7;
				x->start = simgroup_aff(&s,
				    hostile_int(&s.seed));
				break;
			case 4: b.dram_base = h; break;
			default: b.chip_base = h; break;
			}
		}
		int64_t total = 1;

		for (int i = 0; i < d->rank; i++) {
			total *= d->dim[i].size;
			if (d->dim[i].start == 0)
				d->dim[i].bound = 0;
		}
		if (total > 100000)
			continue;
		d->dram_base = simgroup_aff(&s, b.dram_base);
		d->chip_base = simgroup_aff(&s, b.chip_base);
		d->index_base = d->index_dim < 0 ? 0 :
		    simgroup_aff(&s, random_int(&s.seed, 0, 2) ? 400 :
			hostile_int(&s.seed));
		done += exec_dma(&s.g, d, simgroup_idx, n % 2 == 0, &why);
	}
	assert_in_range(done, 100, 39900);
	simgroup_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_boxes),
		cmocka_unit_test(large_boxes),
		cmocka_unit_test(hostile_boxes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
