#include "tests/lib/vec_naive.h"

#include <math.h>
#include <string.h>

#include "runtime/sim/exec.h"

/* Any number, as each of the three computations sees it. */
struct number {
	float s;
	double d;
	uint64_t u;
};

enum compute { F32, F64, INT };

struct vec_operand *
vec_case_operand(struct vec *v, int i)
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

/* Integers are ordered, divided and made floats as unsigned where a source is
 * u64. */
static enum dtype
order_of(const struct vec *v)
{
	for (int i = 0; i < vec_func_sources((enum vec_func)v->func); i++)
		if (v->src[i].dtype == DT_U64)
			return DT_U64;
	return v->src[0].dtype;
}

static double
real(enum dtype t, const struct number *a)
{
	return t == DT_U64 ? (double)a->u : a->d;
}

static uint64_t
whole_map(const struct vec *v, const struct number *a)
{
	enum dtype t = order_of(v);
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
	case VF_field:
		for (int i = 0; i < (int)v->param[0]; i++)
			x /= 2;
		return x & (uint64_t)v->param[1];
	case VF_fma: return x * y + z;
	default:
		d.d = vecmath_f64((enum vec_func)v->func, real(t, &a[0]),
		    real(t, &a[1]), real(t, &a[2]), v->param);
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

bool
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

bool
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

bool
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
