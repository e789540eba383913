/* How long the matrix unit works on a contraction, as the machine's rules of
 * time say (isa/ISA.md): for choosing a schedule. */
#include "backend/contract.h"

#include "support/str.h"

int64_t
contract_even(int64_t total, int64_t limit)
{
	return limit >= total ? total : ceil_div(total,
	    ceil_div(total, limit));
}

int64_t
moving_limit(const struct wave_target *t, enum dtype dtype)
{
	int64_t m = t->block_m > 0 ? t->block_m : 1 << 20;
	int64_t row = t->rows * (int64_t)dtype_size(dtype);
	if (t->lbuf_h_bytes > 0)
		m = min64(m, t->lbuf_h_bytes / t->lbuf_banks / row);
	if (t->obuf_bytes > 0)
		m = min64(m, t->obuf_bytes / t->obuf_banks / (t->cols * 4));
	return m < 1 ? 1 : m;
}

/* The work on one OBUF block: waves of a moving tile and k rows of a
 * stationary one. */
struct block_shape {
	int64_t moving, still, k;
	enum partial_k partial_k;
	int64_t elem;  /* bytes of an operand */
	int64_t drain; /* bytes an output takes through the drain */
};

static int64_t
shift_of(const struct wave_target *t, int64_t k)
{
	return t->shift_full ? t->rows : k;
}

/* From the start of a wave to that of the next one, of k rows, as far as
 * shifting and streaming go: the occupancy of ExecGEMM. */
static int64_t
steady_interval(const struct wave_target *t, const struct block_shape *b,
    int64_t k)
{
	int64_t shift = shift_of(t, k);
	return t->weight_double_buffer ? max64(b->moving, shift) :
	    b->moving + shift;
}

/* The same with what else holds it up: its loads, and where it continues the
 * sums of the wave before, their way through the rows. */
static int64_t
real_interval(const struct wave_target *t, const struct block_shape *b,
    int64_t k, bool chained)
{
	int64_t time = steady_interval(t, b, k);
	if (t->lbuf_v_bw > 0)
		time = max64(time, ceil_div(k * b->still * b->elem,
		    t->lbuf_v_bw));
	if (t->lbuf_h_bw > 0)
		time = max64(time, ceil_div(k * b->moving * b->elem,
		    t->lbuf_h_bw));
	return chained ? max64(time, t->rows) : time;
}

static int64_t
steady_block(const struct wave_target *t, const struct block_shape *b)
{
	int64_t rest = b->k % t->rows;
	return b->k / t->rows * steady_interval(t, b, t->rows) +
	    (rest > 0 ? steady_interval(t, b, rest) : 0);
}

/* Blocks follow each other at the pace of the array, or of the OBUF banks: each
 * is taken from the first wave until its drain is done. */
static int64_t
real_block(const struct wave_target *t, const struct block_shape *b)
{
	int64_t full = b->k / t->rows, rest = b->k % t->rows, chain = 0;
	bool leads = rest > 0 && (full == 0 || b->partial_k == PARTIAL_FIRST);
	int64_t first = leads ? rest : t->rows;
	int64_t drain = t->drain_bw > 0 ? ceil_div(b->moving * b->still *
	    b->drain, t->drain_bw) : 0;
	if (!leads)
		full--; /* the first of the chain */
	if (full > 0)
		chain = full * real_interval(t, b, t->rows, true);
	if (rest > 0 && !leads)
		chain += real_interval(t, b, rest, true);
	int64_t turn = chain + b->moving + t->rows + t->cols - 2 + drain;
	int64_t pace = max64(chain + real_interval(t, b, first, false),
	    drain);
	return max64(pace, ceil_div(turn, t->obuf_banks));
}

/* What the waves load into the local buffers: both operands, k rows of each. */
static int64_t
operand_block(const struct wave_target *t, const struct block_shape *b)
{
	(void)t;
	return b->k * (b->moving + b->still) * b->elem;
}

static int64_t
all_blocks(const struct contract_work *w, int64_t (*block)(
    const struct wave_target *t, const struct block_shape *b))
{
	const struct wave_target *t = w->target;
	int64_t moving = w->pixels_stationary ? w->n : w->m;
	int64_t still = w->pixels_stationary ? w->m : w->n;
	int64_t step = contract_even(moving, moving_limit(t, w->dtype));
	int64_t sum = 0;
	for (int last = 0; last < 2; last++) {
		int64_t columns = last ? still % t->cols : t->cols;
		int64_t times = last ? columns > 0 : still / t->cols;
		struct block_shape b = {step, columns, w->k, w->partial_k,
		    (int64_t)dtype_size(w->dtype), w->drain};
		if (times == 0)
			continue;
		sum += times * (moving / step) * block(t, &b);
		b.moving = moving % step;
		if (b.moving > 0)
			sum += times * block(t, &b);
	}
	return sum;
}

int64_t
contract_steady(const struct contract_work *w)
{
	return all_blocks(w, steady_block);
}

int64_t
contract_time(const struct contract_work *w)
{
	return all_blocks(w, real_block);
}

int64_t
contract_operands(const struct contract_work *w)
{
	return all_blocks(w, operand_block);
}
