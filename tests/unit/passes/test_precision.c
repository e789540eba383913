/* set-precision on small graphs: tests/lib/passcase.h. */
#include "passes/pass.h"

#include "tests/lib/passcase.h"

static const struct pass_case cases[] = {
    {"f16", PASS_set_precision, 2, DT_F16,
	    "input %x \"x\" : f32[1,1,2,2]\n"
	    "input %i \"i\" : i64[1]\n"
	    "const %w \"w\" : f32[2,1,1,1] = [1,0.1]\n"
	    "const %u \"u\" : f32[1,2,1,1] = [1,2]\n"
	    "const %b : f32[2] = [0.1,0.2]\n"
	    "const %k : f32[2,1,1] = [0.1,0.2]\n"
	    "const %one : f32[1,1,2,2] = [1,1,1,1]\n"
	    "%y = conv %x, %w, %b : f32[1,2,2,2]\n"
	    "%z = add %y, %k : f32[1,2,2,2]\n"
	    "%f = cast %i {to = f32} : f32[1]\n"
	    "%g = mul %z, %f : f32[1,2,2,2]\n"
	    "%e = concat %x, %one {axis = 1} : f32[1,2,2,2]\n"
	    "%h = add %g, %e : f32[1,2,2,2]\n"
	    "%p = max_pool %h {kernel = [2,2]} : f32[1,2,1,1]\n"
	    "%v = conv %h, %u : f32[1,1,2,2]\n"
	    "output %p \"pool\"\n"
	    "output %v \"conv\"\n"
	    "output %z \"sum\"\n",
	    "  input  %0 \"x\" : f32[1,1,2,2]\n"
	    "  input  %1 \"i\" : i64[1]\n"
	    "  const  %2 : f32[2] = [0.1,0.2]\n"
	    "  const  %3 : f32[2,1,1] = [0.1,0.2]\n"
	    "  const  %4 \"w\" : f16[2,1,1,1] = [1,0.099975586]\n"
	    "  const  %5 : f16[1,1,2,2] = splat 1\n"
	    "  const  %6 \"u\" : f16[1,2,1,1] = [1,2]\n"
	    "  %7 = cast %0 {to = f16} : f16[1,1,2,2]\n"
	    "  %8 = conv %7, %4, %2 : f16[1,2,2,2]\n"
	    "  %9 = add %8, %3 : f16[1,2,2,2]\n"
	    "  %10 = cast %1 {to = f16} : f16[1]\n"
	    "  %11 = mul %9, %10 : f16[1,2,2,2]\n"
	    "  %12 = concat %7, %5 {axis = 1} : f16[1,2,2,2]\n"
	    "  %13 = add %11, %12 : f16[1,2,2,2]\n"
	    "  %14 = max_pool %13 {kernel = [2,2]} : f32[1,2,1,1]\n"
	    "  %15 = conv %13, %6 : f32[1,1,2,2]\n"
	    "  %16 = cast %9 {to = f32} : f32[1,2,2,2]\n"
	    "  output %14 \"pool\"\n"
	    "  output %15 \"conv\"\n"
	    "  output %16 \"sum\"\n"},
    {"f16_tail", PASS_set_precision, 2, DT_F16,
	    "input %x \"x\" : f32[1,2]\n"
	    "const %w : f32[2,2] = [1,0.1,0.2,3]\n"
	    "const %one : f32[1,1] = [0.1]\n"
	    "%y = gemm %x, %w : f32[1,2]\n"
	    "%z = gemm %y, %w : f32[1,2]\n"
	    "%r = reshape %z {shape = [2,1]} : f32[2,1]\n"
	    "%q = reshape %y {shape = [2,1]} : f32[2,1]\n"
	    "%c = concat %q, %r, %one {axis = 0} : f32[5,1]\n"
	    "%s = softmax %c {axis = 0} : f32[5,1]\n"
	    "output %s \"y\"\n",
	    "  input  %0 \"x\" : f32[1,2]\n"
	    "  const  %1 : f32[1,1] = [0.1]\n"
	    "  const  %2 : f16[2,2] = [1,0.099975586,0.19995117,3]\n"
	    "  %3 = cast %0 {to = f16} : f16[1,2]\n"
	    "  %4 = gemm %3, %2 : f16[1,2]\n"
	    "  %5 = gemm %4, %2 : f32[1,2]\n"
	    "  %6 = reshape %5 {shape = [2,1]} : f32[2,1]\n"
	    "  %7 = reshape %4 {shape = [2,1]} : f16[2,1]\n"
	    "  %8 = cast %7 {to = f32} : f32[2,1]\n"
	    "  %9 = concat %8, %6, %1 : f32[5,1]\n"
	    "  %10 = softmax %9 : f32[5,1]\n"
	    "  output %10 \"y\"\n"},
    {"f16_weights_keep_their_sum", PASS_set_precision, 2, DT_F16,
	    "input %x \"x\" : f32[1,4]\n"
	    "const %w : f32[4,1] = [0.10001,0.10001,0.10001,0.10001]\n"
	    "const %q : f32[4,1] = [0.10001,0.10001,0.10001,0.10001]\n"
	    "const %v : f32[1,4] = [0.10001,0.10001,0.10001,0.10001]\n"
	    "%p = relu %x : f32[1,4]\n"
	    "%y = matmul %x, %w : f32[1,1]\n"
	    "%z = matmul %p, %q : f32[1,1]\n"
	    "%u = matmul %p, %v {trans_b = 1} : f32[1,1]\n"
	    "%s = add %y, %z : f32[1,1]\n"
	    "%t = add %s, %u : f32[1,1]\n"
	    "output %t \"y\"\n",
	    "  input  %0 \"x\" : f32[1,4]\n"
	    "  const  %1 : f16[4,1] = splat 0.10003662\n"
	    "  const  %2 : f16[4,1] = "
	    "[0.10003662,0.099975586,0.10003662,0.099975586]\n"
	    "  const  %3 : f16[1,4] = "
	    "[0.10003662,0.099975586,0.10003662,0.099975586]\n"
	    "  %4 = cast %0 {to = f16} : f16[1,4]\n"
	    "  %5 = relu %4 : f16[1,4]\n"
	    "  %6 = matmul %4, %1 : f32[1,1]\n"
	    "  %7 = matmul %5, %2 : f32[1,1]\n"
	    "  %8 = matmul %5, %3 {trans_b = 1} : f32[1,1]\n"
	    "  %9 = add %6, %7 : f32[1,1]\n"
	    "  %10 = add %9, %8 : f32[1,1]\n"
	    "  output %10 \"y\"\n"},
    {"bf16_state", PASS_set_precision, 2, DT_BF16,
	    "input %x \"x\" : f32[1,2]\n"
	    "state %p \"p\" trainable : f32[2,2] = [1,2,3,4]\n"
	    "const %one : f32[1,1] = [0.1]\n"
	    "%y = matmul %x, %p : f32[1,2]\n"
	    "%q = reshape %y {shape = [2,1]} : f32[2,1]\n"
	    "%r = expand %q {shape = [2,2]} : f32[2,2]\n"
	    "%c = concat %y, %one {axis = 1} : f32[1,3]\n"
	    "assign %p := %r\n"
	    "output %c \"y\"\n",
	    "  input  %0 \"x\" : f32[1,2]\n"
	    "  const  %1 : f32[1,1] = [0.1]\n"
	    "  state  %2 \"p\" trainable : f32[2,2] = [1,2,3,4]\n"
	    "  %3 = cast %2 {to = bf16} : bf16[2,2]\n"
	    "  %4 = cast %0 {to = bf16} : bf16[1,2]\n"
	    "  %5 = matmul %4, %3 : f32[1,2]\n"
	    "  %6 = reshape %5 {shape = [2,1]} : f32[2,1]\n"
	    "  %7 = expand %6 {shape = [2,2]} : f32[2,2]\n"
	    "  %8 = concat %5, %1 {axis = 1} : f32[1,3]\n"
	    "  assign %2 := %7\n"
	    "  output %8 \"y\"\n"},
    /* A norm's scale is f32 in another shape, too: the backward pass brings
     * it there, and computes from it what the forward pass did. */
    {"bf16_scale", PASS_set_precision, 2, DT_BF16,
	    "input %x \"x\" : f32[2,1,1]\n"
	    "state %s \"s\" trainable : f32[2] = [1,2]\n"
	    "state %w \"w\" trainable : f32[2] = [3,4]\n"
	    "%a = reshape %s {shape = [2,1,1]} : f32[2,1,1]\n"
	    "%b = reshape %w {shape = [1,1,2]} : f32[1,1,2]\n"
	    "%y = mul %x, %a : f32[2,1,1]\n"
	    "%z = matmul %y, %b : f32[2,1,2]\n"
	    "output %z \"y\"\n",
	    "  input  %0 \"x\" : f32[2,1,1]\n"
	    "  state  %1 \"s\" trainable : f32[2] = [1,2]\n"
	    "  state  %2 \"w\" trainable : f32[2] = [3,4]\n"
	    "  %3 = cast %2 {to = bf16} : bf16[2]\n"
	    "  %4 = cast %0 {to = bf16} : bf16[2,1,1]\n"
	    "  %5 = reshape %1 {shape = [2,1,1]} : f32[2,1,1]\n"
	    "  %6 = reshape %3 {shape = [1,1,2]} : bf16[1,1,2]\n"
	    "  %7 = mul %4, %5 : bf16[2,1,1]\n"
	    "  %8 = matmul %7, %6 : f32[2,1,2]\n"
	    "  output %8 \"y\"\n"},
    {"f64_contraction", PASS_set_precision, 2, DT_NONE,
	    "input %x \"x\" : f64[1,2]\n"
	    "const %w : f64[2,2] = [1,2,3,4]\n"
	    "%y = matmul %x, %w : f64[1,2]\n"
	    "%z = exp %y : f64[1,2]\n"
	    "output %z \"y\"\n",
	    "  input  %0 \"x\" : f64[1,2]\n"
	    "  const  %1 : f32[2,2] = [1,2,3,4]\n"
	    "  %2 = cast %0 {to = f32} : f32[1,2]\n"
	    "  %3 = matmul %2, %1 : f32[1,2]\n"
	    "  %4 = cast %3 {to = f64} : f64[1,2]\n"
	    "  %5 = exp %4 : f64[1,2]\n"
	    "  output %5 \"y\"\n"},
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

	return cmocka_run_group_tests_name("passes/precision", tests, NULL,
	    NULL);
}
