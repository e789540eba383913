/* The error bounds against f32 arithmetic as a device may do it: sums in any
 * order and shape, transcendental functions off by up to 4 ulp, composite ops
 * step by step, operands within their own errors. */
#include "ir/eval.h"

#include <math.h>
#include <string.h>

#include "tests/lib/unit.h"

struct bench {
	struct unit *u;
	uint64_t seed;
	/* largest difference / bound over f32 results (one ulp of a 16-bit
	 * result is all of its bound): where operands are off, and where all
	 * are exact and only roundings differ */
	double worst[OP_COUNT], rounding[OP_COUNT];
	size_t tried[OP_COUNT], finite[OP_COUNT];
};

static double
uniform(struct bench *b)
{
	return (double)(unit_random(&b->seed) >> 11) * 0x1p-53 * 2 - 1;
}

static size_t
below(struct bench *b, size_t n)
{
	return (size_t)(unit_random(&b->seed) % n);
}

/* A transcendental result: within 4 ulp of f32. */
static float
off(struct bench *b, double v)
{
	float f = (float)v, way = below(b, 2) ? HUGE_VALF : -HUGE_VALF;

	for (size_t k = below(b, 4); k > 0; k--)
		f = nextafterf(f, way);
	return f;
}

/* The sum in f32 of n terms, one after the other or as a random tree (two
 * random terms become one). Destroys t. */
static float
sum(struct bench *b, float *t, size_t n)
{
	float s = 0;

	if (below(b, 2) == 0) {
		for (size_t i = 0; i < n; i++)
			s += t[i];
		return s;
	}
	for (; n > 1; n--) {
		size_t i = below(b, n);

		s = t[i];
		t[i] = t[n - 1];
		t[below(b, n - 1)] += s;
	}
	return n == 1 ? t[0] : 0;
}

#define OPERANDS 5

/* One node on f32 operands: as the reference reads them, and as the device
 * has them, off by at most err. */
struct job {
	struct bench *b;
	struct arena *a;
	enum op op;
	enum dtype out;
	struct attr attrs[8];
	int nattrs, nin;
	struct eval_tensor in[OPERANDS];
	float *x[OPERANDS]; /* device */
	double *want, *bound;
};

static struct job
job_new(struct bench *b, enum op op)
{
	static const enum dtype out[] = {DT_F32, DT_F32, DT_F16, DT_BF16};

	return (struct job){
	    .b = b, .a = arena_new(), .op = op, .out = out[below(b, 4)]};
}

/* The next operand, of values mid +- spread, some of them with an error. */
static void
job_operand(
    struct job *j, int rank, const int64_t *dim, double mid, double spread)
{
	struct tensor_type t = type_make(DT_F32, rank, dim);
	size_t n = (size_t)type_elems(&t);
	double rel = below(j->b, 2) ? ldexp(1, -6 - (int)below(j->b, 18)) : 0;
	float *ref = NEW_ARRAY(j->a, float, n), *dev;
	double *err = NEW_ARRAY(j->a, double, n);

	dev = j->x[j->nin] = NEW_ARRAY(j->a, float, n);
	for (size_t i = 0; i < n; i++) {
		ref[i] = dev[i] = (float)(mid + spread * uniform(j->b));
		if (below(j->b, 2))
			dev[i] *= (float)(1 + rel * uniform(j->b));
		err[i] = fabs((double)ref[i] - (double)dev[i]);
	}
	j->in[j->nin++] = (struct eval_tensor){t, ref, rel != 0 ? err : NULL};
}

static void
job_float(struct job *j, enum attr_id id, double v)
{
	j->attrs[j->nattrs++] = attr_make_float(id, v);
}

static void
job_int(struct job *j, enum attr_id id, int64_t v)
{
	j->attrs[j->nattrs++] = attr_make_int(id, v);
}

