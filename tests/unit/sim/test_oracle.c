/* The array, register by register, as a witness for runtime/sim/time.c. Each
 * cycle every PE is stepped; nothing here uses the closed forms except to
 * compare with what was measured.
 *
 * The machine: PE (r, c) holds a weight and, with double buffering, a shadow
 * weight. Weights shift down a column one row per cycle, column c c cycles
 * late. A shift starts at the top PE; each PE joins in the cycle after the one
 * above, so it follows on the heels of the data before it, and all stop
 * together. Moving rows enter at the left, row r of the array r cycles late,
 * and go right one PE per cycle with a valid bit and, on the first row after a
 * shift, a swap bit. Sums enter at the top, column c c cycles late, and go
 * down one PE per cycle: sum' = fma(a, w, sum) where data is valid, else they
 * pass. Below the last PE, delays of cols - 1 - c cycles line the columns up
 * and a whole row of sums is in the OBUF. A continued sum is taken from the
 * OBUF's column port, which sees a sum in the cycle after it left the last PE.
 */
#include <math.h>
#include <string.h>

#include "runtime/sim/time.h"
#include "tests/lib/unit.h"

#define MAX_PE 8
#define MAX_M 24
#define MAX_OPS 12
#define BANKS 2
#define HORIZON 2000

struct word { /* a moving value */
	bool valid, swap;
	float a;
};

struct sum {
	bool valid;
	int bank, row, op;
	float v;
};

struct oracle {
	int rows, cols;
	bool db, full;
	float weight[MAX_PE][MAX_PE], shadow[MAX_PE][MAX_PE];
	struct word data[MAX_PE][MAX_PE];
	struct sum sum[MAX_PE][MAX_PE];
	bool enable[MAX_PE][MAX_PE]; /* of the weight chain */
	/* Column ports of the OBUF: last value that left the column, and the
	 * operation it belongs to. */
	float obuf[BANKS][MAX_M][MAX_PE];
	int obuf_op[BANKS][MAX_M][MAX_PE];
};

struct op {
	bool exec;
	int k, n, m, bank;
	bool first;
	int64_t ready;
	float tile[MAX_PE][MAX_PE]; /* shift: k x n */
	float in[MAX_M][MAX_PE];    /* exec: m x k */
	float out[MAX_M][MAX_PE];   /* exec: what the FMA chains give */
	/* measured */
	int64_t start, last_sum;
};

struct script {
	int n;
	struct op op[MAX_OPS];
};

/* What enters at the edges in a cycle. */
struct edge {
	bool shift[MAX_PE], first[MAX_PE]; /* chain of column c: on, first
	                                      cycle */
	struct word left[MAX_PE]; /* row r, already skewed */
	struct sum top[MAX_PE];   /* column c, already skewed */
	float chain[MAX_PE];      /* weight entering column c */
};

static void
step_weights(struct oracle *o, const struct edge *e)
{
	bool enable[MAX_PE][MAX_PE];

	for (int r = 0; r < o->rows; r++)
		for (int c = 0; c < o->cols; c++)
			enable[r][c] = e->shift[c] && (r == 0 ||
			    (!e->first[c] && o->enable[r - 1][c]));
	/* bottom up: each takes what its upper neighbour held */
	for (int r = o->rows - 1; r >= 0; r--)
		for (int c = 0; c < o->cols; c++) {
			float (*w)[MAX_PE] = o->db ? o->shadow : o->weight;

			if (enable[r][c])
				w[r][c] = r > 0 ? w[r - 1][c] : e->chain[c];
		}
	memcpy(o->enable, enable, sizeof enable);
}

/* One clock edge. Registers take what their neighbours held before it. */
static void
step(struct oracle *o, const struct edge *e)
{
	struct word data[MAX_PE][MAX_PE];
	struct sum sum[MAX_PE][MAX_PE];

	for (int r = 0; r < o->rows; r++)
		for (int c = 0; c < o->cols; c++) {
			data[r][c] = c > 0 ? o->data[r][c - 1] : e->left[r];
			sum[r][c] = r > 0 ? o->sum[r - 1][c] : e->top[c];
			/* the swap comes with the first row of data and
			 * before the chain overwrites the shadow */
			if (data[r][c].swap && o->db)
				o->weight[r][c] = o->shadow[r][c];
			if (data[r][c].valid)
				sum[r][c].v = fmaf(data[r][c].a,
				    o->weight[r][c], sum[r][c].v);
		}
	memcpy(o->data, data, sizeof data);
	memcpy(o->sum, sum, sizeof sum);
	step_weights(o, e);
}

