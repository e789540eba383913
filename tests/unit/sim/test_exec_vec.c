/* Maps, reductions and windows against loops over single elements. */
#include "runtime/sim/exec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/simgroup.h"
#include "tests/lib/unit.h"

struct vec_case {
	struct vec v;
	int nops; /* destination and sources */
	int64_t base[1 + VEC_MAX_SRC];
	int64_t gbuf, wbuf; /* bytes */
};

/* Any number, as each of the three computations sees it. */
struct number {
	float s;
	double d;
	uint64_t u;
};

enum compute { F32, F64, INT };

static struct vec_operand *
operand(struct vec *v, int i)
{
	return i == 0 ? &v->dst : &v->src[i - 1];
}

static bool
is_arg(const struct vec *v)
{
	return v->func == VF_rargmax || v->func == VF_rargmin ||
	    v->func == VF_rbits;
}

static enum compute
compute_of(const struct vec_case *c)
{
	bool whole = true;

	int end = c->v.func == VF_wunpool ? 2 : c->nops;

	for (int i = is_arg(&c->v) || c->v.func == VF_warg ? 1 : 0; i < end;
	     i++) {
		enum dtype t = i == 0 ? c->v.dst.dtype :
		    c->v.src[i - 1].dtype;

		if (t == DT_F64)
			return F64;
		whole = whole && !dtype_is_float(t);
	}
	return whole ? INT : F32;
}

static struct number
load(const uint8_t *p, enum dtype t)
{
	struct number x = {0};

	if (t == DT_U64) {
		memcpy(&x.u, p, 8);
		x.s = (float)x.u;
		x.d = (double)x.u;
	} else if (dtype_is_float(t)) {
		x.d = dtype_get(p, t, 0);
		x.s = (float)x.d;
	} else {
		int64_t v = dtype_get_i64(p, t, 0);

		x.u = (uint64_t)v;
		x.s = (float)v;
		x.d = (double)v;
	}
	return x;
}

/* The bytes of a result: floats rounded once with one NaN, integers cut to
 * their width. */
static void
save(uint8_t *p, enum dtype t, enum compute how, struct number x)
{
	double d = how == F32 ? (double)x.s : x.d;

	if (how != INT)
		dtype_set(p, t, 0, isnan(d) ? (double)NAN : d);
	else if (t == DT_BOOL)
		*p = x.u != 0;
	else
		memcpy(p, &x.u, dtype_size(t)); /* low bytes come first */
}

static bool
below(enum dtype t, uint64_t a, uint64_t b)
{
	return t == DT_U64 ? a < b : (int64_t)a < (int64_t)b;
}

/* p of clip, as an integer of type t: the smallest not below (largest not
 * above). */
static uint64_t
limit(enum dtype t, double v)
{
	uint8_t b[8] = {0};

	dtype_set(b, t, 0, v);
	return load(b, t).u;
}

static uint64_t
whole_quotient(enum dtype t, uint64_t x, uint64_t y)
{
	if (y == 0)
		return 0;
	if (t == DT_U64)
		return x / y;
	if (y == UINT64_MAX)
		return 0 - x;
	return (uint64_t)((int64_t)x / (int64_t)y);
}

static uint64_t
whole_power(enum dtype t, uint64_t x, uint64_t y)
{
	uint64_t r = 1;

	if (t != DT_U64 && (int64_t)y < 0)
		return x == 1 ? 1 : x != UINT64_MAX ? 0 : y & 1 ? x : 1;
	for (int bit = 63; bit >= 0; bit--)
		r = r * r * (y >> bit & 1 ? x : 1);
	return r;
}

