#include "runtime/score.h"

#include <math.h>

#include "support/dtype.h"

static int64_t
elements(const struct npy *n, int from)
{
	int64_t e = 1;

	for (int i = from; i < n->rank; i++)
		e *= n->dim[i];
	return e;
}

bool
score_fits(const struct npy *output, const struct npy *wanted)
{
	if (!dtype_is_float(output->dtype) || output->rank < 1 ||
	    wanted->rank < 1 || output->dim[0] != wanted->dim[0])
		return false;
	if (dtype_is_int(wanted->dtype))
		return output->rank >= 2 && output->dim[1] > 0 &&
		    elements(output, 2) == elements(wanted, 1);
	return dtype_is_float(wanted->dtype) &&
	    elements(output, 0) == elements(wanted, 0);
}

int64_t
score_answer(const struct npy *output, int64_t first, int64_t n,
    int64_t stride)
{
	int64_t best = 0;
	double most = -HUGE_VAL;

	for (int64_t c = 0; c < n; c++) {
		double v = dtype_get(output->data, output->dtype,
		    (size_t)(first + c * stride));

		if (v > most) {
			most = v;
			best = c;
		}
	}
	return best;
}

/* -log of the probability, at least the smallest normal float. */
static double
minus_log(double p)
{
	return -log(p > 0x1p-126 ? p : 0x1p-126);
}

/* -log of the softmax at the label. */
static double
cross_entropy(const struct npy *o, int64_t first, int64_t n, int64_t stride,
    int64_t label)
{
	int64_t best = score_answer(o, first, n, stride);
	double most = dtype_get(o->data, o->dtype,
	    (size_t)(first + best * stride));
	double sum = 0;

	for (int64_t c = 0; c < n; c++)
		sum += exp(dtype_get(o->data, o->dtype,
		    (size_t)(first + c * stride)) - most);
	return log(sum) + most - dtype_get(o->data, o->dtype,
	    (size_t)(first + label * stride));
}

static void
add_classes(struct score *s, const struct npy *o, const struct npy *labels,
    int64_t samples)
{
	int64_t c = o->dim[1], inner = elements(o, 2);

	s->classes = true;
	for (int64_t i = 0; i < samples; i++)
		for (int64_t k = 0; k < inner; k++) {
			int64_t first = i * c * inner + k;
			int64_t label = dtype_get_i64(labels->data,
			    labels->dtype, (size_t)(i * inner + k));
			int64_t best;

			if (label < 0 || label >= c)
				continue;
			best = score_answer(o, first, c, inner);
			s->right += best == label &&
			    !isnan(dtype_get(o->data, o->dtype,
			    (size_t)(first + label * inner)));
			s->loss += s->probabilities ? minus_log(dtype_get(
			    o->data, o->dtype,
			    (size_t)(first + label * inner))) :
			    cross_entropy(o, first, c, inner, label);
			s->answers++;
		}
}

void
score_add(struct score *s, const struct npy *output,
    const struct npy *wanted, int64_t samples)
{
	int64_t n;

	if (dtype_is_int(wanted->dtype)) {
		add_classes(s, output, wanted, samples);
		return;
	}
	n = samples * elements(output, 1);
	for (int64_t i = 0; i < n; i++) {
		double e = dtype_get(output->data, output->dtype, (size_t)i) -
		    dtype_get(wanted->data, wanted->dtype, (size_t)i);

		s->loss += e * e;
	}
	s->answers += n;
}

double
score_loss(const struct score *s)
{
	return s->answers > 0 ? s->loss / (double)s->answers : (double)NAN;
}

double
score_accuracy(const struct score *s)
{
	return s->answers > 0 && s->classes ?
	    (double)s->right / (double)s->answers : (double)NAN;
}
