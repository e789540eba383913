/* The text form: round trips, errors with their places, hostile input. */
#include "ir/text.h"
#include "tests/lib/graphs.h"
#include "tests/lib/unit.h"

#include <stdio.h>
#include <string.h>

/* Prints, parses, prints: the same bytes. */
static void
assert_round_trip(struct lab *l, const struct graph *g)
{
	struct strbuf a = {0}, b = {0};
	struct graph *h;

	graph_print(&a, g, true);
	h = graph_parse(l->arena, &l->diag, "printed", a.data, a.len);
	if (h == NULL)
		fail_msg("%s\n%s", lab_log(l), a.data);
	assert_true(graph_verify(h, &l->diag, "parse"));
	graph_print(&b, h, true);
	assert_string_equal(a.data, b.data);
	strbuf_free(&a);
	strbuf_free(&b);
}

/* Gives every float attribute a value that needs all its digits. */
static void
spread_floats(struct graph *g)
{
	static const double values[] = {0.1, 1e-7, 1 / 3.0, -2.5e300};
	size_t k = 0;

	graph_foreach_node(g, n)
		for (int i = 0; i < n->nattrs; i++)
			if (attr_kind(n->attrs[i].id) == ATTR_FLOAT)
				node_set_float(g, n, n->attrs[i].id,
				    values[k++ % 4]);
}

static void
test_every_op(void **state)
{
	(void)state;
	for (int i = OP_NONE + 1; i < OP_COUNT; i++) {
		struct graph *g;
		struct lab l;

		lab_open(&l);
		g = lab_sample(&l, (enum op)i);
		assert_non_null(g);
		assert_round_trip(&l, g);
		spread_floats(g);
		g->first->loc = (struct loc){.file = "m\"o\\d\n.onnx",
		    .node = "node 'x' (Y)"};
		g->first->phase = "backward";
		value_set_name(g, g->first->out[0], "a \"name\"\t\x01\xc3\xa4");
		assert_round_trip(&l, g);
		g->first->loc = (struct loc){.file = "model.net", .line = 7,
		    .col = 12};
		assert_round_trip(&l, g);
		g->first->loc = (struct loc){.node = "node only"};
		assert_round_trip(&l, g);
		VEC_PUSH(g->arena, &g->groups,
		    ((struct layer_group){.sub_batch = 3}));
		VEC_PUSH(g->arena, &g->groups,
		    ((struct layer_group){.sub_batch = 16}));
		g->free_groups = i % 2 == 1;
		g->first->group = 2;
		for (int k = 0; k < g->first->nout; k++) {
			g->first->out[k]->keep = (enum keep)((i + k) % 4);
			g->first->out[k]->rebuild = i % 3 == 0;
		}
		assert_round_trip(&l, g);
		lab_close(&l);
	}
}

static const char whole[] =
    "wave.graph 1\n"
    "graph \"lenet\" groups [1,4] {\n"
    "  input  %0 \"input\" : f32[1,1,28,28]\n"
    "  const  %1 \"w\" : f32[6,1,5,5] = splat 0.1\n"
    "  const  %2 : f32[2] = [1,nan] @ \"m.onnx\" \"initializer 'b'\"\n"
    "  const  %3 : f32[2] = hex \"0000803f0100c07f\"\n"
    "  const  %4 : i64[3] = [-9223372036854775808,0,9223372036854775807]\n"
    "  const  %5 : u64[2] = hex \"ffffffffffffffff0000000000000000\"\n"
    "  const  %6 : bool[0,3] = zero\n"
    "  const  %7 : f16[17] = splat -inf\n"
    "  state  %8 \"p\" trainable : f32[1,6,12,12] = zero\n"
    "  state  %9 : bf16[3] = none\n"
    "  %10 \"conv1\" = conv %0, %1 {strides = [2,2], act = relu}"
    " : f32[1,6,12,12] @ \"model.onnx\" \"node 'conv1' (Conv)\"\n"
    "  %11 = add %10, %8 : f16[1,6,12,12] phase \"update\" group 2"
    " keep \"dram rebuild\""
    " @ \"a.net\":3:14\n"
    "  %12 = cast %11 {to = f32} : f32[1,6,12,12]\n"
    "  %13 = mul %3, %2 : f32[2]\n"
    "  assign %8 := %12\n"
    "  assign %9 := %9\n"
    "  output %12 \"output\"\n"
    "  output %13 \"\"\n"
    "  output %4 \"o4\"\n"
    "  output %5 \"o5\"\n"
    "  output %6 \"o6\"\n"
    "  output %7 \"o7\"\n"
    "}\n";

