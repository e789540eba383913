#include "runtime/states.h"

#include <string.h>

#include "runtime/bind.h"
#include "support/dtype.h"

bool
states_open(struct arena *a, struct diag *d, const struct wave_program *p,
    struct states *s)
{
	int64_t count;

	s->n = 0;
	s->binding = NEW_ARRAY(a, const struct wave_binding *,
	    p->nbindings + 1);
	s->span = NEW_ARRAY(a, size_t, p->nbindings + 1);
	for (uint32_t i = 0; i < p->nbindings; i++) {
		if (p->bindings[i].kind != WAVE_BIND_STATE)
			continue;
		s->binding[s->n] = &p->bindings[i];
		if (!bind_span(d, &p->bindings[i], &count, &s->span[s->n]))
			return false;
		s->n++;
	}
	return true;
}

bool
states_image_new(struct arena *a, struct diag *d, const struct states *s,
    struct states_image *im)
{
	im->image = NEW_ARRAY(a, uint8_t *, s->n + 1);
	for (size_t i = 0; i < s->n; i++) {
		im->image[i] = arena_try_alloc(a, s->span[i] + 1);
		if (im->image[i] == NULL) {
			diag_error(d, NULL, "no memory for a copy of state "
			    "'%s'", s->binding[i]->name);
			return false;
		}
	}
	return true;
}

static void
outside(struct diag *d, const struct wave_binding *b)
{
	diag_error(d, NULL, "'%s' lies outside the device's memory", b->name);
}

bool
states_read(struct diag *d, struct device *dev, const struct states *s,
    struct states_image *im)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->span[i] > 0 && !dev->ops->read(dev,
		    s->binding[i]->address, im->image[i], s->span[i])) {
			outside(d, s->binding[i]);
			return false;
		}
	return true;
}

struct checkpoint_tensor *
states_tensors(struct arena *a, const struct states *s,
    const struct states_image *im)
{
	struct checkpoint_tensor *t = NEW_ARRAY(a, struct checkpoint_tensor,
	    s->n + 1);

	for (size_t i = 0; i < s->n; i++) {
		const struct wave_binding *b = s->binding[i];
		size_t bytes = dtype_size(b->dtype);

		for (int k = 0; k < b->rank; k++)
			bytes *= (size_t)b->dim[k];
		t[i] = (struct checkpoint_tensor){.name = b->name,
		    .dtype = b->dtype, .rank = b->rank, .bytes = bytes};
		memcpy(t[i].dim, b->dim, sizeof t[i].dim);
		if (im != NULL) {
			void *dense = arena_alloc(a, bytes + 1);

			bind_pack(b, im->image[i], dense);
			t[i].data = dense;
		}
	}
	return t;
}

bool
states_load(struct diag *d, struct device *dev, const struct states *s,
    const struct checkpoint_tensor *t)
{
	struct arena *a = arena_new();
	bool ok = true;

	for (size_t i = 0; ok && i < s->n; i++) {
		const struct wave_binding *b = s->binding[i];
		uint8_t *image = arena_alloc(a, s->span[i] + 1);

		if (s->span[i] == 0)
			continue;
		ok = dev->ops->read(dev, b->address, image, s->span[i]);
		bind_unpack(b, t[i].data, image);
		ok = ok && dev->ops->write(dev, b->address, image,
		    s->span[i]);
		if (!ok)
			outside(d, b);
	}
	arena_free(a);
	return ok;
}

/* Whether an exponent of all ones occurs among n float elements. */
static bool
has_not_finite(const uint8_t *p, size_t n, size_t size, uint64_t exponent)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t v = 0;

		memcpy(&v, p + i * size, size);
		if ((v & exponent) == exponent)
			return true;
	}
	return false;
}

static bool
has_not_finite32(const uint8_t *p, size_t n)
{
	uint32_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t v;

		memcpy(&v, p + 4 * i, 4);
		bad |= (v & 0x7f800000u) == 0x7f800000u;
	}
	return bad != 0;
}

static bool
not_finite(const struct wave_binding *b, const uint8_t *p, size_t n)
{
	switch (b->dtype) {
	case DT_F32: return has_not_finite32(p, n);
	case DT_F16: return has_not_finite(p, n, 2, 0x7c00);
	case DT_BF16: return has_not_finite(p, n, 2, 0x7f80);
	case DT_F64: return has_not_finite(p, n, 8, 0x7ff0000000000000u);
	default: return false;
	}
}

const struct wave_binding *
states_not_finite(const struct states *s, const struct states_image *im)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct wave_binding *b = s->binding[i];
		struct arena *a;
		struct states one = {1, &s->binding[i], &s->span[i]};
		struct states_image it = {&im->image[i]};
		struct checkpoint_tensor *t;
		bool bad;

		/* the span with its gaps first: gaps hold zeros, mostly */
		if (!not_finite(b, im->image[i], s->span[i] /
		    dtype_size(b->dtype)))
			continue;
		a = arena_new();
		t = states_tensors(a, &one, &it);
		bad = not_finite(b, t->data, t->bytes / dtype_size(b->dtype));
		arena_free(a);
		if (bad)
			return b;
	}
	return NULL;
}
