/* Binding of arrays: layouts, conversions, refusals. */
#include "runtime/bind.h"

#include <string.h>

#include "support/dtype.h"
#include "tests/lib/unit.h"

/* A device that is nothing but 256 bytes of memory. */
struct plain {
	struct device dev;
	uint8_t memory[256];
};

static bool
plain_write(struct device *dev, uint64_t address, const void *data,
    size_t size)
{
	struct plain *p = (struct plain *)dev;

	if (address > 256 || size > 256 - address)
		return false;
	memcpy(p->memory + address, data, size);
	return true;
}

static bool
plain_read(struct device *dev, uint64_t address, void *data, size_t size)
{
	struct plain *p = (struct plain *)dev;

	if (address > 256 || size > 256 - address)
		return false;
	memcpy(data, p->memory + address, size);
	return true;
}

static const struct device_ops plain_ops = { .write = plain_write,
	.read = plain_read };

static struct plain
plain(void)
{
	struct plain p = { .dev = { &plain_ops } };

	memset(p.memory, 0xaa, sizeof p.memory);
	return p;
}

/* NCHW [1,2,2,2] in f32, on the device NHWC in f16, channels padded to 4. */
static const struct wave_binding image = { .name = "x",
	.kind = WAVE_BIND_INPUT, .dtype = DT_F16, .rank = 4,
	.dim = { 1, 2, 2, 2 }, .stride = { 32, 2, 16, 8 }, .address = 16 };

static void
test_layout(void **state)
{
	struct unit *u = *state;
	struct plain p = plain();
	float v[8];
	struct npy n = { .dtype = DT_F32, .rank = 4, .dim = { 1, 2, 2, 2 },
		.bytes = sizeof v, .data = v };

	for (int i = 0; i < 8; i++)
		v[i] = (float)i + 0.25f;
	assert_true(bind_write(u->arena, &u->diag, &p.dev, &image, &n, "f"));
	for (int c = 0; c < 2; c++)
		for (int h = 0; h < 2; h++)
			for (int w = 0; w < 2; w++)
				assert_true(dtype_get(p.memory + 16 + 16 * h +
					    8 * w + 2 * c, DT_F16, 0) ==
				    4 * c + 2 * h + w + 0.25);
	assert_int_equal(p.memory[15], 0xaa);
	assert_int_equal(p.memory[16 + 4], 0xaa); /* padding stays */
	assert_int_equal(p.memory[16 + 31], 0xaa);

	struct npy back;

	assert_true(bind_read(u->arena, &u->diag, &p.dev, &image, &back));
	assert_int_equal(back.dtype, DT_F16);
	assert_int_equal(back.bytes, 16);
	for (size_t i = 0; i < 8; i++)
		assert_true(dtype_get(back.data, DT_F16, i) ==
		    (double)i + 0.25);
}

/* f64 goes to bf16 in one rounding; bf16 comes back as f32. */
static void
test_bf16(void **state)
{
	struct unit *u = *state;
	struct plain p = plain();
	struct wave_binding b = { .name = "w", .kind = WAVE_BIND_STATE,
		.dtype = DT_BF16, .rank = 1, .dim = { 2 }, .stride = { 2 } };
	/* just above the middle between 1 and the next bf16: rounding to f32
	 * first would fall on the middle, then to even */
	double v[2] = { 1 + 0x1p-8 + 0x1p-40, -3 };
	struct npy n = { .dtype = DT_F64, .rank = 1, .dim = { 2 },
		.bytes = sizeof v, .data = v }, back;

	assert_true(bind_write(u->arena, &u->diag, &p.dev, &b, &n, "f"));
	assert_true(bind_read(u->arena, &u->diag, &p.dev, &b, &back));
	assert_int_equal(back.dtype, DT_F32);
	assert_true(dtype_get(back.data, DT_F32, 0) == 1 + 0x1p-7);
	assert_true(dtype_get(back.data, DT_F32, 1) == -3);
}

static void
test_integers(void **state)
{
	struct unit *u = *state;
	struct plain p = plain();
	struct wave_binding b = { .name = "labels", .kind = WAVE_BIND_INPUT,
		.dtype = DT_I32, .rank = 1, .dim = { 2 }, .stride = { 4 } };
	int64_t v[2] = { -7, 2147483647 };
	struct npy n = { .dtype = DT_I64, .rank = 1, .dim = { 2 },
		.bytes = sizeof v, .data = v };
	int32_t got[2];

	assert_true(bind_write(u->arena, &u->diag, &p.dev, &b, &n, "l.npy"));
	memcpy(got, p.memory, 8);
	assert_int_equal(got[0], -7);
	assert_int_equal(got[1], 2147483647);
	v[1]++;
	assert_false(bind_write(u->arena, &u->diag, &p.dev, &b, &n,
	    "l.npy"));
	unit_expect_error(u, "l.npy: error: element 1 does not fit i32 of "
			     "'labels'");
}

static void
test_refusals(void **state)
{
	struct unit *u = *state;
	struct plain p = plain();
	float v[8] = { 0 };
	struct npy n = { .dtype = DT_F32, .rank = 3, .dim = { 2, 2, 2 },
		.bytes = sizeof v, .data = v };

	assert_false(bind_write(u->arena, &u->diag, &p.dev, &image, &n,
	    "x.npy"));
	unit_expect_error(u, "x.npy: error: the array is f32[2,2,2], input 'x' "
			     "is f16[1,2,2,2]");
	n = (struct npy){ .dtype = DT_I64, .rank = 4, .dim = { 1, 2, 2, 2 },
		.bytes = sizeof v, .data = v };
	assert_false(bind_write(u->arena, &u->diag, &p.dev, &image, &n,
	    "x.npy"));
	unit_expect_error(u, "the array is i64[1,2,2,2], input 'x' is f16");
	n.dtype = DT_F32;
	struct wave_binding b = image;

	b.address = 230;
	assert_false(bind_write(u->arena, &u->diag, &p.dev, &b, &n,
	    "x.npy"));
	unit_expect_error(u, "'x' lies outside the device's memory");
	b.stride[0] = INT64_MAX;
	b.dim[0] = 3;
	n.dim[0] = 3;
	assert_false(bind_write(u->arena, &u->diag, &p.dev, &b, &n,
	    "x.npy"));
	unit_expect_error(u, "impossible layout");
}

static void
test_list(void **state)
{
	struct wave_binding b[2] = { image, { .name = "y",
		.kind = WAVE_BIND_OUTPUT, .dtype = DT_F32, .rank = 0 } };
	struct wave_program p = { .bindings = b, .nbindings = 2 };
	struct strbuf s = { 0 };

	(void)state;
	bind_list(&s, &p, 7);
	assert_string_equal(s.data, "input 'x' f16[1,2,2,2], output 'y' "
				    "f32[]");
	s.len = 0;
	bind_list(&s, &p, 1u << WAVE_BIND_STATE);
	assert_string_equal(s.data, "none");
	strbuf_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_layout),
		UNIT_TEST(test_bf16),
		UNIT_TEST(test_integers),
		UNIT_TEST(test_refusals),
		UNIT_TEST(test_list),
	};

	return cmocka_run_group_tests_name("runtime/bind", tests, NULL, NULL);
}
