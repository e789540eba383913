/* Batch statistics, loss and random numbers of a training step. */
#include "ir/eval_kernel.h"

#include <math.h>

/* Statistics of one channel: mean and population variance, two passes. */
struct channel {
	struct num mean, var;
	double count;
};

/* Calls for each element of channel c: i is its index. */
#define channel_foreach(t, c, inner, i)                                    \
	for (int64_t n_ = 0; n_ < (t)->dim[0]; n_++)                       \
		for (int64_t i = (n_ * (t)->dim[1] + (c)) * (inner),       \
			     end_ = i + (inner);                           \
		     i < end_; i++)

static struct channel
channel_stats(const struct ev *ev, const double *x, const double *e, int64_t c)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t inner = span_elems(t, 2, t->rank);
	struct channel s = {.count = (double)t->dim[0] * (double)inner};
	double mag = 0, err = 0;

	channel_foreach(t, c, inner, i) {
		s.mean.v += x[i];
		err += e != NULL ? e[i] : 0;
		mag += fabs(x[i]) + (e != NULL ? e[i] : 0);
	}
	s.mean.v /= s.count;
	s.mean.e = (err + ev_slack(ev, 2 * (s.count + 4), mag)) / s.count;
	err = mag = 0;
	channel_foreach(t, c, inner, i) {
		double d = x[i] - s.mean.v;
		double ed = (e != NULL ? e[i] : 0) + s.mean.e +
			    ev_slack(ev, 2, d);

		s.var.v += d * d;
		err += ed * (2 * fabs(d) + ed);
		mag += (fabs(d) + ed) * (fabs(d) + ed);
	}
	s.var.v /= s.count;
	s.var.e = (err + ev_slack(ev, 2 * (s.count + 4), mag)) / s.count;
	if (!(mag < ev_limit(ev)))
		s.mean.e = s.var.e = HUGE_VAL;
	return s;
}

/* 1 / sqrt(var + epsilon). */
static struct num
inverse_root(const struct ev *ev, struct num var)
{
	double eps = node_float(ev->n, ATTR_epsilon);
	double lo = var.v + eps - var.e, hi = var.v + eps + var.e;
	struct num r = {1 / sqrt(var.v + eps), 0};

	if (!ev->bounds)
		return r;
	lo -= ev_slack(ev, 4, hi);
	hi += ev_slack(ev, 4, hi);
	if (!(lo > 0) || isinf(hi)) {
		r.e = HUGE_VAL;
		return r;
	}
	r.e = fmax(1 / sqrt(lo) - r.v, r.v - 1 / sqrt(hi));
	r.e += ev_slack(ev, 16, r.v + r.e);
	return r;
}

static struct num
times(const struct ev *ev, struct num a, struct num b)
{
	struct num y = {a.v * b.v, 0};

	if (ev->bounds)
		y.e = fabs(a.v) * b.e + a.e * fabs(b.v) + a.e * b.e +
		      ev_slack(ev, 2, y.v);
	return y;
}

static struct num
at(const double *v, const double *e, int64_t i)
{
	return (struct num){v[i], e != NULL ? e[i] : 0};
}

bool
eval_batch_norm_train(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	int64_t inner = span_elems(t, 2, t->rank);
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	const double *scale = ev_doubles(ev, 1), *es = ev_errors(ev, 1);
	const double *bias = ev_doubles(ev, 2), *eb = ev_errors(ev, 2);
	struct ev mean = ev_result(ev, 1), var = ev_result(ev, 2);

	for (int64_t c = 0; c < t->dim[1]; c++) {
		struct channel s = channel_stats(ev, x, e, c);
		struct num r = inverse_root(ev, s.var), k, b;

		ev_put(&mean, c, s.mean);
		ev_put(&var, c, s.var);
		k = times(ev, r, at(scale, es, c));
		b = at(bias, eb, c);
		channel_foreach(t, c, inner, i) {
			struct num d = at(x, e, i), y;

			d.v -= s.mean.v;
			d.e += s.mean.e + ev_slack(ev, 2,
			    fabs(x[i]) + fabs(s.mean.v));
			y = times(ev, d, k);
			y.v += b.v;
			y.e += b.e + ev_slack(ev, 4,
			    fabs(d.v * k.v) + fabs(b.v) + y.e);
			ev_put(ev, i, y);
		}
	}
	return true;
}

