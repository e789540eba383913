/* Descriptor records: the field table tiles them, encode and decode agree,
 * and bad entries are named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backend/isa/table.h"

static uint64_t
rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s * UINT64_C(0x2545f4914f6cdd1d);
}

static void
keep_text(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	(void)level;
	(void)loc;
	snprintf(user, 256, "%s", text);
}

/* Each byte of each record belongs to exactly one field. */
static void
test_fields_tile(void **state)
{
	(void)state;
	for (int k = 0; k < DESC_COUNT; k++) {
		size_t size = desc_record_size((enum desc_kind)k);
		unsigned char owner[1024] = { 0 };
		unsigned n;
		const struct desc_field *f =
		    desc_fields((enum desc_kind)k, &n);

		assert_true(size > 0 && size <= sizeof owner);
		assert_true(n > 0);
		for (; n > 0; n--, f++)
			for (unsigned b = 0; b < f->bytes * f->count; b++) {
				assert_true(f->offset + b < size);
				if (owner[f->offset + b]++ != 0)
					fail_msg("%s.%s overlaps",
					    desc_name((enum desc_kind)k),
					    f->name);
			}
		for (size_t b = 0; b < size; b++)
			if (owner[b] != 1)
				fail_msg("%s: byte %zu is nobody's",
				    desc_name((enum desc_kind)k), b);
	}
}

/* Random records survive the way through the struct. */
static void
test_records_round_trip(void **state)
{
	uint64_t seed = 99;

	(void)state;
	for (int k = 0; k < DESC_COUNT; k++)
		for (int t = 0; t < 200; t++) {
			size_t size = desc_record_size((enum desc_kind)k);
			uint8_t in[1024], out[1024];
			union {
				struct aff aff;
				struct view view;
				struct epi epi;
				struct dma dma;
				struct vec vec;
			} u;

			for (size_t i = 0; i < size; i++)
				in[i] = (uint8_t)rnd(&seed);
			desc_decode_record((enum desc_kind)k, in, &u);
			desc_encode_record((enum desc_kind)k, &u, out);
			assert_memory_equal(in, out, size);
		}
}

static void
test_values(void **state)
{
	struct dma m = { .rank = 2, .index_dim = -1, .fill = -0.5 };
	struct epi e = { .alpha = 0.25f, .res_axis = { 1, -2, 3 } };
	uint8_t rec[1024];

	(void)state;
	m.dim[1].bound = -5;
	desc_encode_record(DESC_DMA, &m, rec);
	assert_int_equal(le_get(rec + 8, 4), 0); /* no index list */
	assert_int_equal(le_get(rec + 24, 8), UINT64_C(0xbfe0000000000000));
	assert_int_equal(le_get(rec + 92, 8), UINT64_C(0xfffffffffffffffb));
	memset(&m, 0x55, sizeof m);
	desc_decode_record(DESC_DMA, rec, &m);
	assert_int_equal(m.index_dim, -1);
	assert_int_equal(m.dim[1].bound, -5);
	assert_true(m.fill == -0.5);
	desc_encode_record(DESC_EPI, &e, rec);
	assert_int_equal(le_get(rec + 12, 4), 0x3e800000);
	assert_int_equal((int64_t)le_get(rec + 48, 8), -2);
}

static struct view
good_view(void)
{
	struct view v = { .space = SPACE_GBUF, .dtype = DT_F16, .n = 2,
		.c = 3 };

	for (int i = 0; i < 3; i++) {
		v.axis[i].out = v.axis[i].kernel = v.axis[i].up = 1;
		v.axis[i].extent = 4;
	}
	return v;
}

static void
test_tables(void **state)
{
	struct arena *a = arena_new();
	struct diag d = { 0 };
	struct isa_tables t = { 0 }, r = { 0 };
	struct aff aff[3] = { { 0 }, { .base = 4 }, { .gstride = -9 } };
	struct view view[2] = { { 0 }, good_view() };
	uint8_t bytes[1024];

	(void)state;
	t.aff = aff;
	t.naff = 3;
	view[1].base = 2;
	t.view = view;
	t.nview = 2;
	desc_encode(DESC_AFF, &t, bytes);
	assert_true(desc_decode(a, &d, DESC_AFF, bytes, 3 * 168, &r));
	assert_int_equal(r.naff, 3);
	assert_memory_equal(r.aff, aff, sizeof aff);
	desc_encode(DESC_VIEW, &t, bytes);
	assert_true(desc_decode(a, &d, DESC_VIEW, bytes, 2 * 256, &r));
	assert_int_equal(r.view[1].base, 2);
	assert_int_equal(r.view[1].axis[2].extent, 4);
	assert_true(desc_decode(a, &d, DESC_EPI, NULL, 0, &r));
	assert_int_equal(r.nepi, 1); /* entry 0 is always there */
	assert_int_equal(d.errors, 0);
	arena_free(a);
}