/* The controller: issues the operations of a script in order, each in the
 * first cycle in which the array can take it, by looking at the array's own
 * state. */
struct control {
	struct oracle *o;
	struct script *s;
	int64_t now;
	int next;             /* operation to start */
	const struct op *shift, *stream;
	int64_t shift_at, stream_at; /* their first cycles */
	bool pending;         /* a shifted tile waits for its swap */
	int tile_k;           /* rows of the tile in use */
	const struct op *tile;
	bool swap_rows;       /* the stream's first row swaps */
};

static int
shift_cycles(const struct oracle *o, const struct op *x)
{
	return o->full ? o->rows : x->k;
}

static bool
shifting(const struct control *c)
{
	return c->shift != NULL &&
	    c->now < c->shift_at + shift_cycles(c->o, c->shift);
}

static bool
streaming(const struct control *c)
{
	return c->stream != NULL && c->now < c->stream_at + c->stream->m;
}

/* Can the first continued sum enter the top of column 0 now? The one it
 * continues must have left that column, for every row in turn; rows follow
 * each other in both, so row 0 of the last operation on it decides, which
 * covers rows of others before. */
static bool
sums_there(const struct control *c, const struct op *x, int index)
{
	for (int i = index - 1; i >= 0 && !x->first; i--) {
		const struct op *p = &c->s->op[i];

		if (!p->exec || p->bank != x->bank)
			continue;
		return c->o->obuf_op[x->bank][0][0] == i;
	}
	return true;
}

static bool
can_start(const struct control *c, const struct op *x)
{
	if (c->now < x->ready)
		return false;
	if (x->exec)
		return !streaming(c) && !(c->pending && shifting(c)) &&
		    sums_there(c, x, c->next);
	if (shifting(c))
		return false;
	/* one set of registers: the rows before must be in; a shadow set: the
	 * tile before must be swapped in, a waiting one may be overwritten */
	return c->o->db || !streaming(c);
}

static void
start_ops(struct control *c)
{
	while (c->next < c->s->n) {
		struct op *x = &c->s->op[c->next];

		if (!can_start(c, x))
			return;
		x->start = c->now;
		c->next++;
		if (x->exec) {
			c->stream = x;
			c->stream_at = c->now;
			c->swap_rows = c->pending;
			c->pending = false;
		} else {
			c->shift = x;
			c->shift_at = c->now;
			c->pending = true;
		}
	}
}

/* Row r sees the controller's row t - r, column c its sum and weight t - c. */
struct past {
	const struct op *stream, *shift;
	int64_t row, step;
	bool swap;
	int index;
};

static void
remember(const struct control *c, struct past *p)
{
	memset(p, 0, sizeof *p);
	if (streaming(c)) {
		p->stream = c->stream;
		p->row = c->now - c->stream_at;
		p->swap = c->swap_rows && p->row == 0;
		p->index = (int)(c->stream - c->s->op);
	}
	if (shifting(c)) {
		p->shift = c->shift;
		p->step = c->now - c->shift_at;
	}
}

static void
feed_left(const struct oracle *o, const struct past *p, int64_t now,
    struct edge *e)
{
	for (int r = 0; r < o->rows && r <= now; r++) {
		const struct past *x = &p[now - r];

		if (x->stream == NULL)
			continue;
		e->left[r].valid = r < x->stream->k;
		e->left[r].swap = x->swap;
		if (e->left[r].valid)
			e->left[r].a = x->stream->in[x->row][r];
	}
}

