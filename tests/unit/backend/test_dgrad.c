/* Transposed convolutions by phases and by inserted zeros: both agree with the
 * reference evaluator, and with each other to the bit. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ir/text.h"
#include "tests/lib/compiled.h"
#include "tests/lib/unit.h"

struct shape {
	int spatial;
	int64_t n, ci, co, groups; /* co of one group */
	int64_t in[3], k[3], s[3], d[3], pb[3], pe[3], op[3];
	bool bound; /* the weight is an input, not a constant */
	bool bias, residual, relu;
	enum dtype dtype;
};

static void
add_list(struct strbuf *t, const char *key, const int64_t *v, int n)
{
	strbuf_addf(t, "%s = [", key);
	for (int i = 0; i < n; i++)
		strbuf_addf(t, "%s%" PRId64, i > 0 ? "," : "", v[i]);
	strbuf_add(t, "]");
}

static void
add_type(struct strbuf *t, const struct shape *s, int64_t a, int64_t b,
    const int64_t *v)
{
	strbuf_addf(t, "%s[%" PRId64 ",%" PRId64, dtype_name(s->dtype), a, b);
	for (int i = 0; i < s->spatial; i++)
		strbuf_addf(t, ",%" PRId64, v[i]);
	strbuf_add(t, "]");
}

/* False when nothing is left of the output. */
static bool
extents(const struct shape *s, int64_t *out)
{
	for (int i = 0; i < s->spatial; i++) {
		out[i] = (s->in[i] - 1) * s->s[i] - s->pb[i] - s->pe[i] +
		    s->d[i] * (s->k[i] - 1) + 1 + s->op[i];
		if (out[i] < 1)
			return false;
	}
	return true;
}

static void
add_weight(struct strbuf *t, const struct shape *s)
{
	int64_t n = s->ci * s->co;

	strbuf_add(t, s->bound ? "  input %w \"w\" : " : "  const %w : ");
	add_type(t, s, s->ci, s->co, s->k);
	for (int i = 0; i < s->spatial; i++)
		n *= s->k[i];
	for (int64_t i = 0; i < n && !s->bound; i++)
		strbuf_addf(t, "%s%g", i == 0 ? " = [" : ",",
		    (double)((i * 37 + 11) % 101 - 50) / 64);
	strbuf_add(t, s->bound ? "\n" : "]\n");
}

static const char *
text_of(struct unit *u, const struct shape *s)
{
	struct strbuf t = {0};
	int64_t out[3], co = s->co * s->groups;
	const char *text;

	if (!extents(s, out))
		return NULL;
	strbuf_add(&t, "wave.graph 1\ngraph \"g\" {\n  input %x \"x\" : ");
	add_type(&t, s, s->n, s->ci, s->in);
	strbuf_add(&t, "\n");
	if (s->residual) {
		strbuf_add(&t, "  input %r \"r\" : ");
		add_type(&t, s, s->n, co, out);
		strbuf_add(&t, "\n");
	}
	add_weight(&t, s);
	if (s->bias)
		strbuf_addf(&t, "  input %%b \"b\" : %s[%" PRId64 "]\n",
		    dtype_name(s->dtype), co);
	strbuf_addf(&t, "  %%y = conv_transpose %%x, %%w%s%s {",
	    s->bias ? ", %b" : s->residual ? ", _" : "",
	    s->residual ? ", %r" : "");
	add_list(&t, "strides", s->s, s->spatial);
	add_list(&t, ", dilations", s->d, s->spatial);
	add_list(&t, ", pads_begin", s->pb, s->spatial);
	add_list(&t, ", pads_end", s->pe, s->spatial);
	add_list(&t, ", output_pads", s->op, s->spatial);
	strbuf_addf(&t, ", groups = %" PRId64 "%s} : ", s->groups,
	    s->relu ? ", act = relu" : "");
	add_type(&t, s, s->n, co, out);
	strbuf_add(&t, "\n  output %y \"y\"\n}\n");
	text = arena_strdup(u->arena, t.data);
	strbuf_free(&t);
	return text;
}

static struct graph *
parse(struct unit *u, const char *text)
{
	struct graph *g = graph_parse(u->arena, &u->diag, "t.wgr", text,
	    strlen(text));

	if (g == NULL)
		fail_msg("%s\n%s", u->last, text);
	return g;
}

static struct eval_tensor *
random_inputs(struct unit *u, const struct graph *g)
{
	struct eval_tensor *in = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->inputs.len);
	uint64_t rng = 5;

	for (size_t i = 0; i < g->inputs.len; i++) {
		const struct tensor_type *t = &g->inputs.data[i]->type;
		size_t n = (size_t)type_elems(t);

		in[i].type = *t;
		in[i].data = arena_calloc(u->arena, n, dtype_size(t->dtype));
		for (size_t e = 0; e < n; e++)
			dtype_set(in[i].data, t->dtype, e,
			    (double)(unit_random(&rng) >> 40) / 8388608 - 1);
	}
	return in;
}