static uint64_t
whole_map(const struct vec *v, const struct number *a)
{
	enum dtype t = v->src[0].dtype;
	uint64_t x = a[0].u, y = a[1].u, z = a[2].u, r;
	bool minus = t != DT_U64 && (int64_t)x < 0;
	struct number d = {0};

	switch ((int)v->func) {
	case VF_copy:
	case VF_floor:
	case VF_ceil:
	case VF_round: return x;
	case VF_fill: return limit(v->dst.dtype, v->param[0]);
	case VF_neg: return 0 - x;
	case VF_abs: return minus ? 0 - x : x;
	case VF_sign: return minus ? UINT64_MAX : x != 0;
	case VF_relu: return minus ? 0 : x;
	case VF_clip:
		r = limit(t, ceil(v->param[0]));
		x = below(t, x, r) ? r : x;
		r = limit(t, floor(v->param[1]));
		return below(t, r, x) ? r : x;
	case VF_not: return x == 0;
	case VF_add: return x + y;
	case VF_sub: return x - y;
	case VF_mul: return x * y;
	case VF_div: return whole_quotient(t, x, y);
	case VF_mod:
		if (y == 0)
			return 0;
		r = x - whole_quotient(t, x, y) * y;
		return t != DT_U64 && r != 0 &&
		    ((int64_t)r < 0) != ((int64_t)y < 0) ? r + y : r;
	case VF_pow: return whole_power(t, x, y);
	case VF_min: return below(t, y, x) ? y : x;
	case VF_max: return below(t, x, y) ? y : x;
	case VF_equal: return x == y;
	case VF_less: return below(t, x, y);
	case VF_less_equal: return !below(t, y, x);
	case VF_and: return x != 0 && y != 0;
	case VF_or: return x != 0 || y != 0;
	case VF_xor: return (x != 0) != (y != 0);
	case VF_select: return x != 0 ? y : z;
	case VF_bitsel: return (x & z) != 0 ? y : 0;
	case VF_philox: return vecmath_philox(x, y + z, v->param);
	case VF_fma: return x * y + z;
	default:
		d.d = vecmath_f64((enum vec_func)v->func, a[0].d, a[1].d,
		    a[2].d, v->param);
		return limit(v->dst.dtype, d.d);
	}
}

static bool
outside(const struct mem *m, int64_t at, enum dtype t)
{
	return at < 0 || at + (int64_t)dtype_size(t) > (int64_t)m->size;
}

/* Address of element i of operand op; the trailing dimensions from ndim on do
 * not count. */
static int64_t
address(const struct vec_case *c, int op, const int64_t *i, int ndim)
{
	const struct vec_operand *o = op == 0 ? &c->v.dst :
	    &c->v.src[op - 1];
	int64_t at = c->base[op];

	for (int d = 0; d < ndim; d++)
		at += i[d] * o->stride[d];
	return at;
}

static bool
next(const struct vec *v, int64_t *i, int from, int to)
{
	for (int d = to - 1; d >= from; d--) {
		if (++i[d] < v->size[d])
			return true;
		i[d] = 0;
	}
	return false;
}

/* One source element; false when outside. */
static bool
fetch(const struct simgroup *s, const struct vec_case *c, int op, int64_t at,
    struct number *x)
{
	const struct vec_operand *o = &c->v.src[op - 1];
	const struct mem *m = o->space == SPACE_WBUF ? &s->g.wbuf :
	    &s->g.gbuf;

	if (outside(m, at, o->dtype))
		return false;
	*x = load(m->data + at, o->dtype);
	return true;
}

static bool
naive_map(const struct simgroup *s, const struct vec_case *c, uint8_t *want)
{
	const struct vec *v = &c->v;
	enum compute how = compute_of(c);
	int64_t i[VEC_MAX_RANK] = {0};

	do {
		struct number a[VEC_MAX_SRC] = {{0}}, r = {0};
		int64_t to = address(c, 0, i, v->rank);

		for (int k = 1; k < c->nops; k++)
			if (!fetch(s, c, k, address(c, k, i, v->rank),
			    &a[k - 1]))
				return false;
		if (outside(&s->g.gbuf, to, v->dst.dtype))
			return false;
		if (how == F32)
			r.s = vecmath_f32((enum vec_func)v->func, a[0].s,
			    a[1].s, a[2].s, v->param);
		else if (how == F64)
			r.d = vecmath_f64((enum vec_func)v->func, a[0].d,
			    a[1].d, a[2].d, v->param);
		else
			r.u = whole_map(v, a);
		save(want + to, v->dst.dtype, how, r);
	} while (next(v, i, 0, v->rank));
	return true;
}

