/* Matrix instructions: loaders, array and drain of one group. */
#include "runtime/sim/core.h"

#include <inttypes.h>

#include "runtime/sim/check.h"

static size_t
bank_of(const struct sim *s, const struct sim_queue *q, uint32_t aff,
    int64_t banks)
{
	if (banks <= 1 || aff == 0)
		return 0;
	int64_t b = aff_eval(&s->tables.aff[aff], q->idx, q->group->id) %
	    banks;

	return (size_t)(b < 0 ? b + banks : b);
}

static enum mac_class
mac_class(enum dtype t)
{
	size_t size = dtype_size(t);

	return size >= 4 ? MAC_F32 : size == 2 ? MAC_16 : MAC_I8;
}

static void
count_sram(struct sim_counters *n, enum space space, bool write,
    int64_t bytes)
{
	if (space == SPACE_WBUF)
		*(write ? &n->wbuf_write : &n->wbuf_read) += bytes;
	else if (space == SPACE_GBUF)
		*(write ? &n->gbuf_write : &n->gbuf_read) += bytes;
}

/* In timing-only runs nobody else keeps the extents. */
static void
set_extents(const struct sim *s, struct bank *b, int64_t rows, int64_t cols,
    enum dtype dtype)
{
	if (!s->options.timing_only)
		return;
	b->rows = rows;
	b->cols = cols;
	b->dtype = dtype;
}

static const char *
holds(struct sim *s, const struct bank *b, const char *what, int64_t rows,
    int64_t cols)
{
	if (rows == b->rows && cols == b->cols)
		return NULL;
	snprintf(s->why, sizeof s->why,
	    "%s holds %" PRId64 " x %" PRId64 ", not %" PRId64 " x %" PRId64,
	    what, b->rows, b->cols, rows, cols);
	return s->why;
}

static const char *
load(struct sim *s, struct sim_queue *q, const struct sim_insn *in,
    bool stationary)
{
	struct matrix *m = &q->mat;
	const struct view *v = &s->tables.view[in->desc];
	size_t b = bank_of(s, q, in->bank, s->target->lbuf_banks);
	struct bank_time *bt = stationary ? &m->v[b] : &m->h[b];
	struct bank *bank = stationary ? &m->vb[b] : &m->hb[b];
	int64_t *free_at = stationary ? &m->v_free : &m->h_free;
	bool ml = q->id == Q_ML;
	enum sim_unit unit = stationary ? (ml ? UNIT_ML_VLOAD : UNIT_VLOAD) :
				      (ml ? UNIT_ML_HLOAD : UNIT_HLOAD);
	const char *why = sim_tile_bounds(s, q, in->desc, in->m, in->k);

	if (why != NULL)
		return why;
	int64_t start = later(later(q->time, *free_at), bt->read);
	int64_t end = start + in->occupancy;

	*free_at = bt->written = end;
	sim_busy(s, q->group, unit, start, end, in->source);
	sim_complete(q, end);
	count_sram(sim_count(s, in), v->space, false, in->bytes);
	sim_count(s, in)->lbuf_bytes += in->bytes;
	if (s->check != NULL)
		check_view(s->check, q, in, false);
	if (!s->options.timing_only &&
	    !exec_ldlbuf(q->ex, v, q->idx, bank, in->m, in->k, stationary,
		&why))
		return why;
	set_extents(s, bank, stationary ? in->k : in->m,
	    stationary ? in->m : in->k, v->dtype);
	sim_next(s, q);
	return NULL;
}

const char *
step_LdLBUF_V(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	return load(s, q, in, true);
}

const char *
step_LdLBUF_H(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	return load(s, q, in, false);
}

/* ---- the array ---- */

static void
array_busy(struct sim *s, struct sim_queue *q, const struct sim_insn *in,
    int64_t start, int64_t end)
{
	int64_t more = sim_busy(s, q->group, UNIT_ARRAY, start, end,
	    in->source);

	q->stats.busy += more;
	sim_count(s, in)->array_busy += more;
}

