#include "runtime/sim/shadow.h"

#include <stdlib.h>
#include <string.h>

#include "support/diag.h"

#define PAGE 4096u

void
shadow_init(struct shadow *s, uint64_t size)
{
	s->npages = (size_t)((size + PAGE - 1) / PAGE);
	s->page = calloc(s->npages + 1, sizeof *s->page);
	if (s->page == NULL)
		ice("checker", "out of memory for %zu pages", s->npages);
}

void
shadow_free(struct shadow *s)
{
	for (size_t i = 0; i < s->npages; i++)
		free(s->page[i].seg);
	free(s->page);
	s->page = NULL;
	s->npages = 0;
}

static void
insert(struct shadow_page *p, uint32_t at, uint32_t start, uint32_t value)
{
	if (p->len == p->cap) {
		p->cap = p->cap > 0 ? 2 * p->cap : 8;
		p->seg = realloc(p->seg, p->cap * sizeof *p->seg);
		if (p->seg == NULL)
			ice("checker", "out of memory");
	}
	memmove(&p->seg[at + 1], &p->seg[at],
	    (p->len - at) * sizeof *p->seg);
	p->seg[at] = (struct shadow_seg){ start, value };
	p->len++;
}

/* The segment that holds offset a. */
static uint32_t
find(const struct shadow_page *p, uint32_t a)
{
	uint32_t lo = 0, hi = p->len;

	while (hi - lo > 1) {
		uint32_t mid = (lo + hi) / 2;

		if (p->seg[mid].start <= a)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* Joins equal neighbours among segments first..last. */
static void
join(struct shadow_page *p, uint32_t first, uint32_t last)
{
	uint32_t n = first;

	for (uint32_t i = first + 1; i <= last; i++)
		if (p->seg[i].value != p->seg[n].value)
			p->seg[++n] = p->seg[i];
	if (n == last)
		return;
	memmove(&p->seg[n + 1], &p->seg[last + 1],
	    (p->len - last - 1) * sizeof *p->seg);
	p->len -= last - n;
	if (p->len == 1) {
		p->uniform = p->seg[0].value;
		free(p->seg);
		p->seg = NULL;
		p->len = p->cap = 0;
	}
}

static void
map_page(struct shadow_page *p, int64_t base, uint32_t a, uint32_t b,
    shadow_fn *fn, void *user)
{
	if (p->seg == NULL) {
		uint32_t v = fn(user, p->uniform, base + a, base + b);

		if (v == p->uniform)
			return;
		if (a == 0 && b == PAGE) {
			p->uniform = v;
			return;
		}
		insert(p, 0, 0, p->uniform);
		if (a > 0)
			insert(p, 1, a, v);
		else
			p->seg[0].value = v;
		if (b < PAGE)
			insert(p, p->len, b, p->uniform);
		return;
	}
	uint32_t i = find(p, a);

	if (p->seg[i].start < a) {
		insert(p, i + 1, a, p->seg[i].value);
		i++;
	}
	uint32_t j = i;

	for (; j < p->len && p->seg[j].start < b; j++) {
		uint32_t end = j + 1 < p->len ? p->seg[j + 1].start : PAGE;

		if (end > b) {
			insert(p, j + 1, b, p->seg[j].value);
			end = b;
		}
		p->seg[j].value = fn(user, p->seg[j].value,
		    base + p->seg[j].start, base + end);
	}
	join(p, i > 0 ? i - 1 : 0, j < p->len ? j : p->len - 1);
}

void
shadow_map(struct shadow *s, int64_t lo, int64_t len, shadow_fn *fn,
    void *user)
{
	int64_t hi = lo + len;

	while (lo < hi) {
		size_t page = (size_t)(lo / PAGE);
		int64_t base = (int64_t)page * PAGE;
		int64_t end = hi < base + PAGE ? hi : base + PAGE;

		map_page(&s->page[page], base, (uint32_t)(lo - base),
		    (uint32_t)(end - base), fn, user);
		lo = end;
	}
}

void
shadow_map_all(struct shadow *s, shadow_fn *fn, void *user)
{
	for (size_t i = 0; i < s->npages; i++) {
		struct shadow_page *p = &s->page[i];

		if (p->seg == NULL) {
			p->uniform = fn(user, p->uniform, 0, 0);
			continue;
		}
		for (uint32_t j = 0; j < p->len; j++)
			p->seg[j].value = fn(user, p->seg[j].value, 0, 0);
		join(p, 0, p->len - 1);
	}
}