static void
test_whole(void **state)
{
	struct strbuf out = {0};
	struct graph *g;
	struct lab l;

	(void)state;
	lab_open(&l);
	g = graph_parse(l.arena, &l.diag, "w.wgr", whole, strlen(whole));
	if (g == NULL)
		fail_msg("%s", lab_log(&l));
	assert_true(graph_verify(g, &l.diag, "parse"));
	graph_print(&out, g, true);
	assert_string_equal(out.data, whole);
	/* where an object without a location comes from */
	assert_string_equal(g->last->loc.file, "w.wgr");
	assert_int_equal(g->last->loc.line, 16);
	assert_int_equal(g->last->loc.col, 9);
	assert_string_equal(g->first->loc.file, "model.onnx");
	assert_string_equal(g->source, "w.wgr");
	assert_string_equal(g->last->prev->prev->phase, "update");
	assert_int_equal(g->last->prev->prev->group, 2);
	assert_int_equal(g->last->prev->prev->out[0]->keep, KEEP_DRAM);
	assert_true(g->last->prev->prev->out[0]->rebuild);
	assert_int_equal(g->groups.data[1].sub_batch, 4);
	strbuf_free(&out);
	lab_close(&l);
}

/* Loose spelling of the same: comments, blanks, line ends, left-out types
 * and operands, any order of leaves. */
static void
test_loose(void **state)
{
	static const char text[] =
	    "# a comment\r\n\n\twave.graph 1 # here\n\n"
	    "graph\"g\"{#\n#\n\n"
	    "%x=input\n";
	static const char body[] =
	    "input %in.put: f32 [ 2 , 2 ]# c\n\n\n"
	    "  const %c : i8[2] = [ +1 , -1 ]\n"
	    "%y\"y\"=softmax%in.put{axis=1,}\n";
	static const char good[] =
	    "input %in.put: f32 [ 2 , 2 ]# c\n\n   \n"
	    "%y\"y\"=softmax%in.put{axis=1}\t\r\n"
	    "const %c : i32[2] = [ 1 , -1 ]\n"
	    "%_, %_2 = add %y, %y\n";
	struct graph *g;
	struct lab l;

	(void)state;
	lab_open(&l);
	assert_null(graph_parse(l.arena, &l.diag, "t", text, strlen(text)));
	assert_string_equal(lab_log(&l),
	    "8:4: unexpected 'input', expected word\n"
	    "9:1: unexpected end of file\n");
	lab_clear(&l);
	assert_null(lab_graph(&l, body));
	assert_string_equal(lab_log(&l),
	    "6:24: unexpected character '+'\n"
	    "7:29: unexpected '}', expected word\n");
	lab_clear(&l);
	assert_null(lab_graph(&l, good));
	assert_string_equal(lab_log(&l), "8:11: add: has 2 results, gives "
	    "1\n");
	lab_clear(&l);
	g = lab_graph(&l, "input %x : f32[2]\n%y = clip %x {min = 0} \n"
	    "output %y \"y\"\n");
	assert_non_null(g);
	assert_int_equal(g->first->loc.line, 4);
	lab_close(&l);
}

struct bad {
	const char *body, *want; /* the whole log */
};