static const char *
finish_shift(struct sim *s, struct sim_queue *q, const struct sim_insn *in,
    int64_t ready)
{
	struct matrix *m = &q->mat;
	struct sim_group *g = q->group;
	size_t b = bank_of(s, q, in->bank, s->target->lbuf_banks);
	int64_t shift = time_shift(s->target, in->k);
	int64_t start = array_shift(&g->array, s->target, ready, in->k);
	const char *why = NULL;

	g->array_owner = q->id;
	m->shift_k = in->k;
	m->shift_time = shift;
	m->v[b].read = later(m->v[b].read, start + shift);
	array_busy(s, q, in, start, start + shift);
	sim_complete(q, start + shift);
	sim_count(s, in)->lbuf_bytes += in->k * in->n *
	    (int64_t)dtype_size(m->vb[b].dtype);
	if (s->options.timing_only)
		set_extents(s, &q->ex->array.pe, in->k, in->n,
		    m->vb[b].dtype);
	else if (!exec_shift(q->ex, &m->vb[b], in->k, in->n, &why))
		return why;
	sim_next(s, q);
	return NULL;
}

static bool
is_first(const struct sim_queue *q, const struct sim_insn *in)
{
	return in->first == FIRST_ALWAYS || (in->first >= FIRST_LOOP(0) &&
	    q->idx[in->first - FIRST_LOOP(0)] == 0);
}

static void
count_gemm(struct sim *s, const struct sim_queue *q,
    const struct sim_insn *in, const struct bank *h, bool first)
{
	struct sim_counters *n = sim_count(s, in);
	int64_t sums = 4 * in->m * in->n;

	n->macs[mac_class(h->dtype)] += in->m * in->k * in->n;
	n->steady += time_exec_occupancy(s->target, in->m,
	    q->mat.shift_time);
	n->lbuf_bytes += in->m * in->k * (int64_t)dtype_size(h->dtype) +
	    sums + (first ? 0 : sums);
}

static const char *
finish_exec(struct sim *s, struct sim_queue *q, const struct sim_insn *in,
    int64_t ready)
{
	struct matrix *m = &q->mat;
	struct sim_group *g = q->group;
	struct bank *h = &m->hb[bank_of(s, q, in->bank,
	    s->target->lbuf_banks)];
	size_t ob = bank_of(s, q, in->obuf, s->target->obuf_banks);
	int64_t start = array_exec(&g->array, ready, in->m);
	int64_t end = start + time_stream_latency(s->target, in->m);
	bool first = is_first(q, in);
	const char *why = NULL;

	m->h[h - m->hb].read = later(m->h[h - m->hb].read, start + in->m);
	m->obuf[ob].written = later(m->obuf[ob].written, end);
	m->obuf[ob].started = start;
	array_busy(s, q, in, start, start + in->m);
	sim_complete(q, end);
	count_gemm(s, q, in, h, first);
	m->shift_time = 0;
	if (!s->options.timing_only &&
	    !exec_gemm(q->ex, h, &m->ob[ob], in->m, in->k, in->n, first,
		&why))
		return why;
	if (first)
		set_extents(s, &m->ob[ob], in->m, in->n, DT_F32);
	sim_next(s, q);
	return NULL;
}

/* When mx and ml share the array it is granted in order of simulated time,
 * mx first; each queue keeps its own banks and tile, and a tile that the other
 * queue displaced is shifted in again. */
const char *
sim_array_grant(struct sim *s, struct sim_queue *q,
    const struct sim_insn *in)
{
	struct sim_group *g = q->group;
	struct array_time a = g->array;
	bool exec = in->op == INSN_ExecGEMM;
	bool reload = exec && g->array_owner != q->id;
	int64_t start = exec && !reload ? array_exec(&a, q->time, in->m) :
	    array_shift(&a, s->target, q->time,
		reload ? q->mat.shift_k : in->k);

	if (start > s->now) {
		q->time = start;
		return NULL;
	}
	if (reload) {
		int64_t shift = time_shift(s->target, q->mat.shift_k);

		g->array = a;
		g->array_owner = q->id;
		array_busy(s, q, in, start, start + shift);
		if (q->mat.shift_time == 0)
			q->mat.shift_time = shift;
		return NULL;
	}
	q->state = QUEUE_READY;
	q->time = q->dispatch;
	return exec ? finish_exec(s, q, in, start) :
		      finish_shift(s, q, in, start);
}

static bool
ask_for_array(struct sim *s, struct sim_queue *q, int64_t ready)
{
	if (!s->shared_array)
		return false;
	q->dispatch = q->time;
	q->time = ready;
	q->state = QUEUE_GRANT;
	return true;
}

const char *
step_ShiftV(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	struct matrix *m = &q->mat;
	size_t b = bank_of(s, q, in->bank, s->target->lbuf_banks);
	const char *why = holds(s, &m->vb[b], "the bank of LBUF_V", in->k,
	    in->n);
	int64_t ready = later(q->time, m->v[b].written);

	if (why != NULL)
		return why;
	if (ask_for_array(s, q, ready))
		return NULL;
	return finish_shift(s, q, in, ready);
}

