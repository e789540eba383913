/* Maps, reductions and windows against loops over single elements. */
#include "runtime/sim/exec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/simgroup.h"
#include "tests/lib/unit.h"
#include "tests/lib/vec_naive.h"

/* ---- cases ---- */

static enum dtype
random_type(uint64_t *seed)
{
	static const enum dtype common[] = {DT_F32, DT_F32, DT_F16, DT_BF16,
	    DT_I64, DT_BOOL};

	if (random_int(seed, 0, 2))
		return common[random_int(seed, 0, 5)];
	return (enum dtype)random_int(seed, DT_NONE + 1, DT_COUNT - 1);
}

static bool
is_arg(const struct vec *v)
{
	return v->func == VF_rargmax || v->func == VF_rargmin ||
	    v->func == VF_rbits;
}

static void
random_types(uint64_t *seed, struct vec_case *c)
{
	enum dtype one = random_type(seed);
	bool same = random_int(seed, 0, 2) != 0;

	for (int i = 0; i < c->nops; i++) {
		struct vec_operand *o = vec_case_operand(&c->v, i);

		o->dtype = same ? one : random_type(seed);
	}
	if (is_arg(&c->v))
		c->v.dst.dtype = random_int(seed, 0, 2) ? DT_I64 : DT_I32;
}

/* Places one operand whose box has these sizes behind what is there. */
static void
place(uint64_t *seed, struct vec_case *c, int op, int rank,
    const int64_t *size)
{
	struct vec_operand *o = vec_case_operand(&c->v, op);
	int64_t *end, flat[VEC_MAX_RANK];
	struct extent e;

	o->space = op > 0 && random_int(seed, 0, 2) == 0 ? SPACE_WBUF :
	    SPACE_GBUF;
	end = o->space == SPACE_WBUF ? &c->wbuf : &c->gbuf;
	for (int i = 0; i < rank; i++) /* broadcast */
		flat[i] = op > 0 && random_int(seed, 0, 6) == 0 ? 1 : size[i];
	e = random_strides(seed, rank, flat, (int64_t)dtype_size(o->dtype),
	    o->stride);
	for (int i = 0; i < rank; i++)
		if (flat[i] == 1 && size[i] != 1)
			o->stride[i] = 0;
	c->base[op] = *end - e.low;
	*end += e.high - e.low;
}

/* In place: the destination is exactly a source. */
static void
maybe_in_place(uint64_t *seed, struct vec_case *c)
{
	for (int i = 1; i < c->nops; i++) {
		struct vec_operand *o = vec_case_operand(&c->v, i);

		if (o->space != SPACE_GBUF || dtype_size(o->dtype) !=
		    dtype_size(c->v.dst.dtype) || random_int(seed, 0, 3))
			continue;
		c->base[i] = c->base[0];
		memcpy(o->stride, c->v.dst.stride, sizeof o->stride);
	}
}

/* Bits of any integers into any others. */
static void
random_field(uint64_t *seed, struct vec_case *c)
{
	enum dtype *t[2] = {&c->v.dst.dtype, &c->v.src[0].dtype};

	for (int i = 0; i < 2; i++)
		do
			*t[i] = random_type(seed);
		while (!dtype_is_int(*t[i]));
	c->v.param[0] = (double)random_int(seed, 0,
	    random_int(seed, 0, 1) ? 20 : 63);
	c->v.param[1] = (double)random_int(seed, 0, 300);
}

