#include "tests/lib/simview.h"

#include <string.h>

#include "tests/lib/unit.h"

struct view_element
view_element(const struct view *v, int64_t p, int64_t q)
{
	struct view_element e = {.c = q % v->c};
	int64_t row = p, c = e.c;

	if (v->kcg > 0) {
		e.zero = p / v->ncg != c / v->kcg;
		c %= v->kcg;
	}
	q /= v->c;
	for (int a = 2; a >= 0; a--) {
		const struct view_axis *x = &v->axis[a];
		int64_t pos;

		e.o[a] = row % x->out;
		row /= x->out;
		pos = e.o[a] * x->stride + q % x->kernel * x->dil - x->pad;
		q /= x->kernel;
		if (pos < 0 || pos % x->up != 0 || pos / x->up >= x->extent)
			e.zero = true;
		e.address += pos / x->up * x->addr;
	}
	e.n = row;
	e.address += row * v->n_addr + c * v->c_addr;
	return e;
}

int64_t
view_rows(const struct view *v)
{
	return v->n * v->axis[0].out * v->axis[1].out * v->axis[2].out;
}

int64_t
view_cols(const struct view *v)
{
	return v->c * v->axis[0].kernel * v->axis[1].kernel *
	    v->axis[2].kernel;
}

float
load_as_f32(const uint8_t *p, enum dtype t)
{
	uint16_t h;
	float v;

	if (t == DT_F32) {
		memcpy(&v, p, sizeof v);
		return v;
	}
	memcpy(&h, p, sizeof h);
	return t == DT_F16 ? f16_to_f32(h) : bf16_to_f32(h);
}

static void
random_axis(uint64_t *seed, enum view_kind kind, struct view_axis *x)
{
	bool plain = random_int(seed, 0, 2) == 0;

	*x = (struct view_axis){1, 1, 1, 1, 0, 1, 1, 0};
	if (plain && random_int(seed, 0, 1) == 0)
		return;
	x->out = random_int(seed, 1, random_int(seed, 0, 3) ? 6 : 40);
	if (kind == VIEW_DRAIN) {
		x->extent = x->out * 2;
		x->stride = random_int(seed, 1, 2);
		return;
	}
	x->extent = random_int(seed, 1, x->out + 2);
	x->kernel = random_int(seed, 1, 4);
	if (plain)
		return;
	x->stride = random_int(seed, 0, 9) ? random_int(seed, 1, 3) :
	    random_int(seed, -2, 2);
	x->dil = random_int(seed, 0, 4) ? random_int(seed, 1, 2) :
	    random_int(seed, -2, 3);
	x->pad = random_int(seed, -1, 4);
	x->up = random_int(seed, 0, 3) ? 1 : random_int(seed, 2, 3);
}

struct view
random_view(uint64_t *seed, enum view_kind kind, int64_t *base,
    int64_t *bytes)
{
	static const enum dtype types[] = {DT_F32, DT_F16, DT_BF16};
	struct view v = {.space = SPACE_GBUF};
	int64_t size[5], stride[5];
	struct extent e;

	v.dtype = types[random_int(seed, 0, 2)];
	v.flags = random_int(seed, 0, 1) ? VIEW_TRANSPOSED : 0;
	v.n = random_int(seed, 1, random_int(seed, 0, 1) ? 4 : 40);
	v.c = random_int(seed, 1, random_int(seed, 0, 2) ? 40 : 3);
	for (int a = 0; a < 3; a++)
		random_axis(seed, kind, &v.axis[a]);
	if (kind == VIEW_LOAD && random_int(seed, 0, 7) == 0) {
		v.kcg = random_int(seed, 1, v.c);
		v.ncg = random_int(seed, 1, 9);
	}
	if (kind == VIEW_LOAD && random_int(seed, 0, 1) == 0)
		v.space = SPACE_WBUF;
	for (int a = 0; a < 3; a++)
		size[1 + a] = v.axis[a].extent;
	size[0] = v.n;
	size[4] = v.kcg > 0 ? v.kcg : v.c;
	e = random_strides(seed, 5, size, (int64_t)dtype_size(v.dtype), stride);
	for (int a = 0; a < 3; a++)
		v.axis[a].addr = stride[1 + a];
	v.n_addr = stride[0];
	v.c_addr = stride[4];
	*base = -e.low;
	*bytes = e.high - e.low;
	return v;
}