static void
job_run(struct job *j)
{
	struct graph *g = graph_new(j->a, "job");
	struct diag *d = &j->b->u->diag;
	struct value *in[OPERANDS] = {NULL};
	struct node_spec spec = {.op = j->op,
	    .in = in,
	    .nin = j->nin,
	    .attrs = j->attrs,
	    .nattrs = j->nattrs,
	    .out_dtype = j->out};
	struct eval_options opt = {.round = true};
	struct eval_tensor out;
	struct node *n;
	size_t len;

	for (int i = 0; i < j->nin; i++)
		in[i] = graph_input(g, NULL, &j->in[i].type);
	n = graph_add(g, d, &spec);
	if (n == NULL)
		fail_msg("%s", j->b->u->last);
	graph_output(g, n->out[0], "y");
	if (!eval_graph(j->a, d, g, &opt, j->in, &out, &j->bound))
		fail_msg("%s", j->b->u->last);
	len = (size_t)type_elems(&out.type);
	j->want = NEW_ARRAY(j->a, double, len);
	for (size_t i = 0; i < len; i++)
		j->want[i] = dtype_get(out.data, out.type.dtype, i);
}

/* The device computed y, in f32, for element i. */
static void
job_check(struct job *j, size_t i, float y)
{
	double w = j->want[i], bound = j->bound[i], got;
	struct bench *b = j->b;
	bool exact = true;
	double *r;
	char cell[8];

	dtype_set(cell, j->out, 0, (double)y);
	got = dtype_get(cell, j->out, 0);
	b->tried[j->op]++;
	if (!eval_within(w, got, bound))
		fail_msg("%s to %s: element %zu: reference %.9g, device %.9g, "
			 "difference %g, bound %g",
		    op_info(j->op)->name, dtype_name(j->out), i, w, got,
		    fabs(got - w), bound);
	if (isinf(bound))
		return;
	b->finite[j->op]++;
	if (w == got || j->out != DT_F32)
		return;
	for (int k = 0; k < j->nin && exact; k++)
		exact = j->in[k].bound == NULL;
	r = exact ? b->rounding : b->worst;
	r[j->op] = fmax(r[j->op], fabs(got - w) / bound);
}

static void
job_end(struct job *j)
{
	arena_free(j->a);
}

static void
report(struct bench *b, double least)
{
	for (enum op op = OP_NONE + 1; op < OP_COUNT; op++) {
		if (b->tried[op] == 0)
			continue;
		print_message("%-20s worst ratio %.3f, of roundings alone "
			      "%.3f, finite %3.0f %% of %zu\n",
		    op_info(op)->name, b->worst[op], b->rounding[op],
		    100 * (double)b->finite[op] / (double)b->tried[op],
		    b->tried[op]);
		/* none at all: both sides round the exact result alike */
		if (b->worst[op] < 0.5 ||
		    (b->rounding[op] > 0 && b->rounding[op] < least))
			fail_msg("%s: bounds too wide", op_info(op)->name);
	}
}

/* --- contractions --------------------------------------------------------- */

static float
activate(struct bench *b, enum act act, float x)
{
	switch (act) {
	case ACT_RELU: return x < 0 ? 0 : x;
	case ACT_LEAKY_RELU: return x < 0 ? 0.1f * x : x;
	case ACT_CLIP: return x < 0.1f ? 0.1f : x > 0.5f ? 0.5f : x;
	case ACT_SIGMOID: return off(b, 1 / (1 + exp(-(double)x)));
	case ACT_TANH: return off(b, tanh((double)x));
	case ACT_HARD_SIGMOID:
		x = 0.1f * x + 0.5f;
		return x < 0 ? 0 : x > 1 ? 1 : x;
	case ACT_HARD_SWISH: {
		float z = x * (1.0f / 6) + 0.5f;

		return x * (z < 0 ? 0 : z > 1 ? 1 : z);
	}
	case ACT_NONE:
	case ACT_COUNT: break;
	}
	return x;
}

