/* Windows over spatial axes: which operand element each tap of a result
 * position reads. Shared by convolutions and pools. */
#include "ir/eval_kernel.h"

bool
window_init(
    struct window *w, struct ev *ev, const int64_t *kernel, bool transposed)
{
	return window_between(
	    w, ev, &ev->in[0].type, &ev->out->type, kernel, transposed);
}

bool
window_between(struct window *w, struct ev *ev, const struct tensor_type *x,
    const struct tensor_type *y, const int64_t *kernel, bool transposed)
{
	*w = (struct window){.rank = x->rank - 2, .transposed = transposed};
	if (w->rank < 1 || y->rank != x->rank)
		return ev_fail(ev, "operand of rank %d", x->rank);
	w->taps = w->positions = w->pixels = 1;
	for (int d = 0; d < w->rank; d++) {
		w->in[d] = x->dim[d + 2];
		w->out[d] = y->dim[d + 2];
		w->kernel[d] = kernel[d];
		w->stride[d] = ev_list(ev, ATTR_strides, d, 1);
		w->dilation[d] = ev_list(ev, ATTR_dilations, d, 1);
		w->pad[d] = ev_list(ev, ATTR_pads_begin, d, 0);
		if (w->stride[d] < 1 || w->dilation[d] < 1 || kernel[d] < 0)
			return ev_fail(ev, "stride, dilation or kernel");
		w->taps *= w->kernel[d];
		w->positions *= w->out[d];
		w->pixels *= w->in[d];
	}
	return true;
}

/* The coordinate on axis d that tap k reads at result coordinate o, or -1. */
static int64_t
source(const struct window *w, int d, int64_t o, int64_t k)
{
	int64_t i;

	if (!w->transposed) {
		i = o * w->stride[d] - w->pad[d] + k * w->dilation[d];
	} else {
		i = o + w->pad[d] - k * w->dilation[d];
		if (i < 0 || i % w->stride[d] != 0)
			return -1;
		i /= w->stride[d];
	}
	return i >= 0 && i < w->in[d] ? i : -1;
}

void
window_offsets(const struct window *w, int64_t pos, int64_t *off)
{
	int64_t o[MAX_RANK] = {0}, k[MAX_RANK] = {0};

	for (int d = w->rank; d-- > 0;) {
		o[d] = pos % w->out[d];
		pos /= w->out[d];
	}
	for (int64_t t = 0; t < w->taps; t++) {
		int64_t at = 0;

		for (int d = 0; d < w->rank && at >= 0; d++) {
			int64_t i = source(w, d, o[d], k[d]);

			at = i < 0 ? -1 : at * w->in[d] + i;
		}
		off[t] = at;
		for (int d = w->rank; d-- > 0;) {
			if (++k[d] < w->kernel[d])
				break;
			k[d] = 0;
		}
	}
}
