#include "frontend/onnx_window.h"

#include <string.h>

struct attr
window_attr(struct opx *c, enum attr_id id, const int64_t *v, int n)
{
	return attr_make_ints(id, imp_ints(c->m, v, (size_t)n), (size_t)n);
}

int64_t
window_span(const struct window *w, int i)
{
	return (w->kernel[i] - 1) * w->dilation[i] + 1;
}

static bool
in_range(struct opx *c, const char *name, int64_t v, int64_t lo)
{
	if (v >= lo && v <= MAX_DIM)
		return true;
	return op_error(c, "attribute '%s' holds %lld", name, (long long)v);
}

bool
window_list(struct opx *c, const char *name, int n, int64_t lo,
    int64_t dflt, int64_t *out)
{
	struct ints v;

	if (!attr_is(c, name, &v) || v.n == 0) {
		for (int i = 0; i < n; i++)
			out[i] = dflt;
		return !c->failed;
	}
	if (v.n != (size_t)n)
		return op_error(c, "attribute '%s' has %zu entries for %d "
		    "spatial axes", name, v.n, n);
	for (int i = 0; i < n; i++) {
		if (!in_range(c, name, v.v[i], lo))
			return false;
		out[i] = v.v[i];
	}
	return true;
}

static bool
read_auto_pad(struct opx *c, enum auto_pad *out)
{
	static const char *const names[] = {"NOTSET", "SAME_UPPER",
	    "SAME_LOWER", "VALID"};
	const char *s = attr_s(c, "auto_pad", "");

	*out = PAD_NOTSET;
	if (s[0] == '\0')
		return !c->failed;
	for (int i = 0; i < 4; i++)
		if (strcmp(s, names[i]) == 0) {
			*out = (enum auto_pad)i;
			return true;
		}
	return op_error(c, "auto_pad '%s' is not known", s);
}

static bool
read_pads(struct opx *c, struct window *w)
{
	struct ints v;

	if (!attr_is(c, "pads", &v) || v.n == 0 ||
	    w->auto_pad != PAD_NOTSET)
		return !c->failed;
	if (v.n != 2 * (size_t)w->n)
		return op_error(c, "attribute 'pads' has %zu entries for %d "
		    "spatial axes", v.n, w->n);
	for (int i = 0; i < 2 * w->n; i++) {
		if (!in_range(c, "pads", v.v[i], 0))
			return false;
		*(i < w->n ? &w->begin[i] : &w->end[i - w->n]) = v.v[i];
	}
	return true;
}

bool
window_read(struct opx *c, const struct value *x, const int64_t *kernel,
    struct window *w)
{
	*w = (struct window){.n = x->type.rank - 2};
	if (w->n < 1 || w->n > ONNX_SPATIAL)
		return op_error(c, "input 0 has rank %d: 1 to %d spatial "
		    "axes after batch and channels are supported",
		    x->type.rank, ONNX_SPATIAL);
	for (int i = 0; i < w->n; i++)
		w->in[i] = x->type.dim[i + 2];
	if (kernel == NULL && !attr_present(c, "kernel_shape"))
		return op_error(c, "attribute 'kernel_shape' is missing");
	if (!window_list(c, "kernel_shape", w->n, 1, 0, w->kernel))
		return false;
	for (int i = 0; i < w->n; i++) {
		bool given = w->kernel[i] != 0;
		if (kernel == NULL && !given)
			return op_error(c, "attribute 'kernel_shape' is "
			    "empty");
		if (kernel != NULL && given && w->kernel[i] != kernel[i])
			return op_error(c, "kernel_shape is %lld where the "
			    "weights have %lld", (long long)w->kernel[i],
			    (long long)kernel[i]);
		if (kernel != NULL)
			w->kernel[i] = kernel[i];
		if (w->kernel[i] == 0)
			return op_error(c, "the kernel is empty");
	}
	return window_list(c, "strides", w->n, 1, 1, w->stride) &&
	    window_list(c, "dilations", w->n, 1, 1, w->dilation) &&
	    read_auto_pad(c, &w->auto_pad) && read_pads(c, w);
}

void
window_auto_pad(struct window *w)
{
	if (w->auto_pad != PAD_SAME_UPPER && w->auto_pad != PAD_SAME_LOWER)
		return;
	for (int i = 0; i < w->n; i++) {
		int64_t s = w->stride[i], in = w->in[i];
		int64_t out = in / s + (in % s != 0);
		int64_t total = (out - 1) * s + window_span(w, i) - in;
		if (total < 0)
			total = 0;
		int64_t less = total / 2;
		bool upper = w->auto_pad == PAD_SAME_UPPER;
		w->begin[i] = upper ? less : total - less;
		w->end[i] = upper ? total - less : less;
	}
}