static void
matmul(struct bench *b, int64_t k, enum act act)
{
	const int64_t a[2] = {3, k}, w[2] = {k, 4}, bias[1] = {4},
		      y[2] = {3, 4};
	struct job j = job_new(b, OP_matmul);
	float *t = NEW_ARRAY(j.a, float, (size_t)k);
	bool fused = below(b, 2) == 0;

	job_operand(&j, 2, a, 0, 1);
	job_operand(&j, 2, w, 0, 2);
	job_operand(&j, 1, bias, 0, 1);
	job_operand(&j, 2, y, 0, 1);
	job_int(&j, ATTR_act, (int64_t)act);
	job_float(&j, ATTR_act_alpha, 0.1);
	job_float(&j, ATTR_act_beta, 0.5);
	job_run(&j);
	for (int64_t i = 0; i < 12; i++) {
		float s = 0;

		for (int64_t n = 0; n < k; n++) {
			float p = j.x[0][i / 4 * k + n];
			float q = j.x[1][n * 4 + i % 4];

			t[n] = p * q;
			s = fmaf(p, q, s);
		}
		s = fused ? s : sum(b, t, (size_t)k);
		s = s + j.x[2][i % 4] + j.x[3][i];
		job_check(&j, (size_t)i, activate(b, act, s));
	}
	job_end(&j);
}

static void
gemm(struct bench *b, int64_t k)
{
	const int64_t a[2] = {1, k}, w[2] = {k, 1}, c[1] = {1};
	struct job j = job_new(b, OP_gemm);
	float *t = NEW_ARRAY(j.a, float, (size_t)k);

	job_operand(&j, 2, a, 0, 1);
	job_operand(&j, 2, w, 0, 2);
	job_operand(&j, 1, c, 0, 5);
	job_float(&j, ATTR_alpha, 0.7);
	job_float(&j, ATTR_beta, 1.3);
	job_run(&j);
	for (int64_t n = 0; n < k; n++)
		t[n] = j.x[0][n] * j.x[1][n];
	job_check(&j, 0, sum(b, t, (size_t)k) * 0.7f + j.x[2][0] * 1.3f);
	job_end(&j);
}

static void
contractions(void **state)
{
	struct bench b = {.u = *state, .seed = 42};

	for (int i = 0; i < 400; i++) {
		static const int64_t k[] = {1, 2, 9, 64, 300, 1000};

		matmul(&b, k[i % 6], (enum act)(i % ACT_COUNT));
		gemm(&b, k[i % 6]);
	}
	report(&b, 0.05);
}

/* --- reductions, norms ---------------------------------------------------- */

static float
reduced(struct bench *b, enum op op, const float *x, float *t, size_t n)
{
	float m = x[0], p = 1;

	for (size_t i = 0; i < n; i++) {
		m = op == OP_reduce_min ? fminf(m, x[i]) : fmaxf(m, x[i]);
		p *= x[i];
	}
	for (size_t i = 0; i < n; i++) {
		t[i] = x[i];
		if (op == OP_reduce_l1)
			t[i] = fabsf(t[i]);
		if (op == OP_reduce_l2 || op == OP_reduce_sum_square)
			t[i] *= t[i];
		if (op == OP_reduce_log_sum_exp)
			t[i] = off(b, exp((double)(x[i] - m)));
	}
	switch (op) {
	case OP_reduce_max:
	case OP_reduce_min: return m;
	case OP_reduce_prod: return p;
	case OP_reduce_mean: return sum(b, t, n) * (1.0f / (float)n);
	case OP_reduce_l2: return off(b, sqrt((double)sum(b, t, n)));
	case OP_reduce_log_sum: return off(b, log((double)sum(b, t, n)));
	case OP_reduce_log_sum_exp:
		return m + off(b, log((double)sum(b, t, n)));
	default: return sum(b, t, n);
	}
}

