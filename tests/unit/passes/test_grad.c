/* Every gradient rule against central differences. */
#include <stdio.h>
#include <string.h>

#include "tests/lib/gradcheck.h"

#define X(t) "input %x : " t "\n"
#define OUT "output %y \"y\"\n"
#define UNARY(op, t) X(t) "%y = " op "\n" OUT

static const struct grad_case cases[] = {
    /* functions of one number */
    {"identity", UNARY("identity %x", "f32[3,5]"), 0, 0},
    {"cast", X("f32[7]") "%d = cast %x {to = f64}\n%y = mul %d, %d\n" OUT,
	0, 0},
    {"neg", UNARY("neg %x", "f32[7]"), 0, 0},
    {"abs", UNARY("abs %x", "f32[9]"), 0, 0},
    {"reciprocal", UNARY("reciprocal %x", "f32[5]"), 0.5, 2},
    {"sqrt", UNARY("sqrt %x", "f32[5]"), 0.5, 3},
    {"rsqrt", UNARY("rsqrt %x", "f32[5]"), 0.5, 3},
    {"exp", UNARY("exp %x", "f32[2,3]"), 0, 0},
    {"log", UNARY("log %x", "f32[2,3]"), 0.5, 3},
    {"sin", UNARY("sin %x", "f32[5]"), 0, 0},
    {"cos", UNARY("cos %x", "f32[5]"), 0, 0},
    {"erf", UNARY("erf %x", "f32[5]"), 0, 0},
    {"tanh", UNARY("tanh %x", "f32[5]"), 0, 0},
    {"sigmoid", UNARY("sigmoid %x", "f32[5]"), 0, 0},
    {"relu", UNARY("relu %x", "f32[2,11,3]"), 0, 0},
    {"relu of a scalar", UNARY("relu %x", "f32[]"), 0, 0},
    {"relu of a vector", UNARY("relu %x", "f32[19]"), 0, 0},
    {"leaky_relu", UNARY("leaky_relu %x {alpha = 0.1}", "f32[9]"), 0, 0},
    {"leaky_relu above 1", UNARY("leaky_relu %x {alpha = -2}", "f32[9]"),
	0, 0},
    {"clip", UNARY("clip %x {min = -1, max = 0.5}", "f32[2,9]"), 0, 0},
    {"clip below", UNARY("clip %x {min = 0.25}", "f32[9]"), 0, 0},
    {"clip above", UNARY("clip %x {max = 0.25}", "f32[9]"), 0, 0},
    {"clip nowhere", UNARY("clip %x", "f32[9]"), 0, 0},
    {"relu6", UNARY("clip %x {min = 0, max = 6}", "f32[40]"), -4, 10},
    {"hard_sigmoid",
	UNARY("hard_sigmoid %x {alpha = 0.4, beta = 0.6}", "f32[20]"), -4,
	4},
    {"hard_swish", UNARY("hard_swish %x", "f32[30]"), -5, 5},
    {"elu", UNARY("elu %x {alpha = 1.5}", "f32[12]"), 0, 0},
    {"selu", UNARY("selu %x {alpha = 1.67, beta = 1.05}", "f32[12]"), 0,
	0},
    {"celu", UNARY("celu %x {alpha = 0.7}", "f32[12]"), 0, 0},
    {"thresholded_relu", UNARY("thresholded_relu %x {alpha = 0.7}",
	"f32[12]"), 0, 0},
    {"softplus", UNARY("softplus %x", "f32[12]"), 0, 0},
    {"softsign", UNARY("softsign %x", "f32[12]"), 0, 0},
    {"gelu", UNARY("gelu %x", "f32[12]"), 0, 0},
    {"gelu tanh", UNARY("gelu %x {approximate = 1}", "f32[12]"), 0, 0},
    {"mish", UNARY("mish %x", "f32[12]"), 0, 0},
    {"piecewise constant", X("f32[5]") "%f = floor %x\n%s = sign %x\n"
	"%c = ceil %x\n%r = round %x\n%a = add %f, %s\n%b = add %c, %r\n"
	"%d = mul %a, %b\n%y = mul %d, %x\n" OUT, 0, 0},
    {"logic", X("f32[5]") "const %k : f32[5] = [1,-1,0.5,0,2]\n"
	"%l = less %x, %k\n%m = less_equal %k, %x\n%n = not %l\n"
	"%o = or %m, %n\n%p = and %o, %n\n%q = xor %p, %l\n"
	"%e = equal %x, %k\n%r = or %q, %e\n%y = select %r, %x, %k\n" OUT,
	0, 0},
    /* two and three operands */
    {"add", "input %a : f32[2,1,3]\ninput %b : f32[4,1]\n"
	"%y = add %a, %b\n" OUT, 0, 0},
    {"sub", "input %a : f32[3]\ninput %b : f32[2,1]\n"
	"%y = sub %a, %b\n" OUT, 0, 0},
    {"mul", "input %a : f32[2,3]\ninput %b : f32[]\n"
	"%y = mul %a, %b\n" OUT, 0, 0},
    {"mul of one", X("f32[2,3]") "%y = mul %x, %x\n" OUT, 0, 0},
    {"div", "input %a : f32[2,1,3]\ninput %b : f32[4,1]\n"
	"%y = div %a, %b\n" OUT, 0.5, 2},
    {"pow", "input %a : f32[2,1,3]\ninput %b : f32[4,1]\n"
	"%y = pow %a, %b\n" OUT, 0.5, 2},
    {"pow 2", X("f32[5]") "const %k : f32[] = [2]\n%y = pow %x, %k\n" OUT,
	0, 0},
    {"pow 3", X("f32[5]") "const %k : f32[] = [3]\n%y = pow %x, %k\n" OUT,
	0, 0},
    {"pow -1.5", X("f32[5]") "const %k : f32[1] = [-1.5]\n"
	"%y = pow %x, %k\n" OUT, 0.5, 2},
    {"pow 0", X("f32[5]") "const %k : i32[] = [0]\n%p = pow %x, %k\n"
	"%y = add %p, %x\n" OUT, 0, 0},
    {"pow of several", X("f32[3]") "const %k : f32[3] = [0,1,2]\n"
	"%y = pow %x, %k\n" OUT, 0.5, 2},
    {"min", "input %a : f32[2,5]\ninput %b : f32[5]\n%y = min %a, %b\n" OUT,
	0, 0},
    {"max", "input %a : f32[2,5]\ninput %b : f32[2,1]\n"
	"%y = max %a, %b\n" OUT, 0, 0},
    {"mod", "input %a : f32[9]\ninput %b : f32[9]\n%y = mod %a, %b\n" OUT,
	0.7, 3},
    {"prelu", "input %a : f32[2,3,4]\ninput %b : f32[3,1]\n"
	"%y = prelu %a, %b\n" OUT, 0, 0},
    {"select", "input %a : f32[2,3]\ninput %b : f32[3]\n"
	"const %c : bool[2,1] = [1,0]\n%y = select %c, %a, %b\n" OUT, 0, 0},
    {"fma", "input %a : f32[2,1]\ninput %b : f32[3]\ninput %c : f32[]\n"
	"%y = fma %a, %b, %c\n" OUT, 0, 0},
    {"mask_select", "input %a : f32[2,11]\ninput %b : f32[2,11]\n"
	"%m = mask_pack %b {axis = 1}\n%s = mask_select %m, %a {axis = 1}\n"
	"%y = add %s, %b\n" OUT, 0, 0},
    {"fan-out", X("f32[4]") "%a = exp %x\n%b = mul %a, %x\n"
	"%c = add %a, %b\n%d = tanh %c\n%e = add %d, %a\n"
	"%y = mul %e, %b\n" OUT, -1, 1},
    /* reductions */
    {"reduce_sum", UNARY("reduce_sum %x {axes = [0,2], keepdims = 0}",
	"f32[2,3,4]"), 0, 0},
    {"reduce_sum all", UNARY("reduce_sum %x", "f32[2,3]"), 0, 0},
    {"reduce_mean", UNARY("reduce_mean %x {axes = [1]}", "f32[2,3,4]"), 0,
	0},
    {"reduce_max", UNARY("reduce_max %x {axes = [1], keepdims = 0}",
	"f32[3,7]"), 0, 0},
    {"reduce_min", UNARY("reduce_min %x {axes = [0,2]}", "f32[3,7,2]"), 0,
	0},
    {"reduce_prod", UNARY("reduce_prod %x {axes = [1], keepdims = 0}",
	"f32[3,5]"), 0, 0},
    {"reduce_prod with zeros", X("f32[3,4]")
	"const %k : f32[3,4] = [1,1,1,1,1,0,1,1,0,1,0,1]\n"
	"%z = mul %x, %k\n%y = reduce_prod %z {axes = [1]}\n" OUT, 0, 0},
    {"reduce_l1", UNARY("reduce_l1 %x {axes = [1]}", "f32[3,5]"), 0, 0},
    {"reduce_l2", UNARY("reduce_l2 %x {axes = [1], keepdims = 0}",
	"f32[3,5]"), 0, 0},
    {"reduce_sum_square", UNARY("reduce_sum_square %x {axes = [0]}",
	"f32[3,5]"), 0, 0},
    {"reduce_log_sum", UNARY("reduce_log_sum %x {axes = [1]}", "f32[3,5]"),
	0.5, 2},
    {"reduce_log_sum_exp",
	UNARY("reduce_log_sum_exp %x {axes = [1], keepdims = 0}",
	"f32[3,5]"), 0, 0},
    /* contractions */
    {"conv", "input %x : f32[2,4,7,8]\ninput %w : f32[6,2,3,2]\n"
	"input %b : f32[6]\ninput %r : f32[2,6,4,4]\n"
	"%y = conv %x, %w, %b, %r {groups = 2, strides = [2,2], "
	"dilations = [1,2], pads_begin = [1,0], pads_end = [1,1]}\n" OUT, 0,
	0},
    {"conv stride beyond kernel", "input %x : f32[1,2,9,8]\n"
	"input %w : f32[3,2,1,1]\n%y = conv %x, %w {strides = [2,3]}\n" OUT,
	0, 0},
    {"conv with rest", "input %x : f32[1,2,8,8]\n"
	"input %w : f32[3,2,3,3]\n%y = conv %x, %w {strides = [3,2]}\n" OUT,
	0, 0},
    {"conv depthwise", "input %x : f32[2,5,6,6]\n"
	"input %w : f32[5,1,3,3]\n%y = conv %x, %w {groups = 5, "
	"pads_begin = [1,1], pads_end = [1,1], strides = [2,1]}\n" OUT, 0,
	0},
    {"conv 1d", "input %x : f32[2,3,9]\ninput %w : f32[4,3,3]\n"
	"%y = conv %x, %w {dilations = [3], pads_begin = [2]}\n" OUT, 0, 0},
    {"conv 3d", "input %x : f32[1,2,4,5,3]\ninput %w : f32[2,2,2,3,2]\n"
	"%y = conv %x, %w {strides = [1,2,1], pads_end = [1,0,1]}\n" OUT, 0,
	0},
    {"conv relu", "input %x : f32[1,2,5,5]\ninput %w : f32[3,2,3,3]\n"
	"input %b : f32[3]\n%y = conv %x, %w, %b {act = relu}\n" OUT, 0, 0},
    {"conv clip", "input %x : f32[1,2,5,5]\ninput %w : f32[3,2,3,3]\n"
	"%y = conv %x, %w {act = clip, act_alpha = -1, act_beta = 3}\n" OUT,
	0, 0},
    {"conv_transpose", "input %x : f32[2,4,4,3]\n"
	"input %w : f32[4,3,3,2]\ninput %b : f32[6]\n"
	"%y = conv_transpose %x, %w, %b {groups = 2, strides = [2,3], "
	"pads_begin = [1,0], pads_end = [0,1], output_pads = [1,2]}\n" OUT,
	0, 0},
    {"conv_transpose dilated", "input %x : f32[1,2,4]\n"
	"input %w : f32[2,3,3]\n%y = conv_transpose %x, %w {dilations = [3]"
	", output_pads = [2]}\n" OUT, 0, 0},
    {"conv_transpose sigmoid", "input %x : f32[1,2,3,3]\n"
	"input %w : f32[2,2,2,2]\n"
	"%y = conv_transpose %x, %w {act = sigmoid}\n" OUT, 0, 0},
    {"matmul", "input %x : f32[3,4]\ninput %w : f32[4,5]\n"
	"input %b : f32[5]\ninput %r : f32[3,5]\n"
	"%y = matmul %x, %w, %b, %r\n" OUT, 0, 0},
    {"matmul ta", "input %x : f32[4,3]\ninput %w : f32[4,5]\n"
	"%y = matmul %x, %w {trans_a = 1}\n" OUT, 0, 0},
    {"matmul tb", "input %x : f32[3,4]\ninput %w : f32[5,4]\n"
	"%y = matmul %x, %w {trans_b = 1, act = tanh}\n" OUT, 0, 0},
    {"matmul ta tb", "input %x : f32[4,3]\ninput %w : f32[5,4]\n"
	"%y = matmul %x, %w {trans_a = 1, trans_b = 1, act = leaky_relu, "
	"act_alpha = 0.1}\n" OUT, 0, 0},
    {"matmul batch by weight", "input %x : f32[2,3,2,4]\n"
	"input %w : f32[5,4]\ninput %b : f32[5]\n"
	"%y = matmul %x, %w, %b {trans_b = 1, act = hard_swish}\n" OUT, 0,
	0},
    {"matmul batch ta by weight", "input %x : f32[2,4,3]\n"
	"input %w : f32[4,5]\n%y = matmul %x, %w {trans_a = 1}\n" OUT, 0, 0},
    {"matmul batches", "input %x : f32[2,1,3,4]\n"
	"input %w : f32[3,4,2]\n%y = matmul %x, %w {act = hard_sigmoid, "
	"act_alpha = 0.2, act_beta = 0.5}\n" OUT, 0, 0},
    {"gemm", "input %x : f32[4,3]\ninput %w : f32[5,4]\n"
	"input %c : f32[3,1]\n%y = gemm %x, %w, %c {trans_a = 1, "
	"trans_b = 1, alpha = 0.5, beta = 2}\n" OUT, 0, 0},
    /* windows */
    {"max_pool", UNARY("max_pool %x {kernel = [3,3], strides = [2,2], "
	"pads_begin = [1,1], pads_end = [1,0]}", "f32[2,3,7,6]"), 0, 0},
    {"max_pool 4x4", UNARY("max_pool %x {kernel = [4,4], "
	"strides = [2,2]}", "f32[2,6,8,6]"), 0, 0},
    {"max_pool of 17", UNARY("max_pool %x {kernel = [17]}",
	"f32[2,4,20]"), 0, 0},
    {"max_pool dilated", UNARY("max_pool %x {kernel = [2,3], "
	"dilations = [2,1]}", "f32[1,2,6,5]"), 0, 0},
    {"max_pool 17x17", UNARY("max_pool %x {kernel = [17,17]}",
	"f32[1,2,17,17]"), 0, 0},
    {"max_pool 1d", UNARY("max_pool %x {kernel = [3], strides = [4]}",
	"f32[2,2,11]"), 0, 0},
    {"avg_pool", UNARY("avg_pool %x {kernel = [3,2], strides = [2,1], "
	"pads_begin = [1,1], pads_end = [1,0]}", "f32[2,3,7,6]"), 0, 0},
    {"avg_pool with pads", UNARY("avg_pool %x {kernel = [3,2], "
	"pads_begin = [1,1], count_include_pad = 1}", "f32[1,2,5,4]"), 0,
	0},
    {"avg_pool global", UNARY("avg_pool %x {kernel = [5,4]}",
	"f32[2,2,5,4]"), 0, 0},
    {"sum_pool", UNARY("sum_pool %x {kernel = [2,2,2], "
	"strides = [2,1,2], dilations = [1,2,1]}", "f32[1,2,4,4,5]"), 0, 0},
    {"channel_sum", UNARY("channel_sum %x {size = 3}", "f32[2,5,2]"), 0,
	0},
    {"channel_sum even", UNARY("channel_sum %x {size = 4}", "f32[1,6,2]"),
	0, 0},
    {"lrn", UNARY("lrn %x {size = 5, alpha = 0.3, beta = 0.75, bias = 2}",
	"f32[1,7,2,2]"), 0, 0},
    {"lrn even", UNARY("lrn %x {size = 2, alpha = 0.3, beta = 0.6}",
	"f32[1,4,3]"), 0, 0},
    /* movement */
    {"reshape", UNARY("reshape %x {shape = [3,4]}", "f32[2,6]"), 0, 0},
    {"transpose", UNARY("transpose %x {perm = [2,0,1]}", "f32[2,3,4]"), 0,
	0},
    {"slice", UNARY("slice %x {starts = [4,1], steps = [-2,2], "
	"sizes = [3,2]}", "f32[5,6]"), 0, 0},
    {"slice_grad", UNARY("slice_grad %x {starts = [4,1], "
	"steps = [-2,1], shape = [5,6]}", "f32[3,4]"), 0, 0},
    {"concat", "input %a : f32[2,3]\ninput %b : f32[2,1]\n"
	"%y = concat %a, %b, %a {axis = 1}\n" OUT, 0, 0},
    {"pad", UNARY("pad %x {pads_begin = [1,0], pads_end = [0,2], "
	"value = 2.5}", "f32[3,4]"), 0, 0},
    {"pad cropping", UNARY("pad %x {pads_begin = [1,-1], "
	"pads_end = [-1,2]}", "f32[3,4]"), 0, 0},
    {"pad reflect", UNARY("pad %x {pads_begin = [2,1], "
	"pads_end = [1,2], mode = reflect}", "f32[3,4]"), 0, 0},
    {"pad edge", UNARY("pad %x {pads_begin = [0,2], pads_end = [1,1], "
	"mode = edge}", "f32[3,4]"), 0, 0},
    {"expand", UNARY("expand %x {shape = [2,3,4]}", "f32[3,1]"), 0, 0},
    {"tile", X("f32[2,3]") "const %k : i64[2] = [2,3]\n"
	"%y = tile %x, %k\n" OUT, 0, 0},
    {"gather", X("f32[2,4,3]") "const %k : i32[2,2] = [3,-1,0,1]\n"
	"%y = gather %x, %k {axis = 1}\n" OUT, 0, 0},
    {"gather one", X("f32[4,3]") "const %k : i64[] = [2]\n"
	"%y = gather %x, %k\n" OUT, 0, 0},
    {"depth_to_space", UNARY("depth_to_space %x {blocksize = 2}",
	"f32[1,8,2,3]"), 0, 0},
    {"depth_to_space crd", UNARY("depth_to_space %x {blocksize = 2, "
	"dcr = 0}", "f32[1,8,2,3]"), 0, 0},
    {"space_to_depth", UNARY("space_to_depth %x {blocksize = 2}",
	"f32[1,2,4,6]"), 0, 0},
    {"resize linear", UNARY("resize %x {shape = [1,2,7,5], mode = linear}",
	"f32[1,2,3,3]"), 0, 0},
    {"resize nearest", UNARY("resize %x {shape = [1,1,6,4], "
	"coord = asymmetric, rounding = floor}", "f32[1,1,3,3]"), 0, 0},
    /* normalisation and loss */
    {"batch_norm", "input %x : f32[2,3,4]\ninput %s : f32[3]\n"
	"input %b : f32[3]\ninput %m : f32[3]\ninput %v : f32[3]\n"
	"%y = batch_norm %x, %s, %b, %m, %v {epsilon = 0.1}\n" OUT, 0.5, 2},
    {"batch_norm rank 2", "input %x : f32[4,3]\ninput %s : f32[3]\n"
	"input %b : f32[3]\nconst %m : f32[3] = [1,0,-1]\n"
	"const %v : f32[3] = [1,2,3]\n"
	"%y = batch_norm %x, %s, %b, %m, %v\n" OUT, 0, 0},
    {"batch_norm_train", "input %x : f32[3,4,3,2]\ninput %s : f32[4]\n"
	"input %b : f32[4]\n"
	"%y, %m, %v = batch_norm_train %x, %s, %b {epsilon = 0.01}\n" OUT,
	0, 0},
    {"batch_norm_train rank 2", "input %x : f32[5,3]\ninput %s : f32[3]\n"
	"input %b : f32[3]\n%y, %m, %v = batch_norm_train %x, %s, %b\n" OUT,
	0, 0},
    {"instance_norm", "input %x : f32[2,3,4,2]\ninput %s : f32[3]\n"
	"input %b : f32[3]\n%y = instance_norm %x, %s, %b {epsilon = 0.1}\n"
	OUT, 0, 0},
    {"group_norm", "input %x : f32[2,6,3,2]\ninput %s : f32[6]\n"
	"input %b : f32[6]\n%y = group_norm %x, %s, %b "
	"{channel_starts = [0,3], channel_ends = [3,6]}\n" OUT, 0, 0},
    {"group_norm ragged", "input %x : f32[2,6,5]\ninput %s : f32[6]\n"
	"input %b : f32[6]\n%y = group_norm %x, %s, %b {channel_starts = "
	"[0,1,4], channel_ends = [1,4,6], epsilon = 0.1}\n" OUT, 0, 0},
    {"group_norm rank 2", "input %x : f32[2,6]\ninput %s : f32[6]\n"
	"input %b : f32[6]\n%y = group_norm %x, %s, %b "
	"{channel_starts = [0,2], channel_ends = [2,6]}\n" OUT, 0, 0},
    {"group_norm_train", "input %x : f32[2,6,3,2]\ninput %s : f32[6]\n"
	"input %b : f32[6]\n%y, %m, %r = group_norm_train %x, %s, %b "
	"{channel_starts = [0,3], channel_ends = [3,6], epsilon = 0.1}\n"
	OUT, 0, 0},
    {"group_norm_train ragged", "input %x : f32[2,6,5]\n"
	"input %s : f32[6]\ninput %b : f32[6]\n"
	"%y, %m, %r = group_norm_train %x, %s, %b {channel_starts = "
	"[0,1,4], channel_ends = [1,4,6], epsilon = 0.1}\n" OUT, 0, 0},
    {"group_norm_train rank 2", "input %x : f32[2,6]\ninput %s : f32[6]\n"
	"input %b : f32[6]\n%y, %m, %r = group_norm_train %x, %s, %b "
	"{channel_starts = [0,2], channel_ends = [2,6]}\n" OUT, 0, 0},
    {"layer_norm", "input %x : f32[2,3,4]\ninput %s : f32[3,4]\n"
	"input %b : f32[4]\n%y = layer_norm %x, %s, %b {axis = 1}\n" OUT, 0,
	0},
    {"layer_norm last", "input %x : f32[2,3,5]\ninput %s : f32[5]\n"
	"%y = layer_norm %x, %s {axis = 2, epsilon = 0.01}\n" OUT, 0, 0},
    {"softmax", UNARY("softmax %x {axis = 1}", "f32[2,5,3]"), 0, 0},
    {"log_softmax", UNARY("log_softmax %x {axis = 0}", "f32[4,3]"), 0, 0},
    {"softmax_cross_entropy", X("f32[3,5]")
	"const %k : i64[3] = [4,0,2]\n"
	"%y = softmax_cross_entropy %x, %k\n" OUT, 0, 0},
    {"softmax_cross_entropy smooth", X("f32[2,4,2,1]")
	"const %k : i32[2,2,1] = [1,0,3,2]\n"
	"%y = softmax_cross_entropy %x, %k {smoothing = 0.1}\n" OUT, 0, 0},
    {"dropout", X("f32[4,7]") "const %k : i64[] = [3]\n"
	"%y = dropout %x, %k {ratio = 0.4, seed = 5, stream = 1}\n" OUT, 0,
	0},
    {"dropout 0", X("f32[4]") "const %k : i64[] = [3]\n"
	"%y = dropout %x, %k {ratio = 0}\n" OUT, 0, 0},
};

static void
differences(void **state)
{
	struct unit *u = *state;
	struct grad_stats s = {0, 0};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		grad_check(u, &cases[i], &s);
	print_message("%zu cases, %zu derivatives, worst error %.2g\n",
	    sizeof cases / sizeof cases[0], s.elements, s.worst);
}

/* Each op that has a gradient is in a case. */
static void
all_ops(void **state)
{
	(void)state;
	for (int op = OP_NONE + 1; op < OP_COUNT; op++) {
		const struct op_info *o = op_info((enum op)op);
		char text[64];
		bool found = strcmp(o->grad, "none") == 0 ||
		    strcmp(o->grad, "zero") == 0;

		snprintf(text, sizeof text, "= %s ", o->name);
		for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
			found = found ||
			    strstr(cases[i].body, text) != NULL;
		if (!found)
			fail_msg("no case of %s", o->name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(all_ops),
	    UNIT_TEST(differences),
	};

	return cmocka_run_group_tests_name("passes/grad", tests, NULL, NULL);
}