static void
random_case(uint64_t *seed, struct vec_case *c, enum vec_kind kind)
{
	struct vec *v = &c->v;
	int64_t most = random_int(seed, 0, 3) ? 5 : 40, total = 1;

	memset(c, 0, sizeof *c);
	do
		v->func = (uint32_t)random_int(seed, 0, VF_COUNT - 1);
	while (vec_func_kind((enum vec_func)v->func) != kind);
	c->nops = 1 + vec_func_sources((enum vec_func)v->func);
	v->param[0] = (double)random_int(seed, -2, 1) * 0.75;
	v->param[1] = v->param[0] + (double)random_int(seed, 0, 9) * 0.5;
	random_types(seed, c);
	if (v->func == VF_field)
		random_field(seed, c);
	v->rank = (int)random_int(seed, 1, random_int(seed, 0, 3) ? 4 : 8);
	for (int i = 0; i < v->rank; i++) {
		v->size[i] = random_int(seed, 1, most);
		if (total * v->size[i] > 4000)
			v->size[i] = 1;
		total *= v->size[i];
	}
	v->nred = kind == VEC_RED ? (int)random_int(seed, 1, v->rank) : 0;
	if (v->nred == v->rank) { /* strides of nothing: still one element */
		static const int64_t one[1] = {1};

		place(seed, c, 0, 1, one);
	} else {
		place(seed, c, 0, v->rank - v->nred, v->size);
	}
	for (int i = 1; i < c->nops; i++)
		place(seed, c, i, v->rank, v->size);
	if (kind == VEC_MAP)
		maybe_in_place(seed, c);
}

static void
random_window(uint64_t *seed, struct vec_case *c)
{
	struct vec *v = &c->v;
	int64_t image[5];

	memset(c, 0, sizeof *c);
	do
		v->func = (uint32_t)random_int(seed, 0, VF_COUNT - 1);
	while (vec_func_kind((enum vec_func)v->func) != VEC_WIN);
	c->nops = 1 + vec_func_sources((enum vec_func)v->func);
	random_types(seed, c);
	v->rank = 8;
	v->size[0] = image[0] = random_int(seed, 1, 3);
	v->size[4] = image[4] = random_int(seed, 1,
	    random_int(seed, 0, 3) ? 20 : 600);
	for (int a = 0; a < 3; a++) {
		struct vec_axis *x = &v->axis[a];
		bool flat = random_int(seed, 0, 2) == 0;

		v->size[1 + a] = flat ? 1 : random_int(seed, 1, 5);
		v->size[5 + a] = flat ? 1 : random_int(seed, 1, 3);
		x->stride = random_int(seed, 1, 3);
		x->dil = random_int(seed, 1, 2);
		x->pad = random_int(seed, -1, 2);
		x->up = random_int(seed, -2, 3);
		x->up = x->up < 0 ? 1 : x->up;
		x->extent = image[1 + a] = random_int(seed, 1, flat ? 2 : 9);
	}
	place(seed, c, 0, 5, v->size);
	for (int i = 1; i < c->nops; i++)
		place(seed, c, i, 5, image);
}

static void
check_case(struct vec_case *c, uint64_t seed, bool threads, bool *trap)
{
	struct simgroup s;
	struct vec *v = &c->v;
	enum opcode op = vec_func_opcode((enum vec_func)v->func);
	const char *why = NULL;
	bool want_ok, ok;
	uint8_t *want;

	simgroup_init(&s, seed, 0, (size_t)c->gbuf, (size_t)c->wbuf);
	s.g.pool = threads ? pool_new(2) : NULL;
	for (int i = 0; i < c->nops; i++)
		vec_case_operand(v, i)->base = simgroup_aff(&s, c->base[i]);
	want = malloc(s.g.gbuf.size + 1);
	assert_non_null(want);
	memcpy(want, s.g.gbuf.data, s.g.gbuf.size);
	want_ok = op == INSN_VMAP ? naive_map(&s, c, want) :
	    op == INSN_VRED ? naive_reduce(&s, c, want) :
	    naive_window(&s, c, want);
	ok = exec_vec(&s.g, op, v, simgroup_idx, &why);
	if (ok != want_ok)
		fail_msg("%s: %s", vec_func_name((enum vec_func)v->func),
		    ok ? "done, but elements lie outside" : why);
	if (ok)
		for (uint64_t i = 0; i < s.g.gbuf.size; i++)
			if (want[i] != s.g.gbuf.data[i])
				fail_msg("%s %s <- %s %s: byte %llu differs",
				    vec_func_name((enum vec_func)v->func),
				    dtype_name(v->dst.dtype),
				    dtype_name(v->src[0].dtype),
				    dtype_name(v->src[1].dtype),
				    (unsigned long long)i);
	*trap = !ok;
	free(want);
	simgroup_free(&s);
}

