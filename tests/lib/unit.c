#include "tests/lib/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
keep(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	struct unit *u = user;

	u->count[level]++;
	diag_format(u->last, sizeof u->last, "test", level, loc, text);
}

int
unit_setup(void **state)
{
	struct unit *u = calloc(1, sizeof *u);

	if (u == NULL)
		return -1;
	u->arena = arena_new();
	u->diag.fn = keep;
	u->diag.user = u;
	*state = u;
	return 0;
}

int
unit_teardown(void **state)
{
	struct unit *u = *state;

	arena_free(u->arena);
	free(u);
	return 0;
}

void
unit_expect_error(struct unit *u, const char *part)
{
	if (u->count[DIAG_ERROR] != 1)
		fail_msg("%u errors, not one; last: %s", u->count[DIAG_ERROR],
		    u->last);
	assert_int_equal(u->diag.errors, 1);
	if (strstr(u->last, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", u->last, part);
	u->count[DIAG_ERROR] = 0;
	u->diag.errors = 0;
}

char *
unit_path(struct unit *u, const char *name)
{
	const char *dir = getenv("SCRATCH");

	return arena_printf(u->arena, "%s/%ld-%s", dir != NULL ? dir : "/tmp",
	    (long)getpid(), name);
}

uint64_t
unit_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 2685821657736338717u;
}

static jmp_buf out_of_memory;

static void
jump(size_t size)
{
	(void)size;
	longjmp(out_of_memory, 1);
}

bool
unit_runs_out(void (*fn)(void *arg), void *arg)
{
	volatile bool caught = true;

	wave_set_oom_handler(jump);
	if (setjmp(out_of_memory) == 0) {
		fn(arg);
		caught = false;
	}
	wave_set_oom_handler(NULL);
	return caught;
}
