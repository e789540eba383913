#include "tests/lib/program.h"

#include <string.h>

#include "backend/isa/isa.h"
#include "backend/isa/table.h"
#include "support/target.h"

struct maker {
	struct arena *a;
	uint64_t seed;
	struct isa_tables t;
	struct wave_program *p;
	uint32_t nsems;
	struct strbuf code[Q_COUNT];
};

static uint64_t
rnd(struct maker *m)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return m->seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* low..high */
static int64_t
pick(struct maker *m, int64_t low, int64_t high)
{
	return low + (int64_t)(rnd(m) % (uint64_t)(high - low + 1));
}

static uint32_t
pick_aff(struct maker *m)
{
	return (uint32_t)pick(m, 0, (int64_t)m->t.naff - 1);
}

static enum dtype
pick_float(struct maker *m)
{
	return (enum dtype)pick(m, DT_F32, DT_BF16);
}

static enum space
pick_space(struct maker *m)
{
	return rnd(m) % 2 ? SPACE_GBUF : SPACE_WBUF;
}

/* Small numbers mostly, sometimes any. */
static int64_t
pick_number(struct maker *m)
{
	switch (rnd(m) % 8) {
	case 0: return (int64_t)rnd(m);
	case 1: return 0;
	case 2: return INT64_MIN;
	default: return pick(m, -100, 4096);
	}
}

static double
pick_real(struct maker *m)
{
	static const double some[] = { 0.0, -0.0, 1.0, 0.1, -1e300, 1.0 / 0.0,
		-1.0 / 0.0, 0.0 / 0.0, 6.02e23 };

	return some[rnd(m) % (sizeof some / sizeof *some)];
}

static void
make_affs(struct maker *m)
{
	m->t.naff = (uint32_t)pick(m, 1, 9);
	m->t.aff = NEW_ARRAY(m->a, struct aff, m->t.naff);
	for (uint32_t i = 1; i < m->t.naff; i++) {
		struct aff *x = &m->t.aff[i];

		if (rnd(m) % 4)
			x->base = pick_number(m);
		for (int l = 0; l < ISA_MAX_LOOPS; l++)
			if (rnd(m) % 3 == 0)
				x->stride[l] = pick_number(m);
		if (rnd(m) % 3 == 0)
			x->gstride = pick_number(m);
		if (rnd(m) % 2)
			continue;
		x->rcount = pick(m, 0, 5);
		x->rbase = rnd(m) % 2 ? pick_number(m) : 0;
		x->rstep = rnd(m) % 4 ? pick_number(m) : 1;
		x->rcoef[rnd(m) % 8] = pick_number(m);
		x->rcoef[rnd(m) % 8] = 1;
	}
}

static void
make_views(struct maker *m)
{
	m->t.nview = (uint32_t)pick(m, 3, 7);
	m->t.view = NEW_ARRAY(m->a, struct view, m->t.nview);
	for (uint32_t i = 1; i < m->t.nview; i++) {
		struct view *v = &m->t.view[i];

		/* 1 and 2 are for LdOBUF and StLBUF */
		v->space = i <= 2 ? SPACE_GBUF : pick_space(m);
		v->dtype = i == 1 ? DT_F32 : pick_float(m);
		v->flags = (uint32_t)(rnd(m) % 2);
		v->base = pick_aff(m);
		v->outer0 = pick_aff(m);
		v->k0 = pick_aff(m);
		v->n = pick(m, 1, 64);
		v->c = pick(m, 1, 64);
		v->n_addr = pick_number(m);
		v->c_addr = pick_number(m);
		v->kcg = v->ncg = (int64_t)(rnd(m) % 2);
		for (int x = 0; x < 3; x++) {
			v->axis[x].out = pick(m, 1, 9);
			v->axis[x].kernel = pick(m, 1, 3);
			v->axis[x].stride = pick(m, 1, 2);
			v->axis[x].dil = pick(m, -2, 2);
			v->axis[x].pad = pick(m, -1, 1);
			v->axis[x].up = pick(m, 1, 2);
			v->axis[x].extent = pick(m, 1, 9);
			v->axis[x].addr = pick_number(m);
		}
	}
}

