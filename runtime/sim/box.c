#include "runtime/sim/box.h"

#include "support/str.h"

bool
box_empty(const struct box *b)
{
	for (int d = 0; d < b->rank; d++)
		if (b->size[d] <= 0)
			return true;
	return b->elem <= 0;
}

bool
box_bounds(const struct box *b, struct range *out)
{
	int64_t lo = b->base, hi = b->base, step;

	if (box_empty(b)) {
		out->lo = out->hi = 0;
		return true;
	}
	for (int d = 0; d < b->rank; d++) {
		int64_t *end = b->stride[d] < 0 ? &lo : &hi;

		if (!mul_int64(b->size[d] - 1, b->stride[d], &step) ||
		    !add_int64(*end, step, end))
			return false;
	}
	out->lo = lo;
	return add_int64(hi, b->elem, &out->hi);
}

/* Dimensions with positive strides in ascending order, sizes above 1. */
static void
box_normalise(const struct box *b, struct box *out)
{
	out->base = b->base;
	out->elem = b->elem;
	out->rank = 0;
	for (int d = 0; d < b->rank; d++) {
		int64_t size = b->size[d], stride = b->stride[d];

		if (size == 1 || stride == 0)
			continue;
		if (stride < 0) {
			out->base += (size - 1) * stride;
			stride = -stride;
		}
		int at = out->rank++;

		for (int i = 0; i < at; i++)
			if (out->stride[i] == stride) {
				out->size[i] += size - 1;
				out->rank--;
				at = -1;
			}
		if (at < 0)
			continue;
		for (; at > 0 && out->stride[at - 1] > stride; at--) {
			out->stride[at] = out->stride[at - 1];
			out->size[at] = out->size[at - 1];
		}
		out->stride[at] = stride;
		out->size[at] = size;
	}
}

/* Joins the inner dimensions that leave no gap into one run; returns the first
 * dimension that does. */
static int
inner_run(const struct box *n, int64_t *run)
{
	int d = 0;

	*run = n->elem;
	for (; d < n->rank && n->stride[d] <= *run; d++)
		*run += n->stride[d] * (n->size[d] - 1);
	return d;
}

double
box_run_count(const struct box *b)
{
	struct box n;
	double count = 1;
	int64_t run;

	if (box_empty(b))
		return 0;
	box_normalise(b, &n);
	for (int d = inner_run(&n, &run); d < n.rank; d++)
		count *= (double)n.size[d];
	return count;
}

void
box_runs(const struct box *b, run_fn *fn, void *user)
{
	struct box n;
	int64_t at[BOX_RANK] = { 0 }, run;

	if (box_empty(b))
		return;
	box_normalise(b, &n);
	int first = inner_run(&n, &run);
	int64_t lo = n.base;

	for (;;) {
		int d = first;

		fn(user, lo, run);
		for (; d < n.rank; d++) {
			lo += n.stride[d];
			if (++at[d] < n.size[d])
				break;
			lo -= n.stride[d] * n.size[d];
			at[d] = 0;
		}
		if (d == n.rank)
			return;
	}
}