static const struct bad bad_bodies[] = {
	{"input %x : f32[2\n", "3:17: unexpected end of line, expected ',' "
	    "or ']'\n"},
	{"input %x f32[2]\n", "3:10: unexpected word, expected string "
	    "or ':'\n"},
	{"input %x : f33[2]\n", "3:12: there is no dtype 'f33'\n"},
	{"input %x : f32[-1]\n",
	    "3:16: '-1' is no integer from 0 to 2147483647\n"},
	{"input %x : f32[1.5]\n",
	    "3:16: '1.5' is no integer from 0 to 2147483647\n"},
	{"input %x : f32[2147483648]\n",
	    "3:16: '2147483648' is no integer from 0 to 2147483647\n"},
	{"input %x : f32[99999999999999999999]\n",
	    "3:16: '99999999999999999999' is no integer from 0 to "
	    "2147483647\n"},
	{"input %x : f32[1048576,1048577]\n",
	    "3:12: more than 2^40 elements\n"},
	{"input %x : f32[1,1,1,1,1,1,1,1,1]\n",
	    "3:12: rank 9, at most 8 is possible\n"},
	{"input %x : f32[]\ninput %x : f32[]\n",
	    "4:7: %x is defined twice, first in line 3\n"},
	{"input %x \"a\" : f32[]\ninput %y \"a\" : f32[]\n",
	    "4:10: the name \"a\" is taken\n"},
	{"input %x \"a\n", "3:10: this string does not end\n"},
	{"input %x \"a\\q\" : f32[]\n",
	    "3:12: bad escape or zero byte in a string\n"},
	{"input %x \"a\\x00\" : f32[]\n",
	    "3:12: bad escape or zero byte in a string\n"},
	{"input %x ! : f32[]\n", "3:10: unexpected character '!'\n"},
	{"input %x \x80 : f32[]\n", "3:10: unexpected byte 0x80\n"},
	{"const %x : f32[2] = hex \"00\"\n",
	    "3:21: 1 bytes, the type has 8\n"},
	{"const %x : u8[1] = hex \"0\"\n",
	    "3:20: odd number of hex digits\n"},
	{"const %x : u8[1] = hex \"0g\"\n", "3:26: no hex digit\n"},
	{"const %x : bool[1] = hex \"02\"\n", "3:22: a bool is 00 or 01\n"},
	{"const %x : f32[3] = [1,2]\n",
	    "3:21: 2 elements, the type has 3\n"},
	{"const %x : i8[2] = [1,128]\n", "3:23: '128' is no i8\n"},
	{"const %x : u8[] = [-1]\n", "3:20: '-1' is no u8\n"},
	{"const %x : i32[] = [1.5]\n", "3:21: '1.5' is no i32\n"},
	{"const %x : bool[2] = splat 2\n", "3:28: '2' is no bool\n"},
	{"const %x : f32[] = [1e999]\n", "3:21: '1e999' is no f32\n"},
	{"const %x : f32[2] = none\n", "3:21: 'none' is no data, expected "
	    "zero, splat, hex, a list\n"},
	{"state %x : f32[2] = blank\n", "3:21: 'blank' is no data, expected "
	    "zero, splat, hex, a list or none\n"},
	{"state %x frozen : f32[2] = none\n", "3:10: unexpected word "
	    "'frozen', expected 'trainable' or ':'\n"},
	{"const %x : f64[1048576,1048576] = zero\n",
	    "3:35: zero and splat data of more than 1 GiB\n"},
	{"%y = nop\n", "3:6: there is no op 'nop'\n"},
	{"%y = exp %x\n", "3:10: %x is not defined here\n"},
	{"input %x : f32[2]\n%y = exp %x {axis = 1}\n",
	    "4:14: exp has no attribute 'axis'\n"},
	{"input %x : f32[2]\n%y = softmax %x {axis = [1]}\n",
	    "4:18: attribute axis is not a list\n"},
	{"input %x : f32[2]\n%y = reshape %x {shape = 2}\n",
	    "4:18: attribute shape needs a list\n"},
	{"input %x : f32[2]\n%y = softmax %x {axis = last}\n",
	    "4:25: 'last' is no integer from 0 to 7\n"},
	{"input %x : f32[2]\n%y = softmax %x {axis = 0, axis = 0}\n",
	    "4:6: softmax: attribute axis is given twice\n"},
	{"input %x : f32[2]\n%y = clip %x {min = low}\n",
	    "4:21: 'low' is no number\n"},
	{"input %x : f32[2]\n%y = exp %x : f32[3]\n",
	    "4:6: result 0 is f32[2], not f32[3]\n"},
	{"input %x : f32[2]\n%y = exp %x : f32[2], f32[2]\n",
	    "4:6: 1 results, but 2 types\n"},
	{"input %x : f32[2]\n_ = exp %x\n",
	    "4:5: result 0 cannot be left out\n"},
	{"input %x : f32[2]\n%y = exp %x : _\n",
	    "4:6: result 0 needs a type exactly if it is there\n"},
	{"input %x : f32[2]\n%y = exp %x @ \"f\":0:1\n",
	    "4:19: '0' is no integer from 1 to 2147483647\n"},
	{"input %x : f32[2]\n%y = exp %x time \"b\"\n",
	    "4:13: unexpected word 'time', expected 'phase', "
	    "'group', 'keep' or '@'\n"},
	{"input %x : f32[2]\n%y = exp %x group \"1\"\n",
	    "4:13: unexpected word 'group', expected 'phase', "
	    "'group', 'keep' or '@'\n"},
	{"input %x : f32[2]\n%y = exp %x group 1\n",
	    "4:19: '1' is no integer from 1 to 0\n"},
	{"input %x : f32[2]\n%y = exp %x phase \"a\" phase \"a\"\n",
	    "4:23: phase is there twice\n"},
	{"input %x : f32[2]\n%y = exp %x keep \"chip,dram\"\n",
	    "4:18: 'chip,dram' does not say for each result auto, chip, dram "
	    "or first, and perhaps rebuild\n"},
	{"input %x : f32[2]\n%y = exp %x keep \"chi\"\n",
	    "4:18: 'chi' does not say for each result auto, chip, dram "
	    "or first, and perhaps rebuild\n"},
	{"input %x : f32[2]\nassign %x := %x\n", "4:8: %x is no state\n"},
	{"state %x : f32[2] = none\nassign %x := %x\nassign %x := %x\n",
	    "5:8: %x is assigned twice\n"},
	{"state %x : f32[2] = none\ninput %y : f32[3]\n"
	 "assign %x := %y\n", "5:14: %x and %y differ in type\n"},
	{"input %x : f32[]\noutput %x \"a\"\noutput %x \"a\"\n",
	    "5:11: there are two outputs \"a\"\n"},
	{"output %x\n", "3:10: unexpected end of line, expected string\n"},
	{"assign %x = %y\n", "3:11: unexpected '=', expected ':='\n"},
	{"}\ninput %x : f32[]\n", "4:1: unexpected 'input', expected end of "
	    "file\n"},
	/* several errors, and none for what follows from them */
	{"input %x : f3[2]\n%a = exp %x\n%b = add %a, %x\n"
	 "output %b \"b\"\noutput %c \"c\"\n",
	    "3:12: there is no dtype 'f3'\n7:8: %c is not defined here\n"},
	{"input %x : f32[2]\n%a = = exp %x\n%b = add %a, %x\n"
	 "%c = add %b %x\n%d = cos %c\n%e = cos %x, %x\n",
	    "4:6: unexpected '=', expected word\n"
	    "6:13: unexpected value\n"
	    "8:6: cos: has 2 operands, needs 1\n"},
};

