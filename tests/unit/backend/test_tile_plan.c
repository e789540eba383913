/* The memory planner: what is alive at the same time never shares bytes. */
#include "backend/tile_plan.h"

#include <stdio.h>
#include <string.h>

#include "backend/tile_near.h"
#include "support/target.h"
#include "tests/lib/tile_elems.h"
#include "tests/lib/tile_gen.h"
#include "tests/lib/unit.h"

/* One version of a buffer as it lives: from the first to the last step in which
 * an element of it is touched. */
struct alive {
	const struct tile_buffer *buffer;
	int64_t turn; /* iteration of the scope */
	int64_t version;
	size_t first, last;
};

struct survey {
	struct arena *a;
	VEC(struct alive) alive;
	const int64_t *idx;
	size_t step;
};

static int64_t
turn_of(const struct tile_buffer *b, const int64_t *idx)
{
	int64_t n = 0, weight = 1;

	for (const struct tile_loop *l = b->scope; l != NULL; l = l->parent) {
		n += idx[l->depth] * weight;
		weight *= l->count;
	}
	return n;
}

static void
note(void *user, struct place at, int64_t size, bool write)
{
	struct survey *s = user;
	struct alive fresh = { at.buffer, 0, at.version, s->step, s->step };

	(void)size;
	(void)write;
	if (at.buffer == NULL || (at.buffer->space != SPACE_DRAM &&
				     at.buffer->space != SPACE_GBUF &&
				     at.buffer->space != SPACE_WBUF))
		return;
	fresh.turn = turn_of(at.buffer, s->idx);
	for (size_t i = s->alive.len; i-- > 0;) {
		struct alive *x = &s->alive.data[i];
		if (x->buffer == at.buffer && x->turn == fresh.turn) {
			x->last = s->step;
			return;
		}
	}
	VEC_PUSH(s->a, &s->alive, fresh);
}

static void
one_step(void *user, struct tile_node *n, const int64_t *idx)
{
	struct survey *s = user;

	s->idx = idx;
	tile_elems(n->insn, idx, note, s);
	s->step++;
}

static int64_t
address(const struct alive *x)
{
	return x->buffer->address + x->version * x->buffer->pitch;
}

static void
check_apart(const struct alive *x, const struct alive *y, uint64_t seed)
{
	if (x->buffer->space != y->buffer->space || x->first > y->last ||
	    y->first > x->last)
		return;
	if (address(x) < address(y) + y->buffer->bytes &&
	    address(y) < address(x) + x->buffer->bytes)
		fail_msg("seed %d: %%b%u and %%b%u share bytes", (int)seed,
		    x->buffer->id, y->buffer->id);
}

static void
check_plan(const struct tile_program *p, uint64_t seed)
{
	struct survey s = { .a = arena_new() };

	tile_steps(p, one_step, &s);
	for (size_t i = 0; i < s.alive.len; i++) {
		const struct alive *x = &s.alive.data[i];
		int64_t end = address(x) + x->buffer->bytes;
		for (size_t k = 0; k < i; k++)
			check_apart(x, &s.alive.data[k], seed);
		assert_true(address(x) >= 0 && address(x) % 64 == 0);
		assert_true(end <= (x->buffer->space == SPACE_DRAM ?
		    p->dram_used : x->buffer->space == SPACE_GBUF ?
		    p->gbuf_used : p->wbuf_used));
	}
	arena_free(s.a);
}

static void
live_buffers_are_apart(void **state)
{
	struct unit *u = *state;
	int reused = 0;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct arena *a = arena_new();
		struct wave_target t;
		struct tile_program *p;
		int64_t sum = 0;

		tile_gen_target(&t);
		p = tile_gen(a, &t, seed, 4 + (int)(seed % 24));
		assert_true(tile_plan(p, &u->diag));
		check_plan(p, seed);
		for (t.gbuf_bytes = 64; !tile_plan(p, &u->diag);)
			t.gbuf_bytes += 64;
		assert_true(p->gbuf_used <= t.gbuf_bytes);
		check_plan(p, seed);
		for (size_t i = 0; i < p->buffers.len; i++) {
			if (p->buffers.data[i]->space == SPACE_GBUF)
				sum += p->buffers.data[i]->pitch *
				    p->buffers.data[i]->depth;
		}
		reused += p->gbuf_used < sum;
		arena_free(a);
	}
	assert_true(reused > 50);
}

