/* An independent judge of compiled tile programs: enumerates every execution of
 * every instruction in the sequential meaning with the bytes it touches, and
 * every event of the machine code with what its semaphores order. */
#ifndef WAVE_TESTS_LIB_TILE_HB_H
#define WAVE_TESTS_LIB_TILE_HB_H

#include "backend/tile.h"

enum hb_result {
	HB_OK,
	HB_RACE,     /* a required order does not follow from the code */
	HB_DEADLOCK,
	HB_EXIT,     /* counters differ from the declared ones */
	HB_CODE      /* the streams are not the tree's instructions */
};

struct hb;

/* Reads program and code of it (planned by tile_plan). */
struct hb *hb_new(struct arena *a, const struct tile_program *p,
    const struct wave_program *code);

/* Whole-code positions of the WAIT and SIGNAL instructions. */
struct hb_site {
	int queue;
	uint32_t pc;
};
size_t hb_waits(const struct hb *h, const struct hb_site **out);
size_t hb_signals(const struct hb *h, const struct hb_site **out);

/* Judges the code with the instruction at `without` left out (NULL: all of
 * it). *why is a text in the arena. serial: executions must follow each other
 * strictly. */
enum hb_result hb_judge(struct hb *h, const struct hb_site *without,
    bool serial, const char **why);

/* Whether every execution knows as much of the other queues when the
 * instruction at `without` is left out: it follows from the rest. */
bool hb_implied(struct hb *h, const struct hb_site *without);

/* Executions in all. */
size_t hb_size(const struct hb *h);

#endif