/* Philox 4x32 with ten rounds: Salmon, Moraes, Dror, Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", 2011. */
static void
philox(uint32_t c[4], uint32_t k0, uint32_t k1)
{
	for (int round = 0; round < 10; round++) {
		uint64_t a = UINT64_C(0xD2511F53) * c[0];
		uint64_t b = UINT64_C(0xCD9E8D57) * c[2];
		uint32_t c1 = c[1], c3 = c[3];

		c[0] = (uint32_t)(b >> 32) ^ c1 ^ k0;
		c[1] = (uint32_t)b;
		c[2] = (uint32_t)(a >> 32) ^ c3 ^ k1;
		c[3] = (uint32_t)a;
		k0 += UINT32_C(0x9E3779B9);
		k1 += UINT32_C(0xBB67AE85);
	}
}

/* Word i of the stream of the node's key at this step; see IR.md. */
static uint32_t
random_word(const struct ev *ev, int64_t step, int64_t i)
{
	uint64_t block = (uint64_t)i / 4, s = (uint64_t)step;
	uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32),
	    (uint32_t)s, (uint32_t)(s >> 32)};

	philox(c, (uint32_t)node_int(ev->n, ATTR_seed),
	    (uint32_t)node_int(ev->n, ATTR_stream));
	return c[i % 4];
}

bool
eval_random_bits(struct ev *ev)
{
	int64_t step = *ev_ints(ev, 0);
	const double *e = ev_errors(ev, 0);

	for (int64_t i = 0; i < ev->len; i++)
		ev_put_int(ev, i, random_word(ev, step, i),
		    e != NULL && e[0] != 0);
	return true;
}

bool
eval_dropout(struct ev *ev)
{
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	const double *doubt = ev_errors(ev, 1);
	int64_t step = *ev_ints(ev, 1);
	double ratio = node_float(ev->n, ATTR_ratio), k = 1 / (1 - ratio);
	double limit = floor(ratio * 0x1p32);

	for (int64_t i = 0; i < ev->len; i++) {
		struct num y = {0, 0};

		if ((double)random_word(ev, step, i) >= limit) {
			y.v = x[i] * k;
			y.e = (e != NULL ? e[i] * k : 0);
			y.e += ev_slack(ev, 6, fabs(y.v) + y.e);
		}
		if (doubt != NULL && doubt[0] != 0)
			y.e = HUGE_VAL;
		ev_put(ev, i, y);
	}
	return true;
}

/* One row of the loss: classes `stride` apart from x. */
struct loss_row {
	const double *x, *e; /* e NULL where exact */
	int64_t n, stride, label;
	double smoothing;
};

/* lse - (1 - s) x[label] - s mean(x), with x less its maximum. A label
 * outside the classes is none of them. */
static struct num
row_loss(const struct ev *ev, const struct loss_row *r)
{
	double max = -HUGE_VAL, sum = 0, dot = 0, mag = 0, err = 0, n;
	double rest = 0;
	struct num y;

	n = (double)r->n;
	for (int64_t k = 0; k < r->n; k++)
		max = fmax(max, r->x[k * r->stride]);
	for (int64_t k = 0; k < r->n; k++) {
		double t = r->x[k * r->stride] - max, w;

		sum += exp(t);
		w = r->smoothing / n;
		if (k == r->label)
			w += 1 - r->smoothing;
		dot += w != 0 ? w * t : 0;
		rest += w;
		mag = fmax(mag, fabs(t) + fabs(r->x[k * r->stride]));
		if (r->e != NULL)
			err = fmax(err, r->e[k * r->stride]);
	}
	y.v = rest * log(sum) - dot;
	y.e = 2 * err + ev_slack(ev, 2 * (n + 20), 4 * mag + log(n) + 1);
	if (!isfinite(max) || !isfinite(mag))
		y.e = HUGE_VAL;
	return y;
}

bool
eval_softmax_cross_entropy(struct ev *ev)
{
	const struct tensor_type *t = &ev->in[0].type;
	const double *x = ev_doubles(ev, 0), *e = ev_errors(ev, 0);
	const double *doubt = ev_errors(ev, 1);
	const int64_t *label = ev_ints(ev, 1);
	int64_t inner = span_elems(t, 2, t->rank);
	int64_t rows = t->dim[0] * inner;
	struct loss_row r = {.n = t->dim[1], .stride = inner,
	    .smoothing = node_float(ev->n, ATTR_smoothing)};
	struct num sum = {0, 0};
	double mag = 0;

	for (int64_t i = 0; i < rows; i++) {
		int64_t base = i / inner * r.n * inner + i % inner;
		struct num y;

		r.x = x + base;
		r.e = e != NULL ? e + base : NULL;
		r.label = label[i];
		y = row_loss(ev, &r);
		sum.v += y.v;
		sum.e += doubt != NULL && doubt[i] != 0 ? HUGE_VAL : y.e;
		mag += fabs(y.v);
	}
	sum.e += ev_slack(ev, 2 * ((double)rows + 6), mag + sum.e);
	sum.v /= (double)rows;
	sum.e /= (double)rows;
	ev_put(ev, 0, sum);
	return true;
}
