/* Tensor types: validity, sizes, equality, broadcasting, text. */
#include "ir/graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Product of the extents, zero counted as 1, or -1 when the type is not
 * valid. */
static int64_t
checked_product(const struct tensor_type *t)
{
	int64_t n = 1;

	if (t->rank < 0 || t->rank > MAX_RANK)
		return -1;
	for (int i = 0; i < t->rank; i++) {
		int64_t d = t->dim[i];

		if (d < 0 || d > MAX_DIM)
			return -1;
		if (d > 1 && n > MAX_ELEMS / d)
			return -1;
		if (d > 1)
			n *= d;
	}
	return n;
}

bool
type_valid(const struct tensor_type *t)
{
	return t->dtype > DT_NONE && t->dtype < DT_COUNT &&
	    checked_product(t) >= 0;
}

int64_t
type_elems(const struct tensor_type *t)
{
	int64_t n = checked_product(t);

	if (n < 0)
		return -1;
	for (int i = 0; i < t->rank; i++)
		if (t->dim[i] == 0)
			return 0;
	return n;
}

int64_t
type_bytes(const struct tensor_type *t)
{
	int64_t n = type_valid(t) ? type_elems(t) : -1;

	return n < 0 ? -1 : n * (int64_t)dtype_size(t->dtype);
}

bool
shape_equal(const struct tensor_type *a, const struct tensor_type *b)
{
	if (a->rank != b->rank)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	return true;
}

bool
type_equal(const struct tensor_type *a, const struct tensor_type *b)
{
	return a->dtype == b->dtype && shape_equal(a, b);
}

struct tensor_type
type_make(enum dtype t, int rank, const int64_t *dim)
{
	struct tensor_type r = {.dtype = t, .rank = rank};

	if (rank < 0 || rank > MAX_RANK)
		ice("type_make", "rank %d", rank);
	for (int i = 0; i < rank; i++)
		r.dim[i] = dim[i];
	return r;
}

const char *
type_str(const struct tensor_type *t, char *buf, size_t n)
{
	size_t len = 0;
	const char *name = t->dtype > DT_NONE && t->dtype < DT_COUNT
	    ? dtype_name(t->dtype)
	    : "?";
	int rank = t->rank < 0 ? 0 : t->rank > MAX_RANK ? MAX_RANK : t->rank;
	int k = snprintf(buf, n, "%s[", name);

	for (int i = 0; i <= rank; i++) {
		len += (size_t)k;
		if (len >= n)
			break;
		if (i == rank)
			k = snprintf(buf + len, n - len, "]");
		else
			k = snprintf(buf + len, n - len, "%s%" PRId64,
			    i > 0 ? "," : "", t->dim[i]);
	}
	return buf;
}

bool
type_broadcast(const struct tensor_type *a, const struct tensor_type *b,
    struct tensor_type *out)
{
	struct tensor_type r = {.dtype = a->dtype};

	r.rank = a->rank > b->rank ? a->rank : b->rank;
	for (int i = 0; i < r.rank; i++) {
		int ia = i - (r.rank - a->rank), ib = i - (r.rank - b->rank);
		int64_t da = ia < 0 ? 1 : a->dim[ia];
		int64_t db = ib < 0 ? 1 : b->dim[ib];

		if (da != db && da != 1 && db != 1)
			return false;
		r.dim[i] = da == 1 ? db : da;
	}
	*out = r;
	return true;
}