static void
feed_top(const struct oracle *o, const struct past *p, int64_t now,
    struct edge *e)
{
	for (int c = 0; c < o->cols && c <= now; c++) {
		const struct past *x = &p[now - c];
		int len = x->shift != NULL ? shift_cycles(o, x->shift) : 0;
		int row = len - 1 - (int)x->step; /* last row first */

		e->shift[c] = x->shift != NULL;
		e->first[c] = x->shift != NULL && x->step == 0;
		if (x->shift != NULL && row < x->shift->k &&
		    c < x->shift->n)
			e->chain[c] = x->shift->tile[row][c];
		if (x->stream == NULL)
			continue;
		e->top[c] = (struct sum){ true, x->stream->bank,
			(int)x->row, x->index,
			x->stream->first ? 0.0f :
			    o->obuf[x->stream->bank][x->row][c] };
	}
}

/* A sum at the bottom goes to the column port now and into the lined-up row
 * cols - 1 - c cycles later. */
static void
collect(struct oracle *o, struct script *s, int64_t now)
{
	for (int c = 0; c < o->cols; c++) {
		struct sum *x = &o->sum[o->rows - 1][c];
		int64_t there = now + o->cols - 1 - c;

		if (!x->valid)
			continue;
		o->obuf[x->bank][x->row][c] = x->v;
		o->obuf_op[x->bank][x->row][c] = x->op;
		if (there > s->op[x->op].last_sum)
			s->op[x->op].last_sum = there;
		if (c < s->op[x->op].n &&
		    memcmp(&s->op[x->op].out[x->row][c], &x->v, 4) != 0)
			fail_msg("operation %d row %d column %d: %a, not %a",
			    x->op, x->row, c, (double)x->v,
			    (double)s->op[x->op].out[x->row][c]);
	}
}

static void
run_oracle(struct oracle *o, struct script *s)
{
	static struct past past[HORIZON];
	struct control c = { .o = o, .s = s };

	memset(o->obuf_op, -1, sizeof o->obuf_op);
	for (int64_t end = HORIZON; c.now < end; c.now++) {
		struct edge e = { 0 };

		start_ops(&c);
		if (c.next == s->n && end == HORIZON)
			end = c.now + MAX_M + 4 * MAX_PE;
		remember(&c, &past[c.now]);
		feed_left(o, past, c.now, &e);
		feed_top(o, past, c.now, &e);
		step(o, &e);
		/* what the registers hold now is there in the next cycle */
		collect(o, s, c.now + 1);
	}
	assert_int_equal(c.next, s->n);
}

/* ---- scripts ---- */

static float
number(uint64_t *seed)
{
	return (float)(int64_t)(unit_random(seed) % 2001 - 1000) / 64.0f;
}

static int
pick(uint64_t *seed, int lo, int hi)
{
	return lo + (int)(unit_random(seed) % (uint64_t)(hi - lo + 1));
}

static void
make_shift(uint64_t *seed, const struct oracle *o, struct op *x)
{
	x->k = pick(seed, 1, o->rows);
	x->n = pick(seed, 1, o->cols);
	for (int r = 0; r < x->k; r++)
		for (int c = 0; c < x->n; c++)
			x->tile[r][c] = number(seed);
}

/* m random rows, and what they give with the tile on top of prev's sums. */
static void
make_rows(uint64_t *seed, struct op *x, const struct op *tile,
    const struct op *prev, int m)
{
	x->exec = true;
	x->first = prev == NULL;
	x->m = m;
	for (int i = 0; i < m; i++)
		for (int r = 0; r < x->k; r++)
			x->in[i][r] = number(seed);
	for (int i = 0; i < m; i++)
		for (int c = 0; c < x->n; c++) {
			float v = prev == NULL ? 0.0f : prev->out[i][c];

			for (int r = 0; r < x->k; r++)
				v = fmaf(x->in[i][r], tile->tile[r][c], v);
			x->out[i][c] = v;
		}
}

/* Continues only whole blocks of sums that an operation before left. */
static void
make_exec(uint64_t *seed, struct script *s, int index, const struct op *tile)
{
	struct op *x = &s->op[index];
	const struct op *prev = NULL;

	int m = pick(seed, 1, pick(seed, 0, 1) ? MAX_M : 4);

	x->k = tile->k;
	x->n = tile->n;
	x->bank = pick(seed, 0, BANKS - 1);
	for (int i = 0; i < index; i++)
		if (s->op[i].exec && s->op[i].bank == x->bank)
			prev = &s->op[i];
	if (prev != NULL && (prev->n != x->n || pick(seed, 0, 1)))
		prev = NULL;
	make_rows(seed, x, tile, prev, prev != NULL ? prev->m : m);
}

