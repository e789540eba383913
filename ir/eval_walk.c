/* Element offsets of broadcast operands, in row-major order of the result. */
#include "ir/eval_kernel.h"

#include <assert.h>

void
walk_init(struct walk *w, const struct tensor_type *out,
    const struct eval_tensor *in, int nin)
{
	assert(nin <= 3);
	*w = (struct walk){.rank = out->rank, .nin = nin};
	for (int d = 0; d < out->rank; d++)
		w->dim[d] = out->dim[d];
	for (int k = 0; k < nin; k++) {
		const struct tensor_type *t = &in[k].type;
		int lead = out->rank - t->rank;
		int64_t stride[MAX_RANK];

		strides_of(t, stride);
		for (int d = 0; d < t->rank; d++) {
			if (t->dim[d] != 1)
				w->stride[k][lead + d] = stride[d];
		}
	}
}

void
walk_next(struct walk *w)
{
	for (int d = w->rank; d-- > 0;) {
		for (int k = 0; k < w->nin; k++)
			w->off[k] += w->stride[k][d];
		if (++w->at[d] < w->dim[d])
			return;
		for (int k = 0; k < w->nin; k++)
			w->off[k] -= w->at[d] * w->stride[k][d];
		w->at[d] = 0;
	}
}
