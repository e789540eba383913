#include "backend/phase.h"

#include <string.h>

static int64_t
gcd64(int64_t a, int64_t b)
{
	while (b != 0) {
		int64_t r = a % b;
		a = b;
		b = r;
	}
	return a;
}

int64_t
phase_count(const struct window *w)
{
	int64_t n = 1;
	for (int a = 0; a < 3; a++) {
		int64_t each = w->up[a] < w->out[a] ? w->up[a] : w->out[a];
		n = n > PHASE_MAX || each > PHASE_MAX ? PHASE_MAX + 1 :
		    n * each;
	}
	return n;
}

int64_t
phase_extent(const struct phase *p, int a, int64_t out)
{
	return out > p->at[a] ? ceil_div(out - p->at[a], p->by[a]) : 0;
}

/* Output at + i * by meets tap k where at + k * dil - pad is a multiple of by:
 * an arithmetic progression of taps by / gcd(by, dil) apart. */
static void
meet_taps(const struct window *w, int64_t pad, int a, struct phase *p)
{
	int64_t by = p->by[a], k = 0;
	int64_t shift = p->at[a] - pad;
	p->step[a] = by / gcd64(by, w->dil[a]);
	p->dil[a] = p->step[a] * w->dil[a] / by;
	while (k < p->step[a] && (shift + k * w->dil[a]) % by != 0)
		k++;
	p->first[a] = k;
	p->kernel[a] = 0;
	p->pad[a] = 0;
	if (k == p->step[a] || k >= w->kernel[a])
		return;
	p->kernel[a] = ceil_div(w->kernel[a] - k, p->step[a]);
	p->pad[a] = -((shift + k * w->dil[a]) / by);
}

static void
make(const struct window *w, const int64_t *pad, const int64_t *size,
    struct phase *p)
{
	p->rows = size[0];
	p->taps = 1;
	for (int a = 0; a < 3; a++) {
		p->out[a] = phase_extent(p, a, size[1 + a]);
		p->rows *= p->out[a];
		meet_taps(w, pad[a], a, p);
		p->taps *= p->kernel[a];
	}
}

void
phase_first(const struct window *w, const int64_t *pad, const int64_t *size,
    bool split, struct phase *p)
{
	memset(p, 0, sizeof *p);
	for (int a = 0; a < 3; a++) {
		p->by[a] = split ? w->up[a] : 1;
		p->up[a] = split ? 1 : w->up[a];
	}
	make(w, pad, size, p);
}

bool
phase_next(const struct window *w, const int64_t *pad, const int64_t *size,
    struct phase *p)
{
	for (int a = 2; a >= 0; a--) {
		if (p->at[a] + 1 < p->by[a] && p->at[a] + 1 < size[1 + a]) {
			p->at[a]++;
			make(w, pad, size, p);
			return true;
		}
		p->at[a] = 0;
	}
	return false;
}

bool
phase_same_zeros(const struct phase *p, const struct phase *q)
{
	return p->taps == 0 && q->taps == 0 &&
	    memcmp(p->out, q->out, sizeof p->out) == 0;
}

bool
phase_repeats(const struct window *w, const int64_t *pad,
    const int64_t *size, const struct phase *p)
{
	struct phase q;
	if (p->taps > 0)
		return false;
	phase_first(w, pad, size, true, &q);
	while (memcmp(q.at, p->at, sizeof q.at) != 0) {
		if (phase_same_zeros(p, &q))
			return true;
		phase_next(w, pad, size, &q);
	}
	return false;
}