static void
make_epis(struct maker *m)
{
	m->t.nepi = (uint32_t)pick(m, 1, 4);
	m->t.epi = NEW_ARRAY(m->a, struct epi, m->t.nepi);
	for (uint32_t i = 1; i < m->t.nepi; i++) {
		struct epi *e = &m->t.epi[i];

		e->act = (enum epi_act)pick(m, 0, EPI_ACT_COUNT - 1);
		e->alpha = (float)pick_real(m);
		if (rnd(m) % 2) {
			e->bias.space = pick_space(m);
			e->bias.dtype = pick_float(m);
			e->bias.base = pick_aff(m);
		}
		if (rnd(m) % 2) {
			e->res_space = pick_space(m);
			e->res_dtype = pick_float(m);
			e->res_n = pick_number(m);
			e->res_axis[rnd(m) % 3] = pick_number(m);
			e->res_c = 2;
		}
	}
}

static void
make_dmas(struct maker *m)
{
	m->t.ndma = (uint32_t)pick(m, 2, 6);
	m->t.dma = NEW_ARRAY(m->a, struct dma, m->t.ndma);
	for (uint32_t i = 1; i < m->t.ndma; i++) {
		struct dma *x = &m->t.dma[i];

		x->space = i == 1 ? SPACE_GBUF : pick_space(m);
		x->dram_dtype = pick_float(m);
		x->chip_dtype = pick_float(m);
		x->traffic = (enum traffic)pick(m, 0, TRAFFIC_COUNT - 1);
		x->rank = (int)pick(m, 1, DMA_MAX_RANK);
		x->index_dim = (int)pick(m, -1, x->rank - 1);
		if (x->index_dim >= 0)
			x->index_base = pick_aff(m);
		x->dram_base = pick_aff(m);
		x->chip_base = pick_aff(m);
		x->fill = pick_real(m);
		for (int k = 0; k < x->rank; k++) {
			x->dim[k].size = pick(m, 1, 99);
			x->dim[k].dram = pick_number(m);
			x->dim[k].chip = pick_number(m);
			x->dim[k].start = pick_aff(m);
			if (x->dim[k].start != 0)
				x->dim[k].bound = pick(m, 1, 99);
		}
	}
}

static void
make_operand(struct maker *m, struct vec_operand *o, enum space s)
{
	o->space = s;
	o->dtype = (enum dtype)pick(m, 1, DT_COUNT - 1);
	o->base = pick_aff(m);
	for (int k = 0; k < VEC_MAX_RANK; k++)
		if (rnd(m) % 2)
			o->stride[k] = pick_number(m);
}

static void
integers(struct vec *v)
{
	v->dst.dtype = DT_U32;
	for (int s = 0; s < vec_func_sources((enum vec_func)v->func); s++)
		v->src[s].dtype = DT_I64;
}