/* False when the machine is refused as too small. */
static bool
run(struct unit *u, const char *text, const struct compile_how *how,
    const struct eval_tensor *in, struct eval_tensor *out,
    struct run_stats *stats)
{
	struct run_how checked = {.check = true};
	struct compiled m;

	if (!compiled_make(u->arena, &u->diag, parse(u, text), how, &m))
		return false;
	if (!compiled_run(u->arena, &u->diag, &m, m.code, in, &checked, out,
	    stats))
		fail_msg("%s: %s\n%s", compile_name(u->arena, how), u->last,
		    text);
	return true;
}

/* Counts the shapes that were compared. */
static int
agrees(struct unit *u, const struct shape *s, const struct compile_how *how)
{
	const char *text = text_of(u, s);
	struct compile_how h[2] = {*how, *how};
	struct eval_tensor want, got[2], *in;
	struct eval_options eval = {.round = true};
	double *bound;
	bool fits[2];

	if (text == NULL)
		return 0;
	h[1].dgrad = DGRAD_ZEROS;
	in = random_inputs(u, parse(u, text));
	for (int i = 0; i < 2; i++)
		fits[i] = run(u, text, &h[i], in, &got[i], NULL);
	if (fits[0] != fits[1])
		fail_msg("%s: only one of phases and zeros fits\n%s",
		    compile_name(u->arena, how), text);
	if (!fits[0])
		return 0;
	if (!eval_graph(u->arena, &u->diag, parse(u, text), &eval, in, &want,
	    &bound))
		fail_msg("%s", u->last);
	for (size_t i = 0; i < (size_t)type_elems(&want.type); i++)
		if (!eval_within(dtype_get(want.data, s->dtype, i),
		    dtype_get(got[0].data, s->dtype, i), bound[i]))
			fail_msg("%s: element %zu\n%s", compile_name(u->arena,
			    how), i, text);
	if (memcmp(got[0].data, got[1].data, (size_t)type_elems(&want.type) *
	    dtype_size(s->dtype)) != 0)
		fail_msg("%s: phases and zeros differ\n%s",
		    compile_name(u->arena, how), text);
	return 1;
}

/* Every stride, kernel, dilation and padding along one axis. */
static void
all_of_one_axis(void **state)
{
	struct compile_how how = {.target = "tiny", .level = 2};
	int done = 0;

	for (int64_t i = 0; i < 4 * 5 * 3 * 3 * 2; i++) {
		struct unit u = *(struct unit *)*state;
		int64_t s = i % 4 + 1, d = i / 20 % 3 + 1;
		struct shape sh = {.spatial = 1, .n = 2, .ci = 3, .co = 5,
		    .groups = 1, .in = {7}, .k = {i / 4 % 5 + 1}, .s = {s},
		    .d = {d}, .pb = {i / 60 % 3}, .pe = {i / 120 % 2},
		    .op = {i / 180 % 2 * ((s > d ? s : d) - 1)},
		    .bound = i % 3 == 0, .bias = i % 2 == 0,
		    .dtype = DT_F32};

		u.arena = arena_new();
		done += agrees(&u, &sh, &how);
		arena_free(u.arena);
	}
	assert_true(done > 350); /* all that have an output */
}

static int64_t
pick(uint64_t *rng, int64_t from, int64_t to)
{
	return from + (int64_t)((unit_random(rng) >> 33) %
	    (uint64_t)(to - from + 1));
}

static void
random_shape(uint64_t *r, struct shape *s)
{
	memset(s, 0, sizeof *s);
	s->spatial = (int)pick(r, 1, 3);
	s->n = pick(r, 1, 3);
	s->groups = pick(r, 0, 2) == 0 ? pick(r, 2, 4) : 1;
	s->ci = s->groups * pick(r, 1, 5);
	s->co = pick(r, 1, 7);
	for (int i = 0; i < s->spatial; i++) {
		int64_t most;

		s->in[i] = pick(r, 1, s->spatial == 3 ? 4 : 9);
		s->k[i] = pick(r, 1, s->spatial == 3 ? 3 : 5);
		s->s[i] = pick(r, 1, 4);
		s->d[i] = pick(r, 0, 2) == 0 ? pick(r, 1, 3) : 1;
		s->pb[i] = pick(r, 0, 2);
		s->pe[i] = pick(r, 0, 2);
		most = s->s[i] > s->d[i] ? s->s[i] : s->d[i];
		s->op[i] = pick(r, 0, most - 1);
	}
	s->bound = pick(r, 0, 1);
	s->bias = pick(r, 0, 1);
	s->residual = pick(r, 0, 2) == 0;
	s->relu = pick(r, 0, 2) == 0;
	s->dtype = (enum dtype[]){DT_F32, DT_F16, DT_BF16}[pick(r, 0, 2)];
}

