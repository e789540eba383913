/* Training steps: gradients, loss and update as ops of the graph.
 * See passes/AUTODIFF.md. */
#ifndef WAVE_PASSES_TRAIN_H
#define WAVE_PASSES_TRAIN_H

#include "ir/graph.h"
#include "passes/pass.h"

/* Appends the gradient of output number `loss`, a float scalar, times `seed`
 * for each of the leaves wrt[0..n): grads[i] has the type of wrt[i], or is NULL
 * where the loss does not depend on it. Ops without a rule of their own are
 * legalized on the way. False after a diagnostic, with the graph in no
 * defined state. */
bool autodiff(struct graph *g, struct diag *d, size_t loss, double seed,
    struct value *const *wrt, size_t n, struct value **grads);

enum train_loss { LOSS_SOFTMAX_CROSS_ENTROPY, LOSS_MSE };
enum train_optimizer { OPTIMIZER_SGD, OPTIMIZER_ADAM };

struct train_options {
	enum train_loss loss;
	double smoothing; /* of labels, 0 to 1 */
	size_t output;    /* which output the loss judges; a softmax there is
	                     taken off for cross-entropy */
	enum train_optimizer optimizer;
	double momentum; /* sgd */
	bool nesterov;
	double beta1, beta2, epsilon; /* adam */
	double weight_decay; /* added to the gradient as weight_decay * p */
	bool decoupled;      /* adam: p *= 1 - lr * weight_decay instead */
	bool decay_vectors;  /* also of norms and biases: rank 0 and 1 */
	bool keep_gradients; /* outputs grad.NAME */
	double loss_scale;   /* other than 1: gradients are computed times it,
	                        and a step with one that is not finite
	                        changes no parameter */
	int64_t accumulate;  /* steps whose mean gradient makes one update */
};

/* SGD without momentum or decay, cross-entropy. */
void train_options_init(struct train_options *o);

/* Turns a forward graph into a training step: output `loss` (f32[]), inputs
 * `labels` (i64) or `target` (as the output) and `lr` (f32[]), gradients of
 * all trainable states, and their update. Formulas as PyTorch 1.13 has them
 * (torch.optim.SGD without dampening, Adam, AdamW). Optimizer states are
 * NAME.momentum, NAME.adam_m, NAME.adam_v, NAME.sum, adam.correction1 and 2
 * (1 - beta^t, by recurrence), train.micro_step. False after a diagnostic. */
bool train_step(struct graph *g, struct diag *d,
    const struct train_options *o);

/* The state that counts steps. */
#define TRAIN_STEP "train.step"

/* Puts dropout of that ratio, 0 <= ratio < 1, in the place of v, the result of
 * an identity. Its random numbers follow from seed, stream and the state
 * train.step (i64), which the step increments; see IR.md. */
void train_dropout(struct graph *g, struct value *v, double ratio,
    uint64_t seed, int64_t stream);

/* What parameters were converted to: the graphs of a model share them. */
struct parameter_cache {
	VEC(struct converted_parameter { const void *from; void *to; }) done;
	size_t next; /* where to look first: graphs have them in one order */
};

struct parameter_options {
	bool inference; /* batch norms keep the inference form on the states */
	bool unbiased;  /* running variance from the unbiased variance of the
	                   batch, as PyTorch; else the population's, as ONNX */
	/* DT_F16 or DT_BF16: parameters that learn are stored in it, with what
	 * the optimizer keeps of them and their gradients (-fstate=paper);
	 * DT_NONE: f32 masters (-fstate=mixed). The same for all graphs of a
	 * model. */
	enum dtype stored;
	struct parameter_cache *cache; /* of all graphs of a model that have one
	                                  arena; NULL: none */
	/* Whether the parameter of this name learns; NULL: all do. */
	bool (*learns)(void *user, const char *name);
	void *user;
};

/* Turns the float constants of an imported model that contractions, biases
 * and norms read into states of the same names (f32 where the model has 16
 * bits, with a conversion behind): trainable, but for the statistics of batch
 * norms. Batch norms become batch_norm_train, and the step assigns the
 * running statistics s := momentum s + (1 - momentum) batch. */
bool train_parameters(struct graph *g, struct diag *d,
    const struct parameter_options *o);

#endif
