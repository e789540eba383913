/* Whether an access lies inside its memory. */
#include "runtime/sim/core.h"

#include <inttypes.h>

static uint64_t
memory_size(const struct sim *s, enum space space)
{
	switch (space) {
	case SPACE_DRAM: return s->program->dram_size;
	case SPACE_GBUF: return s->program->gbuf_size;
	case SPACE_WBUF: return s->program->wbuf_size;
	default: return 0;
	}
}

const char *
sim_bounds(struct sim *s, enum space space, const struct range *r)
{
	uint64_t size = memory_size(s, space);

	if (r->hi <= r->lo)
		return NULL;
	if (r->lo < 0 || (uint64_t)r->hi > size) {
		snprintf(s->why, sizeof s->why,
		    "%s bytes %" PRId64 "..%" PRId64
		    " are outside its %" PRIu64 " bytes",
		    space_name(space), r->lo, r->hi - 1, size);
		return s->why;
	}
	if (space == SPACE_GBUF)
		s->peak_gbuf = later(s->peak_gbuf, r->hi);
	if (space == SPACE_WBUF)
		s->peak_wbuf = later(s->peak_wbuf, r->hi);
	return NULL;
}

static bool
shifted(const struct range *r, int64_t base, struct range *out)
{
	return add_int64(r->lo, base, &out->lo) &&
	    add_int64(r->hi, base, &out->hi);
}

static const char *
exact_bounds(struct sim *s, const struct access_tile *a)
{
	struct range r;

	if (!access_tile_bounds(a, &r))
		return "an address overflows";
	return sim_bounds(s, a->view->space, &r);
}

struct access_tile
sim_tile(const struct sim *s, const struct sim_queue *q,
    const struct view *v, int64_t outer, int64_t k)
{
	const struct aff *aff = s->tables.aff;
	int64_t group = q->group->id;

	return (struct access_tile){
		.view = v,
		.base = aff_eval(&aff[v->base], q->idx, group),
		.outer0 = v->outer0 != 0 ?
		    aff_eval(&aff[v->outer0], q->idx, group) : 0,
		.k0 = v->k0 != 0 ? aff_eval(&aff[v->k0], q->idx, group) : 0,
		.outer = outer,
		.k = k,
	};
}

const char *
sim_tile_bounds(struct sim *s, const struct sim_queue *q, uint32_t view,
    int64_t outer, int64_t k)
{
	const struct view_info *info = &s->views[view];
	struct access_tile a = sim_tile(s, q, &s->tables.view[view], outer,
	    k);
	const char *why;
	struct range r;

	if (!access_tile_fits(&a, &why))
		return why;
	/* Cheap and sufficient: the whole view lies inside. */
	if (info->bounded && shifted(&info->range, a.base, &r) &&
	    sim_bounds(s, a.view->space, &r) == NULL)
		return NULL;
	return exact_bounds(s, &a);
}

const char *
sim_epi_bounds(struct sim *s, const struct sim_queue *q, uint32_t view,
    uint32_t epi, int64_t m, int64_t n)
{
	const struct view *v = &s->tables.view[view];
	const struct epi *e = &s->tables.epi[epi];
	const struct epi_vector *c[2] = { &e->scale, &e->bias };
	const char *why = NULL;

	if (epi == 0)
		return NULL;
	for (int i = 0; i < 2 && why == NULL; i++) {
		if (c[i]->space == SPACE_NONE)
			continue;
		struct view cv = access_channel_view(v, c[i]);
		struct access_tile a = sim_tile(s, q, &cv, m, n);

		why = exact_bounds(s, &a);
	}
	if (why == NULL && e->res_space != SPACE_NONE) {
		struct view rv = access_residual_view(v, e);
		struct access_tile a = sim_tile(s, q, &rv, m, n);

		why = exact_bounds(s, &a);
	}
	return why;
}