/* A record with one number changed, and the message. */
static const struct {
	enum desc_kind kind;
	unsigned offset, bytes;
	uint64_t value;
	const char *message;
} broken[] = {
	{ DESC_AFF, 144, 8, UINT64_MAX, "aff 1: negative ring count" },
	{ DESC_VIEW, 0, 1, 200, "view 1: space is 200, must be below 7" },
	{ DESC_VIEW, 0, 1, SPACE_DRAM,
	    "view 1: space is neither gbuf nor wbuf" },
	{ DESC_VIEW, 1, 1, 14, "view 1: dtype is 14, must be below 14" },
	{ DESC_VIEW, 1, 1, DT_I8, "view 1: dtype is not f32, f16 or bf16" },
	{ DESC_VIEW, 2, 2, 2, "view 1: flags is 2, must be below 2" },
	{ DESC_VIEW, 4, 4, 2, "view 1: base is 2, must be below 2" },
	{ DESC_VIEW, 16, 8, 0, "view 1: extent of n or c is not positive" },
	{ DESC_VIEW, 16, 8, UINT64_C(1) << 62, NULL },
	{ DESC_VIEW, 64, 8, 0,
	    "view 1: out or kernel of an axis is not positive" },
	{ DESC_VIEW, 64, 8, UINT64_C(1) << 62,
	    "view 1: number of rows or columns overflows" },
	{ DESC_VIEW, 104, 8, 0,
	    "view 1: up or extent of an axis is not positive" },
	{ DESC_VIEW, 48, 8, 1,
	    "view 1: kcg and ncg must be both positive or both 0" },
	{ DESC_EPI, 0, 4, 8, "epi 1: act is 8, must be below 8" },
	{ DESC_EPI, 4, 1, SPACE_OBUF,
	    "epi 1: scale or bias is neither in gbuf nor in wbuf" },
	{ DESC_EPI, 8, 2, SPACE_GBUF,
	    "epi 1: residual is not f32, f16 or bf16" },
	{ DESC_EPI, 11, 1, DT_I8, "epi 1: round is not f32, f16 or bf16" },
	{ DESC_DMA, 4, 4, 0, "dma 1: rank is not 1 to 6" },
	{ DESC_DMA, 4, 4, UINT32_MAX, "dma 1: rank is not 1 to 6" },
	{ DESC_DMA, 1, 1, DT_I32, "dma 1: only float types convert" },
	{ DESC_DMA, 2, 1, DT_NONE, "dma 1: an element type is missing" },
	{ DESC_DMA, 3, 1, 7, "dma 1: traffic is 7, must be below 7" },
	{ DESC_DMA, 8, 4, 2, "dma 1: index_dim is not a dimension" },
	{ DESC_DMA, 20, 4, 1, "dma 1: index_base without index_dim" },
	{ DESC_DMA, 32, 8, 0, "dma 1: size of a dimension is not positive" },
	{ DESC_DMA, 64, 4, 1,
	    "dma 1: a dimension has a start but no positive bound" },
	{ DESC_DMA, 56, 8, 1,
	    "dma 1: a dimension has a bound but no start" },
	{ DESC_VEC, 0, 4, VF_COUNT, NULL },
	{ DESC_VEC, 0, 4, VF_add,
	    "vec 1: a source is neither in gbuf nor in wbuf" },
	{ DESC_VEC, 0, 4, VF_fill,
	    "vec 1: more sources than the function reads" },
	{ DESC_VEC, 0, 4, VF_wsum, "vec 1: a window function needs rank 8" },
	{ DESC_VEC, 0, 4, VF_rsum,
	    "vec 1: nred is for reductions, which need it" },
	{ DESC_VEC, 4, 1, 9, "vec 1: rank is not 1 to 8" },
	{ DESC_VEC, 5, 1, 16,
	    "vec 1: chain has bits beyond the operands" },
	{ DESC_VEC, 5, 1, 4,
	    "vec 1: a chained source is absent or not in gbuf" },
	{ DESC_VEC, 6, 2, 2, "vec 1: nred is not 0 to rank" },
	{ DESC_VEC, 8, 8, 0, "vec 1: size of a dimension is not positive" },
	{ DESC_VEC, 8, 8, INT64_MAX, "vec 1: number of elements overflows" },
};

