/* -fmbs=optimal: the better of two plans. The model by which groups are chosen
 * does not see all that the lowering meets, in buffers that hold less than a
 * sample of a layer least of all. Where the chosen groups gain little by it,
 * or that much is known, those by the rules of the paper are lowered as well,
 * and what the two schedules really move decides. */
#include "tools/driver.h"

#include "passes/train.h"

#define CLEAR .95 /* of the bytes of mbs2: less needs no second look */
#define ALIKE 1.0001 /* bytes that do not differ enough to decide */

/* Remarks on the second plan, said only if it is taken. */
struct kept {
	enum diag_level level;
	struct loc loc;
	bool has_loc;
	const char *text;
};

struct other {
	struct driver dr; /* with its own graph, options and schedule */
	VEC(struct kept) kept;
};

static void
keep(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct other *o = user;
	struct kept k = {.level = level, .has_loc = loc != NULL,
	    .text = arena_printf(o->dr.arena, "%s", text)};

	if (loc != NULL)
		k.loc = *loc;
	VEC_PUSH(o->dr.arena, &o->kept, k);
}

static void
say_kept(const struct other *o, const struct diag *d)
{
	for (size_t i = 0; i < o->kept.len; i++) {
		const struct kept *k = &o->kept.data[i];

		d->fn(d->user, k->level, k->has_loc ? &k->loc : NULL,
		    k->text);
	}
}

/* Whether the other plan may be the better one. */
static bool
is_doubtful(const struct driver *dr, const struct tile_cost *c)
{
	return dr->groups.tight || c->dram > CLEAR * dr->groups.greedy;
}

/* The step as -fmbs=mbs2 has it; false when it cannot be lowered, for whatever
 * reason. */
static bool
lower_other(struct other *o, const struct driver *dr)
{
	struct driver *x = &o->dr;

	x->diag = (struct diag){.fn = keep, .user = o};
	x->o.diag = &x->diag;
	x->o.train.mbs.variant = MBS_2;
	x->o.passes.print_after.len = 0;
	x->o.passes.print_after_all = x->o.passes.print_changed = false;
	x->o.passes.time = false;
	x->graph = dr->plain;
	if (!driver_serialize_batch(x) ||
	    !train_step(x->graph, &x->diag, &x->train_options) ||
	    !driver_run_passes(x, x->graph))
		return false;
	x->tile = driver_lower(x, x->graph);
	return x->tile != NULL;
}

/* Time of p's DRAM and array, one after the other, in cycles. */
static double
cycles(const struct tile_program *p, const struct tile_cost *c)
{
	const struct wave_target *t = p->target;
	double bw = t->dram_bw / t->clock_hz / (double)p->groups;

	return c->array + (bw > 0 ? c->dram / bw : 0);
}

/* Whether dr's schedule, of cost a, is at least as good as the other, of cost
 * b: for least traffic it must move no more, either. */
static bool
is_better(const struct driver *dr, const struct tile_cost *a,
    const struct tile_program *other, const struct tile_cost *b)
{
	if (dr->o.train.mbs.objective == MBS_TRAFFIC &&
	    a->dram > ALIKE * b->dram)
		return false;
	return cycles(dr->tile, a) <= cycles(other, b);
}

static void
remark(struct driver *dr, const struct tile_cost *taken,
    const struct tile_cost *left)
{
	diag_remark(&dr->diag, NULL, "mbs: groups by the paper's rules turn "
	    "out better and are taken: %.3f GB and %.3f M cycles of the "
	    "array, not %.3f GB and %.3f M cycles", taken->dram / 1e9,
	    taken->array / 1e6, left->dram / 1e9, left->array / 1e6);
}

bool
driver_choose(struct driver *dr)
{
	struct tile_cost mine, its;
	struct other o = {.dr = *dr};

	if (dr->plain == NULL)
		return false;
	mine = tile_cost(dr->tile);
	if (!is_doubtful(dr, &mine))
		return false;
	driver_say(dr, "lower with groups by the paper's rules");
	if (!lower_other(&o, dr))
		return false;
	its = tile_cost(o.dr.tile);
	if (is_better(dr, &mine, o.dr.tile, &its))
		return false;
	dr->graph = o.dr.graph;
	dr->tile = o.dr.tile;
	dr->weights = o.dr.weights;
	if (driver_wants_groups(dr))
		remark(dr, &its, &mine);
	say_kept(&o, &dr->diag);
	return true;
}
