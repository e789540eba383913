/* Every mistake in a .net gives its message at its place. */
#include "tests/lib/unit.h"

#include <string.h>

#include "frontend/net.h"
#include "support/str.h"

static const struct bad {
	const char *text;
	const char *messages; /* all of them, a line each */
} bad[] = {
	{"network n { input x : f32[1, 4]\n",
	    "t.net:2:1: error: unexpected end of file"},
	{"block b(x) { return x }\n",
	    "t.net: error: there is no network in this file"},
	{"network n { input x : f32[1, 4]\n"
	    "\toutput y = x -> linaer(3) }\n",
	    "t.net:2:18: error: there is no layer or block 'lin"
	    "aer'; did you mean 'linear'?"},
	{"network n { input x : f32[1, 4]\n"
	    "\toutput y = x -> linear(featuers=3) }\n",
	    "t.net:2:25: error: linear: there is no argument 'f"
	    "eatuers'; it takes x, features, bias, init, bias_i"
	    "nit"},
	{"network n { input x : f32[1, 4]\n"
	    "\toutput y = x -> linear }\n",
	    "t.net:2:18: error: linear: argument 'features' is "
	    "missing"},
	{"network n { input x : f32[1, 4]\n"
	    "\toutput y = x -> linear(\"3\") }\n",
	    "t.net:2:25: error: linear: 'features' must be an i"
	    "nteger, not the string \"3\""},
	{"network n { input x : f32[1, 4]\n"
	    "\toutput y = x -> linear(3, 4, true, 1) }\n",
	    "t.net:2:28: error: linear: 'bias' must be true or "
	    "false, not the integer 4"},
	{"network n { input x : f32[1, 4]\n"
	    "\toutput y = x -> linear(3, features=4) }\n",
	    "t.net:2:28: error: linear: argument 'features' is "
	    "given twice"},
	{"network n { input x : f32[1, 3, 8, 8]\n"
	    "\toutput y = x -> linear(3) }\n",
	    "t.net:2:18: error: linear: x is f32[1,3,8,8]; line"
	    "ar works on the last axis of [N, K]: flatten it fi"
	    "rst"},
	{"network n { input x : f32[1, 3, 8, 8]\n"
	    "\toutput y = x -> conv(4, 9) }\n",
	    "t.net:2:18: error: conv: rule conv: a window of 9 "
	    "does not fit into the padded extent 8 of spatial a"
	    "xis 0; operands f32[1,3,8,8], f32[4,3,9,9], f32[4]"},
	{"network n { input x : f32[1, 3, 8, 8]\n"
	    "\ty = x -> conv(4, 3)\n"
	    "\toutput z = add(x, y) }\n",
	    "t.net:3:13: error: add: rule broadcast: the shapes"
	    " do not broadcast; operands f32[1,3,8,8], f32[1,4,"
	    "6,6]"},
	{"network n { input x : f32[1, 3, 8, 8]\n"
	    "\toutput z = concat(x, x -> max_pool(2)) }\n",
	    "t.net:2:13: error: concat: rule concat: operand 1 "
	    "differs from operand 0 in axis 2; operands f32[1,3"
	    ",8,8], f32[1,3,4,4]"},
	{"network n { input x : f32[1, 3, 8, 8]\n"
	    "\toutput z = x -> conv(4, 3, groups=2) }\n",
	    "t.net:2:18: error: conv: 2 groups do not divide th"
	    "e channels of f32[1,3,8,8] and the 4 output channe"
	    "ls"},
	{"network n { input x : f32[1, 3, 8, 8]\n"
	    "\toutput z = x -> conv(4, [3, 3, 3]) }\n",
	    "t.net:2:26: error: conv: 'kernel' has 3 elements, "
	    "2 are needed"},
	{"network n { input x : f32[1, 3, 8, 8]\n"
	    "\toutput z = x -> conv(4, 3, stride=0) }\n",
	    "t.net:2:29: error: conv: 'stride' is 0, it must be"
	    " 1 to 2147483647"},
	{"network n { input x : f32[1, 3, 8, 8]\n"
	    "\toutput z = y -> relu }\n",
	    "t.net:2:13: error: nothing is called 'y' here"},
	{"network n { input x : f32[1, 3, 8, 8]\n"
	    "\tx -> relu\n"
	    "\toutput z = x }\n",
	    "t.net:2:7: error: the result is not used; give it "
	    "a name or return it"},
	{"network n { input x : f32[1, 3, 8, 8]\n"
	    "\toutput z = x -> group_norm(groups=2) }\n",
	    "t.net:2:18: error: group_norm: 2 groups do not div"
	    "ide the 3 channels"},
	{"network n { input x : f32[1, 3, 8, 8]\n"
	    "\toutput z = x -> group_norm }\n",
	    "t.net:2:18: error: group_norm: give either 'groups"
	    "' or 'channels' (per group)"},
	{"network n { input x : f33[1, 3, 8, 8]\n"
	    "\toutput z = x }\n",
	    "t.net:1:23: error: there is no dtype 'f33'; f32 is"
	    " usual"},
	{"network n { input x : f32[N, 3, 8, 8]\n"
	    "\toutput z = x }\n",
	    "t.net:1:27: error: nothing is called 'N' here"},
	{"network n { input x : f32[N, 3] where N = 2.5\n"
	    "\toutput z = x }\n",
	    "t.net:1:43: error: the extent N must be an integer"
	    ", not the number 2.5"},
	{"network n { input x : f32[1, 3]\n"
	    "}\n",
	    "t.net:1:9: error: network 'n' has no output"},
	{"network n { x = 3 }\n",
	    "t.net:1:9: error: network 'n' has no input"},
	{"network n { input x : f32[1, 3]\n"
	    "\toutput z = x\n"
	    "\toutput z = x }\n",
	    "t.net:3:9: error: there is an output 'z' already"},
	{"network n { input x : f32[1, 3]\n"
	    "\toutput z = x -> dropout(1.5) }\n",
	    "t.net:2:18: error: dropout: 'p' must be at least 0"
	    " and below 1"},
	{"network n { input x : f32[1, 3]\n"
	    "\toutput z = x -> reshape([-1, -1]) }\n",
	    "t.net:2:18: error: reshape: 'shape' has two -1"},
	{"network n { input x : f32[1, 3]\n"
	    "\toutput z = x -> reshape([2, -1]) }\n",
	    "t.net:2:18: error: reshape: -1 has no solution for"
	    " 3 elements"},
	{"network n { input x : f32[1, 3]\n"
	    "\toutput z = x -> softmax(axis=2) }\n",
	    "t.net:2:26: error: softmax: 'axis' is 2, but the r"
	    "ank is 2"},
	{"network n { input x : f32[1, 3]\n"
	    "\tx = x -> linear(3, name=\"a\")\n"
	    "\toutput z = x -> linear(3, name=\"a\") }\n",
	    "t.net:3:18: error: linear: the name 'a' is taken"},
	{"block b(x) { y = x }\n"
	    "network n { input x : f32[1, 3]\n"
	    "\toutput z = x -> b }\n",
	    "t.net:1:7: error: block 'b' returns nothing\n"
	    "t.net:3:18: note: in block 'b', used here"},
	{"block b(x) { return x -> b }\n"
	    "network n { input x : f32[1, 3]\n"
	    "\toutput z = x -> b }\n",
	    "t.net:1:26: error: more than 64 blocks within each"
	    " other; does 'b' use itself?\n"
	    "t.net:1:26: note: in block 'b', used here\n"
	    "t.net:1:26: note: in block 'b', used here\n"
	    "t.net:1:26: note: in block 'b', used here"},
	{"block b(x, c) { return x -> linear(c) }\n"
	    "network n { input x : f32[1, 3]\n"
	    "\toutput z = x -> b }\n",
	    "t.net:3:18: error: b: argument 'c' is missing\n"
	    "t.net:3:18: note: in block 'b', used here"},
	{"block b(x) { return x -> linear(0) }\n"
	    "network n { input x : f32[1, 3]\n"
	    "\toutput z = x -> b }\n",
	    "t.net:1:26: error: linear: 'features' is 0, it mus"
	    "t be 1 to 2147483647\n"
	    "t.net:3:18: note: in block 'b', used here"},
	{"block b(x) { return x }\n"
	    "block b(x) { return x }\n"
	    "network n { input x : f32[1, 3]\n"
	    "\toutput z = x }\n",
	    "t.net:2:7: error: block 'b' is defined twice\n"
	    "t.net:1:7: note: the first one is here"},
	{"network n { input x : f32[1, 3]\n"
	    "\tif 3 { x = x -> relu }\n"
	    "\toutput z = x }\n",
	    "t.net:2:5: error: a condition is true or false, no"
	    "t the integer 3"},
	{"network n { input x : f32[1, 3]\n"
	    "\trepeat i in 0..1.5 { x = x -> relu }\n"
	    "\toutput z = x }\n",
	    "t.net:2:14: error: repeat counts with integers, no"
	    "t from the integer 0 to the number 1.5"},
	{"network n { input x : f32[1, 3]\n"
	    "\trepeat i in 0..100000000 { y = i }\n"
	    "\toutput z = x }\n",
	    "t.net:2:33: error: this takes more than 500000 ste"
	    "ps"},
	{"network n { input x : f32[1, 3]\n"
	    "\tk = 1 // 0\n"
	    "\toutput z = x }\n",
	    "t.net:2:8: error: division by zero"},
	{"network n { input x : f32[1, 3]\n"
	    "\tk = 9223372036854775807 + 1\n"
	    "\toutput z = x }\n",
	    "t.net:2:26: error: integer overflow in '+'"},
	{"network n { input x : f32[1, 3]\n"
	    "\tk = 99999999999999999999\n"
	    "\toutput z = x }\n",
	    "t.net:2:6: error: the number 99999999999999999999 "
	    "is out of range"},
	{"network n { input x : f32[1, 3]\n"
	    "\tk = [1, 2][2]\n"
	    "\toutput z = x }\n",
	    "t.net:2:12: error: there is no element 2 in a list"
	    " of 2"},
	{"network n { input x : f32[1, 3]\n"
	    "\tk = \"a\" * 2\n"
	    "\toutput z = x }\n",
	    "t.net:2:10: error: '*' does not take the string \"a"
	    "\" and the integer 2"},
	{"network n { input x : f32[1, 3]\n"
	    "\tk = \"abc\n"
	    "\toutput z = x }\n",
	    "t.net:2:6: error: this string does not end; it may"
	    " not hold a backslash"},
	{"network n { input x : f32[1, 3]\n"
	    "\tk = x $ 2\n"
	    "\toutput z = x }\n",
	    "t.net:2:8: error: unexpected character '$'"},
	{"network n { input x : f32[1, 3]\n"
	    "\treturn x\n"
	    "\toutput z = x }\n",
	    "t.net:2:2: error: a network has outputs, it return"
	    "s nothing"},
	{"block b(x) { input y : f32[3]\n"
	    "\treturn x }\n"
	    "network n { input x : f32[1, 3]\n"
	    "\toutput z = x -> b }\n",
	    "t.net:1:20: error: an input belongs into the netwo"
	    "rk, not into a block\n"
	    "t.net:4:18: note: in block 'b', used here"},
	{"include \"../secret.net\"\n"
	    "network n { input x : f32[1, 3]\n"
	    "\toutput z = x }\n",
	    "t.net:1:9: error: include: '../secret.net' leaves "
	    "the folder of this file"},
	{"include \"missing.net\"\n"
	    "network n { input x : f32[1, 3]\n"
	    "\toutput z = x }\n",
	    "t.net:1:9: error: include: cannot read 'missing.ne"
	    "t' in the folder of this file"},
	{"network n { input x : f32[1, 3]\n"
	    "\toutput z = x }\n"
	    "train { loss hinge }\n",
	    "t.net:3:14: error: loss is cross_entropy or mse, n"
	    "ot hinge"},
	{"network n { input x : f32[1, 3]\n"
	    "\toutput z = x }\n"
	    "train { optimizer sgd(momentum=2) }\n",
	    "t.net:3:19: error: sgd: 'momentum' must be at leas"
	    "t 0 and below 1"},
	{"network n { input x : f32[1, 3]\n"
	    "\toutput z = x }\n"
	    "train { schedule step(lr=0.1) }\n",
	    "t.net:3:18: error: step: give either 'every' or 'a"
	    "t'"},
	{"network n { input x : f32[1, 3]\n"
	    "\toutput z = x }\n"
	    "train { batch 0; lerning 3 }\n",
	    "t.net:3:15: error: batch must be a positive intege"
	    "r, not the integer 0\n"
	    "t.net:3:18: error: a train section has loss, optim"
	    "izer, schedule, batch and epochs, not 'lerning'"},
	{"network n { input x : f32[1, 3]\n"
	    "\ty = add(x,\n"
	    "\t    x -> relu\n"
	    "\toutput z = y\n"
	    "\tw = (3\n"
	    "}\n",
	    "t.net:4:2: error: unexpected 'output'\n"
	    "t.net:2:9: note: this bracket is still open\n"
	    "t.net:6:1: error: unexpected end of line\n"
	    "t.net:5:6: note: this bracket is still open"},
	{"block b(x { return x }\n"
	    "network n { input x : f32[1, 3]\n"
	    "\trepeat i on 3 {\n"
	    "\t\tx = x -> relu\n"
	    "\t}\n"
	    "\tx = -> relu\n"
	    "\toutput z = x }\n",
	    "t.net:1:11: error: unexpected '{', expected '=', '"
	    ")' or ','\n"
	    "t.net:3:11: error: unexpected name, expected 'in'\n"
	    "t.net:6:6: error: unexpected '->'"},
	{"network n { input x : f32[1, 3]\n"
	    "\tcheck(dim(x, 1) == 4, \"four channels are needed\")"
	    "\n"
	    "\toutput z = x }\n",
	    "t.net:2:2: error: four channels are needed"},
	{"network n { input x : f32[1, 3]\n"
	    "\toutput z = x -> matmul(x) }\n",
	    "t.net:2:18: error: matmul: rule matmul: the inner "
	    "extents 3 and 1 differ; operands f32[1,3], f32[1,3"
	    "]"},
	{"network n { input x : f32[1, 3, 4, 4]\n"
	    "\toutput z = x -> max_pool(2, pad=2) }\n",
	    "t.net:2:18: error: max_pool: padding 2 is not smal"
	    "ler than the window 2"},
	{"network n { input x : f32[1, 3]\n"
	    "\toutput z = x -> linear(3, init=5) }\n",
	    "t.net:2:28: error: linear: 'init' must be an initi"
	    "aliser such as zeros or he_normal, not the integer"
	    " 5"},
	{"network n(k) { input x : f32[1, 3]\n"
	    "\toutput z = x }\n",
	    "t.net:1:11: error: argument 'k' of the network nee"
	    "ds a default or -Dk=..."},
};