static void
run_random(enum vec_kind kind, unsigned runs, uint64_t seed)
{
	unsigned traps = 0;

	for (unsigned i = 0; i < runs; i++) {
		struct vec_case c;
		bool trap;

		if (kind == VEC_WIN)
			random_window(&seed, &c);
		else
			random_case(&seed, &c, kind);
		if (i % 6 == 0) {
			int64_t *cut = c.wbuf > 0 && i % 12 == 0 ? &c.wbuf :
			    &c.gbuf;

			*cut = random_int(&seed, 0, *cut - 1);
		}
		check_case(&c, unit_random(&seed), i % 8 == 0, &trap);
		traps += trap;
	}
	assert_in_range(traps, runs / 30, runs / 2);
}

static void
random_maps(void **state)
{
	(void)state;
	run_random(VEC_MAP, 6000, 31);
}

static void
random_reductions(void **state)
{
	(void)state;
	run_random(VEC_RED, 4000, 32);
}

static void
random_windows(void **state)
{
	(void)state;
	run_random(VEC_WIN, 1500, 33);
}

/* The known answer that comes with Random123: counter and key all 0. */
static void
philox_answers(void **state)
{
	const double none[2] = {0, 0}, ones[2] = {0xffffffff, 0xffffffff};

	(void)state;
	assert_int_equal(vecmath_philox(0, 0, none), 0x6627e8d5);
	assert_int_equal(vecmath_philox(0, 1, none), 0xe169c58d);
	assert_int_equal(vecmath_philox(0, 2, none), 0xbc57ac4c);
	assert_int_equal(vecmath_philox(0, 3, none), 0x9b00dbd8);
	/* a block number has 62 bits: 2^62 - 1 */
	assert_int_not_equal(vecmath_philox(UINT64_MAX, UINT64_MAX, ones),
	    vecmath_philox(UINT64_MAX, UINT64_MAX - 1, ones));
}

/* Dense and large, as programs have them; 1 and 2 threads. */
static void
large_shapes(void **state)
{
	static const struct {
		uint32_t func;
		int rank, nred;
		int64_t size[4];
		enum dtype t;
	} k[] = {
		{VF_add, 1, 0, {70000}, DT_F32},
		{VF_relu, 2, 0, {90, 777}, DT_F16},
		{VF_fma, 3, 0, {40, 30, 64}, DT_BF16},
		{VF_mul, 2, 0, {50, 1000}, DT_I32},
		{VF_rsum, 2, 1, {70, 1003}, DT_F32},
		{VF_rsum, 3, 2, {9, 70, 100}, DT_F16},
		{VF_rmax, 2, 1, {70, 1003}, DT_BF16},
		{VF_rsum, 2, 2, {70, 1003}, DT_F32},
		{VF_rprod, 2, 1, {300, 200}, DT_F32},
		{VF_rargmax, 2, 1, {70, 1003}, DT_F32},
		{VF_rmin, 2, 1, {80, 500}, DT_F64},
		{VF_rsum, 2, 1, {80, 500}, DT_U64},
	};

	(void)state;
	for (unsigned i = 0; i < 4 * sizeof k / sizeof *k; i++) {
		struct vec_case c = {.v = {.func = k[i / 4].func,
		    .rank = k[i / 4].rank, .nred = k[i / 4].nred}};
		bool turned = i % 2 != 0, trap;

		c.nops = 1 + vec_func_sources((enum vec_func)c.v.func);
		memcpy(c.v.size, k[i / 4].size, sizeof k->size);
		for (int op = 0; op < c.nops; op++) {
			struct vec_operand *o = vec_case_operand(&c.v, op);
			int rank = op > 0 ? c.v.rank : c.v.rank - c.v.nred;
			int64_t at;

			o->space = SPACE_GBUF;
			o->dtype = op == 0 && is_arg(&c.v) ? DT_I64 :
			    k[i / 4].t;
			at = (int64_t)dtype_size(o->dtype);
			for (int d = 0; d < rank; d++) {
				int dim = turned ? d : rank - 1 - d;

				o->stride[dim] = at;
				at *= c.v.size[dim];
			}
			c.base[op] = c.gbuf;
			c.gbuf += at;
		}
		check_case(&c, i, i % 4 >= 2, &trap);
		assert_false(trap);
	}
}