static void
reduce(struct bench *b, enum op op, int64_t n)
{
	struct job j = job_new(b, op);
	float *t = NEW_ARRAY(j.a, float, (size_t)n);

	if (op == OP_reduce_log_sum)
		job_operand(&j, 1, &n, 2, 1.5);
	else if (op == OP_reduce_prod)
		job_operand(&j, 1, &n, 1, 0.3);
	else
		job_operand(
		    &j, 1, &n, 0.1, op == OP_reduce_log_sum_exp ? 9 : 3);
	job_run(&j);
	job_check(&j, 0, reduced(b, op, j.x[0], t, (size_t)n));
	job_end(&j);
}

static void
softmax(struct bench *b, enum op op, int64_t n)
{
	struct job j = job_new(b, op);
	float *t = NEW_ARRAY(j.a, float, (size_t)n), *x, m, s;
	float *e = NEW_ARRAY(j.a, float, (size_t)n);
	bool inverse = below(b, 2) == 0;

	job_operand(&j, 1, &n, 0, 12);
	job_run(&j);
	x = j.x[0];
	m = x[0];
	for (int64_t i = 0; i < n; i++)
		m = fmaxf(m, x[i]);
	for (int64_t i = 0; i < n; i++)
		e[i] = t[i] = off(b, exp((double)(x[i] - m)));
	s = sum(b, t, (size_t)n);
	for (int64_t i = 0; i < n; i++) {
		float y = inverse ? e[i] * off(b, 1 / (double)s) : e[i] / s;

		if (op == OP_log_softmax)
			y = x[i] - m - off(b, log((double)s));
		job_check(&j, (size_t)i, y);
	}
	job_end(&j);
}

/* (x - m) r s + c in one of the orders that legalization may choose. */
static float
affine(int form, float x, float m, float r, float s, float c)
{
	float k = r * s;

	if (form == 0)
		return (x - m) * r * s + c;
	if (form == 1)
		return x * k + (c - m * k);
	return fmaf(x, k, fmaf(-m, k, c));
}

static void
batch_norm(struct bench *b)
{
	const int64_t x[2] = {4, 3}, c[1] = {3};
	struct job j = job_new(b, OP_batch_norm);
	int form = (int)below(b, 3);

	job_operand(&j, 2, x, 1, 3);
	job_operand(&j, 1, c, 0, 2);
	job_operand(&j, 1, c, 0, 2);
	job_operand(&j, 1, c, 1, 3);
	job_operand(&j, 1, c, 1, 0.99);
	job_float(&j, ATTR_epsilon, 1e-3);
	job_run(&j);
	for (size_t i = 0; i < 12; i++) {
		size_t k = i % 3;
		float r = off(b, 1 / sqrt((double)(j.x[4][k] + 1e-3f)));

		job_check(&j, i,
		    affine(
			form, j.x[0][i], j.x[3][k], r, j.x[1][k], j.x[2][k]));
	}
	job_end(&j);
}

static void
layer_norm(struct bench *b, int64_t n)
{
	struct job j = job_new(b, OP_layer_norm);
	float *t = NEW_ARRAY(j.a, float, (size_t)n), m, v, r;
	int form = (int)below(b, 3);
	double mid = below(b, 2) ? 0 : 5;

	job_operand(&j, 1, &n, mid, 3);
	job_operand(&j, 1, &n, 1, 1);
	job_operand(&j, 1, &n, 0, 1);
	job_run(&j);
	memcpy(t, j.x[0], (size_t)n * sizeof *t);
	m = sum(b, t, (size_t)n) / (float)n;
	for (int64_t i = 0; i < n; i++)
		t[i] = (j.x[0][i] - m) * (j.x[0][i] - m);
	v = sum(b, t, (size_t)n) / (float)n;
	r = off(b, 1 / sqrt((double)(v + 1e-5f)));
	for (int64_t i = 0; i < n; i++)
		job_check(&j, (size_t)i,
		    affine(form, j.x[0][i], m, r, j.x[1][i], j.x[2][i]));
	job_end(&j);
}