static void
make_vecs(struct maker *m)
{
	/* entries 1, 2 and 3: a map, a reduction, a window; then any */
	m->t.nvec = (uint32_t)pick(m, 4, 8);
	m->t.vec = NEW_ARRAY(m->a, struct vec, m->t.nvec);
	for (uint32_t i = 1; i < m->t.nvec; i++) {
		struct vec *v = &m->t.vec[i];
		enum vec_func f = i == 1 ? VF_add :
		    i == 2               ? VF_rmax :
		    i == 3               ? VF_wsum :
					   (enum vec_func)pick(m, 0,
					       VF_COUNT - 1);
		enum vec_kind kind = vec_func_kind(f);

		v->func = (uint32_t)f;
		v->rank = kind == VEC_WIN ? 8 : (int)pick(m, 1, 8);
		v->nred = kind == VEC_RED ? (int)pick(m, 1, v->rank) : 0;
		for (int k = 0; k < v->rank; k++)
			v->size[k] = pick(m, 1, 5);
		make_operand(m, &v->dst, SPACE_GBUF);
		for (int s = 0; s < vec_func_sources(f); s++)
			make_operand(m, &v->src[s], pick_space(m));
		for (int s = 0; s < vec_func_sources(f); s++)
			if (kind != VEC_WIN && v->src[s].space == SPACE_GBUF)
				v->chain |= (int)(v->size[0] + s) % 2 << s;
		if (kind == VEC_MAP)
			v->chain |= (int)v->size[0] % 2 * VEC_CHAIN_DST;
		v->param[0] = pick_real(m);
		for (int k = 0; k < 3 && kind == VEC_WIN; k++) {
			v->axis[k].stride = pick(m, 1, 3);
			v->axis[k].pad = pick(m, -1, 1);
			v->axis[k].extent = pick(m, 1, 9);
			v->axis[k].up = pick(m, 0, 2);
		}
		if (f == VF_philox || f == VF_field)
			integers(v);
		if (f == VF_field)
			v->param[0] = v->param[1] = (double)pick(m, 0, 63);
	}
}

static void
make_tables(struct maker *m)
{
	uint32_t n[DESC_COUNT];

	make_affs(m);
	make_views(m);
	make_epis(m);
	make_dmas(m);
	make_vecs(m);
	n[DESC_AFF] = m->t.naff;
	n[DESC_VIEW] = m->t.nview;
	n[DESC_EPI] = m->t.nepi;
	n[DESC_DMA] = m->t.ndma;
	n[DESC_VEC] = m->t.nvec;
	for (int k = 0; k < DESC_COUNT; k++) {
		size_t size = n[k] * desc_record_size((enum desc_kind)k);
		uint8_t *bytes = arena_alloc(m->a, size);

		desc_encode((enum desc_kind)k, &m->t, bytes);
		m->p->desc[k].data = bytes;
		m->p->desc[k].size = size;
	}
}

static void
emit(struct maker *m, enum queue q, const struct insn *in)
{
	struct insn_word w;
	const char *why;
	uint8_t bytes[16];

	if (!insn_encode(in, &w, &why))
		ice("random_program", "%s", why);
	insn_store(bytes, 0, w);
	strbuf_addn(&m->code[q], (const char *)bytes, 16);
}

/* A value the validator accepts. */
static int64_t
pick_field(struct maker *m, enum opcode op, unsigned id)
{
	switch (id) {
	case FIELD_k:
	case FIELD_n:
	case FIELD_stn: return pick(m, 1, 4);
	case FIELD_outer: return pick(m, 1, 4);
	case FIELD_m: return pick(m, 1, 16);
	case FIELD_mode: return pick(m, 0, 3);
	case FIELD_first: return pick(m, 0, 9);
	case FIELD_bank:
	case FIELD_obuf:
	case FIELD_vaff: return pick_aff(m);
	case FIELD_view: return pick(m, 1, (int64_t)m->t.nview - 1);
	case FIELD_stview: return op == INSN_LdOBUF ? 1 : 2;
	case FIELD_epi: return pick(m, 0, (int64_t)m->t.nepi - 1);
	case FIELD_dma:
		return op == INSN_DSTORE ? 1 :
					   pick(m, 1,
					       (int64_t)m->t.ndma - 1);
	case FIELD_vec:
		return op == INSN_VMAP ? 1 : op == INSN_VRED ? 2 : 3;
	case FIELD_count:
	case FIELD_by: return pick(m, 1, 5);
	case FIELD_sem: return pick(m, 0, (int64_t)m->nsems - 1);
	case FIELD_value: return pick(m, -5, 5);
	default: return 0;
	}
}