static struct number
identity(const struct vec *v)
{
	enum dtype t = v->src[0].dtype;
	uint64_t least = t == DT_U64 ? 0 : (uint64_t)1 << 63;

	switch ((int)v->func) {
	case VF_rprod: return (struct number){1, 1, 1};
	case VF_rmax:
	case VF_wmax:
		return (struct number){-INFINITY, -(double)INFINITY, least};
	case VF_rmin:
		return (struct number){INFINITY, (double)INFINITY, ~least};
	default: return (struct number){0};
	}
}

static struct number
combine(const struct vec *v, struct number a, struct number b)
{
	enum dtype t = v->src[0].dtype;

	switch ((int)v->func) {
	case VF_rprod:
		return (struct number){a.s * b.s, a.d * b.d, a.u * b.u};
	case VF_rmax:
	case VF_wmax:
		return (struct number){isnan(a.s) || a.s > b.s ? a.s : b.s,
		    isnan(a.d) || a.d > b.d ? a.d : b.d,
		    below(t, b.u, a.u) ? a.u : b.u};
	case VF_rmin:
		return (struct number){isnan(a.s) || a.s < b.s ? a.s : b.s,
		    isnan(a.d) || a.d < b.d ? a.d : b.d,
		    below(t, a.u, b.u) ? a.u : b.u};
	default:
		return (struct number){a.s + b.s, a.d + b.d, a.u + b.u};
	}
}

/* Does x beat the best so far? NaN beats all; equals win when last. */
static bool
beats(const struct vec *v, enum compute how, struct number x,
    struct number best)
{
	bool last = v->param[0] != 0, max = v->func == VF_rargmax;
	double a = how == F32 ? (double)x.s : x.d;
	double b = how == F32 ? (double)best.s : best.d;

	if (how == INT) {
		enum dtype t = v->src[0].dtype;

		if (x.u == best.u)
			return last;
		return max ? below(t, best.u, x.u) : below(t, x.u, best.u);
	}
	if (isnan(a) || isnan(b))
		return isnan(a) && (last || !isnan(b));
	return a == b ? last : max ? a > b : a < b;
}

static bool
positive(const struct vec *v, enum compute how, struct number x)
{
	return how == INT ? below(v->src[0].dtype, 0, x.u) : x.d > 0;
}

static bool
naive_reduce(const struct simgroup *s, const struct vec_case *c,
    uint8_t *want)
{
	const struct vec *v = &c->v;
	enum compute how = compute_of(c);
	int outer = v->rank - v->nred;
	int64_t i[VEC_MAX_RANK] = {0};

	do {
		struct number acc[16], x, best = {0}, r;
		int64_t to = address(c, 0, i, outer), e = 0, at = 0;

		for (int j = 0; j < 16; j++)
			acc[j] = identity(v);
		do {
			if (!fetch(s, c, 1, address(c, 1, i, v->rank), &x))
				return false;
			acc[e % 16] = combine(v, acc[e % 16], x);
			if (v->func == VF_rbits) {
				at |= e < 64 && positive(v, how, x) ?
				    (int64_t)(UINT64_C(1) << e) : 0;
				e++;
				continue;
			}
			if (e == 0 || beats(v, how, x, best)) {
				best = x;
				at = e;
			}
			e++;
		} while (next(v, i, outer, v->rank));
		for (int w = 8; w > 0; w /= 2)
			for (int j = 0; j < w; j++)
				acc[j] = combine(v, acc[j], acc[j + w]);
		if (outside(&s->g.gbuf, to, v->dst.dtype))
			return false;
		r = acc[0];
		if (is_arg(v)) {
			r.u = (uint64_t)at;
			r.s = (float)at;
			r.d = v->func == VF_rbits ? (double)r.u : (double)at;
		}
		save(want + to, v->dst.dtype, is_arg(v) ?
		    dtype_is_float(v->dst.dtype) ? F64 : INT : how, r);
	} while (next(v, i, 0, outer));
	return true;
}

