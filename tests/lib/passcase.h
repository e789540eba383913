/* One pass on one small graph: text in, text out. */
#ifndef WAVE_TESTS_LIB_PASSCASE_H
#define WAVE_TESTS_LIB_PASSCASE_H

#include "passes/pass.h"
#include "tests/lib/unit.h"

struct pass_case {
	const char *name;
	enum pass_id pass;
	int level;
	enum dtype precision;
	const char *in;  /* lines between the braces */
	const char *out; /* as printed; NULL: the pass changes nothing */
};

/* Runs the pass and compares the text. Also: the pass says that it changed
 * something exactly when it did; a second run changes nothing; and the graph
 * still computes the same on random inputs. */
void pass_case_run(struct unit *u, const struct pass_case *k);

#endif
