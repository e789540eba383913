/* Pairs of NumPy files: {train,test}_x.npy with samples along the first axis,
 * and {train,test}_y.npy with integer labels or float targets. */
#include "runtime/dataset_file.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "support/npy.h"

bool
dataset_is_npy(struct arena *a, const char *dir)
{
	return access(arena_printf(a, "%s/train_x.npy", dir), F_OK) == 0 ||
	    access(arena_printf(a, "%s/test_x.npy", dir), F_OK) == 0;
}

static bool
bad(struct diag *d, const char *path, const char *what)
{
	struct loc loc = { .file = path };

	diag_error(d, &loc, "%s", what);
	return false;
}

/* Floats are numbers; sample i has `elems` of them. */
static bool
finite(struct diag *d, const char *path, const float *v, int64_t count,
    int64_t elems)
{
	struct loc loc = {.file = path};

	for (int64_t i = 0; i < count * elems; i++)
		if (!isfinite(v[i])) {
			diag_error(d, &loc, "sample %lld: holds %s",
			    (long long)(i / elems), isnan(v[i]) ? "NaN" :
			    "an infinity");
			return false;
		}
	return true;
}

static bool
take_samples(struct diag *d, const char *path, const struct npy *x,
    struct dataset *s)
{
	if (x->dtype != DT_U8 && x->dtype != DT_F32)
		return bad(d, path, "samples are u8 or f32");
	if (x->rank < 2 || x->rank - 1 > DATASET_MAX_RANK)
		return bad(d, path, "samples lie along the first of 2 to 5 "
		    "axes");
	s->dtype = x->dtype;
	s->count = x->dim[0];
	s->rank = x->rank - 1;
	memcpy(s->dim, x->dim + 1, (size_t)s->rank * sizeof *s->dim);
	s->data = x->data;
	if (dataset_elems(s) == 0)
		return bad(d, path, "samples are empty");
	return s->dtype == DT_U8 ||
	    finite(d, path, s->data, s->count, dataset_elems(s));
}

static bool
take_classes(struct arena *a, struct diag *d, const char *path,
    const struct npy *y, struct dataset *s)
{
	struct loc loc = { .file = path };
	int32_t *out = NEW_ARRAY(a, int32_t, (size_t)s->count + 1);

	if (y->rank != 1)
		return bad(d, path, "labels have one axis");
	for (int64_t i = 0; i < s->count; i++) {
		int64_t v = dtype_get_i64(y->data, y->dtype, (size_t)i);

		if (v < 0 || v > INT32_MAX) {
			diag_error(d, &loc, "sample %lld: label %lld is no "
			    "class", (long long)i, (long long)v);
			return false;
		}
		out[i] = (int32_t)v;
		if (v >= s->classes)
			s->classes = v + 1;
	}
	s->labels = out;
	return true;
}

static bool
take_targets(struct arena *a, struct diag *d, const char *path,
    const struct npy *y, struct dataset *s)
{
	size_t n = 1;
	float *out;

	if (y->rank - 1 > DATASET_MAX_RANK)
		return bad(d, path, "targets have at most 5 axes");
	s->target_rank = y->rank - 1;
	memcpy(s->target_dim, y->dim + 1,
	    (size_t)s->target_rank * sizeof *s->target_dim);
	for (int i = 0; i < y->rank; i++)
		n *= (size_t)y->dim[i];
	if (n == 0)
		return bad(d, path, "targets are empty");
	if (y->dtype == DT_F32) {
		s->targets = y->data;
		return finite(d, path, s->targets, s->count,
		    dataset_targets(s));
	}
	out = n < SIZE_MAX / sizeof *out ?
	    arena_try_alloc(a, n * sizeof *out) : NULL;
	if (out == NULL)
		return bad(d, path, "no memory for its targets as f32");
	for (size_t i = 0; i < n; i++)
		out[i] = (float)dtype_get(y->data, y->dtype, i);
	s->targets = out;
	return finite(d, path, out, s->count, dataset_targets(s));
}

bool
dataset_npy(struct arena *a, struct diag *d, const char *dir,
    enum dataset_part part, struct dataset *s)
{
	const char *name = part == DATASET_TRAIN ? "train" : "test";
	const char *px = arena_printf(a, "%s/%s_x.npy", dir, name);
	const char *py = arena_printf(a, "%s/%s_y.npy", dir, name);
	struct npy x, y;
	struct loc loc = { .file = py };

	s->source = px;
	if (!npy_read(a, d, px, &x) || !npy_read(a, d, py, &y) ||
	    !take_samples(d, px, &x, s))
		return false;
	if (y.rank < 1 || y.dim[0] != s->count) {
		diag_error(d, &loc, "has %lld labels or targets for the %lld "
		    "samples of %s", y.rank < 1 ? 0LL : (long long)y.dim[0],
		    (long long)s->count, px);
		return false;
	}
	if (dtype_is_float(y.dtype))
		return take_targets(a, d, py, &y, s);
	if (!dtype_is_int(y.dtype))
		return bad(d, py, "labels are integers, targets floats");
	return take_classes(a, d, py, &y, s);
}
