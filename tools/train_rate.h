/* The learning rate of each step: what --lr or the train section says. */
#ifndef WAVE_TOOLS_TRAIN_RATE_H
#define WAVE_TOOLS_TRAIN_RATE_H

#include "frontend/net.h"
#include "support/str.h"

struct train_rate;

/* text is that of --lr (NULL: what the train section says), for so many epochs
 * of so many steps. NULL after one error: a schedule that does not read, none
 * at all. */
struct train_rate *train_rate_open(struct arena *a, struct diag *d,
    const char *text, const struct net_train *net, int64_t epochs,
    int64_t steps);

/* For struct trainer_options: user is the struct train_rate. */
double train_rate_at(void *user, int64_t epoch, int64_t index);

/* Adds the schedule as --lr takes it. */
void train_rate_print(const struct train_rate *r, struct strbuf *out);

#endif