/* ---- single rules ---- */

struct bench {
	struct wave_target t;
	struct tile_program *p;
};

static void
start(struct unit *u, struct bench *b)
{
	target_defaults(&b->t, "bench");
	b->p = tile_new(u->arena, &b->t);
}

static struct tile_buffer *
gbuf(struct bench *b, const char *name, int64_t bytes, int depth)
{
	return tile_buffer(b->p, name, SPACE_GBUF, bytes, depth, b->p->cur);
}

/* Loads all of a buffer. */
static void
load(struct bench *b, struct tile_buffer *from, struct tile_buffer *to)
{
	struct tile_dma *m = tile_emit(b->p, TILE_LOAD, Q_LD)->dma;

	m->d.dram_dtype = m->d.chip_dtype = DT_U8;
	m->d.rank = 1;
	m->d.dim[0] = (struct dma_dim){ to->bytes, 1, 1, 0, 0 };
	m->dram = taff(from, 0);
	m->chip = taff(to, 0);
}

/* Reads and writes with the vector unit. */
static void
copy(struct bench *b, struct tile_buffer *from, struct tile_buffer *to)
{
	struct tile_vec *v = tile_emit(b->p, TILE_MAP, Q_VE)->vec;

	v->v.func = VF_copy;
	v->v.rank = 1;
	v->v.size[0] = to->bytes < from->bytes ? to->bytes : from->bytes;
	v->v.dst.dtype = v->v.src[0].dtype = DT_U8;
	v->v.dst.stride[0] = v->v.src[0].stride[0] = 1;
	v->dst = taff(to, 0);
	v->src[0] = taff(from, 0);
}

static struct tile_buffer *
input(struct bench *b, int64_t bytes)
{
	struct tile_buffer *x = tile_buffer(b->p, "in", SPACE_DRAM, bytes, 1,
	    NULL);

	x->role = ROLE_INPUT;
	x->bind_name = "in";
	x->dtype = DT_U8;
	return x;
}

/* A chain: each buffer dies when the next is made. */
static void
a_chain_needs_two_places(void **state)
{
	struct unit *u = *state;
	struct bench b;
	struct tile_buffer *last, *next;

	start(u, &b);
	last = gbuf(&b, "0", 1000, 1);
	load(&b, input(&b, 1000), last);
	for (int i = 1; i < 10; i++) {
		next = gbuf(&b, "n", 1000, 1);
		copy(&b, last, next);
		last = next;
	}
	assert_true(tile_plan(b.p, &u->diag));
	assert_int_equal(b.p->gbuf_used, 2 * 1024);
}

/* Loads into the second nest may run while the first still computes, when
 * there is room. */
static void
loads_run_ahead_where_it_fits(void **state)
{
	struct unit *u = *state;
	struct bench b;
	struct tile_buffer *x, *in, *tmp[2], *w[2];

	start(u, &b);
	in = input(&b, 1024);
	x = gbuf(&b, "x", 64, 1);
	load(&b, in, x);
	for (int i = 0; i < 2; i++) {
		tile_loop_open(b.p, "y", 4);
		w[i] = gbuf(&b, "w", 512, 2);
		tmp[i] = gbuf(&b, "tmp", 1024, 1);
		load(&b, in, w[i]);
		copy(&b, w[i], tmp[i]);
		copy(&b, tmp[i], x);
		tile_loop_close(b.p);
	}
	assert_true(tile_plan(b.p, &u->diag));
	/* w of the second nest beside w and tmp of the first */
	assert_int_equal(b.p->gbuf_used, 64 + 1024 + 1024 + 1024);
	assert_int_not_equal(w[0]->address, w[1]->address);
	b.t.gbuf_bytes = 64 + 1024 + 1024;
	assert_true(tile_plan(b.p, &u->diag));
	assert_int_equal(b.p->gbuf_used, b.t.gbuf_bytes);
}

