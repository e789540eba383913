#include "tests/lib/tensorfile.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "frontend/onnx_imp.h"
#include "support/file.h"
#include "support/str.h"

static bool
read_pb(struct arena *a, struct diag *d, const char *path, struct npy *out)
{
	char *data;
	size_t n;
	struct tensor_type t;
	const void *elems;
	struct imp m = {.arena = a, .diag = d, .path = path};
	struct loc loc = {.file = path};

	if (!file_read(a, d, path, 0, &data, &n))
		return false;
	Onnx__TensorProto *p =
	    onnx__tensor_proto__unpack(NULL, n, (uint8_t *)data);
	if (p == NULL) {
		diag_error(d, &loc, "not a tensor");
		return false;
	}
	bool done = onnx_tensor(&m, &loc, "tensor", p, &t, &elems);
	if (done) {
		*out = (struct npy){.dtype = t.dtype, .rank = t.rank};
		memcpy(out->dim, t.dim, sizeof t.dim);
		out->bytes = (size_t)type_bytes(&t);
		out->data = arena_alloc(a, out->bytes + 1);
		memcpy(out->data, elems, out->bytes);
	}
	onnx__tensor_proto__free_unpacked(p, NULL);
	return done;
}

bool
tensor_read(struct arena *a, struct diag *d, const char *path,
    struct npy *out)
{
	size_t n = strlen(path);

	if (n > 3 && strcmp(path + n - 3, ".pb") == 0)
		return read_pb(a, d, path, out);
	return npy_read(a, d, path, out);
}

char *
tensor_file_name(struct arena *a, const char *name)
{
	char *safe = arena_strdup(a, name);

	for (char *s = safe; *s != '\0'; s++)
		if (*s == '/' || *s == ':')
			*s = '_';
	return safe;
}

static bool
same_shape(const struct npy *a, const struct npy *b)
{
	bool same = a->rank == b->rank;

	for (int i = 0; same && i < a->rank; i++)
		same = a->dim[i] == b->dim[i];
	return same;
}

static void
describe(const struct npy *n, char buf[64])
{
	struct strbuf s = {0};

	strbuf_addf(&s, "%s[", dtype_name(n->dtype));
	for (int i = 0; i < n->rank; i++)
		strbuf_addf(&s, "%s%lld", i > 0 ? "," : "",
		    (long long)n->dim[i]);
	strbuf_add(&s, "]");
	snprintf(buf, 64, "%.63s", s.data);
	strbuf_free(&s);
}

bool
tensor_compare(const struct npy *got, const struct npy *want,
    struct tensor_distance *out, char why[128])
{
	size_t n = want->bytes / dtype_size(want->dtype);
	double squares = 0, wrong = 0;

	*out = (struct tensor_distance){0};
	if (!same_shape(got, want)) {
		char g[64], w[64];
		describe(got, g);
		describe(want, w);
		snprintf(why, 128, "is %.50s, expected %.50s", g, w);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		double g = dtype_get(got->data, got->dtype, i);
		double w = dtype_get(want->data, want->dtype, i);
		double e = fabs(g - w);
		if (g == w || (isnan(g) && isnan(w)))
			e = 0;
		else if (isnan(e))
			e = HUGE_VAL;
		out->max = fmax(out->max, e);
		if (isfinite(w)) {
			out->largest = fmax(out->largest, fabs(w));
			squares += w * w;
		}
		wrong += e * e;
	}
	out->l2 = wrong > 0 ? sqrt(wrong / squares) : 0;
	return true;
}