static void
emit_random(struct maker *m, enum queue q, int *depth)
{
	const struct insn_info *info = &isa_insns[rnd(m) % isa_ninsns];
	struct insn in = { 0 };

	in.op = (enum opcode)info->code;
	if (!insn_allowed(in.op, q) || in.op == INSN_HALT)
		return;
	if (in.op == INSN_LOOP && (*depth)++ == ISA_MAX_LOOPS) {
		(*depth)--;
		return;
	}
	if (in.op == INSN_ENDLOOP && (*depth)-- == 0) {
		*depth = 0;
		return;
	}
	for (unsigned i = 0; i < info->nfields; i++)
		in.field[info->field[i]] =
		    pick_field(m, in.op, info->field[i]);
	emit(m, q, &in);
}

static void
make_slice(struct maker *m, struct wave_entry *e, enum queue q)
{
	struct insn end = { .op = INSN_ENDLOOP }, halt = { .op = INSN_HALT };
	int depth = 0;
	uint32_t first = (uint32_t)(m->code[q].len / 16);

	e->first[q] = first;
	if (rnd(m) % 4 == 0)
		return;
	for (int64_t n = pick(m, 0, 60); n > 0; n--)
		emit_random(m, q, &depth);
	for (; depth > 0; depth--)
		emit(m, q, &end);
	emit(m, q, &halt);
	e->count[q] = (uint32_t)(m->code[q].len / 16) - first;
}

static void
make_entries(struct maker *m)
{
	static const char *const names[] = { "main", "init", "step" };
	uint32_t n = (uint32_t)pick(m, 1, 3);
	struct wave_entry *e = NEW_ARRAY(m->a, struct wave_entry, n);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t *v;

		m->nsems = (uint32_t)pick(m, 1, 30);
		e[i].name = names[i];
		e[i].groups = (int)pick(m, 1, 2);
		e[i].nsems = m->nsems;
		e[i].sem_exit = v = NEW_ARRAY(m->a, uint32_t, m->nsems);
		for (uint32_t s = 0; s < m->nsems; s++)
			v[s] = rnd(m) % 2 ? (uint32_t)rnd(m) : 0;
		for (int q = 0; q < Q_COUNT; q++)
			make_slice(m, &e[i], (enum queue)q);
	}
	m->p->entries = e;
	m->p->nentries = n;
	for (int q = 0; q < Q_COUNT; q++) {
		m->p->code[q].size = m->code[q].len;
		if (m->code[q].len > 0)
			m->p->code[q].data = arena_memdup(m->a,
			    m->code[q].data, m->code[q].len);
		strbuf_free(&m->code[q]);
	}
}

static void
make_data(struct maker *m)
{
	size_t n = (size_t)pick(m, 0, 1000);
	uint8_t *data = arena_alloc(m->a, n + 1);

	for (size_t i = 0; i < n; i++)
		if ((i / 100) % 3 != 1)
			data[i] = (uint8_t)rnd(m);
	m->p->data.data = data;
	m->p->data.size = n;
	m->p->dram_size = n + (uint64_t)pick(m, 64, 5000);
	m->p->gbuf_size = (uint64_t)pick(m, 0, 4096);
	m->p->wbuf_size = (uint64_t)pick(m, 0, 4096);
}

static void
make_bindings(struct maker *m)
{
	uint32_t n = (uint32_t)pick(m, 0, 4);
	struct wave_binding *b = NEW_ARRAY(m->a, struct wave_binding, n + 1);

	for (uint32_t i = 0; i < n; i++) {
		int64_t step = 1;

		b[i].name = arena_printf(m->a, "t%u \"x\\y\"\t%s", i,
		    rnd(m) % 2 ? "\xc3\xa4" : "\x01");
		b[i].kind = (enum wave_bind_kind)pick(m, 0, 2);
		b[i].dtype = DT_U8;
		b[i].rank = (int)pick(m, 0, 5);
		for (int k = b[i].rank - 1; k >= 0; k--) {
			b[i].dim[k] = pick(m, 1, 2);
			b[i].stride[k] = step;
			step *= b[i].dim[k];
		}
		b[i].address = (uint64_t)pick(m, 0,
		    (int64_t)m->p->dram_size - step);
	}
	m->p->bindings = b;
	m->p->nbindings = n;
}

