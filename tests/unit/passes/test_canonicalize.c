/* canonicalize on small graphs: tests/lib/passcase.h. */
#include "passes/pass.h"

#include "tests/lib/passcase.h"

static const struct pass_case cases[] = {
    {"identity_zero_one", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[1,4,6,6]\n"
	    "\n"
	    "const %z : f32[] = [0]\n"
	    "const %o : f32[] = [1]\n"
	    "%a = identity %x : f32[1,4,6,6]\n"
	    "%b = add %z, %a : f32[1,4,6,6]\n"
	    "%c = mul %b, %o : f32[1,4,6,6]\n"
	    "%d = sub %c, %z : f32[1,4,6,6]\n"
	    "%e = div %d, %o : f32[1,4,6,6]\n"
	    "%f = exp %e : f32[1,4,6,6]\n"
	    "output %f \"y\"\n",
	    "  input  %0 : f32[1,4,6,6]\n"
	    "  %1 = exp %0 : f32[1,4,6,6]\n"
	    "  output %1 \"y\"\n"},
    {"zero_that_broadcasts_stays", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[3]\n"
	    "const %z : f32[2,3] = [0,0,0,0,0,0]\n"
	    "%a = add %x, %z : f32[2,3]\n"
	    "output %a \"y\"\n",
	    NULL},
    {"sub_div_const", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[2]\n"
	    "const %c : f32[2] = [1,-2]\n"
	    "const %d : f32[2] = [4,0.5]\n"
	    "const %e : f32[2] = [3,5]\n"
	    "%a = sub %x, %c : f32[2]\n"
	    "%b = div %a, %d : f32[2]\n"
	    "%k = div %b, %e : f32[2]\n"
	    "output %k \"y\"\n",
	    "  input  %0 : f32[2]\n"
	    "  const  %1 : f32[2] = [3,5]\n"
	    "  const  %2 : f32[2] = [-1,2]\n"
	    "  const  %3 : f32[2] = [0.25,2]\n"
	    "  %4 = add %0, %2 : f32[2]\n"
	    "  %5 = mul %4, %3 : f32[2]\n"
	    "  %6 = div %5, %1 : f32[2]\n"
	    "  output %6 \"y\"\n"},
    {"powers", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[2]\n"
	    "const %c2 : f32[] = [2]\n"
	    "const %c05 : f32[] = [0.5]\n"
	    "const %c1 : f32[] = [1]\n"
	    "const %cm1 : f32[1] = [-1]\n"
	    "%a = pow %x, %c2 : f32[2]\n"
	    "%b = pow %a, %c05 : f32[2]\n"
	    "%c = pow %b, %c1 : f32[2]\n"
	    "%d = pow %c, %cm1 : f32[2]\n"
	    "output %d \"y\"\n",
	    "  input  %0 : f32[2]\n"
	    "  %1 = mul %0, %0 : f32[2]\n"
	    "  %2 = sqrt %1 : f32[2]\n"
	    "  %3 = reciprocal %2 : f32[2]\n"
	    "  output %3 \"y\"\n"},
    {"limits", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[2]\n"
	    "const %z : f32[] = [0]\n"
	    "const %six : f32[] = [6]\n"
	    "const %k : f32[2] = [0.25,0.25]\n"
	    "%a = max %z, %x : f32[2]\n"
	    "%b = min %a, %six : f32[2]\n"
	    "%c = clip %x {min = 0} : f32[2]\n"
	    "%d = prelu %x, %k : f32[2]\n"
	    "%e = relu %c : f32[2]\n"
	    "%f = add %b, %e : f32[2]\n"
	    "%g = add %f, %d : f32[2]\n"
	    "output %g \"y\"\n",
	    "  input  %0 : f32[2]\n"
	    "  %1 = clip %0 {min = 0, max = 6} : f32[2]\n"
	    "  %2 = leaky_relu %0 {alpha = 0.25} : f32[2]\n"
	    "  %3 = relu %0 : f32[2]\n"
	    "  %4 = add %1, %3 : f32[2]\n"
	    "  %5 = add %4, %2 : f32[2]\n"
	    "  output %5 \"y\"\n"},
    {"hard_swish", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[2]\n"
	    "%a = hard_sigmoid %x {alpha = 0.16666667, beta = 0.5} : "
	    "f32[2]\n"
	    "%b = mul %x, %a : f32[2]\n"
	    "output %b \"y\"\n",
	    "  input  %0 : f32[2]\n"
	    "  %1 = hard_swish %0 : f32[2]\n"
	    "  output %1 \"y\"\n"},
    {"reshape_transpose_chains", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[2,3,4]\n"
	    "%a = reshape %x {shape = [6,4]} : f32[6,4]\n"
	    "%b = reshape %a {shape = [2,3,4]} : f32[2,3,4]\n"
	    "%c = transpose %b {perm = [2,0,1]} : f32[4,2,3]\n"
	    "%d = transpose %c {perm = [1,2,0]} : f32[2,3,4]\n"
	    "%e = transpose %d {perm = [1,0,2]} : f32[3,2,4]\n"
	    "%f = transpose %e {perm = [2,1,0]} : f32[4,2,3]\n"
	    "%g = reshape %f {shape = [4,1,6]} : f32[4,1,6]\n"
	    "%h = transpose %g {perm = [1,0,2]} : f32[1,4,6]\n"
	    "output %h \"y\"\n",
	    "  input  %0 : f32[2,3,4]\n"
	    "  %1 = transpose %0 {perm = [2,0,1]} : f32[4,2,3]\n"
	    "  %2 = reshape %1 {shape = [1,4,6]} : f32[1,4,6]\n"
	    "  output %2 \"y\"\n"},
    {"slices", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[10]\n"
	    "input %w : f32[4]\n"
	    "%a = slice %x {starts = [9], steps = [-2], sizes = [5]} : "
	    "f32[5]\n"
	    "%b = slice %a {starts = [1], steps = [2], sizes = [2]} : "
	    "f32[2]\n"
	    "%c = concat %x, %w {axis = 0} : f32[14]\n"
	    "%d = slice %c {starts = [10], steps = [1], sizes = [4]} : "
	    "f32[4]\n"
	    "%e = slice %c {starts = [9], steps = [1], sizes = [2]} : "
	    "f32[2]\n"
	    "%f = concat %b, %e {axis = 0} : f32[4]\n"
	    "%g = add %f, %d : f32[4]\n"
	    "output %g \"y\"\n",
	    "  input  %0 : f32[10]\n"
	    "  input  %1 : f32[4]\n"
	    "  %2 = slice %0 {starts = [7], steps = [-4], sizes = [2]} "
	    ": f32[2]\n"
	    "  %3 = concat %0, %1 : f32[14]\n"
	    "  %4 = slice %3 {starts = [9], steps = [1], sizes = [2]} "
	    ": f32[2]\n"
	    "  %5 = concat %2, %4 : f32[4]\n"
	    "  %6 = add %5, %1 : f32[4]\n"
	    "  output %6 \"y\"\n"},
    {"concat_of_concat", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[2,3]\n"
	    "input %z : f32[2,0]\n"
	    "%a = concat %x, %z {axis = 1} : f32[2,3]\n"
	    "%b = concat %a, %x {axis = 1} : f32[2,6]\n"
	    "%c = concat %b, %x {axis = 1} : f32[2,9]\n"
	    "output %c \"y\"\n",
	    "  input  %0 : f32[2,3]\n"
	    "  input  %1 : f32[2,0]\n"
	    "  %2 = concat %0, %0, %0 {axis = 1} : f32[2,9]\n"
	    "  output %2 \"y\"\n"},
    {"pad_of_pad", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[2]\n"
	    "%a = pad %x {pads_begin = [1], pads_end = [0]} : f32[3]\n"
	    "%b = pad %a {pads_begin = [0], pads_end = [2]} : f32[5]\n"
	    "%c = pad %b {pads_begin = [0], pads_end = [0]} : f32[5]\n"
	    "output %c \"y\"\n",
	    "  input  %0 : f32[2]\n"
	    "  %1 = pad %0 {pads_begin = [1], pads_end = [2]} : "
	    "f32[5]\n"
	    "  output %1 \"y\"\n"},
    {"pad_into_windows", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[1,1,4,4]\n"
	    "const %w : f32[1,1,3,3] = [1,2,3,4,5,6,7,8,9]\n"
	    "%p = pad %x {pads_begin = [0,0,1,1], pads_end = "
	    "[0,0,1,1]} : f32[1,1,6,6]\n"
	    "%n = pad %x {pads_begin = [0,0,1,1], pads_end = "
	    "[0,0,1,1], value = -inf} : f32[1,1,6,6]\n"
	    "%a = conv %p, %w : f32[1,1,4,4]\n"
	    "%b = avg_pool %p {kernel = [3,3]} : f32[1,1,4,4]\n"
	    "%c = sum_pool %p {kernel = [3,3]} : f32[1,1,4,4]\n"
	    "%d = max_pool %n {kernel = [3,3]} : f32[1,1,4,4]\n"
	    "%e = max_pool %p {kernel = [3,3]} : f32[1,1,4,4]\n"
	    "%s = add %a, %b : f32[1,1,4,4]\n"
	    "%t = add %s, %c : f32[1,1,4,4]\n"
	    "%u = add %t, %d : f32[1,1,4,4]\n"
	    "%v = add %u, %e : f32[1,1,4,4]\n"
	    "output %v \"y\"\n",
	    "  input  %0 : f32[1,1,4,4]\n"
	    "  const  %1 : f32[1,1,3,3] = [1,2,3,4,5,6,7,8,9]\n"
	    "  %2 = pad %0 {pads_begin = [0,0,1,1], pads_end = "
	    "[0,0,1,1]} : f32[1,1,6,6]\n"
	    "  %3 = conv %0, %1 {pads_begin = [1,1], pads_end = [1,1]} "
	    ": f32[1,1,4,4]\n"
	    "  %4 = avg_pool %0 {kernel = [3,3], pads_begin = [1,1], "
	    "pads_end = [1,1], count_include_pad = 1} : f32[1,1,4,4]\n"
	    "  %5 = sum_pool %0 {kernel = [3,3], pads_begin = [1,1], "
	    "pads_end = [1,1]} : f32[1,1,4,4]\n"
	    "  %6 = max_pool %0 {kernel = [3,3], pads_begin = [1,1], "
	    "pads_end = [1,1]} : f32[1,1,4,4]\n"
	    "  %7 = max_pool %2 {kernel = [3,3]} : f32[1,1,4,4]\n"
	    "  %8 = add %3, %4 : f32[1,1,4,4]\n"
	    "  %9 = add %8, %5 : f32[1,1,4,4]\n"
	    "  %10 = add %9, %6 : f32[1,1,4,4]\n"
	    "  %11 = add %10, %7 : f32[1,1,4,4]\n"
	    "  output %11 \"y\"\n"},
    {"channel_pad_stays", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[1,1,4,4]\n"
	    "const %w : f32[1,2,1,1] = [1,2]\n"
	    "%p = pad %x {pads_begin = [0,1,0,0], pads_end = "
	    "[0,0,0,0]} : f32[1,2,4,4]\n"
	    "%a = conv %p, %w : f32[1,1,4,4]\n"
	    "output %a \"y\"\n",
	    NULL},
    {"transpose_into_matmul", PASS_canonicalize, 2, DT_NONE,
	    "input %a : f32[2,3,4]\n"
	    "input %b : f32[2,5,4]\n"
	    "%t = transpose %b {perm = [0,2,1]} : f32[2,4,5]\n"
	    "%c = matmul %a, %t : f32[2,3,5]\n"
	    "%d = transpose %t {perm = [0,2,1]} : f32[2,5,4]\n"
	    "%e = matmul %c, %d : f32[2,3,4]\n"
	    "output %e \"y\"\n",
	    "  input  %0 : f32[2,3,4]\n"
	    "  input  %1 : f32[2,5,4]\n"
	    "  %2 = matmul %0, %1 {trans_b = 1} : f32[2,3,5]\n"
	    "  %3 = matmul %2, %1 : f32[2,3,4]\n"
	    "  output %3 \"y\"\n"},
    {"matmul_bias", PASS_canonicalize, 2, DT_NONE,
	    "input %a : f32[3,4]\n"
	    "input %b : f32[4,2]\n"
	    "const %k : f32[1,2] = [1,2]\n"
	    "%c = matmul %a, %b : f32[3,2]\n"
	    "%d = add %k, %c : f32[3,2]\n"
	    "output %d \"y\"\n",
	    "  input  %0 : f32[3,4]\n"
	    "  input  %1 : f32[4,2]\n"
	    "  const  %2 : f32[2] = [1,2]\n"
	    "  %3 = matmul %0, %1, %2 : f32[3,2]\n"
	    "  output %3 \"y\"\n"},
    {"expand_into_map", PASS_canonicalize, 2, DT_NONE,
	    "input %a : f32[3,1]\n"
	    "input %b : f32[3,4]\n"
	    "%e = expand %a {shape = [3,4]} : f32[3,4]\n"
	    "%c = mul %e, %b : f32[3,4]\n"
	    "%f = exp %e : f32[3,4]\n"
	    "%g = sub %c, %f : f32[3,4]\n"
	    "output %g \"y\"\n",
	    "  input  %0 : f32[3,1]\n"
	    "  input  %1 : f32[3,4]\n"
	    "  %2 = expand %0 {shape = [3,4]} : f32[3,4]\n"
	    "  %3 = mul %0, %1 : f32[3,4]\n"
	    "  %4 = exp %2 : f32[3,4]\n"
	    "  %5 = sub %3, %4 : f32[3,4]\n"
	    "  output %5 \"y\"\n"},
    {"gather_is_slice", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[5,3]\n"
	    "const %i : i64[] = [-1]\n"
	    "const %j : i64[2] = [3,1]\n"
	    "const %k : i64[2] = [1,1]\n"
	    "%a = gather %x, %i {axis = 0} : f32[3]\n"
	    "%b = gather %x, %j {axis = 0} : f32[2,3]\n"
	    "%c = gather %x, %k {axis = 0} : f32[2,3]\n"
	    "%d = add %b, %c : f32[2,3]\n"
	    "%e = add %d, %a : f32[2,3]\n"
	    "output %e \"y\"\n",
	    "  input  %0 : f32[5,3]\n"
	    "  const  %1 : i64[2] = splat 1\n"
	    "  %2 = slice %0 {starts = [4,0], steps = [1,1], sizes = "
	    "[1,3]} : f32[1,3]\n"
	    "  %3 = reshape %2 {shape = [3]} : f32[3]\n"
	    "  %4 = slice %0 {starts = [3,0], steps = [-2,1], sizes = "
	    "[2,3]} : f32[2,3]\n"
	    "  %5 = gather %0, %1 : f32[2,3]\n"
	    "  %6 = add %4, %5 : f32[2,3]\n"
	    "  %7 = add %6, %3 : f32[2,3]\n"
	    "  output %7 \"y\"\n"},
    {"trivial_reduce_pool", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[2,3,1,1]\n"
	    "%a = reduce_mean %x {axes = [2,3], keepdims = 0} : "
	    "f32[2,3]\n"
	    "%b = max_pool %x {kernel = [1,1]} : f32[2,3,1,1]\n"
	    "%c = reshape %b {shape = [2,3]} : f32[2,3]\n"
	    "%d = add %a, %c : f32[2,3]\n"
	    "output %d \"y\"\n",
	    "  input  %0 : f32[2,3,1,1]\n"
	    "  %1 = reshape %0 {shape = [2,3]} : f32[2,3]\n"
	    "  %2 = reshape %0 {shape = [2,3]} : f32[2,3]\n"
	    "  %3 = add %1, %2 : f32[2,3]\n"
	    "  output %3 \"y\"\n"},
    {"casts", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f16[4]\n"
	    "input %w : f32[4]\n"
	    "%a = cast %x {to = f32} : f32[4]\n"
	    "%b = cast %a {to = f16} : f16[4]\n"
	    "%c = cast %w {to = f16} : f16[4]\n"
	    "%d = cast %c {to = f32} : f32[4]\n"
	    "%e = add %a, %d : f32[4]\n"
	    "%f = exp %e : f32[4]\n"
	    "%g = cast %f {to = f16} : f16[4]\n"
	    "%h = mul %g, %b : f16[4]\n"
	    "output %h \"y\"\n",
	    "  input  %0 : f16[4]\n"
	    "  input  %1 : f32[4]\n"
	    "  %2 = cast %1 {to = f16} : f16[4]\n"
	    "  %3 = add %0, %2 : f32[4]\n"
	    "  %4 = exp %3 : f16[4]\n"
	    "  %5 = mul %4, %0 : f16[4]\n"
	    "  output %5 \"y\"\n"},
    {"select_const", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[2]\n"
	    "input %w : f32[2]\n"
	    "const %c : bool[] = [1]\n"
	    "%a = select %c, %x, %w : f32[2]\n"
	    "%b = neg %a : f32[2]\n"
	    "%d = neg %b : f32[2]\n"
	    "%e = neg %d : f32[2]\n"
	    "output %e \"y\"\n",
	    "  input  %0 : f32[2]\n"
	    "  input  %1 : f32[2]\n"
	    "  %2 = neg %0 : f32[2]\n"
	    "  output %2 \"y\"\n"},
    {"output_leaf_kept", PASS_canonicalize, 2, DT_NONE,
	    "input %x \"x\" : f32[2]\n"
	    "%a = identity %x : f32[2]\n"
	    "output %a \"y\"\n",
	    NULL},
    {"padded_avg_pool_keeps_pad", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[1,1,4,4]\n"
	    "%p = pad %x {pads_begin = [0,0,1,1], pads_end = "
	    "[0,0,1,1]} : f32[1,1,6,6]\n"
	    "%a = avg_pool %p {kernel = [3,3], pads_begin = [1,1]} : "
	    "f32[1,1,5,5]\n"
	    "output %a \"y\"\n",
	    NULL},
    {"constants_that_broadcast_stay", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[1,1]\n"
	    "input %w : f32[2,3]\n"
	    "const %two : f32[2,3] = [2,2,2,2,2,2]\n"
	    "const %z : f32[1,3] = [0,0,0]\n"
	    "%a = pow %x, %two : f32[2,3]\n"
	    "%b = max %x, %two : f32[2,3]\n"
	    "%c = add %x, %z : f32[1,3]\n"
	    "%e = expand %x {shape = [2,3]} : f32[2,3]\n"
	    "%d = prelu %e, %w : f32[2,3]\n"
	    "%f = add %a, %b : f32[2,3]\n"
	    "%g = add %f, %c : f32[2,3]\n"
	    "%h = add %g, %d : f32[2,3]\n"
	    "output %h \"y\"\n",
	    NULL},
    {"add_behind_activation_stays", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[1,2]\n"
	    "input %r : f32[1,2]\n"
	    "const %w : f32[2,2] = [1,2,3,4]\n"
	    "const %b : f32[2] = [1,2]\n"
	    "%a = matmul %x, %w {act = relu} : f32[1,2]\n"
	    "%c = add %a, %b : f32[1,2]\n"
	    "%d = matmul %c, %w, _, %r : f32[1,2]\n"
	    "%e = add %d, %b : f32[1,2]\n"
	    "output %e \"y\"\n",
	    NULL},
    {"sink_through_unit_dims", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[3,4]\n"
	    "const %w : f32[4,2] = [1,2,3,4,5,6,7,8]\n"
	    "const %s : f32[2] = [1,2]\n"
	    "const %k : f32[1,2,1] = [10,20]\n"
	    "const %m : f32[2,1] = [3,4]\n"
	    "%y = matmul %x, %w : f32[3,2]\n"
	    "%r = reshape %y {shape = [3,2,1]} : f32[3,2,1]\n"
	    "%b = batch_norm %r, %s, %s, %s, %s : f32[3,2,1]\n"
	    "%a = add %b, %k : f32[3,2,1]\n"
	    "%z = matmul %x, %w : f32[3,2]\n"
	    "%q = reshape %z {shape = [1,3,2,1]} : f32[1,3,2,1]\n"
	    "%c = mul %m, %q : f32[1,3,2,1]\n"
	    "%t = reshape %c {shape = [3,2,1]} : f32[3,2,1]\n"
	    "%u = mul %t, %a : f32[3,2,1]\n"
	    "%v = relu %u : f32[3,2,1]\n"
	    "output %v \"y\"\n",
	    "  input  %0 : f32[3,4]\n"
	    "  const  %1 : f32[4,2] = [1,2,3,4,5,6,7,8]\n"
	    "  const  %2 : f32[2] = [1,2]\n"
	    "  const  %3 : f32[1,2] = [10,20]\n"
	    "  const  %4 : f32[1,2] = [3,4]\n"
	    "  %5 = matmul %0, %1 : f32[3,2]\n"
	    "  %6 = batch_norm %5, %2, %2, %2, %2 : f32[3,2]\n"
	    "  %7 = add %6, %3 : f32[3,2]\n"
	    "  %8 = reshape %7 {shape = [3,2,1]} : f32[3,2,1]\n"
	    "  %9 = matmul %0, %1 : f32[3,2]\n"
	    "  %10 = mul %9, %4 : f32[3,2]\n"
	    "  %11 = reshape %10 {shape = [3,2,1]} : f32[3,2,1]\n"
	    "  %12 = mul %11, %8 : f32[3,2,1]\n"
	    "  %13 = relu %12 : f32[3,2,1]\n"
	    "  output %13 \"y\"\n"},
    {"sink_not_through_merge", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[3,4]\n"
	    "const %w : f32[4,2] = [1,2,3,4,5,6,7,8]\n"
	    "const %m : f32[6] = [1,2,3,4,5,6]\n"
	    "%y = matmul %x, %w : f32[3,2]\n"
	    "%r = reshape %y {shape = [6]} : f32[6]\n"
	    "%a = mul %r, %m : f32[6]\n"
	    "output %a \"y\"\n",
	    NULL},
    {"sink_activation", PASS_canonicalize, 2, DT_NONE,
	    "input %x : f32[3,4]\n"
	    "const %w : f32[4,2] = [1,2,3,4,5,6,7,8]\n"
	    "%y = matmul %x, %w : f32[3,2]\n"
	    "%r = reshape %y {shape = [6]} : f32[6]\n"
	    "%a = leaky_relu %r {alpha = 0.5} : f32[6]\n"
	    "output %a \"y\"\n",
	    "  input  %0 : f32[3,4]\n"
	    "  const  %1 : f32[4,2] = [1,2,3,4,5,6,7,8]\n"
	    "  %2 = matmul %0, %1 : f32[3,2]\n"
	    "  %3 = leaky_relu %2 {alpha = 0.5} : f32[3,2]\n"
	    "  %4 = reshape %3 {shape = [6]} : f32[6]\n"
	    "  output %4 \"y\"\n"},
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

	return cmocka_run_group_tests_name("passes/canonicalize", tests, NULL,
	    NULL);
}
