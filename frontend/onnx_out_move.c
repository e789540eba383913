/* Data movement as ONNX. */
#include "frontend/onnx_out.h"

#include <math.h>

static const char *
slice(struct out *o)
{
	const struct tensor_type *t = &o->n->in[0]->type;
	size_t rank = (size_t)t->rank, len;
	const int64_t *start = node_ints(o->n, ATTR_starts, &len);
	const int64_t *given = node_ints(o->n, ATTR_steps, &len);
	const int64_t *size = node_ints(o->n, ATTR_sizes, &len);
	int64_t end[MAX_RANK], axes[MAX_RANK], step[MAX_RANK];
	const char *in[5];

	node_ints(o->n, ATTR_steps, &len);
	for (size_t i = 0; i < rank; i++) {
		axes[i] = (int64_t)i;
		step[i] = i < len ? given[i] : 1;
		end[i] = start[i] + size[i] * step[i];
		if (end[i] < 0) /* before the first; -1 would be the last */
			end[i] = INT32_MIN;
	}
	in[0] = out_raw(o, 0);
	in[1] = out_const_ints(o, start, rank);
	in[2] = out_const_ints(o, end, rank);
	in[3] = out_const_ints(o, axes, rank);
	in[4] = out_const_ints(o, step, rank);
	return out_node(o, "Slice", in, 5);
}

static const char *
pad(struct out *o)
{
	static const char *const modes[] = {"constant", "reflect", "edge"};
	size_t nb, ne, rank = (size_t)o->n->in[0]->type.rank;
	const int64_t *b = node_ints(o->n, ATTR_pads_begin, &nb);
	const int64_t *e = node_ints(o->n, ATTR_pads_end, &ne);
	int64_t v[2 * MAX_RANK];
	const char *in[3], *y;

	for (size_t i = 0; i < rank; i++) {
		v[i] = i < nb ? b[i] : 0;
		v[rank + i] = i < ne ? e[i] : 0;
	}
	in[0] = out_in(o, 0);
	in[1] = out_const_ints(o, v, 2 * rank);
	in[2] = out_scalar(o, node_float(o->n, ATTR_value));
	y = out_node(o, "Pad", in, 3);
	out_text(o, "mode", modes[node_int(o->n, ATTR_mode)]);
	return y;
}

static const char *
concat(struct out *o)
{
	const char **in = NEW_ARRAY(o->arena, const char *,
	    (size_t)o->n->nin + 1), *y;

	for (int i = 0; i < o->n->nin; i++)
		in[i] = out_in(o, i);
	y = out_node(o, "Concat", in, o->n->nin);
	out_int(o, "axis", node_int(o->n, ATTR_axis));
	return y;
}

const char *
out_move(struct out *o)
{
	const struct node *n = o->n;
	const struct tensor_type *t = &n->out[0]->type;
	const char *y;
	size_t len;

	switch (n->op) {
	case OP_reshape:
		return out_reshape(o, out_raw(o, 0), t->dim, t->rank);
	case OP_transpose:
		y = out_1(o, "Transpose", out_raw(o, 0));
		out_ints(o, "perm", node_ints(n, ATTR_perm, &len),
		    (size_t)t->rank);
		return y;
	case OP_slice: return slice(o);
	case OP_concat: return concat(o);
	case OP_pad: return pad(o);
	case OP_expand:
		return out_2(o, "Expand", out_raw(o, 0),
		    out_const_ints(o, t->dim, (size_t)t->rank));
	case OP_tile:
		return out_2(o, "Tile", out_raw(o, 0), out_cast(o,
		    out_raw(o, 1), n->in[1]->type.dtype, DT_I64));
	case OP_gather:
		y = out_2(o, "Gather", out_raw(o, 0), out_cast(o,
		    out_raw(o, 1), n->in[1]->type.dtype, DT_I64));
		out_int(o, "axis", node_int(n, ATTR_axis));
		return y;
	case OP_depth_to_space:
		y = out_1(o, "DepthToSpace", out_raw(o, 0));
		out_int(o, "blocksize", node_int(n, ATTR_blocksize));
		out_text(o, "mode", node_int(n, ATTR_dcr) ? "DCR" : "CRD");
		return y;
	case OP_space_to_depth:
		y = out_1(o, "SpaceToDepth", out_raw(o, 0));
		out_int(o, "blocksize", node_int(n, ATTR_blocksize));
		return y;
	default: return out_refuse(o, "it has no word for this op");
	}
}

const char *
out_resize(struct out *o)
{
	static const char *const modes[] = {"nearest", "linear", "cubic"};
	static const char *const coords[] = {"half_pixel", "asymmetric",
	    "align_corners", "pytorch_half_pixel"};
	static const char *const rounds[] = {"round_prefer_floor",
	    "round_prefer_ceil", "floor", "ceil"};
	const struct tensor_type *x = &o->n->in[0]->type;
	const struct tensor_type *t = &o->n->out[0]->type;
	const struct attr *scales = node_attr(o->n, ATTR_scales);
	bool exact = scales->n == (size_t)t->rank;
	const char *in[4] = {out_in(o, 0), "", "", ""}, *y;

	for (int i = 0; i < t->rank && exact; i++)
		exact = (int64_t)floor((double)x->dim[i] *
		    (double)(float)scales->floats[i]) == t->dim[i];
	if (exact)
		in[2] = out_const_floats(o, scales->floats, scales->n);
	else
		in[3] = out_const_ints(o, t->dim, (size_t)t->rank);
	y = out_node(o, "Resize", in, exact ? 3 : 4);
	out_text(o, "mode", modes[node_int(o->n, ATTR_mode)]);
	out_text(o, "coordinate_transformation_mode",
	    coords[node_int(o->n, ATTR_coord)]);
	out_text(o, "nearest_mode", rounds[node_int(o->n, ATTR_rounding)]);
	out_float(o, "cubic_coeff_a", node_float(o->n, ATTR_cubic_coeff));
	return y;
}