static void
max_pool(struct bench *b)
{
	const int64_t dim[3] = {1, 1, 12}, kernel = 4;
	struct job j = job_new(b, OP_max_pool);

	j.attrs[j.nattrs++] = attr_make_ints(ATTR_kernel, &kernel, 1);
	job_operand(&j, 3, dim, 1, 0.1);
	job_run(&j);
	for (size_t i = 0; i < 9; i++) {
		const float *x = j.x[0] + i;

		job_check(&j, i, fmaxf(fmaxf(x[0], x[1]), fmaxf(x[2], x[3])));
	}
	job_end(&j);
}

static void
lrn(struct bench *b)
{
	const int64_t dim[3] = {1, 5, 1};
	struct job j = job_new(b, OP_lrn);
	float t[5], s;

	job_operand(&j, 3, dim, 0, 4);
	job_int(&j, ATTR_size, 9); /* every window is all channels */
	job_float(&j, ATTR_alpha, 0.3);
	job_float(&j, ATTR_beta, 0.75);
	job_float(&j, ATTR_bias, 1.5);
	job_run(&j);
	for (size_t i = 0; i < 5; i++) {
		float base, f;

		for (size_t k = 0; k < 5; k++)
			t[k] = j.x[0][k] * j.x[0][k];
		s = sum(b, t, 5);
		base = 1.5f + 0.3f / 9 * s;
		if (below(b, 2))
			f = off(b, pow((double)base, -0.75));
		else
			f = off(b,
			    exp((double)(-0.75f * off(b, log((double)base)))));
		job_check(&j, i, j.x[0][i] * f);
	}
	job_end(&j);
}

static void
reductions(void **state)
{
	struct bench b = {.u = *state, .seed = 43};

	for (int i = 0; i < 300; i++) {
		static const int64_t n[] = {1, 3, 10, 77, 400};

		for (enum op op = OP_reduce_sum; op <= OP_reduce_log_sum_exp;
		     op++)
			reduce(&b, op, n[i % 5]);
		softmax(&b, OP_softmax, n[i % 5]);
		softmax(&b, OP_log_softmax, n[i % 5]);
		batch_norm(&b);
		layer_norm(&b, n[1 + i % 4]);
		lrn(&b);
		max_pool(&b);
	}
	report(&b, 0.03);
}

/* --- maps ----------------------------------------------------------------- */

/* Alpha 0.75 and beta 1.25 where the op has them. */
static float
mapped(struct bench *b, enum op op, float x)
{
	const float a = 0.75f, be = 1.25f;
	double d = (double)x;
	float e = off(b, exp(fmin(d, 80))), z, s;

	switch (op) {
	case OP_reciprocal: return off(b, 1 / d);
	case OP_sqrt: return off(b, sqrt(d));
	case OP_rsqrt: return off(b, 1 / sqrt(d));
	case OP_exp: return e;
	case OP_log: return off(b, log(d));
	case OP_sin: return off(b, sin(d));
	case OP_cos: return off(b, cos(d));
	case OP_erf: return off(b, erf(d));
	case OP_tanh: return off(b, tanh(d));
	case OP_sigmoid: return off(b, 1 / (1 + exp(-d)));
	case OP_leaky_relu: return x < 0 ? a * x : x;
	case OP_hard_sigmoid: z = a * x + be; return z < 0 ? 0 : z > 1 ? 1 : z;
	case OP_hard_swish: return activate(b, ACT_HARD_SWISH, x);
	case OP_elu: return x < 0 ? a * (e - 1) : x;
	case OP_selu: return be * (x > 0 ? x : a * (e - 1));
	case OP_celu:
		z = a * (off(b, exp((double)(x / a))) - 1);
		return fmaxf(0, x) + fminf(0, z);
	case OP_softplus:
		s = 1 + off(b, exp(-fabs(d)));
		return fmaxf(x, 0) + off(b, log((double)s));
	case OP_softsign: return x * off(b, 1 / (double)(1 + fabsf(x)));
	case OP_gelu:
		z = off(b, erf((double)(x * 0.70710678f)));
		return 0.5f * x * (1 + z);
	case OP_mish:
		s = 1 + off(b, exp(-fabs(d)));
		s = fmaxf(x, 0) + off(b, log((double)s));
		return x * off(b, tanh((double)s));
	default: return x;
	}
}

