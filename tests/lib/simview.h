/* Matrix views in tests: random ones, and the element formula of DESIGN.md
 * written down once more, one element at a time. */
#ifndef WAVE_TESTS_LIB_SIMVIEW_H
#define WAVE_TESTS_LIB_SIMVIEW_H

#include "tests/lib/simgroup.h"

/* Where an element of a view lies. */
struct view_element {
	bool zero; /* border, inserted zero or off the block diagonal */
	int64_t address; /* without the view's base */
	int64_t n, o[3], c; /* digits */
};

struct view_element view_element(const struct view *v, int64_t p, int64_t q);

int64_t view_rows(const struct view *v);
int64_t view_cols(const struct view *v);

enum view_kind { VIEW_LOAD, VIEW_DRAIN };

/* A random view of all kinds of layouts whose elements, with the returned base,
 * use addresses from 0 up to *bytes. Its affs are not set. */
struct view random_view(uint64_t *seed, enum view_kind kind, int64_t *base,
    int64_t *bytes);

/* A number of type t at p as f32. */
float load_as_f32(const uint8_t *p, enum dtype t);

#endif