static bool
meet(const struct tile_item *x, int64_t at, const struct tile_item *y,
    bool ahead)
{
	return tile_near_together(&x->life, &y->life, ahead) && at <
	    y->address + y->size && y->address < at + x->size;
}

/* By definition: the first address at which x meets none of n others. */
static int64_t
lowest_of(const struct tile_item *items, size_t n, const struct tile_item *x,
    bool ahead)
{
	for (int64_t at = 0;; at++) {
		size_t i = 0;

		while (i < n && (&items[i] == x ||
		    !meet(x, at, &items[i], ahead)))
			i++;
		if (i == n)
			return at;
	}
}

/* The index finds what a look at all items does, for short and long lives. */
static void
near_items_are_all_that_matter(void **state)
{
	enum { N = 300, END = 5000 };
	struct unit *u = *state;
	uint64_t r = 1;

	for (int round = 0; round < 20; round++) {
		struct tile_item items[N];
		struct tile_near *t;

		memset(items, 0, sizeof items);
		for (size_t i = 0; i < N; i++) {
			struct tile_life *l = &items[i].life;
			uint32_t span = unit_random(&r) % 8 == 0 ? END : 60;

			l->early = (uint32_t)(unit_random(&r) % END);
			l->first = l->early +
			    (uint32_t)(unit_random(&r) % 40);
			l->last = l->first +
			    (uint32_t)(unit_random(&r) % span);
			l->used = true;
			l->queues = (unsigned)(unit_random(&r) % 7 + 1);
			l->ahead_of = ~(1u << unit_random(&r) % 3);
			items[i].size = 1 + (int64_t)(unit_random(&r) % 20);
		}
		t = tile_near_new(u->arena, items, N);
		for (size_t i = 0; i < N; i++) {
			bool ahead = unit_random(&r) % 2 == 0;
			int64_t at = tile_near_lowest(t, &items[i], ahead);

			assert_int_equal(at,
			    lowest_of(items, i, &items[i], ahead));
			items[i].address = at;
			tile_near_add(t, &items[i]);
		}
		for (size_t i = 0; i < N; i++) {
			struct tile_item *x = &items[i];
			int64_t at = lowest_of(items, N, x, true);
			bool apart = true;

			for (size_t k = 0; k < N; k++)
				apart = apart && (k == i ||
				    !meet(x, x->address, &items[k], true));
			assert_int_equal(tile_near_apart(t, x), apart);
			assert_int_equal(tile_near_lowest(t, x, true), at);
			tile_near_move(t, x, at);
		}
	}
}

/* A nest in which the array works and x is read last. */
static void
array_nest(struct bench *b, struct tile_buffer *x, struct tile_buffer *out)
{
	struct tile_insn *in;

	tile_loop_open(b->p, "m", 4);
	in = tile_emit(b->p, TILE_SHIFT, Q_MX);
	in->mx.lbuf_v = tile_buffer(b->p, "v", SPACE_LBUF_V, 1, 2, b->p->cur);
	copy(b, x, out);
	tile_loop_close(b->p);
}

/* With overlap, what the vector unit makes behind a nest of the array lies
 * beside what that nest reads, when there is room. */
static void
vector_unit_runs_ahead_with_overlap(void **state)
{
	struct unit *u = *state;

	for (int k = 0; k < 4; k++) {
		bool overlap = k > 1, room = k % 2 == 1;
		struct bench b;
		struct tile_buffer *x, *y, *z, *in;

		start(u, &b);
		b.p->overlap = overlap;
		in = input(&b, 256);
		x = gbuf(&b, "x", 256, 1);
		y = gbuf(&b, "y", 64, 1);
		load(&b, in, x);
		load(&b, in, y);
		array_nest(&b, x, y);
		z = gbuf(&b, "z", 256, 1);
		copy(&b, y, z);
		b.t.gbuf_bytes = room ? 64 + 2 * 256 : 64 + 256;
		assert_true(tile_plan(b.p, &u->diag));
		assert_int_equal(x->address != z->address, overlap && room);
	}
}

