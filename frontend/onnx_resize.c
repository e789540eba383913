#include <math.h>
#include <string.h>

#include "frontend/onnx_window.h"

struct resize {
	double scale[MAX_RANK];
	int64_t dim[MAX_RANK];
	int64_t mode, coord, rounding;
	double cubic;
};

/* Position of s in names, -1 when absent. */
static int64_t
choose(const char *s, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(s, names[i]) == 0)
			return i;
	return -1;
}

/* Extents and scales of the axes in pos[], from one of the two. */
static bool
from_scales(struct opx *c, struct resize *r, const double *scale, size_t n,
    const int *pos)
{
	const struct tensor_type *t = &c->in[0]->type;

	for (size_t i = 0; i < n; i++) {
		int d = pos[i];
		/* in float, as every ONNX runtime has it */
		double len = floor((double)((float)t->dim[d] *
		    (float)scale[i]));
		if (!(scale[i] > 0) || !(len >= 1 && len <= MAX_DIM))
			return op_error(c, "scale %g of axis %d makes no "
			    "valid extent from %lld", scale[i], d,
			    (long long)t->dim[d]);
		r->scale[d] = scale[i];
		r->dim[d] = (int64_t)len;
	}
	return true;
}

/* keep_aspect_ratio_policy (opset 18): one scale for all named axes. */
static bool
keep_aspect(struct opx *c, const struct ints *sizes, const int *pos,
    double *scale)
{
	static const char *const names[] = {"stretch", "not_larger",
	    "not_smaller"};
	const struct tensor_type *t = &c->in[0]->type;
	int64_t p = c->opset < 18 ? 0
	    : choose(attr_s(c, "keep_aspect_ratio_policy", "stretch"), names,
		  3);

	*scale = 0;
	if (p < 0)
		return op_error(c, "keep_aspect_ratio_policy is not known");
	for (size_t i = 0; p > 0 && i < sizes->n; i++) {
		double s = (double)sizes->v[i] / (double)t->dim[pos[i]];
		if (i == 0 || (p == 1 ? s < *scale : s > *scale))
			*scale = s;
	}
	return true;
}

static bool
from_sizes(struct opx *c, struct resize *r, const struct ints *sizes,
    const int *pos)
{
	const struct tensor_type *t = &c->in[0]->type;
	int64_t old = c->m->old_batch;
	double one;

	for (size_t i = 0; i < sizes->n; i++)
		if (sizes->v[i] < 1 || sizes->v[i] > MAX_DIM ||
		    t->dim[pos[i]] < 1)
			return op_error(c, "sizes hold %lld for extent %lld",
			    (long long)sizes->v[i],
			    (long long)t->dim[pos[i]]);
	if (!keep_aspect(c, sizes, pos, &one))
		return false;
	for (size_t i = 0; i < sizes->n; i++) {
		int d = pos[i];
		int64_t want = sizes->v[i];
		if (one > 0)
			want = (int64_t)floor((double)t->dim[d] * one + 0.5);
		if (d == 0 && old != 0 && want == old && t->dim[0] != old) {
			diag_remark(c->m->diag, &c->loc, "the target's "
			    "first dimension %lld becomes %lld for the new "
			    "batch", (long long)old, (long long)t->dim[0]);
			want = t->dim[0];
		}
		r->dim[d] = want;
		r->scale[d] = one > 0 ? one
				      : (double)want / (double)t->dim[d];
	}
	return true;
}

static bool
read_extents(struct opx *c, struct resize *r)
{
	const struct tensor_type *t = &c->in[0]->type;
	struct ints axes = {NULL, 0}, sizes = {NULL, 0};
	int pos[MAX_RANK], s = c->opset < 11 ? 1 : 2;
	size_t n = (size_t)t->rank, ns = 0;
	const double *scale = NULL;

	for (int i = 0; i < t->rank; i++) {
		pos[i] = i;
		r->dim[i] = t->dim[i];
		r->scale[i] = 1;
	}
	if (c->opset >= 18 && attr_is(c, "axes", &axes)) {
		if (axes.n > n)
			return op_error(c, "has too many axes");
		if (!arg_axes(c, &axes, t->rank, pos))
			return false;
		n = axes.n;
	}
	if (c->in[s] != NULL && type_elems(&c->in[s]->type) > 0 &&
	    !arg_floats(c, s, "scales", &scale, &ns))
		return false;
	if (c->in[3] != NULL && !arg_ints(c, 3, "sizes", &sizes))
		return false;
	if ((ns == 0) == (sizes.n == 0))
		return op_error(c, "needs either scales or sizes");
	if ((ns != 0 && ns != n) || (sizes.n != 0 && sizes.n != n))
		return op_error(c, "has %zu scales or sizes for %zu axes",
		    ns + sizes.n, n);
	return ns != 0 ? from_scales(c, r, scale, ns, pos)
		       : from_sizes(c, r, &sizes, pos);
}

