/* From the object's code to instructions ready to run. */
#include "runtime/sim/core.h"

#include <inttypes.h>

#define MAX_EXTENT ((int64_t)1 << 40) /* elements of one instruction */
#define MAX_BYTES ((int64_t)1 << 44)
#define MAX_DIGIT ((int64_t)1 << 31)  /* numbers inside a view or window */

static int64_t
field(const struct insn *in, enum field_id f)
{
	return in->field[f];
}

static const char *
bank_overflow(int64_t bytes, int64_t capacity, int64_t banks,
    const char *text)
{
	return capacity > 0 && bytes > capacity / later(banks, 1) ? text :
								   NULL;
}

static const char *
load_trap(const struct sim *s, const struct sim_insn *d, bool stationary)
{
	const struct wave_target *t = s->target;

	if (d->m == 0 || d->k == 0)
		return "an empty tile";
	if (d->k > t->rows || (stationary && d->m > t->cols))
		return "the tile is larger than the array";
	if (!stationary && t->block_m > 0 && d->m > t->block_m)
		return "more rows than block_m";
	return stationary ?
	    bank_overflow(d->bytes, t->lbuf_v_bytes, t->lbuf_banks,
		"the tile is larger than a bank of LBUF_V") :
	    bank_overflow(d->bytes, t->lbuf_h_bytes, t->lbuf_banks,
		"the tile is larger than a bank of LBUF_H");
}

static const char *
block_trap(const struct sim *s, const struct sim_insn *d)
{
	const struct wave_target *t = s->target;

	if (d->m == 0 || d->n == 0)
		return "an empty block";
	if (d->n > t->cols)
		return "more columns than the array";
	if (t->block_m > 0 && d->m > t->block_m)
		return "more rows than block_m";
	return bank_overflow(4 * d->m * d->n, t->obuf_bytes, t->obuf_banks,
	    "the block is larger than a bank of the OBUF");
}

static bool
in_range(int64_t v)
{
	return v >= -MAX_DIGIT && v <= MAX_DIGIT;
}

static const char *
view_trap(const struct view *v)
{
	for (int a = 0; a < 3; a++) {
		const struct view_axis *x = &v->axis[a];

		if (x->stride < 0 || !in_range(x->stride) ||
		    !in_range(x->dil) || !in_range(x->pad) ||
		    !in_range(x->up) || !in_range(x->extent) ||
		    !in_range(x->out) || !in_range(x->kernel))
			return "a number of the view is out of range";
	}
	return NULL;
}

static void
decode_load(struct sim *s, const struct insn *in, struct sim_insn *d)
{
	bool stationary = d->op == INSN_LdLBUF_V;

	d->m = field(in, FIELD_outer);
	d->k = field(in, FIELD_k);
	d->desc = (uint32_t)field(in, FIELD_view);
	d->bank = (uint32_t)field(in, FIELD_bank);
	if (d->desc == 0 || d->desc >= s->tables.nview) {
		d->trap = "no such view";
		return;
	}
	const struct view *v = &s->tables.view[d->desc];

	d->bytes = d->m * d->k * (int64_t)dtype_size(v->dtype);
	d->occupancy = time_load(s->target, stationary, d->bytes);
	d->trap = view_trap(v);
	if (d->trap == NULL)
		d->trap = load_trap(s, d, stationary);
}

static void
decode_array(struct sim *s, const struct insn *in, struct sim_insn *d)
{
	const struct wave_target *t = s->target;

	d->k = field(in, FIELD_k);
	d->n = field(in, FIELD_n);
	d->m = field(in, FIELD_m);
	d->bank = (uint32_t)field(in, FIELD_bank);
	d->obuf = (uint32_t)field(in, FIELD_obuf);
	d->first = (uint8_t)field(in, FIELD_first);
	if (field(in, FIELD_mode) != 0)
		d->trap = "the array has no such mode";
	else if (d->k == 0 || d->n == 0)
		d->trap = "an empty tile";
	else if (d->k > t->rows || d->n > t->cols)
		d->trap = "the tile is larger than the array";
	else if (d->op == INSN_ExecGEMM)
		d->trap = block_trap(s, d);
	if (d->first >= FIRST_LOOP(ISA_MAX_LOOPS))
		d->trap = "no such loop level";
}