/* So does what is small, a 256th of the memory, without overlap. */
static void
small_results_run_ahead(void **state)
{
	struct unit *u = *state;

	for (int64_t size = 256; size <= 512; size += 256) {
		struct bench b;
		struct tile_buffer *x, *y, *z, *in;

		start(u, &b);
		in = input(&b, size);
		x = gbuf(&b, "x", size, 1);
		y = gbuf(&b, "y", size, 1);
		load(&b, in, x);
		load(&b, in, y);
		array_nest(&b, x, y);
		z = gbuf(&b, "z", size, 1);
		copy(&b, y, z);
		b.t.gbuf_bytes = 65536;
		assert_true(tile_plan(b.p, &u->diag));
		assert_int_equal(x->address != z->address, size == 256);
	}
}

static void
an_overflow_names_who_is_alive(void **state)
{
	struct unit *u = *state;
	struct bench b;
	struct tile_buffer *in, *one, *two;
	struct wave_op op = { "conv1.y", "Conv", "forward", "m", 0, 0 };

	start(u, &b);
	VEC_PUSH(u->arena, &b.p->ops, op);
	in = input(&b, 4096);
	one = gbuf(&b, "weights", 4096, 1);
	two = gbuf(&b, "conv1.in", 2048, 1);
	load(&b, in, one);
	copy(&b, one, two);
	b.t.gbuf_bytes = 5000;
	assert_false(tile_plan(b.p, &u->diag));
	unit_expect_error(u, "conv1.y: error: gbuf is too small: 6144 bytes "
	    "needed, 5000 there; alive: weights (4096), conv1.in (2048)");
	b.t.gbuf_bytes = 6144;
	assert_true(tile_plan(b.p, &u->diag));
	b.t.dram_bytes = 4000;
	assert_false(tile_plan(b.p, &u->diag));
	unit_expect_error(u, "dram is too small");
}

/* Local tiles take the banks in turn: one more at a time than there are banks
 * would overwrite the first. */
static void
banks_hold_one_buffer_each(void **state)
{
	static const char *const name[] = { "a", "b", "c" };
	struct unit *u = *state;
	struct tile_insn *in[3];
	struct bench b;

	start(u, &b);
	tile_loop_open(b.p, "k", 4);
	for (int i = 0; i < 3; i++) {
		in[i] = tile_emit(b.p, TILE_SHIFT, Q_MX);
		in[i]->mx.lbuf_v = tile_buffer(b.p, name[i], SPACE_LBUF_V, 1,
		    2, b.p->cur);
	}
	tile_emit(b.p, TILE_SHIFT, Q_MX)->mx.lbuf_v = in[1]->mx.lbuf_v;
	assert_true(tile_plan(b.p, &u->diag));
	b.t.lbuf_banks = 1;
	assert_false(tile_plan(b.p, &u->diag));
	unit_expect_error(u, "%b1 'b' and %b2 'c' are in lbuf_v at the same "
	    "time");
	b.t.lbuf_banks = 2;
	tile_emit(b.p, TILE_SHIFT, Q_MX)->mx.lbuf_v = in[0]->mx.lbuf_v;
	assert_false(tile_plan(b.p, &u->diag));
	unit_expect_error(u, "%b0 'a' and %b2 'c' are in lbuf_v at the same "
	    "time");
}

/* Another loop's iterations take more turns than its one buffer tells. */
static void
banks_turn_in_one_loop(void **state)
{
	struct unit *u = *state;
	struct tile_insn *in;
	struct bench b;

	start(u, &b);
	tile_loop_open(b.p, "m", 4);
	in = tile_emit(b.p, TILE_SHIFT, Q_MX);
	in->mx.lbuf_v = tile_buffer(b.p, "a", SPACE_LBUF_V, 1, 2, b.p->cur);
	tile_loop_open(b.p, "k", 4);
	tile_emit(b.p, TILE_SHIFT, Q_MX)->mx.lbuf_v = tile_buffer(b.p, "b",
	    SPACE_LBUF_V, 1, 2, b.p->cur);
	tile_loop_close(b.p);
	assert_true(tile_plan(b.p, &u->diag));
	tile_emit(b.p, TILE_SHIFT, Q_MX)->mx.lbuf_v = in->mx.lbuf_v;
	assert_false(tile_plan(b.p, &u->diag));
	unit_expect_error(u, "%b0 'a' and %b1 'b' are in lbuf_v at the same "
	    "time");
}

