/* The table of built-in layers and functions. */
#include "frontend/net_run.h"

#include <string.h>

#define WINDOW "stride:l=1 pad:a=0 dilation:l=1"
#define INIT " bias:b=true init:w=fan_uniform bias_init:w=none"

static const struct builtin builtins[] = {
	/* contractions */
	{"conv", "x:t channels:i kernel:l " WINDOW " groups:i=1" INIT,
	    "convolution over 1 to 3 spatial axes", builtin_conv, true, 0},
	{"conv_transpose", "x:t channels:i kernel:l " WINDOW
	    " output_pad:l=0 groups:i=1" INIT, "transposed convolution",
	    builtin_conv_transpose, true, 0},
	{"depthwise", "x:t kernel:l " WINDOW " multiplier:i=1" INIT,
	    "convolution of each channel by itself", builtin_depthwise, true,
	    0},
	{"linear", "x:t features:i" INIT, "x W^T + b on the last axis",
	    builtin_linear, true, 0},
	{"matmul", "a:t b:t trans_a:b=false trans_b:b=false",
	    "matrix product", builtin_matmul, true, 0},
	/* normalisation */
	{"batch_norm", "x:t epsilon:f=1e-5 momentum:f=0.1",
	    "per channel over the batch", builtin_batch_norm, true, 0},
	{"group_norm", "x:t groups:i=none channels:i=none epsilon:f=1e-5",
	    "over groups of channels", builtin_group_norm, true, 0},
	{"instance_norm", "x:t epsilon:f=1e-5", "per channel and sample",
	    builtin_instance_norm, true, 0},
	{"layer_norm", "x:t axis:i=-1 epsilon:f=1e-5",
	    "over the axes from axis on", builtin_layer_norm, true, 0},
	{"lrn", "x:t size:i alpha:f=1e-4 beta:f=0.75 bias:f=1",
	    "local response normalisation", builtin_lrn, true, 0},
	{"softmax", "x:t axis:i=-1", "along an axis", builtin_softmax, true,
	    OP_softmax},
	{"log_softmax", "x:t axis:i=-1", "its logarithm", builtin_softmax,
	    true, OP_log_softmax},
	/* pooling */
	{"max_pool", "x:t kernel:l stride:l=none pad:a=0 dilation:l=1 "
	    "ceil:b=false", "stride: the kernel by default", builtin_max_pool,
	    true, 0},
	{"avg_pool", "x:t kernel:l stride:l=none pad:a=0 "
	    "include_pad:b=true", "stride: the kernel by default",
	    builtin_avg_pool, true, 0},
	{"global_avg_pool", "x:t keepdims:b=false",
	    "mean over the spatial axes", builtin_global_pool, true,
	    OP_reduce_mean},
	{"global_max_pool", "x:t keepdims:b=false",
	    "maximum over the spatial axes", builtin_global_pool, true,
	    OP_reduce_max},
	/* element-wise, one tensor */
	{"relu", "x:t", "max(x, 0)", builtin_plain, true, OP_relu},
	{"relu6", "x:t", "min(max(x, 0), 6)", builtin_relu6, true, 0},
	{"leaky_relu", "x:t alpha:f=0.01", "x or alpha x",
	    builtin_plain_alpha, true, OP_leaky_relu},
	{"prelu", "x:t init:f=0.25", "x or slope x, learned per channel",
	    builtin_prelu, true, 0},
	{"elu", "x:t alpha:f=1", "x or alpha (e^x - 1)", builtin_plain_alpha,
	    true, OP_elu},
	{"selu", "x:t", "scaled elu", builtin_selu, true, 0},
	{"celu", "x:t alpha:f=1", "continuous elu", builtin_plain_alpha,
	    true, OP_celu},
	{"sigmoid", "x:t", "1 / (1 + e^-x)", builtin_plain, true,
	    OP_sigmoid},
	{"tanh", "x:t", "hyperbolic tangent", builtin_plain, true, OP_tanh},
	{"gelu", "x:t approximate:b=false", "x Phi(x)", builtin_gelu, true,
	    0},
	{"silu", "x:t", "x sigmoid(x)", builtin_silu, true, 0},
	{"mish", "x:t", "x tanh(softplus(x))", builtin_plain, true, OP_mish},
	{"softplus", "x:t", "log(1 + e^x)", builtin_plain, true,
	    OP_softplus},
	{"softsign", "x:t", "x / (1 + |x|)", builtin_plain, true,
	    OP_softsign},
	{"hard_sigmoid", "x:t alpha:f=0.16666666666666666 beta:f=0.5",
	    "max(0, min(1, alpha x + beta))", builtin_hard_sigmoid, true, 0},
	{"hard_swish", "x:t", "x hard_sigmoid(x)", builtin_plain, true,
	    OP_hard_swish},
	{"clip", "x:t min:f max:f", "min(max(x, min), max)", builtin_clip,
	    true, 0},
	{"exp", "x:t", "e^x", builtin_plain, true, OP_exp},
	{"log", "x:t", "natural logarithm", builtin_plain, true, OP_log},
	{"sqrt", "x:t", "square root", builtin_plain, true, OP_sqrt},
	{"abs", "x:t", "magnitude", builtin_plain, true, OP_abs},
	{"identity", "x:t", "x", builtin_plain, true, OP_identity},
	{"dropout", "x:t p:f=0.5", "in training zeroes with probability p",
	    builtin_dropout, true, 0},
	/* element-wise, several tensors */
	{"add", "x:T", "sum of tensors", builtin_fold_all, true, OP_add},
	{"mul", "x:T", "product of tensors", builtin_fold_all, true, OP_mul},
	{"maximum", "x:T", "largest of tensors", builtin_fold_all, true,
	    OP_max},
	{"minimum", "x:T", "smallest of tensors", builtin_fold_all, true,
	    OP_min},
	{"sub", "x:T", "difference", builtin_two, true, OP_sub},
	{"div", "x:T", "quotient", builtin_two, true, OP_div},
	{"concat", "x:T axis:i=1", "joined along an axis", builtin_concat,
	    true, 0},
	/* shape */
	{"flatten", "x:t axis:i=1", "to rank 2", builtin_flatten, true, 0},
	{"reshape", "x:t shape:l", "0 keeps an extent, -1 is what is left",
	    builtin_reshape, true, 0},
	{"transpose", "x:t perm:l", "permuted dimensions",
	    builtin_transpose, true, 0},
	{"slice", "x:t axis:i start:i end:i=none step:i=1",
	    "elements start to end - 1 of an axis", builtin_slice, true, 0},
	{"pad", "x:t before:l after:l mode:s=constant value:f=0",
	    "one extent per dimension", builtin_pad, true, 0},
	{"upsample", "x:t scale:i mode:s=nearest",
	    "each spatial axis times scale", builtin_upsample, true, 0},
	{"mean", "x:t axes:l keepdims:b=false", "mean over axes",
	    builtin_reduce, true, OP_reduce_mean},
	{"sum", "x:t axes:l keepdims:b=false", "sum over axes",
	    builtin_reduce, true, OP_reduce_sum},
	/* functions of numbers */
	{"dim", "x:t axis:i", "extent of an axis", builtin_dim, false, 0},
	{"rank", "x:t", "number of dimensions", builtin_rank, false, 0},
	{"len", "x:a", "length of a list or string", builtin_len, false, 0},
	{"min", "a:a b:a", "smaller number", builtin_least, false, 0},
	{"max", "a:a b:a", "larger number", builtin_most, false, 0},
	{"int", "x:f", "number without its fraction", builtin_whole, false,
	    0},
	{"check", "condition:b message:s", "stops with the message",
	    builtin_check, false, 0},
	/* initialisers */
	{"zeros", "", "0", builtin_initialiser, false, 0},
	{"ones", "", "1", builtin_initialiser, false, 0},
	{"constant", "value:f", "one value", builtin_initialiser, false, 0},
	{"uniform", "low:f high:f", "from low to high", builtin_initialiser,
	    false, 0},
	{"normal", "std:f mean:f=0", "Gaussian", builtin_initialiser, false,
	    0},
	{"he_normal", "fan:s=in", "deviation sqrt(2 / fan)",
	    builtin_initialiser, false, 0},
	{"he_uniform", "fan:s=in", "limit sqrt(6 / fan)",
	    builtin_initialiser, false, 0},
	{"glorot_normal", "", "deviation sqrt(2 / (in + out))",
	    builtin_initialiser, false, 0},
	{"glorot_uniform", "", "limit sqrt(6 / (in + out))",
	    builtin_initialiser, false, 0},
	{"fan_uniform", "fan:s=in", "limit 1 / sqrt(fan), PyTorch's default",
	    builtin_initialiser, false, 0},
};

size_t
builtin_all(const struct builtin **list)
{
	*list = builtins;
	return sizeof builtins / sizeof *builtins;
}

const struct builtin *
builtin_find(const char *name)
{
	for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
		if (strcmp(builtins[i].name, name) == 0)
			return &builtins[i];
	return NULL;
}