/* On several machines and with memories that force tiles. */
static void
random_shapes(void **state)
{
	static const char *const gbuf[] = {"", "gbuf_bytes=8192",
	    "gbuf_bytes=16384"};
	static const char *const wbuf[] = {"", "wbuf_bytes=4096"};
	uint64_t rng = 77;
	int done = 0;

	for (int i = 0; i < 400; i++) {
		struct unit u = *(struct unit *)*state;
		struct compile_how how = {.target = i % 4 == 3 ? "wavecore" :
		    "tiny", .level = i % 3};
		struct shape s;

		u.arena = arena_new();
		random_shape(&rng, &s);
		if (i % 4 != 3) {
			strcpy(how.set[0], gbuf[pick(&rng, 0, 2)]);
			strcpy(how.set[1], wbuf[pick(&rng, 0, 1)]);
		}
		done += agrees(&u, &s, &how);
		arena_free(u.arena);
	}
	assert_true(done > 320);
}

/* ---- where the two lowerings may differ, and in cost ---- */

static const char line[] = "wave.graph 1\ngraph \"g\" {\n"
    "  input %x \"x\" : f32[1,1,4]\n  input %w \"w\" : f32[1,1,3]\n"
    "  %y = conv_transpose %x, %w {strides = [2]} : f32[1,1,9]\n"
    "  output %y \"y\"\n}\n";

static const float *
run_line(struct unit *u, const float *x, const float *w, enum dgrad dgrad)
{
	struct graph *g = parse(u, line);
	struct eval_tensor in[2] = {
	    {.type = g->inputs.data[0]->type},
	    {.type = g->inputs.data[1]->type}};
	struct compile_how how = {.target = "tiny", .dgrad = dgrad};
	struct eval_tensor out;

	in[0].data = arena_memdup(u->arena, x, 4 * sizeof *x);
	in[1].data = arena_memdup(u->arena, w, 3 * sizeof *w);
	assert_true(run(u, line, &how, in, &out, NULL));
	return out.data;
}

/* A product below all numbers leaves -0, which an inserted zero's product
 * turns into +0. */
static void
only_zeros_signs_differ(void **state)
{
	static const float x[] = {-1e-30F, 1, -1e-30F, -1e-30F};
	static const float w[] = {1e-30F, 1e-30F, 1e-30F};
	const float *a = run_line(*state, x, w, DGRAD_PHASE);
	const float *b = run_line(*state, x, w, DGRAD_ZEROS);
	int differ = 0;

	for (int i = 0; i < 9; i++) {
		if (memcmp(&a[i], &b[i], sizeof *a) == 0)
			continue;
		differ++;
		assert_true(a[i] == 0 && b[i] == 0);
	}
	assert_true(differ > 0);
}

/* An infinite tap reaches only the outputs that meet it. */
static void
infinite_taps_stay_where_they_are(void **state)
{
	static const float x[] = {1, 2, 3, 4};
	static const float w[] = {1, INFINITY, 1};
	static const float want[] = {1, INFINITY, 3, INFINITY, 5, INFINITY, 7,
	    INFINITY, 4};
	const float *a = run_line(*state, x, w, DGRAD_PHASE);
	const float *b = run_line(*state, x, w, DGRAD_ZEROS);

	assert_memory_equal(a, want, sizeof want);
	assert_true(isnan(b[0]));
}

static void
phases_are_faster(void **state)
{
	struct unit *u = *state;
	struct shape s = {.spatial = 2, .n = 1, .ci = 16, .co = 16,
	    .groups = 1, .in = {12, 12}, .k = {3, 3}, .s = {2, 2},
	    .d = {1, 1}, .pb = {1, 1}, .pe = {1, 1}, .op = {1, 1},
	    .dtype = DT_F32};
	const char *text = text_of(u, &s);
	struct eval_tensor *in = random_inputs(u, parse(u, text));
	struct compile_how how = {.target = "tiny", .level = 2};
	struct run_stats fast, slow;
	struct eval_tensor out;

	assert_true(run(u, text, &how, in, &out, &fast));
	how.dgrad = DGRAD_ZEROS;
	assert_true(run(u, text, &how, in, &out, &slow));
	if (fast.cycles * 2 > slow.cycles)
		fail_msg("%" PRId64 " cycles, %" PRId64 " with zeros",
		    fast.cycles, slow.cycles);
}

/* More phases than are unrolled: zeros. */
static void
many_phases(void **state)
{
	struct compile_how how = {.target = "tiny", .level = 2};
	struct shape s = {.spatial = 2, .n = 1, .ci = 2, .co = 3, .groups = 1,
	    .in = {2, 3}, .k = {9, 9}, .s = {9, 8}, .d = {1, 1},
	    .dtype = DT_F32};

	assert_int_equal(agrees(*state, &s, &how), 1);
	s.s[0] = 8;
	assert_int_equal(agrees(*state, &s, &how), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(all_of_one_axis),
		UNIT_TEST(random_shapes),
		UNIT_TEST(only_zeros_signs_differ),
		UNIT_TEST(infinite_taps_stay_where_they_are),
		UNIT_TEST(phases_are_faster),
		UNIT_TEST(many_phases),
	};

	return cmocka_run_group_tests_name("backend/dgrad", tests, NULL,
	    NULL);
}