static void
test_bad_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_bodies / sizeof *bad_bodies; i++) {
		struct lab l;

		lab_open(&l);
		assert_null(lab_graph(&l, bad_bodies[i].body));
		if (strcmp(lab_log(&l), bad_bodies[i].want) != 0)
			fail_msg("%s: wanted %s, got %s", bad_bodies[i].body,
			    bad_bodies[i].want, lab_log(&l));
		lab_close(&l);
	}
}

static void
test_bad_files(void **state)
{
	static const struct bad rows[] = {
		{"", "1:1: unexpected end of file, expected 'wave.graph'\n"},
		{"ELF", "1:1: unexpected word, expected 'wave.graph'\n"},
		{"wave.graph 2\ngraph \"\" {\n}\n",
		    "1:12: version 2 is not known, this is 1\n"},
		{"wave.graph 1\n", "2:1: unexpected end of file, expected "
		    "'graph'\n"},
		{"wave.graph 1\ngraph \"x\" {\n", "3:1: unexpected end of "
		    "file\n"},
		{"wave.graph 1\ngraph \"x\" {\n}\n}\n",
		    "4:1: unexpected '}', expected end of file\n"},
		{"wave.graph 1\ngraph x {\n}\n",
		    "2:7: unexpected word, expected string\n"},
	};
	static const char zero[] = "wave.graph 1\0\ngraph \"x\" {\n}\n";
	struct lab l;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		lab_open(&l);
		assert_null(graph_parse(l.arena, &l.diag, "t", rows[i].body,
		    strlen(rows[i].body)));
		assert_string_equal(lab_log(&l), rows[i].want);
		lab_close(&l);
	}
	lab_open(&l);
	assert_null(graph_parse(l.arena, &l.diag, "t", zero,
	    sizeof zero - 1));
	assert_string_equal(lab_log(&l), "1:13: unexpected byte 0x00\n");
	lab_close(&l);
}

