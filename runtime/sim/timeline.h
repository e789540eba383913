/* Recorded activity at a resolution fit for showing. */
#ifndef WAVE_RUNTIME_SIM_TIMELINE_H
#define WAVE_RUNTIME_SIM_TIMELINE_H

#include "runtime/sim/stats.h"

/* Walks a track; neighbours of one op at most slack cycles apart are joined.
 * *at starts at 0. False at the end. */
bool timeline_next(const struct sim_track *t, size_t *at, int64_t slack,
    struct sim_span *out);

/* The smallest slack of 0, 1, 2, 4 ... that leaves at most limit spans; a
 * track whose ops alternate may keep more. */
int64_t timeline_slack(const struct sim_track *t, size_t limit);

/* Name of the op of a span, for people. */
const char *timeline_name(const struct sim_stats *s, uint32_t op);

#endif