static void
good_record(enum desc_kind k, uint8_t *rec)
{
	struct aff aff = { .base = 4 };
	struct view view = good_view();
	struct epi epi = { .act = EPI_RELU };
	struct dma dma = { .space = SPACE_GBUF, .dram_dtype = DT_F32,
		.chip_dtype = DT_F16, .rank = 1, .index_dim = -1 };
	struct vec vec = { .func = VF_neg, .rank = 1 };
	const void *in[DESC_COUNT] = { &aff, &view, &epi, &dma, &vec };

	dma.dim[0].size = 4;
	vec.size[0] = 4;
	vec.dst.space = vec.src[0].space = SPACE_GBUF;
	vec.dst.dtype = vec.src[0].dtype = DT_F32;
	desc_encode_record(k, in[k], rec);
}

static void
test_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct arena *a = arena_new();
		char text[256] = "";
		struct diag d = { keep_text, text, 0 };
		struct isa_tables t = { .naff = 2 };
		size_t size = desc_record_size(broken[i].kind);
		uint8_t rec[1024] = { 0 };

		good_record(broken[i].kind, rec + size);
		assert_true(desc_decode(a, &d, broken[i].kind, rec, 2 * size,
		    &t));
		t.naff = 2;
		le_put(rec + size + broken[i].offset, broken[i].bytes,
		    broken[i].value);
		if (desc_decode(a, &d, broken[i].kind, rec, 2 * size, &t)) {
			assert_null(broken[i].message);
		} else {
			assert_int_equal(d.errors, 1);
			if (broken[i].message != NULL)
				assert_string_equal(text, broken[i].message);
		}
		arena_free(a);
	}
}

static void
test_bad_sizes(void **state)
{
	struct arena *a = arena_new();
	char text[256] = "";
	struct diag d = { keep_text, text, 0 };
	struct isa_tables t = { 0 };
	uint8_t rec[336] = { 0 };

	(void)state;
	assert_false(desc_decode(a, &d, DESC_AFF, rec, 167, &t));
	assert_string_equal(text,
	    "aff table of 167 bytes: not up to 1048576 records of 168");
	rec[3] = 1;
	assert_false(desc_decode(a, &d, DESC_AFF, rec, 336, &t));
	assert_string_equal(text, "aff 0 is reserved and must be zero");
	arena_free(a);
}

static void
test_names(void **state)
{
	(void)state;
	for (int t = DESC_FLAGS; t <= DESC_FUNC; t++)
		for (uint64_t v = 0;; v++) {
			const char *s =
			    desc_value_name((enum desc_type)t, v);
			uint64_t back = ~v;

			if (s == NULL)
				break;
			assert_true(desc_value_parse((enum desc_type)t, s,
			    &back));
			assert_int_equal(back, v);
		}
	assert_string_equal(desc_value_name(DESC_FUNC, VF_wmax), "wmax");
	assert_int_equal(vec_func_opcode(VF_wmax), INSN_VWIN);
	assert_int_equal(vec_func_opcode(VF_rsum), INSN_VRED);
	assert_int_equal(vec_func_steps(VF_pow), 20);
}

/* field takes integers, a shift below 64 and a mask that a double holds. */
static void
test_field(void **state)
{
	static const struct {
		enum dtype from, to;
		double p, q;
		const char *why;
	} cases[] = {
		{ DT_U8, DT_U8, 4, 15, NULL },
		{ DT_I64, DT_U32, 63, 0x1p53 - 1, NULL },
		{ DT_F32, DT_U8, 4, 15, "field is for integers" },
		{ DT_U8, DT_F16, 4, 15, "field is for integers" },
		{ DT_U8, DT_U8, -1, 15, "p of field is not from 0 to 63" },
		{ DT_U8, DT_U8, 64, 15, "p of field is not from 0 to 63" },
		{ DT_U8, DT_U8, (double)NAN, 15,
		    "p of field is not from 0 to 63" },
		{ DT_U8, DT_U8, 0, -1, "q of field is not from 0 to 2^53 - 1" },
		{ DT_U8, DT_U8, 0, 0x1p53,
		    "q of field is not from 0 to 2^53 - 1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct vec v = { .func = VF_field, .rank = 1, .size = { 8 },
			.param = { cases[i].p, cases[i].q } };
		const char *why;

		v.dst.space = v.src[0].space = SPACE_GBUF;
		v.dst.dtype = cases[i].to;
		v.src[0].dtype = cases[i].from;
		why = vec_check(&v);
		if (cases[i].why == NULL)
			assert_null(why);
		else
			assert_string_equal(why, cases[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_tile),
		cmocka_unit_test(test_records_round_trip),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_bad_sizes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_field),
	};

	return cmocka_run_group_tests_name("isa/desc", tests, NULL, NULL);
}
