#include "runtime/sim/timeline.h"

bool
timeline_next(const struct sim_track *t, size_t *at, int64_t slack,
    struct sim_span *out)
{
	if (*at >= t->len)
		return false;
	*out = t->span[(*at)++];
	for (; *at < t->len; (*at)++) {
		const struct sim_span *x = &t->span[*at];

		if (x->op != out->op || x->start - out->end > slack)
			break;
		out->end = x->end;
		out->count += x->count;
	}
	return true;
}

int64_t
timeline_slack(const struct sim_track *t, size_t limit)
{
	for (int64_t slack = 0;; slack = slack > 0 ? 2 * slack : 1) {
		struct sim_span x;
		size_t at = 0, n = 0;

		while (timeline_next(t, &at, slack, &x))
			n++;
		if (n <= limit || slack > (int64_t)1 << 40)
			return slack;
	}
}

const char *
timeline_name(const struct sim_stats *s, uint32_t op)
{
	const struct wave_op *x = op < s->nops ? s->ops[op].op : NULL;

	return x != NULL && x->name != NULL ? x->name : "(other)";
}