static int64_t
tap_of(const struct vec *v, const int64_t *i)
{
	return (i[5] * v->size[6] + i[6]) * v->size[7] + i[7];
}

static struct number
whole_number(int64_t n)
{
	return (struct number){(float)n, (double)n, (uint64_t)n};
}

/* Does a later tap win? */
static bool
beats_first(const struct vec *v, enum compute how, struct number x,
    struct number best)
{
	if (how == INT)
		return below(v->src[0].dtype, best.u, x.u);
	return isnan(x.d) ? !isnan(best.d) : x.d > best.d;
}

static bool
naive_window(const struct simgroup *s, const struct vec_case *c,
    uint8_t *want)
{
	const struct vec *v = &c->v;
	enum compute how = compute_of(c);
	int64_t i[VEC_MAX_RANK] = {0};

	do {
		struct number acc = identity(v), x, y;
		int64_t to = address(c, 0, i, 5), best = -1;

		do {
			int64_t p[5] = {i[0], 0, 0, 0, i[4]};
			bool in = true;

			for (int a = 0; a < 3; a++) {
				p[1 + a] = i[1 + a] * v->axis[a].stride +
				    i[5 + a] * v->axis[a].dil -
				    v->axis[a].pad;
				int64_t up = v->axis[a].up > 1 ?
				    v->axis[a].up : 1;

				in = in && p[1 + a] >= 0 &&
				    p[1 + a] % up == 0 &&
				    p[1 + a] / up < v->axis[a].extent;
				p[1 + a] /= up;
			}
			if (!in)
				continue;
			if (!fetch(s, c, 1, address(c, 1, p, 5), &x))
				return false;
			if (v->func == VF_warg) {
				if (best < 0 || beats_first(v, how, x, acc)) {
					best = tap_of(v, i);
					acc = x;
				}
				continue;
			}
			if (v->func == VF_wunpool) {
				int64_t all = v->size[5] * v->size[6] *
				    v->size[7];

				if (!fetch(s, c, 2, address(c, 2, p, 5), &y))
					return false;
				if (y.d != (double)(all - 1 - tap_of(v, i)))
					continue;
			}
			acc = combine(v, acc, x);
		} while (next(v, i, 5, 8));
		if (v->func == VF_warg)
			acc = whole_number(best < 0 ? 0 : best);
		if (outside(&s->g.gbuf, to, v->dst.dtype))
			return false;
		save(want + to, v->dst.dtype, v->func != VF_warg ? how :
		    dtype_is_float(v->dst.dtype) ? F64 : INT, acc);
	} while (next(v, i, 0, 5));
	return true;
}

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

static void
random_types(uint64_t *seed, struct vec_case *c)
{
	enum dtype one = random_type(seed);
	bool same = random_int(seed, 0, 2) != 0;

	for (int i = 0; i < c->nops; i++) {
		struct vec_operand *o = operand(&c->v, i);

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
	struct vec_operand *o = operand(&c->v, op);
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
		struct vec_operand *o = operand(&c->v, i);

		if (o->space != SPACE_GBUF || dtype_size(o->dtype) !=
		    dtype_size(c->v.dst.dtype) || random_int(seed, 0, 3))
			continue;
		c->base[i] = c->base[0];
		memcpy(o->stride, c->v.dst.stride, sizeof o->stride);
	}
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
		operand(v, i)->base = simgroup_aff(&s, c->base[i]);
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
			struct vec_operand *o = operand(&c.v, op);
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
			default: operand(v, op)->stride[dim] = h; break;
			}
		}
		for (int i = 0; i < v->rank; i++)
			total *= v->size[i];
		if (total > 200000)
			continue;
		simgroup_reset(&s);
		for (int i = 0; i < c.nops; i++)
			operand(v, i)->base = simgroup_aff(&s, c.base[i]);
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