static void
collect(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	char line[1024];

	diag_format(line, sizeof line, "wavecc", level, loc, text);
	strbuf_addf(user, "%s%s", ((struct strbuf *)user)->len > 0 ? "\n" : "",
	    line);
}

static void
mistakes_have_their_messages(void **state)
{
	struct unit *u = *state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct strbuf s = {0};
		struct diag d = {.fn = collect, .user = &s};

		assert_null(net_parse(u->arena, &d, "t.net", bad[i].text,
		    strlen(bad[i].text), NULL, NULL));
		if (s.data == NULL || strcmp(s.data, bad[i].messages) != 0)
			fail_msg("%s\n%s\ninstead of\n%s", bad[i].text,
			    s.data, bad[i].messages);
		strbuf_free(&s);
	}
}

/* An error of many does not hide the others, up to a number of them. */
static void
many_errors_end(void **state)
{
	struct unit *u = *state;
	struct strbuf s = {0}, got = {0};
	struct diag d = {.fn = collect, .user = &got};

	strbuf_add(&s, "network n { input x : f32[1, 3]\n");
	for (int i = 0; i < 30; i++)
		strbuf_addf(&s, "x%d = x -> conv(1, 1)\n", i);
	strbuf_add(&s, "output y = x }\n");
	assert_null(net_parse(u->arena, &d, "t.net", s.data, s.len, NULL,
	    NULL));
	assert_int_equal(d.errors, 21); /* the last says that it gives up */
	assert_non_null(strstr(got.data, "too many errors"));
	strbuf_free(&s);
	strbuf_free(&got);
}

