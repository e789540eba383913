/* Options of training; -ftrain and what goes with it. */
#ifndef WAVE_TOOLS_CC_TRAIN_H
#define WAVE_TOOLS_CC_TRAIN_H

#include <regex.h>

#include "frontend/net.h"
#include "passes/mbs.h"
#include "passes/train.h"

struct cc_train {
	bool on;                /* -ftrain */
	const char *loss;       /* text after -floss=, NULL: not given */
	const char *optimizer;  /* after -foptimizer= */
	const char *freeze;     /* after -ffreeze=: extended regular expression
	                           over names of parameters */
	regex_t freeze_re;
	double loss_scale;      /* 0: 1, or 1024 with fp16 */
	int64_t accumulate, samples; /* 0: 1, one batch */
	bool keep_gradients;
	bool unbiased;          /* -fbn-variance=unbiased */
	bool paper;             /* -fstate=paper */
	struct mbs_options mbs; /* -fmbs=, -fmbs-objective= */
};

/* Takes an option whole ("-floss=mse"). False when it is none of these;
 * otherwise *why is NULL or says what is wrong with it. */
bool cc_train_option(struct cc_train *t, struct arena *a, const char *arg,
    const char **why);

/* The first option given that is idle without -ftrain, or NULL. */
const char *cc_train_idle(const struct cc_train *t);

/* What the options say, over what the train section does. False when the text
 * of an option is wrong: *why says how. */
bool cc_train_options(const struct cc_train *t, struct arena *a,
    const struct net_train *net, struct train_options *out,
    const char **why);

#endif