/* Reporting ends at some point. */
static void
test_many_errors(void **state)
{
	struct strbuf s = {0};
	struct lab l;

	(void)state;
	lab_open(&l);
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&s, "%%%d = nop\n", i);
	assert_null(lab_graph(&l, s.data));
	assert_int_equal(l.diag.errors, 21);
	assert_non_null(strstr(lab_log(&l), "23:1: too many errors, the rest "
	    "is not read\n"));
	strbuf_free(&s);
	lab_close(&l);
}

/* Deep or long input costs no stack and bounded memory. */
static void
test_long(void **state)
{
	static const char *const units[] = {"[", "{", "%x, ", "_ = ", "\"",
	    "1,", "@ \"f\" ", "\\", "%"};
	struct lab l;

	(void)state;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		struct strbuf s = {0};

		strbuf_add(&s, i == 5 ? "%y = reshape %x {shape = [" : "");
		for (int k = 0; k < 200000; k++)
			strbuf_add(&s, units[i]);
		strbuf_add(&s, "\n");
		lab_open(&l);
		assert_null(lab_graph(&l, s.data));
		if (l.diag.errors < 1 || l.diag.errors > 21)
			fail_msg("%s: %u errors", units[i], l.diag.errors);
		lab_close(&l);
		strbuf_free(&s);
	}
}

/* A list of more than 2^20 items is refused. */
static void
test_long_list(void **state)
{
	struct strbuf s = {0};
	struct lab l;

	(void)state;
	strbuf_add(&s, "const %x : u8[1048577] = [");
	for (int i = 0; i < 1048576; i++)
		strbuf_add(&s, "1,");
	strbuf_add(&s, "1]\n");
	lab_open(&l);
	assert_null(lab_graph(&l, s.data));
	assert_non_null(strstr(lab_log(&l),
	    "this list is longer than 1048576 items"));
	lab_close(&l);
	strbuf_free(&s);
}

/* Large data stays out of dumps. */
static void
test_dump(void **state)
{
	static const char body[] =
	    "const %a : u8[17] = hex \"0102030405060708090a0b0c0d0e0f1011\"\n"
	    "const %b : f32[2] = [1,2]\noutput %a \"a\"\noutput %b \"b\"\n";
	struct strbuf out = {0};
	struct graph *g;
	struct lab l;

	(void)state;
	lab_open(&l);
	g = lab_graph(&l, body);
	assert_non_null(g);
	graph_print(&out, g, false);
	assert_non_null(strstr(out.data, "  const  %0 : u8[17] = ... # 17 "
	    "bytes, hash "));
	assert_non_null(strstr(out.data, "  const  %1 : f32[2] = [1,2]\n"));
	strbuf_free(&out);
	lab_close(&l);
}