static void
options_are_checked(void **state)
{
	static const char text[] = "network n(k = 3) {\n"
	    "input x : f32[N, 3] where N = 2\noutput y = x + k }\n";
	static const struct net_define unknown = {"M", "3"},
	    kind = {"k", "three"}, extent = {"N", "0"};
	struct unit *u = *state;
	struct net_options opt = {.ndefines = 1, .defines = &unknown};

	assert_null(net_parse(u->arena, &u->diag, "t.net", text,
	    strlen(text), &opt, NULL));
	unit_expect_error(u, "network 'n' has no argument or dimension 'M'");
	opt.defines = &kind;
	assert_null(net_parse(u->arena, &u->diag, "t.net", text,
	    strlen(text), &opt, NULL));
	unit_expect_error(u, "t.net:1:11: error: -Dk=three does not fit: "
	    "here is the integer 3");
	opt.defines = &extent;
	assert_null(net_parse(u->arena, &u->diag, "t.net", text,
	    strlen(text), &opt, NULL));
	unit_expect_error(u, "an extent is a positive integer, not the "
	    "integer 0");
	opt = (struct net_options){.max_bytes = 100};
	static const char big[] = "network n { input x : f32[1, 30]\n"
	    "output y = x -> linear(1) }\n";
	assert_null(net_parse(u->arena, &u->diag, "t.net", big, strlen(big),
	    &opt, NULL));
	unit_expect_error(u, "with linear1.weight the parameters take more "
	    "than 100 bytes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(mistakes_have_their_messages),
		UNIT_TEST(many_errors_end),
		UNIT_TEST(options_are_checked),
	};

	return cmocka_run_group_tests_name("frontend/net_bad", tests, NULL,
	    NULL);
}