/* Sources that the destination runs over give the same whatever the number of
 * threads. */
static void
overlapping(void **state)
{
	(void)state;
	for (int shift = -40; shift <= 40; shift += 4) {
		uint8_t *got[2];

		for (int n = 0; n < 2; n++) {
			struct simgroup s;
			struct vec v = {.func = VF_add, .rank = 2,
			    .size = {300, 200}};
			const char *why;

			simgroup_init(&s, 8, 0, 300 * 200 * 4 + 80, 0);
			s.g.pool = n ? pool_new(2) : NULL;
			v.dst = (struct vec_operand){SPACE_GBUF, DT_F32, 0,
			    {800, 4}};
			v.src[0] = v.src[1] = v.dst;
			v.dst.base = simgroup_aff(&s, 40 + shift);
			v.src[0].base = v.src[1].base = simgroup_aff(&s, 40);
			assert_true(exec_vec(&s.g, INSN_VMAP, &v,
			    simgroup_idx, &why));
			got[n] = malloc(s.g.gbuf.size);
			assert_non_null(got[n]);
			memcpy(got[n], s.g.gbuf.data, s.g.gbuf.size);
			simgroup_free(&s);
		}
		assert_memory_equal(got[0], got[1], 300 * 200 * 4 + 80);
		free(got[0]);
		free(got[1]);
	}
}

static void
hostile_vectors(void **state)
{
	struct simgroup s;
	unsigned done = 0;

	(void)state;
	simgroup_init(&s, 41, 0, 3000, 3000);
	for (int n = 0; n < 30000; n++) {
		struct vec_case c;
		struct vec *v = &c.v;
		int64_t total = 1;
		const char *why;

		if (n % 3 == 2)
			random_window(&s.seed, &c);
		else
			random_case(&s.seed, &c, n % 3 ? VEC_MAP : VEC_RED);
		for (int64_t k = random_int(&s.seed, 1, 5); k > 0; k--) {
			int64_t h = hostile_int(&s.seed);
			int dim = (int)random_int(&s.seed, 0, v->rank - 1);
			int op = (int)random_int(&s.seed, 0, c.nops - 1);

			switch (random_int(&s.seed, 0, 6)) {
			case 0: c.base[op] = h; break;
			case 1: v->size[dim] = h > 0 && h < 2000 ? h : 2; break;
			case 2: v->axis[dim % 3].pad = h; break;
			case 3: v->axis[dim % 3].stride = h; break;
			case 4:
				v->axis[dim % 3].extent = h > 0 ? h : 1;
				break;
			case 5: v->axis[dim % 3].dil = h; break;
			default:
				vec_case_operand(v, op)->stride[dim] = h;
				break;
			}
		}
		for (int i = 0; i < v->rank; i++)
			total *= v->size[i];
		if (total > 200000)
			continue;
		simgroup_reset(&s);
		for (int i = 0; i < c.nops; i++)
			vec_case_operand(v, i)->base = simgroup_aff(&s,
			    c.base[i]);
		done += exec_vec(&s.g,
		    vec_func_opcode((enum vec_func)v->func), v, simgroup_idx,
		    &why);
	}
	assert_in_range(done, 100, 29900);
	simgroup_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_maps),
		cmocka_unit_test(random_reductions),
		cmocka_unit_test(random_windows),
		cmocka_unit_test(philox_answers),
		cmocka_unit_test(large_shapes),
		cmocka_unit_test(overlapping),
		cmocka_unit_test(hostile_vectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