static void
make_script(uint64_t *seed, const struct oracle *o, struct script *s)
{
	const struct op *tile = NULL;
	int64_t ready = 0;

	memset(s, 0, sizeof *s);
	s->n = pick(seed, 2, MAX_OPS);
	for (int i = 0; i < s->n; i++) {
		struct op *x = &s->op[i];

		if (tile == NULL || pick(seed, 0, 2) == 0) {
			make_shift(seed, o, x);
			tile = x;
		} else {
			make_exec(seed, s, i, tile);
		}
		if (pick(seed, 0, 3) == 0)
			ready += pick(seed, 0, 40);
		x->ready = ready;
	}
}

static struct oracle
make_oracle(uint64_t *seed, struct wave_target *t)
{
	struct oracle o = { .rows = pick(seed, 1, MAX_PE),
		.cols = pick(seed, 1, MAX_PE),
		.db = pick(seed, 0, 1),
		.full = pick(seed, 0, 1) };

	*t = (struct wave_target){ .rows = o.rows, .cols = o.cols,
		.weight_double_buffer = o.db, .shift_full = o.full };
	return o;
}

/* ---- comparisons ---- */

/* The state machine of time.c over the same script. */
static void
compare_script(const struct script *s, const struct wave_target *t)
{
	struct array_time a = { 0 };
	int64_t started[BANKS];

	for (int b = 0; b < BANKS; b++)
		started[b] = -t->rows;
	for (int i = 0; i < s->n; i++) {
		const struct op *x = &s->op[i];
		int64_t ready = x->ready, start;

		if (!x->exec) {
			start = array_shift(&a, t, ready, x->k);
			assert_int_equal(start, x->start);
			continue;
		}
		if (!x->first &&
		    started[x->bank] + time_sum_latency(t) > ready)
			ready = started[x->bank] + time_sum_latency(t);
		start = array_exec(&a, ready, x->m);
		assert_int_equal(start, x->start);
		assert_int_equal(start + time_stream_latency(t, x->m),
		    x->last_sum);
		started[x->bank] = start;
	}
}

/* Random sequences: starts, last sums and values. */
static void
test_sequences(void **state)
{
	uint64_t seed = 20240917;
	int configs[4] = { 0 };

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct wave_target t;
		static struct oracle o;
		static struct script s;

		o = make_oracle(&seed, &t);
		make_script(&seed, &o, &s);
		run_oracle(&o, &s);
		compare_script(&s, &t);
		configs[2 * o.db + o.full]++;
	}
	for (int i = 0; i < 4; i++)
		assert_true(configs[i] > 500);
}

/* Occupancy as ISA.md states it: the interval between equal waves. Latency:
 * from the start of the shift where it is not hidden. */
static void
test_occupancy(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct wave_target t;
		static struct oracle o;
		static struct script s;
		bool reuse = i % 2;

		o = make_oracle(&seed, &t);
		memset(&s, 0, sizeof s);
		make_shift(&seed, &o, &s.op[0]);
		s.n = 8;
		int m = pick(&seed, 1, MAX_M);

		for (int j = 1; j < s.n; j++) {
			struct op *x = &s.op[j];

			*x = s.op[0];
			if (reuse || j % 2 != 0)
				make_rows(&seed, x, &s.op[0], NULL, m);
		}
		run_oracle(&o, &s);
		int64_t shift = time_shift(&t, s.op[0].k);
		int gap = reuse ? 1 : 2;

		assert_int_equal(s.op[5 + gap].start - s.op[5].start,
		    time_exec_occupancy(&t, m, reuse ? 0 : shift));
		const struct op *x = &s.op[5];
		int64_t from = o.db || reuse ? x->start : s.op[4].start;

		assert_int_equal(x->last_sum - from,
		    time_exec_latency(&t, m, reuse ? 0 : shift));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_sequences),
		UNIT_TEST(test_occupancy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
