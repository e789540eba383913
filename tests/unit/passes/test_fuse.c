/* fuse-epilogue and fuse-fma on small graphs: tests/lib/passcase.h. */
#include "passes/pass.h"

#include "tests/lib/passcase.h"

static const struct pass_case cases[] = {
    {"fuse_all", PASS_fuse_epilogue, 2, DT_NONE,
	    "input %x : f32[1,1,2,2]\n"
	    "input %r : f32[1,2,2,2]\n"
	    "const %w : f32[2,1,1,1] = [1,2]\n"
	    "const %b : f32[2,1,1] = [1,2]\n"
	    "%y = conv %x, %w : f32[1,2,2,2]\n"
	    "%z = add %y, %b : f32[1,2,2,2]\n"
	    "%q = exp %r : f32[1,2,2,2]\n"
	    "%s = add %q, %z : f32[1,2,2,2]\n"
	    "%t \"out\" = clip %s {min = 0, max = 6} : f32[1,2,2,2]\n"
	    "output %t \"y\"\n",
	    "  input  %0 : f32[1,1,2,2]\n"
	    "  input  %1 : f32[1,2,2,2]\n"
	    "  const  %2 : f32[2,1,1,1] = [1,2]\n"
	    "  const  %3 : f32[2] = [1,2]\n"
	    "  %4 = exp %1 : f32[1,2,2,2]\n"
	    "  %5 \"out\" = conv %0, %2, %3, %4 {act = clip, act_beta "
	    "= 6} : f32[1,2,2,2]\n"
	    "  output %5 \"y\"\n"},
    {"fuse_later_contraction", PASS_fuse_epilogue, 2, DT_NONE,
	    "input %x : f32[1,2]\n"
	    "const %w : f32[2,2] = [1,2,3,4]\n"
	    "const %v : f32[2,2] = [5,6,7,8]\n"
	    "%y = matmul %x, %w : f32[1,2]\n"
	    "%z = matmul %x, %v : f32[1,2]\n"
	    "%s = add %y, %z : f32[1,2]\n"
	    "%t = relu %s : f32[1,2]\n"
	    "output %t \"y\"\n",
	    "  input  %0 : f32[1,2]\n"
	    "  const  %1 : f32[2,2] = [1,2,3,4]\n"
	    "  const  %2 : f32[2,2] = [5,6,7,8]\n"
	    "  %3 = matmul %0, %1 : f32[1,2]\n"
	    "  %4 = matmul %0, %2, _, %3 {act = relu} : f32[1,2]\n"
	    "  output %4 \"y\"\n"},
    {"fuse_acts", PASS_fuse_epilogue, 2, DT_NONE,
	    "input %x : f32[1,2]\n"
	    "const %w : f32[2,2] = [1,2,3,4]\n"
	    "%a = matmul %x, %w : f32[1,2]\n"
	    "%b = leaky_relu %a {alpha = 0.1} : f32[1,2]\n"
	    "%c = matmul %b, %w : f32[1,2]\n"
	    "%d = sigmoid %c : f32[1,2]\n"
	    "%e = matmul %d, %w : f32[1,2]\n"
	    "%f = tanh %e : f32[1,2]\n"
	    "%g = matmul %f, %w : f32[1,2]\n"
	    "%h = hard_sigmoid %g {alpha = 0.2, beta = 0.5} : "
	    "f32[1,2]\n"
	    "%i = matmul %h, %w : f32[1,2]\n"
	    "%j = hard_swish %i : f32[1,2]\n"
	    "output %j \"y\"\n",
	    "  input  %0 : f32[1,2]\n"
	    "  const  %1 : f32[2,2] = [1,2,3,4]\n"
	    "  %2 = matmul %0, %1 {act = leaky_relu, act_alpha = 0.1} "
	    ": f32[1,2]\n"
	    "  %3 = matmul %2, %1 {act = sigmoid} : f32[1,2]\n"
	    "  %4 = matmul %3, %1 {act = tanh} : f32[1,2]\n"
	    "  %5 = matmul %4, %1 {act = hard_sigmoid, act_alpha = "
	    "0.2, act_beta = 0.5} : f32[1,2]\n"
	    "  %6 = matmul %5, %1 {act = hard_swish} : f32[1,2]\n"
	    "  output %6 \"y\"\n"},
    {"fuse_not", PASS_fuse_epilogue, 2, DT_NONE,
	    "input %x : f32[1,2]\n"
	    "const %w : f32[2,2] = [1,2,3,4]\n"
	    "%a = matmul %x, %w : f32[1,2]\n"
	    "%b = relu %a : f32[1,2]\n"
	    "%c = sub %a, %b : f32[1,2]\n"
	    "%d = matmul %c, %w {act = relu} : f32[1,2]\n"
	    "%e = add %d, %x : f32[1,2]\n"
	    "output %e \"y\"\n",
	    NULL},
    {"fma", PASS_fuse_fma, 2, DT_NONE,
	    "input %x : f32[2]\n"
	    "input %z : f32[1]\n"
	    "const %k : f32[2] = [1,2]\n"
	    "%a = mul %x, %k : f32[2]\n"
	    "%b = add %z, %a : f32[2]\n"
	    "%c = mul %b, %x : f32[2]\n"
	    "%d = add %c, %k : f32[2]\n"
	    "%e = mul %d, %x : f32[2]\n"
	    "%f = add %e, %e : f32[2]\n"
	    "%g = mul %z, %z : f32[1]\n"
	    "%h = add %g, %f : f32[2]\n"
	    "output %h \"y\"\n",
	    "  input  %0 : f32[2]\n"
	    "  input  %1 : f32[1]\n"
	    "  const  %2 : f32[2] = [1,2]\n"
	    "  %3 = fma %0, %2, %1 : f32[2]\n"
	    "  %4 = fma %3, %0, %2 : f32[2]\n"
	    "  %5 = mul %4, %0 : f32[2]\n"
	    "  %6 = add %5, %5 : f32[2]\n"
	    "  %7 = mul %1, %1 : f32[1]\n"
	    "  %8 = add %7, %6 : f32[2]\n"
	    "  output %8 \"y\"\n"},
    {"fma_not", PASS_fuse_fma, 2, DT_NONE,
	    "input %x : f32[2]\n"
	    "input %i : i32[2]\n"
	    "input %d : f64[2]\n"
	    "%a = mul %x, %x : f32[2]\n"
	    "%b = add %a, %d : f64[2]\n"
	    "%c = mul %i, %i : i32[2]\n"
	    "%e = add %c, %i : i32[2]\n"
	    "output %b \"y\"\n"
	    "output %e \"z\"\n",
	    NULL},
};

static void
run_case(void **state)
{
	struct unit *u = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		pass_case_run(u, &cases[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(run_case),
	};

	return cmocka_run_group_tests_name("passes/fuse", tests, NULL,
	    NULL);
}
