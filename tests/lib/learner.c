#include "tests/lib/learner.h"

#include <string.h>

/* Addresses; the gaps of W hold b and the step count. */
enum {
	AT_X = 0,
	AT_Y = 64,
	AT_LR = 128,
	AT_LOSS = 132,
	AT_OUT = 192,
	AT_W = 256,        /* [out][in]: 4 bytes along out, 16 along in */
	AT_B = AT_W + 8,   /* [out], 4 bytes apart, in the first gap */
	AT_COUNT = AT_W + 24, /* i64, in the second */
	AT_V = 320         /* momentum of W, dense */
};

static const struct wave_binding bindings[] = {
	{.name = "x", .kind = WAVE_BIND_INPUT, .dtype = DT_F32, .rank = 2,
	    .dim = {LEARNER_N, LEARNER_IN}, .stride = {12, 4},
	    .address = AT_X},
	{.name = "target", .kind = WAVE_BIND_INPUT, .dtype = DT_F32,
	    .rank = 2, .dim = {LEARNER_N, LEARNER_OUT}, .stride = {8, 4},
	    .address = AT_Y},
	{.name = "lr", .kind = WAVE_BIND_INPUT, .dtype = DT_F32,
	    .address = AT_LR},
	{.name = "loss", .kind = WAVE_BIND_OUTPUT, .dtype = DT_F32,
	    .address = AT_LOSS},
	{.name = "y", .kind = WAVE_BIND_OUTPUT, .dtype = DT_F32, .rank = 2,
	    .dim = {LEARNER_N, LEARNER_OUT}, .stride = {8, 4},
	    .address = AT_OUT},
	{.name = "W", .kind = WAVE_BIND_STATE, .dtype = DT_F32, .rank = 2,
	    .dim = {LEARNER_OUT, LEARNER_IN}, .stride = {4, 16},
	    .address = AT_W},
	{.name = "b", .kind = WAVE_BIND_STATE, .dtype = DT_F32, .rank = 1,
	    .dim = {LEARNER_OUT}, .stride = {4}, .address = AT_B},
	{.name = "count", .kind = WAVE_BIND_STATE, .dtype = DT_I64,
	    .address = AT_COUNT},
	{.name = "W.momentum", .kind = WAVE_BIND_STATE, .dtype = DT_F32,
	    .rank = 2, .dim = {LEARNER_OUT, LEARNER_IN}, .stride = {12, 4},
	    .address = AT_V},
};

static const struct wave_entry entries[] = {{.name = "init"},
    {.name = "step"}, {.name = "eval"}};

static float *
at(struct learner *l, int where, int index)
{
	return (float *)(void *)(l->memory + where) + index;
}

static float *
weight(struct learner *l, int o, int i)
{
	return at(l, AT_W, o + 4 * i);
}

static void
forward(struct learner *l)
{
	for (int n = 0; n < LEARNER_N; n++)
		for (int o = 0; o < LEARNER_OUT; o++) {
			float y = *at(l, AT_B, o);

			for (int i = 0; i < LEARNER_IN; i++)
				y += *weight(l, o, i) *
				    *at(l, AT_X, LEARNER_IN * n + i);
			*at(l, AT_OUT, LEARNER_OUT * n + o) = y;
		}
}

static void
update(struct learner *l, int o, const float *dy)
{
	float lr = *at(l, AT_LR, 0), db = 0;

	for (int i = 0; i < LEARNER_IN; i++) {
		float *v = at(l, AT_V, LEARNER_IN * o + i), g = 0;

		for (int n = 0; n < LEARNER_N; n++)
			g += dy[LEARNER_OUT * n + o] *
			    *at(l, AT_X, LEARNER_IN * n + i);
		*v = 0.5f * *v + g;
		*weight(l, o, i) -= lr * *v;
	}
	for (int n = 0; n < LEARNER_N; n++)
		db += dy[LEARNER_OUT * n + o];
	*at(l, AT_B, o) -= lr * db;
}

static void
step(struct learner *l)
{
	float dy[LEARNER_N * LEARNER_OUT], loss = 0;
	int64_t count;

	forward(l);
	for (int k = 0; k < LEARNER_N * LEARNER_OUT; k++) {
		dy[k] = *at(l, AT_OUT, k) - *at(l, AT_Y, k);
		loss += dy[k] * dy[k] / (LEARNER_N * LEARNER_OUT);
	}
	*at(l, AT_LOSS, 0) = loss;
	for (int o = 0; o < LEARNER_OUT; o++)
		update(l, o, dy);
	memcpy(&count, l->memory + AT_COUNT, sizeof count);
	count++;
	memcpy(l->memory + AT_COUNT, &count, sizeof count);
	l->steps++;
}

static bool
run(struct device *dev, const char *entry, struct diag *d)
{
	struct learner *l = (struct learner *)(void *)dev;

	if (strcmp(entry, "init") == 0) {
		memset(l->memory + AT_W, 0, LEARNER_MEMORY - AT_W);
		*weight(l, 0, 1) = 0.25f;
	} else if (strcmp(entry, "step") == 0) {
		if (l->fails_at > 0 && l->steps + 1 == l->fails_at) {
			diag_error(d, NULL, "the machine is broken");
			return false;
		}
		step(l);
	} else {
		forward(l);
		l->evals++;
	}
	return true;
}

static bool
inside(uint64_t address, size_t size)
{
	return address <= LEARNER_MEMORY && size <= LEARNER_MEMORY - address;
}

static bool
write_memory(struct device *dev, uint64_t address, const void *data,
    size_t size)
{
	struct learner *l = (struct learner *)(void *)dev;

	if (!inside(address, size))
		return false;
	memcpy(l->memory + address, data, size);
	return true;
}

static bool
read_memory(struct device *dev, uint64_t address, void *data, size_t size)
{
	struct learner *l = (struct learner *)(void *)dev;

	if (!inside(address, size))
		return false;
	memcpy(data, l->memory + address, size);
	return true;
}

void
learner_open(struct learner *l)
{
	static const struct device_ops ops = {.write = write_memory,
	    .read = read_memory, .run = run};

	memset(l, 0, sizeof *l);
	l->dev.ops = &ops;
	l->program.bindings = bindings;
	l->program.nbindings = sizeof bindings / sizeof *bindings;
	l->program.entries = entries;
	l->program.nentries = sizeof entries / sizeof *entries;
}
