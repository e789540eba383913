#include "runtime/sim/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* Kernel calls last tens of microseconds, so a waiting thread first polls; it
 * gives way now and then in case there are fewer processors than threads. */
#define POLLS 20000
#define POLLS_A_TURN 500

struct worker {
	struct pool *pool;
	int index;
	pthread_t thread;
};

struct pool {
	int threads;
	struct worker *workers;
	void (*fn)(void *ctx, int64_t from, int64_t to);
	void *ctx;
	int64_t n, unit;
	atomic_uint round; /* a new value is a new job */
	atomic_int left;   /* workers still busy */
	atomic_int asleep; /* workers that wait for wake */
	bool stop;
	pthread_mutex_t lock;
	pthread_cond_t wake;
};

static void
share(const struct pool *p, int index, int64_t *from, int64_t *to)
{
	int64_t units = (p->n + p->unit - 1) / p->unit;
	*from = units * index / p->threads * p->unit;
	*to = units * (index + 1) / p->threads * p->unit;
	if (*to > p->n)
		*to = p->n;
}

static void
run_share(struct pool *p, int index)
{
	int64_t from, to;
	share(p, index, &from, &to);
	if (from < to)
		p->fn(p->ctx, from, to);
}

static void
poll(int i)
{
	if (i % POLLS_A_TURN == POLLS_A_TURN - 1)
		sched_yield();
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* asleep is raised before round is looked at once more, and start looks at
 * them in the other order: no job is missed. */
static void
await(struct pool *p, unsigned seen)
{
	for (int i = 0; i < POLLS; i++) {
		if (atomic_load(&p->round) != seen)
			return;
		poll(i);
	}
	pthread_mutex_lock(&p->lock);
	atomic_fetch_add(&p->asleep, 1);
	while (atomic_load(&p->round) == seen)
		pthread_cond_wait(&p->wake, &p->lock);
	atomic_fetch_sub(&p->asleep, 1);
	pthread_mutex_unlock(&p->lock);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	unsigned seen = 0;
	for (;;) {
		await(w->pool, seen);
		seen = atomic_load(&w->pool->round);
		if (w->pool->stop)
			return NULL;
		run_share(w->pool, w->index);
		atomic_fetch_sub(&w->pool->left, 1);
	}
}

static void
start(struct pool *p)
{
	atomic_store(&p->left, p->threads - 1);
	atomic_fetch_add(&p->round, 1);
	if (atomic_load(&p->asleep) == 0)
		return;
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

struct pool *
pool_new(int threads)
{
	struct pool *p = threads > 1 ? calloc(1, sizeof *p) : NULL;
	if (p == NULL)
		return NULL;
	p->workers = calloc((size_t)threads, sizeof *p->workers);
	if (p->workers == NULL) {
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	p->threads = 1;
	for (int i = 1; i < threads; i++) {
		struct worker *w = &p->workers[i];
		w->pool = p;
		w->index = i;
		if (pthread_create(&w->thread, NULL, work, w) != 0)
			break;
		p->threads++;
	}
	return p;
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	p->stop = true;
	start(p);
	for (int i = 1; i < p->threads; i++)
		pthread_join(p->workers[i].thread, NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p->workers);
	free(p);
}

void
pool_run(struct pool *p, int64_t n, int64_t unit,
    void (*fn)(void *ctx, int64_t from, int64_t to), void *ctx)
{
	if (p == NULL || p->threads == 1 || n <= unit) {
		fn(ctx, 0, n);
		return;
	}
	p->fn = fn;
	p->ctx = ctx;
	p->n = n;
	p->unit = unit;
	start(p);
	run_share(p, 0);
	for (int i = 0; atomic_load(&p->left) > 0; i++)
		poll(i);
}