static void
decode_drain(struct sim *s, const struct insn *in, struct sim_insn *d)
{
	d->desc = (uint32_t)field(in, FIELD_stview);
	d->epi = (uint32_t)field(in, FIELD_epi);
	d->obuf = (uint32_t)field(in, FIELD_obuf);
	d->m = field(in, FIELD_m);
	d->n = field(in, FIELD_stn);
	if (d->desc == 0 || d->desc >= s->tables.nview ||
	    d->epi >= s->tables.nepi) {
		d->trap = "no such view or epilogue";
		return;
	}
	const struct view *v = &s->tables.view[d->desc];
	const struct epi *e = &s->tables.epi[d->epi];

	d->bytes = d->m * d->n * (int64_t)dtype_size(v->dtype);
	if (d->epi != 0 && e->res_space != SPACE_NONE)
		d->bytes += d->m * d->n * (int64_t)dtype_size(e->res_dtype);
	d->occupancy = time_drain(s->target, d->bytes);
	d->trap = view_trap(v);
	if (d->trap == NULL)
		d->trap = block_trap(s, d);
	for (int a = 0; a < 3; a++)
		if (v->axis[a].kernel != 1)
			d->trap = "the view of a drain has one tap";
	if (d->trap == NULL && v->space != SPACE_GBUF &&
	    d->op == INSN_StLBUF)
		d->trap = "the drain writes the GBUF only";
}

static void
decode_vec(struct sim *s, const struct insn *in, struct sim_insn *d)
{
	d->desc = (uint32_t)field(in, FIELD_vec);
	if (d->desc == 0 || d->desc >= s->tables.nvec) {
		d->trap = "no such vector descriptor";
		return;
	}
	d->occupancy = s->vecs[d->desc].occupancy;
	d->trap = s->vecs[d->desc].trap;
	if (vec_func_opcode((enum vec_func)s->tables.vec[d->desc].func) !=
	    d->op)
		d->trap = "the function is of another kind";
}

static void
decode_control(struct sim *s, const struct insn *in, struct sim_insn *d)
{
	switch (d->op) {
	case INSN_LOOP:
		d->value = field(in, FIELD_count);
		if (d->value == 0)
			d->trap = "a loop of no iterations";
		break;
	case INSN_SIGNAL:
		d->value = field(in, FIELD_by);
		d->sem = (uint32_t)field(in, FIELD_sem);
		if (d->value == 0)
			d->trap = "a signal of 0";
		break;
	case INSN_WAIT:
		d->value = field(in, FIELD_value);
		d->vaff = (uint32_t)field(in, FIELD_vaff);
		d->sem = (uint32_t)field(in, FIELD_sem);
		if (d->vaff >= s->tables.naff)
			d->trap = "no such affine value";
		break;
	case INSN_DLOAD:
	case INSN_DSTORE:
		d->desc = (uint32_t)field(in, FIELD_dma);
		if (d->desc == 0 || d->desc >= s->tables.ndma)
			d->trap = "no such DMA descriptor";
		else if (d->op == INSN_DSTORE &&
		    s->tables.dma[d->desc].space != SPACE_GBUF)
			d->trap = "a store reads the GBUF only";
		break;
	default:
		break;
	}
	if ((d->op == INSN_SIGNAL || d->op == INSN_WAIT) &&
	    (int64_t)d->sem >= s->target->semaphores)
		d->trap = "no such semaphore";
}

static void
decode_one(struct sim *s, enum queue q, const struct insn_word *w,
    struct sim_insn *d)
{
	struct insn in;
	const char *why = NULL;