static bool
read_modes(struct opx *c, struct resize *r)
{
	static const char *const modes[] = {"nearest", "linear", "cubic"};
	static const char *const coords[] = {"half_pixel", "asymmetric",
	    "align_corners", "pytorch_half_pixel"};
	static const char *const roundings[] = {"round_prefer_floor",
	    "round_prefer_ceil", "floor", "ceil"};
	const char *mode = attr_s(c, "mode", "nearest");
	const char *coord = "asymmetric", *rounding = "floor";

	if (c->opset >= 11) {
		coord = attr_s(c, "coordinate_transformation_mode",
		    "half_pixel");
		rounding = attr_s(c, "nearest_mode", "round_prefer_floor");
		r->cubic = attr_f(c, "cubic_coeff_a", -0.75);
		attr_ignore(c, "extrapolation_value"); /* tf_crop... only */
	}
	r->mode = choose(mode, modes, 3);
	r->coord = choose(coord, coords, 4);
	r->rounding = choose(rounding, roundings, 4);
	if (r->mode < 0)
		return op_error(c, "mode '%s' is not supported", mode);
	if (r->coord < 0)
		return op_error(c, "coordinate_transformation_mode '%s' is "
		    "not supported", coord);
	if (r->rounding < 0)
		return op_error(c, "nearest_mode '%s' is not known",
		    rounding);
	return true;
}

/* Options that change the values only in some cases. */
static bool
check_options(struct opx *c, const struct resize *r)
{
	bool shrinks = false;

	for (int i = 0; i < c->in[0]->type.rank; i++)
		shrinks = shrinks || r->scale[i] < 1;
	if (c->opset >= 11 && attr_i(c, "exclude_outside", 0) != 0 &&
	    r->mode == 2)
		return op_error(c, "exclude_outside = 1 is not supported "
		    "for mode cubic");
	if (c->opset >= 18 && attr_i(c, "antialias", 0) != 0 && shrinks &&
	    r->mode != 0)
		return op_error(c, "antialias = 1 is not supported");
	if (c->opset < 11 && shrinks && r->mode == 0)
		return op_error(c, "opset %d leaves the rounding of nearest "
		    "down-sampling open: export with opset 11 or later",
		    c->opset);
	return true;
}

static bool
emit_resize(struct opx *c, const struct resize *r)
{
	int rank = c->in[0]->type.rank;
	struct attr scales = {
		.id = ATTR_scales,
		.n = (size_t)rank,
		.floats = arena_memdup(c->m->arena, r->scale,
		    sizeof r->scale),
	};
	struct attr a[] = {
		window_attr(c, ATTR_shape, r->dim, rank),
		scales,
		attr_make_int(ATTR_mode, r->mode),
		attr_make_int(ATTR_coord, r->coord),
		attr_make_int(ATTR_rounding, r->rounding),
		attr_make_float(ATTR_cubic_coeff, r->cubic),
	};

	return op_result(c, 0, OP_resize, c->in, 1, a, 6);
}

bool
onnx_op_resize(struct opx *c)
{
	struct resize r = {.cubic = -0.75};

	return read_modes(c, &r) && read_extents(c, &r) &&
	    check_options(c, &r) && emit_resize(c, &r);
}

/* Scales are an attribute in opset 7 and an input in opset 9; samples lie at
 * multiples of the scale. */
bool
onnx_op_upsample(struct opx *c)
{
	struct resize r = {.coord = 1, .rounding = 2, .cubic = -0.75};
	const char *mode = attr_s(c, "mode", "nearest");
	const double *scale;
	int pos[MAX_RANK];
	size_t n;

	r.mode = strcmp(mode, "nearest") == 0 ? 0
	    : strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0
	    ? 1 : -1;
	if (r.mode < 0)
		return op_error(c, "mode '%s' is not supported", mode);
	if (c->opset >= 10)
		return op_error(c, "Upsample ends with opset 9: use Resize");
	if (c->opset >= 9) {
		if (c->in[1] == NULL)
			return op_error(c, "input 1 (scales) is missing");
		if (!arg_floats(c, 1, "scales", &scale, &n))
			return false;
	} else if (!attr_fs(c, "scales", &scale, &n)) {
		return op_error(c, "attribute 'scales' is missing");
	}
	if (n != (size_t)c->in[0]->type.rank)
		return op_error(c, "has %zu scales for rank %d", n,
		    c->in[0]->type.rank);
	for (size_t i = 0; i < n; i++) {
		pos[i] = (int)i;
		if (scale[i] < 1)
			return op_error(c, "scale %g is below 1", scale[i]);
	}
	return from_scales(c, &r, scale, n, pos) && emit_resize(c, &r);
}
