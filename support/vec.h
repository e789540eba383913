/* Growable arrays in an arena: VEC(int) v = {0}; VEC_PUSH(a, &v, 3); */
#ifndef WAVE_SUPPORT_VEC_H
#define WAVE_SUPPORT_VEC_H

#include "support/arena.h"

#define VEC(T) \
	struct {            \
		T *data;    \
		size_t len; \
		size_t cap; \
	}

/* Appends x. The old storage stays in the arena. */
#define VEC_PUSH(a, v, x)                                                 \
	do {                                                              \
		if ((v)->len == (v)->cap)                                 \
			(v)->data = vec_grow((a), (v)->data, &(v)->cap,   \
			    (v)->len, sizeof *(v)->data);                 \
		(v)->data[(v)->len++] = (x);                              \
	} while (0)

/* New storage of at least twice the capacity holding the first len items. */
void *vec_grow(struct arena *a, const void *data, size_t *cap, size_t len,
    size_t size);

#endif