const char *
step_ExecGEMM(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	struct matrix *m = &q->mat;
	size_t h = bank_of(s, q, in->bank, s->target->lbuf_banks);
	size_t ob = bank_of(s, q, in->obuf, s->target->obuf_banks);
	bool first = is_first(q, in);
	const char *why = holds(s, &m->hb[h], "the bank of LBUF_H", in->m,
	    in->k);

	if (why == NULL)
		why = holds(s, &q->ex->array.pe, "the array", in->k, in->n);
	if (why == NULL && !first)
		why = holds(s, &m->ob[ob], "the bank of the OBUF", in->m,
		    in->n);
	if (why != NULL)
		return why;
	int64_t ready = later(later(q->time, m->h[h].written),
	    m->obuf[ob].read);

	if (!first)
		ready = later(ready,
		    m->obuf[ob].started + time_sum_latency(s->target));
	if (ask_for_array(s, q, ready))
		return NULL;
	return finish_exec(s, q, in, ready);
}

/* ---- the drain ---- */

static void
count_drain(struct sim *s, const struct sim_insn *in, bool store)
{
	struct sim_counters *n = sim_count(s, in);
	const struct view *v = &s->tables.view[in->desc];
	const struct epi *e = &s->tables.epi[in->epi];
	int64_t block = in->m * in->n;
	int64_t channels = v->flags & VIEW_TRANSPOSED ? in->m : in->n;

	count_sram(n, v->space, store,
	    block * (int64_t)dtype_size(v->dtype));
	n->lbuf_bytes += 4 * block;
	if (in->epi == 0)
		return;
	count_sram(n, e->res_space, false,
	    block * (int64_t)dtype_size(e->res_dtype));
	count_sram(n, e->scale.space, false,
	    channels * (int64_t)dtype_size(e->scale.dtype));
	count_sram(n, e->bias.space, false,
	    channels * (int64_t)dtype_size(e->bias.dtype));
}

static int64_t
use_drain(struct sim *s, struct sim_queue *q, const struct sim_insn *in,
    size_t ob)
{
	struct matrix *m = &q->mat;
	int64_t start = later(later(q->time, m->drain_free),
	    m->obuf[ob].written);
	int64_t end = start + in->occupancy;

	m->drain_free = end;
	m->obuf[ob].read = later(m->obuf[ob].read, end);
	sim_busy(s, q->group, q->id == Q_ML ? UNIT_ML_DRAIN : UNIT_DRAIN,
	    start, end, in->source);
	sim_complete(q, end);
	return end;
}

const char *
step_StLBUF(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	size_t ob = bank_of(s, q, in->obuf, s->target->obuf_banks);
	struct bank *bank = &q->mat.ob[ob];
	const char *why = holds(s, bank, "the bank of the OBUF", in->m,
	    in->n);

	if (why == NULL)
		why = sim_tile_bounds(s, q, in->desc, in->m, in->n);
	if (why == NULL)
		why = sim_epi_bounds(s, q, in->desc, in->epi, in->m, in->n);
	if (why != NULL)
		return why;
	use_drain(s, q, in, ob);
	count_drain(s, in, true);
	if (s->check != NULL)
		check_view(s->check, q, in, true);
	if (!s->options.timing_only &&
	    !exec_drain(q->ex, &s->tables.view[in->desc],
		&s->tables.epi[in->epi], q->idx, bank, in->m, in->n, &why))
		return why;
	sim_next(s, q);
	return NULL;
}

const char *
step_LdOBUF(struct sim *s, struct sim_queue *q, const struct sim_insn *in)
{
	size_t ob = bank_of(s, q, in->obuf, s->target->obuf_banks);
	struct bank *bank = &q->mat.ob[ob];
	const char *why = sim_tile_bounds(s, q, in->desc, in->m, in->n);

	if (why != NULL)
		return why;
	use_drain(s, q, in, ob);
	count_drain(s, in, false);
	if (s->check != NULL)
		check_view(s->check, q, in, false);
	if (!s->options.timing_only &&
	    !exec_ldobuf(q->ex, &s->tables.view[in->desc], q->idx, bank,
		in->m, in->n, &why))
		return why;
	set_extents(s, bank, in->m, in->n, DT_F32);
	sim_next(s, q);
	return NULL;
}