/* Attributes of op that this test sets. */
static void
set_attributes(struct job *j)
{
	for (const enum attr_id *id = op_info(j->op)->attrs; *id != ATTR_NONE;
	     id++) {
		if (*id == ATTR_alpha)
			job_float(j, ATTR_alpha, 0.75);
		else if (*id == ATTR_beta)
			job_float(j, ATTR_beta, 1.25);
	}
}

static void
map(struct bench *b, enum op op)
{
	bool positive = op == OP_sqrt || op == OP_rsqrt || op == OP_log ||
			op == OP_reciprocal;
	const int64_t n = 64;
	struct job j = job_new(b, op);

	set_attributes(&j);
	job_operand(&j, 1, &n, positive ? 5 : 0, positive ? 4.9 : 8);
	job_run(&j);
	for (size_t i = 0; i < 64; i++)
		job_check(&j, i, mapped(b, op, j.x[0][i]));
	job_end(&j);
}

static float
paired(struct bench *b, enum op op, float x, float y)
{
	switch (op) {
	case OP_add: return x + y;
	case OP_sub: return x - y;
	case OP_mul: return x * y;
	case OP_div: return below(b, 2) ? x / y : x * (1.0f / y);
	case OP_pow: return off(b, pow((double)x, (double)y));
	case OP_prelu: return x < 0 ? x * y : x;
	case OP_min: return fminf(x, y);
	case OP_max: return fmaxf(x, y);
	default: return 0;
	}
}

static void
pair(struct bench *b, enum op op)
{
	const int64_t n = 64;
	struct job j = job_new(b, op);
	bool close = op == OP_min || op == OP_max;

	if (op == OP_pow)
		job_operand(&j, 1, &n, 4, 3.5);
	else
		job_operand(&j, 1, &n, 1, close ? 0.02 : 8);
	job_operand(&j, 1, &n, op == OP_div ? 5 : 1, close ? 0.02 : 4);
	job_run(&j);
	for (size_t i = 0; i < 64; i++)
		job_check(&j, i, paired(b, op, j.x[0][i], j.x[1][i]));
	job_end(&j);
}

static void
maps(void **state)
{
	static const enum op one[] = {OP_reciprocal, OP_sqrt, OP_rsqrt, OP_exp,
	    OP_log, OP_sin, OP_cos, OP_erf, OP_tanh, OP_sigmoid, OP_leaky_relu,
	    OP_hard_sigmoid, OP_hard_swish, OP_elu, OP_selu, OP_celu,
	    OP_softplus, OP_softsign, OP_gelu, OP_mish};
	static const enum op two[] = {
	    OP_add, OP_sub, OP_mul, OP_div, OP_pow, OP_prelu, OP_min, OP_max};
	struct bench b = {.u = *state, .seed = 44};

	for (int i = 0; i < 150; i++) {
		for (size_t k = 0; k < sizeof one / sizeof *one; k++)
			map(&b, one[k]);
		for (size_t k = 0; k < sizeof two / sizeof *two; k++)
			pair(&b, two[k]);
	}
	report(&b, 0.1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(contractions),
	    UNIT_TEST(reductions),
	    UNIT_TEST(maps),
	};

	return cmocka_run_group_tests_name("ir/eval_device", tests, NULL, NULL);
}