static struct tile_buffer *
constant(struct bench *b, const char *text)
{
	struct tile_buffer *x = tile_buffer(b->p, text, SPACE_DRAM,
	    (int64_t)strlen(text) + 1, 1, NULL);

	x->role = ROLE_CONST;
	x->data = text;
	return x;
}

static void
equal_constants_are_stored_once(void **state)
{
	struct unit *u = *state;
	struct bench b;
	struct tile_buffer *x[4];
	char again[] = "same bytes";
	struct tile_syncs none = { 0 };
	struct wave_program *code;

	start(u, &b);
	x[0] = constant(&b, "same bytes");
	x[1] = constant(&b, "other data");
	x[2] = constant(&b, again);
	x[3] = constant(&b, "same bytes too");
	input(&b, 10);
	assert_true(tile_plan(b.p, &u->diag));
	assert_int_equal(x[0]->address, x[2]->address);
	assert_int_equal(b.p->dram_used, 4 * 64);
	code = tile_codegen(b.p, &u->diag, &none);
	assert_non_null(code);
	assert_int_equal(code->data.size, x[3]->address + x[3]->bytes);
	for (int i = 0; i < 4; i++)
		assert_string_equal(code->data.data + x[i]->address,
		    x[i]->name);
}

/* Slices of groups: one stride for all temporaries of a group, and nothing
 * that groups share is used twice. */
static void
groups_keep_to_their_slices(void **state)
{
	struct unit *u = *state;
	struct bench b;
	struct tile_buffer *t[4], *g;

	start(u, &b);
	b.p->groups = 3;
	g = gbuf(&b, "g", 100, 1);
	for (int i = 0; i < 4; i++) {
		struct tile_dma *m;
		t[i] = tile_buffer(b.p, "t", SPACE_DRAM, 100 * (i + 1), 1,
		    NULL);
		t[i]->per_group = i < 2;
		load(&b, t[i], g);
		m = tile_emit(b.p, TILE_STORE, Q_ST)->dma;
		m->d.rank = 1;
		m->d.dram_dtype = m->d.chip_dtype = DT_U8;
		m->d.dim[0] = (struct dma_dim){ 100, 1, 1, 0, 0 };
		m->dram = taff(t[i], 0);
		m->chip = taff(g, 0);
	}
	assert_true(tile_plan(b.p, &u->diag));
	assert_int_equal(t[0]->address, t[1]->address);
	assert_int_equal(t[0]->group_stride, 256);
	assert_int_equal(t[1]->group_stride, 256);
	assert_int_not_equal(t[2]->address, t[3]->address);
	assert_int_equal(b.p->dram_used, 320 + 448 + 3 * 256);
}

/* Two buffers one after the other at one place: the second moves where its
 * load may start while the first is alive, if there is room. */
static void
buffers_move_to_start_earlier(void **state)
{
	struct unit *u = *state;

	for (int64_t limit = 12; limit <= 20; limit += 8) {
		struct tile_item items[2] = {
			{.size = 10, .life = {.used = true, .last = 9,
			    .queues = 1u << Q_VE}},
			{.size = 10, .life = {.used = true, .first = 10,
			    .last = 19, .early = 5,
			    .queues = 1u << Q_LD | 1u << Q_VE,
			    .ahead_of = ~(1u << Q_LD)}}};

		tile_fit_earlier(u->arena, items, 2, limit);
		assert_int_equal(items[0].address, 0);
		assert_int_equal(items[1].address, limit == 20 ? 10 : 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(live_buffers_are_apart),
		UNIT_TEST(a_chain_needs_two_places),
		UNIT_TEST(loads_run_ahead_where_it_fits),
		UNIT_TEST(near_items_are_all_that_matter),
		UNIT_TEST(vector_unit_runs_ahead_with_overlap),
		UNIT_TEST(small_results_run_ahead),
		UNIT_TEST(buffers_move_to_start_earlier),
		UNIT_TEST(an_overflow_names_who_is_alive),
		UNIT_TEST(banks_hold_one_buffer_each),
		UNIT_TEST(banks_turn_in_one_loop),
		UNIT_TEST(equal_constants_are_stored_once),
		UNIT_TEST(groups_keep_to_their_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
