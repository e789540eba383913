#include "runtime/sim/mem.h"

#include <stdlib.h>

bool
mem_box(int rank, const int64_t *size, const int64_t *stride, int64_t elem,
    struct mem_range *out)
{
	int64_t span;

	*out = (struct mem_range){0, elem};
	for (int d = 0; d < rank; d++) {
		int64_t *end = stride[d] < 0 ? &out->low : &out->high;

		if (size[d] <= 0) {
			*out = (struct mem_range){0, 0};
			return true;
		}
		if (__builtin_mul_overflow(size[d] - 1, stride[d], &span) ||
		    __builtin_add_overflow(*end, span, end))
			return false;
	}
	return true;
}

bool
mem_apart(int rank, const int64_t *size, const int64_t *stride, int64_t elem)
{
	int64_t done = 0, span = elem; /* dimensions taken, bytes they cover */

	/* from the smallest stride up, each must step over all below */
	for (int left = rank; left > 0; left--) {
		int least = -1;

		for (int d = 0; d < rank; d++) {
			if (done >> d & 1 || stride[d] == INT64_MIN)
				continue;
			if (least < 0 || llabs(stride[d]) <
			    llabs(stride[least]))
				least = d;
		}
		if (least < 0)
			return false;
		done |= (int64_t)1 << least;
		if (size[least] <= 1)
			continue;
		int64_t step = llabs(stride[least]), more;

		if (step < span ||
		    __builtin_mul_overflow(step, size[least] - 1, &more) ||
		    __builtin_add_overflow(span, more, &span))
			return false;
	}
	return true;
}
