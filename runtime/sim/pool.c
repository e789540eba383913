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
	pthread_t thread;
};

/* A job is cut into parts that whoever comes first takes, so a worker that
 * wakes late, or has no processor, holds nobody up. */
#define PARTS 4 /* for each thread */

struct pool {
	int threads;
	struct worker *workers;
	/* One job; may be read by who has taken a part that is not done. */
	void (*fn)(void *ctx, int64_t from, int64_t to);
	void *ctx;
	int64_t n, unit;
	uint32_t parts;
	atomic_ullong free; /* number of the job << 32 | parts not taken */
	atomic_uint undone; /* parts */
	atomic_int asleep;  /* workers that wait for wake */
	atomic_bool stop;
	pthread_mutex_t lock;
	pthread_cond_t wake;
};

static bool
has_parts(unsigned long long free)
{
	return (uint32_t)free != 0;
}

static void
run_part(struct pool *p, uint32_t index)
{
	int64_t units = (p->n + p->unit - 1) / p->unit;
	int64_t from = units * index / p->parts * p->unit;
	int64_t to = units * (index + 1) / p->parts * p->unit;

	p->fn(p->ctx, from, to < p->n ? to : p->n);
}

/* Runs parts until all are taken. */
static void
run_parts(struct pool *p)
{
	unsigned long long free = atomic_load(&p->free);

	while (has_parts(free)) {
		if (!atomic_compare_exchange_weak(&p->free, &free, free - 1))
			continue;
		run_part(p, p->parts - (uint32_t)free);
		atomic_fetch_sub(&p->undone, 1);
		free = atomic_load(&p->free);
	}
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

static bool
idle(struct pool *p)
{
	return !has_parts(atomic_load(&p->free)) && !atomic_load(&p->stop);
}

/* asleep is raised before the job is looked at once more, and wake_up looks at
 * them in the other order: no job is missed. */
static void
await(struct pool *p)
{
	for (int i = 0; i < POLLS; i++) {
		if (!idle(p))
			return;
		poll(i);
	}
	pthread_mutex_lock(&p->lock);
	atomic_fetch_add(&p->asleep, 1);
	while (idle(p))
		pthread_cond_wait(&p->wake, &p->lock);
	atomic_fetch_sub(&p->asleep, 1);
	pthread_mutex_unlock(&p->lock);
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		await(w->pool);
		if (atomic_load(&w->pool->stop))
			return NULL;
		run_parts(w->pool);
	}
}

static void
wake_up(struct pool *p)
{
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
	atomic_store(&p->stop, true);
	wake_up(p);
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
	unsigned long long job;
	int64_t units = (n + unit - 1) / unit;

	if (p == NULL || p->threads == 1 || n <= unit) {
		fn(ctx, 0, n);
		return;
	}
	p->fn = fn;
	p->ctx = ctx;
	p->n = n;
	p->unit = unit;
	p->parts = (uint32_t)p->threads * PARTS;
	if (p->parts > units)
		p->parts = (uint32_t)units;
	atomic_store(&p->undone, p->parts);
	job = (atomic_load(&p->free) >> 32) + 1;
	atomic_store(&p->free, job << 32 | p->parts);
	wake_up(p);
	run_parts(p);
	for (int i = 0; atomic_load(&p->undone) > 0; i++)
		poll(i);
}