	if (!insn_decode(w, &in, &why)) {
		d->trap = why;
		return;
	}
	d->op = in.op;
	if (!insn_allowed(in.op, q)) {
		d->trap = "the queue does not run this instruction";
		return;
	}
	switch (in.op) {
	case INSN_LdLBUF_V:
	case INSN_LdLBUF_H: decode_load(s, &in, d); break;
	case INSN_ShiftV:
	case INSN_ExecGEMM: decode_array(s, &in, d); break;
	case INSN_StLBUF:
	case INSN_LdOBUF: decode_drain(s, &in, d); break;
	case INSN_VMAP:
	case INSN_VRED:
	case INSN_VWIN: decode_vec(s, &in, d); break;
	default: decode_control(s, &in, d); break;
	}
	if (d->bank >= s->tables.naff || d->obuf >= s->tables.naff)
		d->trap = "no such affine value";
}

static void
decode_queue(struct sim *s, enum queue q)
{
	const struct wave_program *p = s->program;
	uint32_t first = s->entry->first[q], count = s->entry->count[q];
	struct sim_insn *code = NEW_ARRAY(s->run_arena, struct sim_insn,
	    (size_t)count + 1);

	for (uint32_t i = 0; i < count; i++) {
		struct insn_word w = insn_load(p->code[q].data,
		    (size_t)first + i);

		code[i].source = p->nops;
		decode_one(s, q, &w, &code[i]);
	}
	code[count].source = p->nops;
	code[count].trap = "the end of the code";
	for (uint32_t i = 0; i < p->nsources; i++) {
		const struct wave_source *src = &p->sources[i];

		if (src->queue != (uint32_t)q || src->op >= p->nops)
			continue;
		for (uint32_t j = 0; j < src->count; j++)
			if (src->first + j >= first &&
			    src->first + j - first < count)
				code[src->first + j - first].source = src->op;
	}
	s->code[q] = code;
}

void
sim_decode(struct sim *s)
{
	for (int q = 0; q < Q_COUNT; q++)
		decode_queue(s, (enum queue)q);
}

static void
prepare_vec(struct sim *s, const struct vec *v, struct vec_info *info)
{
	enum opcode op = vec_func_opcode((enum vec_func)v->func);
	int64_t elements = vec_elements(v), bytes = 0;
	int64_t taps = op == INSN_VWIN ?
	    v->size[5] * v->size[6] * v->size[7] : 1;

	bool wide = false;

	for (int a = 0; op == INSN_VWIN && a < 3; a++)
		wide |= !in_range(v->axis[a].stride) ||
		    !in_range(v->axis[a].dil) || !in_range(v->axis[a].pad) ||
		    !in_range(v->axis[a].up) || v->axis[a].stride < 1;
	if (elements > MAX_EXTENT || elements < 0 || taps > 1 << 20 || wide) {
		info->trap = "the vector operation is too large";
		return;
	}
	for (int i = 0; i <= VEC_MAX_SRC; i++) {
		int src = i < VEC_MAX_SRC ? i : -1;
		struct range *r = &info->range[i];

		if (!access_vec_bounds(op, v, src, r))
			info->trap = "an address overflows";
		info->bytes[i] = (v->chain >> i & 1) != 0 ? 0 :
		    access_vec_bytes(op, v, src);
		if (info->bytes[i] < 0 || info->bytes[i] > MAX_BYTES) {
			info->trap = "the vector operation is too large";
			return;
		}
		bytes += info->bytes[i];
	}
	info->ops = elements * vec_func_steps((enum vec_func)v->func);
	info->occupancy = time_vec(s->target, time_lanes(s->target, v),
	    info->ops, bytes);
}

void
sim_prepare_tables(struct sim *s)
{
	const struct isa_tables *t = &s->tables;

	s->views = NEW_ARRAY(s->arena, struct view_info, t->nview);
	s->vecs = NEW_ARRAY(s->arena, struct vec_info, t->nvec);
	for (uint32_t i = 1; i < t->nview; i++)
		if (view_trap(&t->view[i]) == NULL)
			s->views[i].bounded = access_view_bounds(&t->view[i],
			    &s->views[i].range);
	for (uint32_t i = 1; i < t->nvec; i++)
		prepare_vec(s, &t->vec[i], &s->vecs[i]);
}
