/* fold, cse, dce and fold-batch-norm on small graphs: tests/lib/passcase.h. */
#include "passes/pass.h"

#include "tests/lib/passcase.h"

static const struct pass_case cases[] = {
    {"fold_constants", PASS_fold, 2, DT_NONE,
	    "input %x : f32[2]\n"
	    "const %a : f32[2] = [1,2]\n"
	    "const %b : f32[] = [3]\n"
	    "%c = mul %a, %b : f32[2]\n"
	    "%d \"named\" = exp %c : f32[2]\n"
	    "%e = add %x, %c : f32[2]\n"
	    "output %e \"y\"\n"
	    "output %d \"k\"\n",
	    "  input  %0 : f32[2]\n"
	    "  const  %1 : f32[2] = [3,6]\n"
	    "  const  %2 : f32[2] = [20.085537,403.4288]\n"
	    "  %3 \"named\" = identity %2 : f32[2]\n"
	    "  %4 = add %0, %1 : f32[2]\n"
	    "  output %4 \"y\"\n"
	    "  output %3 \"k\"\n"},
    {"fold_growth", PASS_fold, 2, DT_NONE,
	    "const %b : f32[1] = [3]\n"
	    "input %x : f32[1]\n"
	    "%c = expand %b {shape = [1000000]} : f32[1000000]\n"
	    "%e = add %x, %c : f32[1000000]\n"
	    "output %e \"y\"\n",
	    NULL},
    {"fold_O0_integers", PASS_fold, 0, DT_NONE,
	    "input %x : f32[4]\n"
	    "const %a : f32[2] = [1,2]\n"
	    "const %i : i64[2] = [1,2]\n"
	    "%c = mul %a, %a : f32[2]\n"
	    "%j = add %i, %i : i64[2]\n"
	    "%k = cast %j {to = f32} : f32[2]\n"
	    "%d = mul %c, %k : f32[2]\n"
	    "%e = concat %d, %d {axis = 0} : f32[4]\n"
	    "%f = add %e, %x : f32[4]\n"
	    "output %f \"y\"\n",
	    "  input  %0 : f32[4]\n"
	    "  const  %1 : f32[2] = [1,2]\n"
	    "  const  %2 : i64[2] = [2,4]\n"
	    "  %3 = mul %1, %1 : f32[2]\n"
	    "  %4 = cast %2 {to = f32} : f32[2]\n"
	    "  %5 = mul %3, %4 : f32[2]\n"
	    "  %6 = concat %5, %5 : f32[4]\n"
	    "  %7 = add %6, %0 : f32[4]\n"
	    "  output %7 \"y\"\n"},
    {"cse_phases", PASS_cse, 2, DT_NONE, /* the statistic, not the image */
	    "input %x : f32[2,64]\n"
	    "%a = mul %x, %x : f32[2,64]\n"
	    "%s = reduce_sum %a {axes = [1]} : f32[2,1]\n"
	    "%r = rsqrt %s : f32[2,1]\n"
	    "%y = mul %a, %r : f32[2,64]\n"
	    "%b = mul %x, %x : f32[2,64] phase \"backward\"\n"
	    "%t = reduce_sum %b {axes = [1]} : f32[2,1] phase "
	    "\"backward\"\n"
	    "%q = rsqrt %t : f32[2,1] phase \"backward\"\n"
	    "%z = add %b, %q : f32[2,64] phase \"backward\"\n"
	    "output %y \"y\"\n"
	    "output %z \"z\"\n",
	    "  input  %0 : f32[2,64]\n"
	    "  %1 = mul %0, %0 : f32[2,64]\n"
	    "  %2 = reduce_sum %1 {axes = [1]} : f32[2,1]\n"
	    "  %3 = rsqrt %2 : f32[2,1]\n"
	    "  %4 = mul %1, %3 : f32[2,64]\n"
	    "  %5 = mul %0, %0 : f32[2,64] phase \"backward\"\n"
	    "  %6 = add %5, %3 : f32[2,64] phase \"backward\"\n"
	    "  output %4 \"y\"\n"
	    "  output %6 \"z\"\n"},
    {"cse", PASS_cse, 2, DT_NONE,
	    "input %x : f32[2]\n"
	    "const %a : f32[2] = [1,2]\n"
	    "const %b : f32[2] = [1,2]\n"
	    "%c = add %x, %a : f32[2]\n"
	    "%d = add %b, %x : f32[2]\n"
	    "%e = clip %c {min = 0, max = 1} : f32[2]\n"
	    "%f = clip %d {min = 0, max = 2} : f32[2]\n"
	    "%g = clip %d {min = 0, max = 1} : f32[2]\n"
	    "%h = sub %e, %f : f32[2]\n"
	    "%i = sub %h, %g : f32[2]\n"
	    "%j = sub %h, %g : f32[2]\n"
	    "output %i \"y\"\n"
	    "output %j \"z\"\n",
	    "  input  %0 : f32[2]\n"
	    "  const  %1 : f32[2] = [1,2]\n"
	    "  %2 = add %0, %1 : f32[2]\n"
	    "  %3 = clip %2 {min = 0, max = 1} : f32[2]\n"
	    "  %4 = clip %2 {min = 0, max = 2} : f32[2]\n"
	    "  %5 = sub %3, %4 : f32[2]\n"
	    "  %6 = sub %5, %3 : f32[2]\n"
	    "  %7 = sub %5, %3 : f32[2]\n"
	    "  output %6 \"y\"\n"
	    "  output %7 \"z\"\n"},
    {"dce", PASS_dce, 2, DT_NONE,
	    "input %x : f32[2]\n"
	    "%a = exp %x : f32[2]\n"
	    "%b = neg %a : f32[2]\n"
	    "%c = log %b : f32[2]\n"
	    "output %a \"y\"\n",
	    "  input  %0 : f32[2]\n"
	    "  %1 = exp %0 : f32[2]\n"
	    "  output %1 \"y\"\n"},
    {"bn_into_conv", PASS_fold_batch_norm, 2, DT_NONE,
	    "input %x : f32[1,1,2,2]\n"
	    "const %w \"w\" : f32[2,1,1,1] = [1,2]\n"
	    "const %b \"b\" : f32[2] = [10,20]\n"
	    "const %s : f32[2] = [2,4]\n"
	    "const %t : f32[2] = [1,2]\n"
	    "const %m : f32[2] = [5,6]\n"
	    "const %v : f32[2] = [3,15]\n"
	    "%y = conv %x, %w, %b : f32[1,2,2,2]\n"
	    "%z \"z\" = batch_norm %y, %s, %t, %m, %v {epsilon = 1} : "
	    "f32[1,2,2,2]\n"
	    "output %z \"out\"\n",
	    "  input  %0 : f32[1,1,2,2]\n"
	    "  const  %1 \"w\" : f32[2,1,1,1] = [1,2]\n"
	    "  const  %2 \"b\" : f32[2] = [6,16]\n"
	    "  %3 \"z\" = conv %0, %1, %2 : f32[1,2,2,2]\n"
	    "  output %3 \"out\"\n"},
    {"bn_into_conv_transpose_groups", PASS_fold_batch_norm, 2, DT_NONE,
	    "input %x : f32[1,2,1,1]\n"
	    "const %w : f32[2,2,1,1] = [1,2,3,4]\n"
	    "const %k : f32[4,1,1] = [1,10,100,1000]\n"
	    "%y = conv_transpose %x, %w {groups = 2} : f32[1,4,1,1]\n"
	    "%z = mul %k, %y : f32[1,4,1,1]\n"
	    "output %z \"out\"\n",
	    "  input  %0 : f32[1,2,1,1]\n"
	    "  const  %1 : f32[2,2,1,1] = [1,20,300,4000]\n"
	    "  %2 = conv_transpose %0, %1 {groups = 2} : f32[1,4,1,1]\n"
	    "  output %2 \"out\"\n"},
    {"mul_add_into_matmul", PASS_fold_batch_norm, 2, DT_NONE,
	    "input %x : f32[3,2]\n"
	    "const %w : f32[2,2] = [1,2,3,4]\n"
	    "const %u : f32[2,2] = [1,2,3,4]\n"
	    "const %k : f32[1,2] = [10,100]\n"
	    "const %d : f32[] = [2]\n"
	    "const %t : f32[2] = [5,6]\n"
	    "%y = matmul %x, %w : f32[3,2]\n"
	    "%z = mul %y, %k : f32[3,2]\n"
	    "%a = sub %z, %t : f32[3,2]\n"
	    "%b = matmul %a, %u {trans_b = 1} : f32[3,2]\n"
	    "%c = mul %b, %k : f32[3,2]\n"
	    "%e = div %c, %d : f32[3,2]\n"
	    "output %e \"out\"\n",
	    "  input  %0 : f32[3,2]\n"
	    "  const  %1 : f32[2,2] = [10,200,30,400]\n"
	    "  const  %2 : f32[2] = [-5,-6]\n"
	    "  const  %3 : f32[2,2] = [5,10,150,200]\n"
	    "  %4 = matmul %0, %1, %2 : f32[3,2]\n"
	    "  %5 = matmul %4, %3 {trans_b = 1} : f32[3,2]\n"
	    "  output %5 \"out\"\n"},
    {"bn_into_gemm", PASS_fold_batch_norm, 2, DT_NONE,
	    "input %x : f32[3,2]\n"
	    "const %w : f32[2,2] = [1,2,3,4]\n"
	    "const %c : f32[2] = [1,1]\n"
	    "const %s : f32[2] = [2,4]\n"
	    "const %t : f32[2] = [1,2]\n"
	    "const %m : f32[2] = [0,0]\n"
	    "const %v : f32[2] = [1,1]\n"
	    "%y = gemm %x, %w, %c {alpha = 2, trans_b = 1} : f32[3,2]\n"
	    "%z = batch_norm %y, %s, %t, %m, %v {epsilon = 0} : "
	    "f32[3,2]\n"
	    "output %z \"out\"\n",
	    "  input  %0 : f32[3,2]\n"
	    "  const  %1 : f32[2,2] = [4,8,24,32]\n"
	    "  const  %2 : f32[2] = [3,6]\n"
	    "  %3 = matmul %0, %1, %2 {trans_b = 1} : f32[3,2]\n"
	    "  output %3 \"out\"\n"},
    {"bn_two_readers_stays", PASS_fold_batch_norm, 2, DT_NONE,
	    "input %x : f32[1,1,2,2]\n"
	    "const %w : f32[2,1,1,1] = [1,2]\n"
	    "const %k : f32[2,1,1] = [1,2]\n"
	    "%y = conv %x, %w : f32[1,2,2,2]\n"
	    "%z = mul %y, %k : f32[1,2,2,2]\n"
	    "%a = add %y, %z : f32[1,2,2,2]\n"
	    "output %a \"out\"\n",
	    NULL},
    {"scale_behind_activation_stays", PASS_fold_batch_norm, 2, DT_NONE,
	    "input %x : f32[1,1,2,2]\n"
	    "const %w : f32[2,1,1,1] = [1,2]\n"
	    "const %k : f32[2,1,1] = [1,2]\n"
	    "const %p : f32[2,2] = [1,2,3,4]\n"
	    "%y = conv %x, %w {act = relu} : f32[1,2,2,2]\n"
	    "%z = mul %y, %k : f32[1,2,2,2]\n"
	    "%v = conv %x, %w : f32[1,2,2,2]\n"
	    "%u = mul %v, %p : f32[1,2,2,2]\n"
	    "%a = add %z, %u : f32[1,2,2,2]\n"
	    "output %a \"out\"\n",
	    NULL},
    {"affine_chain_into_bn", PASS_fold_batch_norm, 2, DT_NONE,
	    "input %x : f32[1,2,1,1]\n"
	    "const %s : f32[2] = [2,4]\n"
	    "const %t : f32[2] = [1,2]\n"
	    "const %m : f32[2] = [5,6]\n"
	    "const %v : f32[2] = [3,15]\n"
	    "const %k : f32[2,1,1] = [10,100]\n"
	    "%z = batch_norm %x, %s, %t, %m, %v {epsilon = 1} : "
	    "f32[1,2,1,1]\n"
	    "%a = mul %z, %k : f32[1,2,1,1]\n"
	    "%b = add %a, %k : f32[1,2,1,1]\n"
	    "output %b \"out\"\n",
	    "  input  %0 : f32[1,2,1,1]\n"
	    "  const  %1 : f32[2] = [5,6]\n"
	    "  const  %2 : f32[2] = [3,15]\n"
	    "  const  %3 : f32[2] = [20,400]\n"
	    "  const  %4 : f32[2] = [20,300]\n"
	    "  %5 = batch_norm %0, %3, %4, %1, %2 {epsilon = 1} : "
	    "f32[1,2,1,1]\n"
	    "  output %5 \"out\"\n"},
    {"scale_behind_residual_stays", PASS_fold_batch_norm, 2, DT_NONE,
	    "input %x : f32[1,2]\n"
	    "input %r : f32[1,2]\n"
	    "const %w : f32[2,2] = [1,2,3,4]\n"
	    "const %k : f32[2] = [1,2]\n"
	    "%y = matmul %x, %w, _, %r : f32[1,2]\n"
	    "%z = mul %y, %k : f32[1,2]\n"
	    "output %z \"out\"\n",
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

	return cmocka_run_group_tests_name("passes/clean", tests, NULL,
	    NULL);
}