static void
make_symbols(struct maker *m)
{
	uint32_t n = (uint32_t)pick(m, 0, 5);
	struct wave_symbol *s = NEW_ARRAY(m->a, struct wave_symbol, n + 1);

	for (uint32_t i = 0; i < n; i++) {
		s[i].name = arena_printf(m->a, "sym%u", i);
		s[i].space = (int)pick(m, SPACE_DRAM, SPACE_OBUF);
		s[i].dtype = (enum dtype)pick(m, 0, DT_COUNT - 1);
		if (s[i].space == SPACE_DRAM) {
			s[i].address = (uint64_t)pick(m, 0,
			    (int64_t)m->p->dram_size);
			s[i].size = m->p->dram_size - s[i].address;
		}
		s[i].shape = rnd(m) % 2 ? "f16[1,2]" : NULL;
	}
	m->p->symbols = s;
	m->p->nsymbols = n;
}

static void
make_ops(struct maker *m)
{
	uint32_t n = (uint32_t)pick(m, 1, 4);
	struct wave_op *o = NEW_ARRAY(m->a, struct wave_op, n);
	struct wave_source *s = NEW_ARRAY(m->a, struct wave_source, 20);

	for (uint32_t i = 0; i < n; i++) {
		o[i].name = arena_printf(m->a, "conv%u", i);
		o[i].op = "conv";
		o[i].phase = "forward";
		o[i].loc = "model.onnx: node 'conv' (Conv)";
		o[i].macs = pick(m, 0, 1000000);
		o[i].macs_paper = o[i].macs;
	}
	/* overlapping and adjacent rows, to be brought into normal form */
	for (uint32_t i = 0; i < 20; i++) {
		s[i].queue = (uint32_t)pick(m, 0, Q_COUNT - 1);
		s[i].first = (uint32_t)pick(m, 0, 50);
		s[i].count = (uint32_t)pick(m, 0, 20);
		s[i].op = (uint32_t)pick(m, 0, (int64_t)n - 1);
	}
	m->p->ops = o;
	m->p->nops = n;
	m->p->sources = s;
	m->p->nsources = 20;
}

static void
make_rest(struct maker *m)
{
	uint32_t n = (uint32_t)pick(m, 0, 5);
	const char **sems = NEW_ARRAY(m->a, const char *, n + 1);
	struct wave_layer_group *g = NEW_ARRAY(m->a, struct wave_layer_group,
	    n + 1);

	for (uint32_t i = 0; i < n; i++) {
		sems[i] = rnd(m) % 4 ? arena_printf(m->a, "x%u.full", i) :
				       NULL;
		g[i].ops = "conv0,conv1";
		g[i].sub_batch = pick(m, 1, 32);
		g[i].iterations = pick(m, 1, 32);
	}
	m->p->sem_names = sems;
	m->p->nsem_names = n;
	m->p->layer_groups = g;
	m->p->nlayer_groups = n;
}

struct wave_program *
random_program(struct arena *a, uint64_t seed)
{
	struct maker m = { .a = a };

	m.seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	m.p = NEW(a, struct wave_program);
	target_defaults(&m.p->target, "made up");
	m.p->target.rows = m.p->target.cols = 4;
	m.p->target.block_m = 16;
	m.p->target.groups = 2;
	m.p->target.flexsa = 1;
	m.p->target.pj_mac_16 = 0.1;
	m.p->isa_version = ISA_VERSION;
	m.p->accumulation = "ascending-k";
	make_tables(&m);
	make_entries(&m);
	make_data(&m);
	make_bindings(&m);
	make_symbols(&m);
	make_ops(&m);
	make_rest(&m);
	return m.p;
}
