#include "support/parallel.h"

#include <pthread.h>
#include <unistd.h>

#include "support/str.h"

#define MOST 16 /* ranges */

struct range {
	parallel_fn *fn;
	void *ctx;
	int64_t from, to;
};

static void *
run(void *at)
{
	const struct range *r = at;

	r->fn(r->ctx, r->from, r->to);
	return NULL;
}

static int64_t
length(int64_t n, int64_t unit, int64_t least)
{
	int64_t cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t ranges = cpus < 1 ? 1 : cpus < MOST ? cpus : MOST;
	int64_t each = ceil_div(n, ranges);

	return ceil_div(each > least ? each : least, unit) * unit;
}

void
parallel_ranges(int64_t n, int64_t unit, int64_t least, parallel_fn *fn,
    void *ctx)
{
	struct range range[MOST];
	pthread_t thread[MOST];
	int64_t each = length(n, unit, least);
	int started = 0;

	for (int64_t at = 0; at < n; at += each) {
		struct range *r = &range[started];

		*r = (struct range){fn, ctx, at, n - at < each ? n :
		    at + each};
		/* the last one, and what no thread takes, runs here */
		if (r->to < n && pthread_create(&thread[started], NULL, run,
		    r) == 0)
			started++;
		else
			(void)run(r);
	}
	while (started-- > 0)
		pthread_join(thread[started], NULL);
}