static void
test_dot(void **state)
{
	static const char want[] =
	    "digraph \"lab\" {\n"
	    "  node [shape=box, style=filled, fillcolor=white, "
	    "fontname=monospace];\n"
	    "  v0 [shape=ellipse, label=\"x \\\"1\\\"\\nf32[2]\\n\"];\n"
	    "  v2 [shape=cylinder, label=\"f32[2]\\n\"];\n"
	    "  n0 [fillcolor=\"#c5e0b4\", label=\"add\\nf32[2]\\n"
	    "lab.wgr:6:6\\n\"];\n"
	    "  v0 -> n0;\n"
	    "  v1 [shape=note, label=\"f32[]\\n\"];\n"
	    "  v1 -> n0;\n"
	    "  o0 [shape=ellipse, label=\"y\\n\"];\n"
	    "  n0 -> o0;\n"
	    "  n0 -> v2 [style=dashed];\n"
	    "}\n";
	struct strbuf out = {0};
	struct graph *g;
	struct lab l;

	(void)state;
	lab_open(&l);
	g = lab_graph(&l, "input %x \"x \\\"1\\\"\" : f32[2]\n"
	    "const %c : f32[] = [1]\nstate %s : f32[2] = none\n"
	    "%y = add %x, %c\nassign %s := %y\noutput %y \"y\"\n");
	assert_non_null(g);
	graph_dot(&out, g);
	assert_string_equal(out.data, want);
	strbuf_free(&out);
	lab_close(&l);
}

/* High bits of the seeded generator. */
static uint32_t
next(uint64_t *s)
{
	return (uint32_t)(unit_random(s) >> 32);
}

/* A few random changes: bytes, cuts, copies of one part over another. */
static size_t
mutate(char *text, size_t len, uint64_t *seed)
{
	static const char bytes[] = "%_[]{},:=@\"\n#-0129ef\\x ";

	for (uint32_t k = 1 + next(seed) % 4; k > 0 && len > 40; k--) {
		size_t at = next(seed) % len, from = next(seed) % len;
		size_t n = next(seed) % 20;

		switch (next(seed) % 5) {
		case 0: text[at] = (char)next(seed); break;
		case 1: text[at] = bytes[next(seed) % 23]; break;
		case 2:
			n = n < len - at ? n : len - at;
			memmove(text + at, text + at + n, len - at - n);
			len -= n;
			break;
		case 3:
			n = n < len - at ? n : len - at;
			n = n < len - from ? n : len - from;
			memmove(text + at, text + from, n);
			break;
		default:
			if (next(seed) % 8 == 0)
				len = at;
			break;
		}
	}
	return len;
}

/* Whatever comes in: a valid graph that prints and parses, or errors. */
static void
test_mutants(void **state)
{
	char text[sizeof whole];
	uint64_t seed = 42;
	int good = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct graph *g;
		struct lab l;
		size_t len;

		memcpy(text, whole, sizeof whole);
		len = mutate(text, strlen(whole), &seed);
		lab_open(&l);
		g = graph_parse(l.arena, &l.diag, "mutant", text, len);
		assert_int_equal(g == NULL, l.diag.errors > 0);
		if (g != NULL) {
			assert_true(graph_verify(g, &l.diag, "mutant"));
			assert_round_trip(&l, g);
			good++;
		}
		lab_close(&l);
	}
	assert_true(good > 50 && good < 1500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_op),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_loose),
		cmocka_unit_test(test_bad_bodies),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_dot),
		cmocka_unit_test(test_mutants),
	};

	return cmocka_run_group_tests_name("ir/text", tests, NULL, NULL);
}
