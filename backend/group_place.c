/* Layer groups: the places of values in an iteration. */
#include "backend/group.h"

#include "backend/place.h"

struct place
group_slice(const struct lower *lw, const struct place *pl)
{
	struct place s = *pl;
	int64_t rows = pl->dim[0] / lw->sched->batch; /* of a sample */
	int64_t step = rows * pl->stride[0];
	s.dim[0] = rows * lw->part_count;
	s.offset += (lw->region_at + lw->part_at) * step;
	if (lw->region_loop != NULL)
		place_advance(&s, lw->region_loop, lw->region_count * step);
	return s;
}

/* The buffer of a root's current part. */
static struct tile_buffer *
local_buffer(struct lower *lw, struct info *root)
{
	if (root->local != NULL)
		return root->local;
	const struct value *v = root->v, *from = lw->region->takes[v->id];
	int64_t bytes = root->bytes / lw->sched->batch * lw->region_count;
	if (lw->chain != NULL)
		bytes = group_strip_bytes(lw->region, v, bytes);
	if (from != NULL) {
		root->local = local_buffer(lw, &lw->res->info[from->id]);
		return root->local;
	}
	root->local = tile_buffer(lw->p, v->name != NULL ? v->name :
	    arena_printf(lw->arena, "v%u", v->id), SPACE_GBUF, bytes,
	    lw->region->sweep && lw->region_loop != NULL ? SWEEP_DEPTH : 1,
	    lw->region_loop);
	root->local->traffic = place_traffic(v);
	return root->local;
}

/* Where a sum lies on chip: as in memory, in f32. */
static struct place
sum_place(const struct info *in)
{
	struct place pl = in->rel;
	int64_t size = (int64_t)dtype_size(pl.dtype);
	pl.dtype = DT_F32;
	for (int i = 0; i < pl.rank; i++)
		pl.stride[i] = pl.stride[i] / size * 4;
	return pl;
}

void
group_sum_buffer(struct lower *lw, const struct value *v)
{
	struct info *in = place_resolve(lw, v);
	struct place pl = sum_place(in);
	in->local = tile_buffer(lw->p, v->name != NULL ? v->name :
	    arena_printf(lw->arena, "v%u", v->id), SPACE_GBUF,
	    place_bytes(&pl), 1, NULL);
	in->local->traffic = place_traffic(v);
}

struct place *
group_place(struct lower *lw, const struct value *v)
{
	const struct info *in = place_resolve(lw, v);
	struct info *root = place_root(lw, v);
	if (!lw->sched->split[v->id] && !lw->region->local[v->id])
		return place_whole(lw, v);
	struct place *pl = NEW(lw->arena, struct place);
	if (!lw->sched->split[v->id]) {
		*pl = sum_place(in);
		pl->buf = root->local;
		return pl;
	}
	int64_t until = lw->region->until[root->v->id];
	if (!lw->region->local[root->v->id] ||
	    (until > 0 && lw->region_pos > until)) {
		*pl = group_slice(lw, place_whole(lw, v));
		return pl;
	}
	*pl = in->rel;
	pl->buf = local_buffer(lw, root);
	int64_t rows = pl->dim[0] / lw->sched->batch;
	pl->dim[0] = rows * lw->part_count;
	pl->offset += rows * lw->part_at * pl->stride[0];
	return pl;
}
