/* What every unit test starts from: cmocka and a place to keep messages. */
#ifndef WAVE_TESTS_LIB_UNIT_H
#define WAVE_TESTS_LIB_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/arena.h"
#include "support/diag.h"

/* An arena and a diag that keeps the text of the last message, in the form of
 * diag_format, and counts them by level. */
struct unit {
	struct arena *arena;
	struct diag diag;
	unsigned count[4];
	char last[512];
};

/* For cmocka's setup and teardown: *state is a struct unit. */
int unit_setup(void **state);
int unit_teardown(void **state);

/* Fails unless exactly one error came since the last call, with part in it. */
void unit_expect_error(struct unit *u, const char *part);

/* A path for a file of this process in the scratch folder of the test run
 * ($SCRATCH, or /tmp); lives in the arena. */
char *unit_path(struct unit *u, const char *name);

/* Seeded random numbers: xorshift64*, Vigna 2016. *state must not be 0. */
uint64_t unit_random(uint64_t *state);

/* Calls fn(arg) with allocation failure caught; true when it ran out. */
bool unit_runs_out(void (*fn)(void *arg), void *arg);

#define UNIT_TEST(f) \
	cmocka_unit_test_setup_teardown(f, unit_setup, unit_teardown)

#endif
