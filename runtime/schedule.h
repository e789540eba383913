/* Learning rates over a training. */
#ifndef WAVE_RUNTIME_SCHEDULE_H
#define WAVE_RUNTIME_SCHEDULE_H

#include "support/arena.h"
#include "support/diag.h"
#include "support/str.h"

enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_STEP, SCHEDULE_COSINE };

#define SCHEDULE_MAX_AT 32

struct schedule {
	enum schedule_kind kind;
	double lr;
	double gamma;   /* step: the factor */
	int64_t every;  /* step: after each so many epochs; 0: see at */
	int64_t at[SCHEDULE_MAX_AT]; /* step: after these epochs, ascending */
	int nat;
	double final;   /* cosine: the last rate */
	int64_t warmup; /* epochs in which the rate rises linearly from 0 */
};

/* Reads "0.05", "constant:LR", "step:LR,gamma=G,every=N", "step:LR,at=N+M" or
 * "cosine:LR,final=F", each also with ",warmup=N". False after one error. */
bool schedule_parse(struct arena *a, struct diag *d, const char *text,
    struct schedule *out);

/* Adds the text that schedule_parse reads. */
void schedule_print(struct strbuf *out, const struct schedule *s);

/* The rate of step `index` of an epoch of `steps`, of `epochs` in all; e is
 * the epoch, from 0. Step: lr gamma^k, k the milestones passed (PyTorch's
 * StepLR, MultiStepLR). Cosine: final + (lr - final) (1 + cos(pi t)) / 2, t
 * the share of the steps behind the warm-up that are done (Loshchilov and
 * Hutter 2017, CosineAnnealingLR stepped by batch). Warm-up: the rate times
 * (steps done + 1) / steps of the warm-up. */
double schedule_at(const struct schedule *s, int64_t epoch, int64_t index,
    int64_t steps, int64_t epochs);

#endif
