#include "runtime/sim/time.h"

#include <math.h>

#include "support/str.h"

#define MAX_CYCLES 0x1p50 /* of one instruction, however slow the machine */

int64_t
time_port(int64_t bytes, int64_t bw)
{
	return bw > 0 ? ceil_div(bytes, bw) : 0;
}

int64_t
time_load(const struct wave_target *t, bool stationary, int64_t bytes)
{
	return time_port(bytes, stationary ? t->lbuf_v_bw : t->lbuf_h_bw);
}

int64_t
time_drain(const struct wave_target *t, int64_t bytes)
{
	return time_port(bytes, t->drain_bw);
}

int64_t
time_shift(const struct wave_target *t, int64_t k)
{
	return t->shift_full ? t->rows : k;
}

int64_t
time_exec_occupancy(const struct wave_target *t, int64_t m, int64_t shift)
{
	return t->weight_double_buffer ? max64(m, shift) : m + shift;
}

int64_t
time_exec_latency(const struct wave_target *t, int64_t m, int64_t shift)
{
	int64_t hidden = t->weight_double_buffer ? shift : 0;

	return shift - hidden + time_stream_latency(t, m);
}

int64_t
time_stream_latency(const struct wave_target *t, int64_t m)
{
	return m + t->rows + t->cols - 2;
}

int64_t
time_sum_latency(const struct wave_target *t)
{
	return t->rows;
}

int64_t
time_dram(const struct wave_target *t, int64_t bytes)
{
	if (t->dram_bw <= 0)
		return 0;
	return (int64_t)fmin(ceil((double)bytes * t->clock_hz / t->dram_bw),
	    MAX_CYCLES);
}

int64_t
time_lanes(const struct wave_target *t, const struct vec *v)
{
	size_t widest = dtype_size(v->dst.dtype);

	for (int i = 0; i < VEC_MAX_SRC; i++) {
		if (v->src[i].space == SPACE_NONE)
			continue;
		size_t s = dtype_size(v->src[i].dtype);

		widest = s > widest ? s : widest;
	}
	if (widest >= 8)
		return t->vector_lanes_64;
	return widest <= 2 ? t->vector_lanes_16 : t->vector_lanes;
}

int64_t
time_vec(const struct wave_target *t, int64_t lanes, int64_t ops,
    int64_t bytes)
{
	int64_t compute = lanes > 0 ? ceil_div(ops, lanes) : 0;

	return t->vector_startup +
	    max64(compute, time_port(bytes, t->vector_bw));
}

int64_t
array_shift(struct array_time *a, const struct wave_target *t, int64_t ready,
    int64_t k)
{
	int64_t start = max64(ready, a->shift_free);

	start = max64(start,
	    t->weight_double_buffer ? a->last : a->stream_free);
	a->shift_free = start + time_shift(t, k);
	a->fresh = true;
	return start;
}

int64_t
array_exec(struct array_time *a, int64_t ready, int64_t m)
{
	int64_t start = max64(ready, a->stream_free);

	if (a->fresh)
		start = max64(start, a->shift_free);
	a->fresh = false;
	a->last = start;
	a->stream_free = start + m;
	return start;
}
