/* Windows of convolutions and pools. Inside frontend/ only. */
#ifndef WAVE_FRONTEND_NET_WINDOW_H
#define WAVE_FRONTEND_NET_WINDOW_H

#include "frontend/net_run.h"

#define MAX_SPATIAL 3

struct window {
	int n; /* spatial axes */
	int64_t kernel[MAX_SPATIAL], stride[MAX_SPATIAL];
	int64_t dilation[MAX_SPATIAL];
	int64_t before[MAX_SPATIAL], after[MAX_SPATIAL]; /* padding */
};

/* Reads kernel, stride, pad and (where the built-in has it) dilation. */
bool net_window_read(struct call *c, struct window *w, bool dilation);
/* The number of spatial axes of x; 0 after a report. */
int spatial_axes(struct call *c, const struct value *x);

#endif
