/* What a descriptor must satisfy beyond numbers in range. */
#include "backend/isa/table.h"

static bool
is_unit_float(enum dtype t)
{
	return t == DT_F32 || t == DT_F16 || t == DT_BF16;
}

static bool
on_chip(enum space s)
{
	return s == SPACE_GBUF || s == SPACE_WBUF;
}

const char *
aff_check(const struct aff *a)
{
	return a->rcount < 0 ? "negative ring count" : NULL;
}

const char *
view_check(const struct view *v)
{
	int64_t rows = v->n, cols = v->c;

	if (!on_chip(v->space))
		return "space is neither gbuf nor wbuf";
	if (!is_unit_float(v->dtype))
		return "dtype is not f32, f16 or bf16";
	if (v->n < 1 || v->c < 1)
		return "extent of n or c is not positive";
	for (int i = 0; i < 3; i++) {
		const struct view_axis *x = &v->axis[i];

		if (x->out < 1 || x->kernel < 1)
			return "out or kernel of an axis is not positive";
		if (x->up < 1 || x->extent < 1)
			return "up or extent of an axis is not positive";
		if (!mul_int64(rows, x->out, &rows) ||
		    !mul_int64(cols, x->kernel, &cols))
			return "number of rows or columns overflows";
	}
	if (v->kcg < 0 || v->ncg < 0 || (v->kcg > 0) != (v->ncg > 0))
		return "kcg and ncg must be both positive or both 0";
	return NULL;
}

static const char *
epi_vector_check(const struct epi_vector *v)
{
	if (v->space == SPACE_NONE)
		return NULL;
	if (!on_chip(v->space))
		return "scale or bias is neither in gbuf nor in wbuf";
	if (!is_unit_float(v->dtype))
		return "scale or bias is not f32, f16 or bf16";
	return NULL;
}

const char *
epi_check(const struct epi *e)
{
	const char *why = epi_vector_check(&e->scale);

	if (why == NULL)
		why = epi_vector_check(&e->bias);
	if (why != NULL)
		return why;
	if (e->round != DT_NONE && !is_unit_float(e->round))
		return "round is not f32, f16 or bf16";
	if (e->res_space == SPACE_NONE)
		return NULL;
	if (!on_chip(e->res_space))
		return "residual is neither in gbuf nor in wbuf";
	if (!is_unit_float(e->res_dtype))
		return "residual is not f32, f16 or bf16";
	return NULL;
}

static const char *
dma_dim_check(const struct dma_dim *x)
{
	if (x->size < 1)
		return "size of a dimension is not positive";
	if (x->start != 0 && x->bound < 1)
		return "a dimension has a start but no positive bound";
	if (x->start == 0 && x->bound != 0)
		return "a dimension has a bound but no start";
	return NULL;
}

const char *
dma_check(const struct dma *m)
{
	int64_t elements = 1;

	if (!on_chip(m->space))
		return "space is neither gbuf nor wbuf";
	if (m->dram_dtype == DT_NONE || m->chip_dtype == DT_NONE)
		return "an element type is missing";
	if (m->dram_dtype != m->chip_dtype &&
	    (!dtype_is_float(m->dram_dtype) ||
		!dtype_is_float(m->chip_dtype)))
		return "only float types convert";
	if (m->rank < 1 || m->rank > DMA_MAX_RANK)
		return "rank is not 1 to 6";
	if (m->index_dim < -1 || m->index_dim >= m->rank)
		return "index_dim is not a dimension";
	if (m->index_dim < 0 && m->index_base != 0)
		return "index_base without index_dim";
	for (int i = 0; i < m->rank; i++) {
		const char *why = dma_dim_check(&m->dim[i]);

		if (why != NULL)
			return why;
		if (!mul_int64(elements, m->dim[i].size, &elements))
			return "number of elements overflows";
	}
	return NULL;
}

static const char *
vec_operands_check(const struct vec *v)
{
	int nsrc = vec_func_sources((enum vec_func)v->func);

	if (v->dst.space != SPACE_GBUF)
		return "dst is not in gbuf";
	if (v->dst.dtype == DT_NONE)
		return "dst has no dtype";
	for (int i = 0; i < VEC_MAX_SRC; i++) {
		const struct vec_operand *o = &v->src[i];

		if (i >= nsrc && o->space != SPACE_NONE)
			return "more sources than the function reads";
		if (i < nsrc && !on_chip(o->space))
			return "a source is neither in gbuf nor in wbuf";
		if (i < nsrc && o->dtype == DT_NONE)
			return "a source has no dtype";
	}
	for (int i = 0; i < VEC_MAX_SRC; i++)
		if ((v->chain >> i & 1) != 0 &&
		    (i >= nsrc || v->src[i].space != SPACE_GBUF))
			return "a chained source is absent or not in gbuf";
	if (v->chain < 0 || v->chain >= 2 * VEC_CHAIN_DST)
		return "chain has bits beyond the operands";
	if ((v->chain & VEC_CHAIN_DST) != 0 &&
	    vec_func_kind((enum vec_func)v->func) != VEC_MAP)
		return "only the result of VMAP is chained";
	if (v->chain != 0 && vec_func_kind((enum vec_func)v->func) == VEC_WIN)
		return "VWIN takes no chained source";
	return NULL;
}

static bool
all_integers(const struct vec *v)
{
	for (int i = 0; i < vec_func_sources((enum vec_func)v->func); i++)
		if (!dtype_is_int(v->src[i].dtype))
			return false;
	return dtype_is_int(v->dst.dtype);
}

/* What only some functions ask for. */
static const char *
func_check(const struct vec *v)
{
	if (v->func == VF_philox && !all_integers(v))
		return "philox is for integers";
	if (v->func == VF_field && !all_integers(v))
		return "field is for integers";
	if (v->func == VF_field && !(v->param[0] >= 0 && v->param[0] < 64))
		return "p of field is not from 0 to 63";
	if (v->func == VF_field && !(v->param[1] >= 0 &&
	    v->param[1] < 0x1p53))
		return "q of field is not from 0 to 2^53 - 1";
	return NULL;
}

const char *
vec_check(const struct vec *v)
{
	const char *why;
	enum vec_kind kind;

	if (v->func >= VF_COUNT)
		return "unknown function";
	kind = vec_func_kind((enum vec_func)v->func);
	if (v->rank < 1 || v->rank > VEC_MAX_RANK)
		return "rank is not 1 to 8";
	if (kind == VEC_WIN && v->rank != VEC_MAX_RANK)
		return "a window function needs rank 8";
	if (v->nred < 0 || v->nred > v->rank)
		return "nred is not 0 to rank";
	if ((kind == VEC_RED) != (v->nred > 0))
		return "nred is for reductions, which need it";
	for (int i = 0; i < v->rank; i++)
		if (v->size[i] < 1)
			return "size of a dimension is not positive";
	if (vec_elements(v) == INT64_MAX)
		return "number of elements overflows";
	for (int i = 0; kind == VEC_WIN && i < 3; i++)
		if (v->axis[i].extent < 1)
			return "extent of an axis is not positive";
	for (int i = 0; kind == VEC_WIN && i < 3; i++)
		if (v->axis[i].up < 0)
			return "factor of inserted zeros is negative";
	why = func_check(v);
	return why != NULL ? why : vec_operands_check(v);
}
