/* Errors of the vector functions in units of the last place, against long
 * double libm and a table made with mpmath; special values; and the text of
 * isa_math.md against the tables of functions. */
#include "runtime/sim/exec.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/file.h"
#include "tests/lib/simgroup.h"
#include "tests/lib/unit.h"

typedef long double wide;

static wide
wide_sigmoid(wide x)
{
	return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

static wide
wide_rsqrt(wide x)
{
	return 1 / sqrtl(x);
}

static const struct fn {
	enum vec_func f;
	wide (*ref)(wide);
	double ulp32, ulp64; /* what isa_math.md promises */
	double lo, hi;       /* arguments worth trying in f64 */
} fns[] = {
	{VF_exp, expl, 0.501, 1, -745, 709.5},
	{VF_log, logl, 0.501, 0.51, 0, 1e308},
	{VF_sin, sinl, 0.501, 0.8, -1e9, 1e9},
	{VF_cos, cosl, 0.501, 0.8, -1e9, 1e9},
	{VF_erf, erfl, 0.501, 2.2, -6.5, 6.5},
	{VF_tanh, tanhl, 0.501, 2.5, -22, 22},
	{VF_sigmoid, wide_sigmoid, 0.501, 2, -700, 50},
	{VF_rsqrt, wide_rsqrt, 0.501, 1.6, 0, 1e308},
};
enum { FNS = sizeof fns / sizeof *fns };

static const double no_param[2];

/* |got - want| in units of the last place of the f32 (f64) nearest to want. */
static double
ulps(wide got, wide want, int digits, int least)
{
	int e;

	if (isnan(got) && isnan(want))
		return 0;
	if (got == want)
		return 0;
	if (isnan(got) || isnan(want) || isinf(want))
		return HUGE_VAL;
	frexpl(want, &e);
	e -= digits;
	if (e < least)
		e = least;
	if (isinf(got)) /* right when want rounds so far */
		return fabsl(want) >= ldexpl(1, digits == 24 ? 128 : 1024) -
		    ldexpl(1, digits == 24 ? 103 : 970) ? 0 : HUGE_VAL;
	return (double)fabsl(ldexpl(got - want, -e));
}

static double
error32(const struct fn *fn, float x)
{
	return ulps((wide)vecmath_f32(fn->f, x, 0, 0, no_param),
	    fn->ref((wide)x), 24, -149);
}

static double
error64(const struct fn *fn, double x)
{
	return ulps((wide)vecmath_f64(fn->f, x, 0, 0, no_param),
	    fn->ref((wide)x), 53, -1074);
}

/* Exact results of long double are beyond doubt: x87 has 64 bits. */
static void
all_halves(void **state)
{
	(void)state;
	for (int k = 0; k < FNS; k++) {
		double worst[2] = {0};

		for (unsigned h = 0; h < 65536; h++) {
			double e0 = error32(&fns[k], f16_to_f32((uint16_t)h));
			double e1 = error32(&fns[k], bf16_to_f32((uint16_t)h));

			if (e0 > worst[0])
				worst[0] = e0;
			if (e1 > worst[1])
				worst[1] = e1;
		}
		print_message("%-8s f16 %.4f ulp, bf16 %.4f ulp\n",
		    vec_func_name(fns[k].f), worst[0], worst[1]);
		assert_true(worst[0] <= fns[k].ulp32);
		assert_true(worst[1] <= fns[k].ulp32);
	}
}

static float
any_float(uint64_t *seed)
{
	uint32_t b = (uint32_t)(unit_random(seed) >> 20);
	float v;

	memcpy(&v, &b, sizeof v);
	return v;
}

static void
random_f32(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (int k = 0; k < FNS; k++) {
		double worst = 0;

		for (int i = 0; i < 300000; i++) {
			float x = any_float(&seed);
			double e;

			if (i % 2) /* where the function is not constant */
				x = (float)random_int(&seed, -0xffffff,
				    0xffffff) * 0x1p-20f;
			e = error32(&fns[k], x);
			if (e > worst)
				worst = e;
		}
		print_message("%-8s f32 %.4f ulp\n", vec_func_name(fns[k].f),
		    worst);
		assert_true(worst <= fns[k].ulp32);
	}
}

static void
random_f64(void **state)
{
	uint64_t seed = 4;

	(void)state;
	for (int k = 0; k < FNS; k++) {
		const struct fn *fn = &fns[k];
		double worst = 0, at = 0;

		for (int i = 0; i < 200000; i++) {
			double t = (double)(unit_random(&seed) >> 11) *
			    0x1p-53, e;
			double x = fn->lo + t * (fn->hi - fn->lo);

			if (i % 3 == 1)
				x = ldexp(x, -(int)random_int(&seed, 0, 60));
			if (i % 3 == 2 && fn->lo == 0)
				x = ldexp(1 + t, (int)random_int(&seed, -1074,
				    1022));
			e = error64(fn, x);
			if (e > worst) {
				worst = e;
				at = x;
			}
		}
		print_message("%-8s f64 %.3f ulp at %a\n",
		    vec_func_name(fn->f), worst, at);
		assert_true(worst <= fn->ulp64);
	}
}

static void
powers(void **state)
{
	uint64_t seed = 5;
	double worst = 0;

	(void)state;
	for (int i = 0; i < 500000; i++) {
		float x = i % 3 ? fabsf(random_float(&seed)) :
		    any_float(&seed);
		float y = i % 2 ? random_float(&seed) :
		    (float)random_int(&seed, -40, 40) * 0.5f;
		float got = vecmath_f32(VF_pow, x, y, 0, no_param);
		double e = ulps((wide)got, powl((wide)x, (wide)y), 24, -149);

		if (e > worst)
			worst = e;
		if (e > 0.501)
			fail_msg("pow(%a, %a) = %a: %g ulp", (double)x,
			    (double)y, (double)got, e);
	}
	print_message("pow      f32 %.4f ulp\n", worst);
	/* small whole numbers are exact in f64 too */
	for (int x = -9; x <= 9; x++) {
		double want = 1;

		for (int y = 0; y < 16; y++, want *= x) {
			assert_true(vecmath_f64(VF_pow, x, y, 0, no_param) ==
			    want);
			if (x != 0 && (x & (x - 1)) == 0 && x > 0)
				assert_true(vecmath_f64(VF_pow, x, -y, 0,
				    no_param) == 1 / want);
		}
	}
}

/* As C11 F.10.4.4 has it; our one NaN, and 1 whatever the other is. */
static void
special_powers(void **state)
{
	static const double v[] = {0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3,
	    0.25, 1e300, -1e300, 0x1p53, 0x1p53 + 2, -0x1p52 - 1, 0x1p-1074,
	    HUGE_VAL, -HUGE_VAL, 1e-300};
	enum { N = sizeof v / sizeof *v };

	(void)state;
	for (int i = 0; i < N; i++) {
		for (int j = 0; j < N; j++) {
			double got = vecmath_f64(VF_pow, v[i], v[j], 0,
			    no_param);
			double want = pow(v[i], v[j]);

			if (isnan(want) ? !isnan(got) :
			    signbit(got) != signbit(want) ||
			    ulps((wide)got, (wide)want, 53, -1074) > 1)
				fail_msg("pow(%a, %a) = %a, not %a", v[i],
				    v[j], got, want);
		}
		assert_true(vecmath_f64(VF_pow, (double)NAN, 0, 0,
		    no_param) == 1);
		assert_true(vecmath_f64(VF_pow, 1, (double)NAN, 0,
		    no_param) == 1);
		assert_true(isnan(vecmath_f64(VF_pow, (double)NAN, v[i] != 0 ?
		    v[i] : 1, 0, no_param)));
	}
}

static void
special_values(void **state)
{
	static const struct {
		enum vec_func f;
		float x, y;
	} k[] = {
		{VF_exp, INFINITY, INFINITY}, {VF_exp, -INFINITY, 0},
		{VF_exp, 0, 1}, {VF_exp, 89, INFINITY}, {VF_exp, -104, 0},
		{VF_log, 0, -INFINITY}, {VF_log, -0.0f, -INFINITY},
		{VF_log, -1, NAN}, {VF_log, 1, 0}, {VF_log, INFINITY, INFINITY},
		{VF_sin, INFINITY, NAN}, {VF_cos, -INFINITY, NAN},
		{VF_sin, -0.0f, -0.0f}, {VF_cos, 0, 1},
		{VF_erf, INFINITY, 1}, {VF_erf, -INFINITY, -1},
		{VF_erf, -0.0f, -0.0f}, {VF_tanh, INFINITY, 1},
		{VF_tanh, -INFINITY, -1}, {VF_tanh, -0.0f, -0.0f},
		{VF_sigmoid, INFINITY, 1}, {VF_sigmoid, -INFINITY, 0},
		{VF_sigmoid, 0, 0.5f}, {VF_rsqrt, 0, INFINITY},
		{VF_rsqrt, -0.0f, -INFINITY}, {VF_rsqrt, -1, NAN},
		{VF_rsqrt, INFINITY, 0}, {VF_relu, NAN, NAN},
		{VF_relu, -0.0f, 0}, {VF_sign, -0.0f, -0.0f},
		{VF_sign, NAN, NAN}, {VF_round, 2.5f, 2},
		{VF_round, -0.5f, -0.0f}, {VF_reciprocal, -0.0f, -INFINITY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof k / sizeof *k; i++) {
		float got = vecmath_f32(k[i].f, k[i].x, 0, 0, no_param);

		if (float_bits(got) != float_bits(k[i].y))
			fail_msg("%s(%a) = %a, not %a", vec_func_name(k[i].f),
			    (double)k[i].x, (double)got, (double)k[i].y);
		assert_true(isnan(vecmath_f32(k[i].f, NAN, 0, 0, no_param)));
	}
}

/* mod: the sign of y, in both types. */
static void
remainders(void **state)
{
	uint64_t seed = 6;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		float x = random_float(&seed), y = random_float(&seed);
		float got = vecmath_f32(VF_mod, x, y, 0, no_param);
		double r = fmod((double)x, (double)y);

		if (y == 0 || isinf(x) || isnan(x) || isnan(y)) {
			assert_true(isnan(got));
			continue;
		}
		if (r != 0 && (r < 0) != (y < 0))
			r += (double)y;
		assert_true(got == (float)r);
		assert_true(got == 0 || (got < 0) == (y < 0));
	}
}

/* ---- the table ---- */

static const char *
next_line(const char *s)
{
	s = strchr(s, '\n');
	return s != NULL ? s + 1 : NULL;
}

static enum vec_func
func_named(const char *name)
{
	for (unsigned f = 0; f < VF_COUNT; f++)
		if (strcmp(vec_func_name((enum vec_func)f), name) == 0)
			return (enum vec_func)f;
	fail_msg("no function %s", name);
	return VF_COUNT;
}

static double
promised(enum vec_func f)
{
	for (int k = 0; k < FNS; k++)
		if (fns[k].f == f)
			return fns[k].ulp64;
	return 0.65; /* pow */
}

static void
golden_table(void **state)
{
	struct unit *u = *state;
	double worst[VF_COUNT] = {0};
	unsigned rows = 0;
	char *text;
	size_t size;
	const char *s;

	assert_true(file_read(u->arena, &u->diag,
	    "tests/unit/sim/data/vecmath.txt", 0, &text, &size));
	for (s = text; s != NULL && *s != '\0'; s = next_line(s)) {
		char name[16];
		double x, y, hi, lo, got, e;

		if (*s == '#')
			continue;
		assert_int_equal(sscanf(s, "%15s %la %la %la %la", name, &x,
		    &y, &hi, &lo), 5);
		enum vec_func f = func_named(name);

		got = vecmath_f64(f, x, y, 0, no_param);
		e = ulps((wide)got, (wide)hi + (wide)lo, 53, -1074);
		if (e > worst[f])
			worst[f] = e;
		if (e > promised(f))
			fail_msg("%s(%a, %a) = %a, %g ulp from %a", name, x, y,
			    got, e, hi);
		rows++;
	}
	for (unsigned f = 0; f < VF_COUNT; f++)
		if (worst[f] > 0)
			print_message("%-8s table %.3f ulp\n",
			    vec_func_name((enum vec_func)f), worst[f]);
	assert_true(rows > 800);
}

/* ---- the text ---- */

static const char *
read_text(struct unit *u, const char *path)
{
	char *text;
	size_t size;

	assert_true(file_read(u->arena, &u->diag, path, 0, &text, &size));
	return text;
}

static void
functions_in_the_text(void **state)
{
	struct unit *u = *state;
	const char *text = read_text(u, "backend/isa/isa_math.md");

	for (unsigned f = 0; f < VF_COUNT; f++) {
		const char *name = vec_func_name((enum vec_func)f);

		if (strstr(text, arena_printf(u->arena, "`%s`", name)) ==
		    NULL)
			fail_msg("isa_math.md does not say what %s is", name);
	}
}

/* Every constant of a source, a long hexadecimal number or a word of 2 / pi,
 * stands in the text too. */
static unsigned
constants_in_the_text(struct unit *u, const char *text, const char *path)
{
	const char *s = read_text(u, path);
	unsigned found = 0;

	while ((s = strstr(s, "0x")) != NULL) {
		size_t n = 2 + strspn(s + 2, "0123456789abcdef.");
		bool real = n > 12 && s[n] == 'p';
		bool word = n == 10 && (s[n] == ',' || s[n] == '}');

		if (real) {
			n += 2;
			n += strspn(s + n, "0123456789");
		}
		const char *c = arena_printf(u->arena, "%.*s", (int)n, s);

		if ((real || word) && strstr(text, word ? c + 2 : c) == NULL)
			fail_msg("isa_math.md does not have %s", c);
		found += real || word;
		s += n;
	}
	return found;
}

static void
constants_of_the_sources(void **state)
{
	struct unit *u = *state;
	const char *text = read_text(u, "backend/isa/isa_math.md");

	assert_in_range(constants_in_the_text(u, text,
	    "runtime/sim/vecmath.h"), 45, 100);
	assert_in_range(constants_in_the_text(u, text,
	    "runtime/sim/vecmath.c"), 70, 120);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_halves),
		cmocka_unit_test(random_f32),
		cmocka_unit_test(random_f64),
		cmocka_unit_test(powers),
		cmocka_unit_test(special_powers),
		cmocka_unit_test(special_values),
		cmocka_unit_test(remainders),
		UNIT_TEST(golden_table),
		UNIT_TEST(functions_in_the_text),
		UNIT_TEST(constants_of_the_sources),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
