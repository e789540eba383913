#include "backend/isa/isa.h"

#include <assert.h>
#include <string.h>

#include "backend/isa/table.h"

static const char *const queue_names[Q_COUNT] = {
	[Q_LD] = "ld",
	[Q_ST] = "st",
	[Q_MX] = "mx",
	[Q_ML] = "ml",
	[Q_VE] = "ve",
	[Q_CO] = "co",
};

static const char *const space_names[SPACE_COUNT] = {
	[SPACE_NONE] = "none",
	[SPACE_DRAM] = "dram",
	[SPACE_GBUF] = "gbuf",
	[SPACE_WBUF] = "wbuf",
	[SPACE_LBUF_V] = "lbuf_v",
	[SPACE_LBUF_H] = "lbuf_h",
	[SPACE_OBUF] = "obuf",
};

static const char *const traffic_names[TRAFFIC_COUNT] = {
	[TRAFFIC_WEIGHT] = "weight",
	[TRAFFIC_ACTIVATION] = "activation",
	[TRAFFIC_GRADIENT] = "gradient",
	[TRAFFIC_WEIGHT_GRADIENT] = "weight_gradient",
	[TRAFFIC_MASK] = "mask",
	[TRAFFIC_OPTIMIZER] = "optimizer",
	[TRAFFIC_OTHER] = "other",
};

const char *
queue_name(enum queue q)
{
	return (unsigned)q < Q_COUNT ? queue_names[q] : "?";
}

const char *
space_name(enum space s)
{
	return (unsigned)s < SPACE_COUNT ? space_names[s] : "?";
}

const char *
traffic_name(enum traffic t)
{
	return (unsigned)t < TRAFFIC_COUNT ? traffic_names[t] : "?";
}

const char *
insn_name(enum opcode op)
{
	const struct insn_info *info = insn_info((unsigned)op);

	return info != NULL ? info->name : "?";
}

bool
insn_allowed(enum opcode op, enum queue q)
{
	const struct insn_info *info = insn_info((unsigned)op);

	return info != NULL && (unsigned)q < Q_COUNT &&
	    (info->queues >> q & 1) != 0;
}

static uint64_t
low_mask(unsigned width)
{
	return width >= 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

uint64_t
bits_get(const struct insn_word *w, unsigned lsb, unsigned width)
{
	uint64_t v;

	assert(width >= 1 && width <= 64 && lsb + width <= 128);
	if (lsb >= 64)
		v = w->hi >> (lsb - 64);
	else if (lsb + width <= 64)
		v = w->lo >> lsb;
	else
		v = w->lo >> lsb | w->hi << (64 - lsb);
	return v & low_mask(width);
}

void
bits_put(struct insn_word *w, unsigned lsb, unsigned width, uint64_t v)
{
	uint64_t mask = low_mask(width);

	assert(width >= 1 && width <= 64 && lsb + width <= 128);
	v &= mask;
	if (lsb >= 64) {
		w->hi = (w->hi & ~(mask << (lsb - 64))) | v << (lsb - 64);
		return;
	}
	w->lo = (w->lo & ~(mask << lsb)) | v << lsb;
	if (lsb + width > 64)
		w->hi = (w->hi & ~(mask >> (64 - lsb))) | v >> (64 - lsb);
}

/* The two's complement number in the low width bits of v. */
static int64_t
sign_extend(uint64_t v, unsigned width)
{
	uint64_t sign = UINT64_C(1) << (width - 1);
	uint64_t x = (v ^ sign) - sign;
	int64_t r;

	memcpy(&r, &x, sizeof r);
	return r;
}

static bool
field_fits(const struct field_info *f, int64_t v)
{
	int64_t half = INT64_C(1) << (f->width - 1);

	if (f->kind == FIELD_SINT)
		return v >= -half && v < half;
	return v >= 0 && v < 2 * half;
}

bool
insn_decode(const struct insn_word *w, struct insn *out, const char **why)
{
	const struct insn_info *info = insn_info((unsigned)(w->lo & 0xff));
	struct insn_word rest = *w;

	memset(out, 0, sizeof *out);
	if (info == NULL) {
		*why = "unknown opcode";
		return false;
	}
	out->op = (enum opcode)info->code;
	for (unsigned i = 0; i < info->nfields; i++) {
		const struct field_info *f = &isa_fields[info->field[i]];
		uint64_t v = bits_get(w, f->lsb, f->width);

		out->field[info->field[i]] = f->kind == FIELD_SINT ?
		    sign_extend(v, f->width) :
		    (int64_t)v;
		bits_put(&rest, f->lsb, f->width, 0);
	}
	if ((rest.lo | rest.hi) != 0) {
		*why = "a bit that must be zero is set";
		return false;
	}
	return true;
}

bool
insn_encode(const struct insn *in, struct insn_word *out, const char **why)
{
	const struct insn_info *info = insn_info((unsigned)in->op);
	uint32_t owned = 1u << FIELD_opcode;

	_Static_assert(FIELD_COUNT <= 32, "fields fit a bit set");
	out->lo = out->hi = 0;
	if (info == NULL) {
		*why = "unknown opcode";
		return false;
	}
	for (unsigned i = 0; i < info->nfields; i++) {
		unsigned id = info->field[i];
		const struct field_info *f = &isa_fields[id];
		int64_t v = id == FIELD_opcode ? (int64_t)info->code :
						 in->field[id];

		if (!field_fits(f, v)) {
			*why = f->misfit;
			return false;
		}
		owned |= 1u << id;
		bits_put(out, f->lsb, f->width, (uint64_t)v);
	}
	for (unsigned id = 0; id < FIELD_COUNT; id++)
		if ((owned >> id & 1) == 0 && in->field[id] != 0) {
			*why = "a field the instruction does not have is set";
			return false;
		}
	return true;
}

/* Two's complement arithmetic: addresses that wrap are out of bounds anyway
 * and must not be undefined behaviour on the way there. */
int64_t
aff_eval(const struct aff *a, const int64_t *idx, int64_t group)
{
	uint64_t v = (uint64_t)a->base;
	uint64_t ring = (uint64_t)a->rbase;
	int64_t r;

	for (int l = 0; l < ISA_MAX_LOOPS; l++)
		v += (uint64_t)idx[l] * (uint64_t)a->stride[l];
	v += (uint64_t)group * (uint64_t)a->gstride;
	if (a->rcount <= 0)
		return sign_extend(v, 64);
	for (int l = 0; l < ISA_MAX_LOOPS; l++)
		ring += (uint64_t)idx[l] * (uint64_t)a->rcoef[l];
	r = sign_extend(ring, 64) % a->rcount;
	if (r < 0)
		r += a->rcount;
	return sign_extend(v + (uint64_t)r * (uint64_t)a->rstep, 64);
}
