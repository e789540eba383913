#include "runtime/batch.h"

#include <string.h>

#include "runtime/mix.h"
#include "support/str.h"

#define MAX_CROP 256

struct batcher {
	const struct dataset *s;
	struct batch_options o;
	int64_t elems, targets;
	struct normalise by;
	float *value; /* of byte b in channel c: [256 c + b] */
	/* The order of the epoch asked for last. */
	int64_t epoch;
	uint32_t *order;
};

/* One setting; false when it is none. */
static bool
augment(struct batch_options *o, struct arena *a, const char *one)
{
	int64_t v, n = 0;

	if (strcmp(one, "flip") == 0)
		return o->flip = true;
	if (strcmp(one, "plain") == 0)
		return o->plain = true;
	if (strcmp(one, "measure") == 0)
		return o->measure = true;
	if (strncmp(one, "crop=", 5) == 0 && parse_int64(one + 5, &v) &&
	    v >= 0 && v <= MAX_CROP) {
		o->crop = (int)v;
		return true;
	}
	if (strncmp(one, "mean=", 5) == 0)
		o->by.mean = normalise_parse(a, one + 5, &n);
	else if (strncmp(one, "deviation=", 10) == 0)
		o->by.deviation = normalise_parse(a, one + 10, &n);
	/* as many of one as of the other */
	if (n == 0 || (o->by.channels != 0 && o->by.channels != n))
		return false;
	o->by.channels = n;
	return true;
}

const char *
batch_augment(struct batch_options *o, struct arena *a, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, ",");
		const char *one = arena_strndup(a, text, n);

		if (!augment(o, a, one))
			return arena_printf(a, "'%s' is none of crop=PIXELS, "
			    "flip, plain, measure, mean=A+B+... and as many "
			    "of deviation=A+B+...", one);
		text += n;
		text += *text == ',';
	}
	if ((o->by.mean == NULL) != (o->by.deviation == NULL))
		return "mean and deviation come together";
	if (o->plain + o->measure + (o->by.mean != NULL) > 1)
		return "plain, measure and mean exclude each other";
	return NULL;
}

/* Bytes as the float nearest to (b / 255 - mean) / deviation. */
static float *
values(struct arena *a, int64_t channels, const struct normalise *by)
{
	float *v = NEW_ARRAY(a, float, (size_t)channels * 256);

	for (int64_t c = 0; c < channels; c++) {
		double m = by->channels > 0 ? by->mean[c] : 0;
		double d = by->channels > 0 ? by->deviation[c] : 1;

		for (int b = 0; b < 256; b++)
			v[c * 256 + b] = (float)((b / 255.0 - m) / d);
	}
	return v;
}

static bool
refuse(struct diag *d, const struct dataset *s, const char *why)
{
	diag_error(d, &(struct loc){.file = s->source}, "%s", why);
	return false;
}

/* Whether the options fit the samples. */
static bool
fits(struct arena *a, struct diag *d, const struct dataset *s,
    const struct batch_options *o)
{
	int64_t channels = normalise_channels(s);

	if (o->batch < 1)
		return refuse(d, s, "a batch has at least one sample");
	if ((o->crop > 0 || o->flip) && s->rank != 3)
		return refuse(d, s, arena_printf(a, "only images can be "
		    "cropped and flipped; its samples have %d axes",
		    s->rank));
	if (s->count > UINT32_MAX)
		return refuse(d, s, "has more than 2^32 samples");
	if (o->by.channels > 0 && o->by.channels != channels)
		return refuse(d, s, arena_printf(a, "mean and deviation have "
		    "%lld channels, the samples %lld",
		    (long long)o->by.channels, (long long)channels));
	for (int64_t c = 0; c < o->by.channels; c++)
		if (!(o->by.deviation[c] > 0))
			return refuse(d, s, "a deviation must be positive");
	return true;
}

static struct normalise
choose(struct arena *a, const struct dataset *s,
    const struct batch_options *o)
{
	if (o->by.channels > 0)
		return o->by;
	if (o->measure)
		return normalise_measure(a, s);
	if (s->mean == NULL || o->plain)
		return (struct normalise){.channels = 0};
	return (struct normalise){normalise_channels(s), s->mean,
	    s->deviation};
}

struct batcher *
batcher_open(struct arena *a, struct diag *d, const struct dataset *s,
    const struct batch_options *o)
{
	struct batcher *b = NEW(a, struct batcher);

	if (!fits(a, d, s, o))
		return NULL;
	b->s = s;
	b->o = *o;
	b->elems = dataset_elems(s);
	b->targets = dataset_targets(s);
	b->epoch = -1;
	b->by = choose(a, s, o);
	if (s->dtype == DT_U8)
		b->value = values(a, normalise_channels(s), &b->by);
	if (o->shuffle)
		b->order = NEW_ARRAY(a, uint32_t, (size_t)s->count + 1);
	if (batcher_count(b) > 0)
		return b;
	refuse(d, s, arena_printf(a, "%lld samples are less than one batch "
	    "of %lld", (long long)s->count, (long long)o->batch));
	return NULL;
}

struct batcher *
batcher_open_test(struct arena *a, struct diag *d, const struct dataset *s,
    const struct batcher *train)
{
	struct batch_options o = {.batch = train->o.batch,
	    .plain = train->by.channels == 0, .by = train->by};

	return batcher_open(a, d, s, &o);
}

struct normalise
batcher_normalise(const struct batcher *b)
{
	return b->by;
}

int64_t
batcher_count(const struct batcher *b)
{
	return b->o.drop_last ? b->s->count / b->o.batch :
	    ceil_div(b->s->count, b->o.batch);
}

static uint64_t
key(const struct batcher *b, int64_t epoch, uint64_t what)
{
	return mix64(mix64(mix64(b->o.seed) ^ (uint64_t)epoch) ^ what);
}

/* Fisher and Yates, Durstenfeld's form. */
static void
shuffle(struct batcher *b, int64_t epoch)
{
	uint64_t state = key(b, epoch, UINT64_MAX);

	for (int64_t i = 0; i < b->s->count; i++)
		b->order[i] = (uint32_t)i;
	for (int64_t i = b->s->count - 1; i > 0; i--) {
		uint32_t j = mix_below(&state, (uint32_t)i + 1);
		uint32_t t = b->order[i];

		b->order[i] = b->order[j];
		b->order[j] = t;
	}
	b->epoch = epoch;
}

static float
element(const struct batcher *b, int64_t sample, int64_t channel, int64_t i)
{
	float v;

	if (b->s->dtype == DT_U8)
		return b->value[channel * 256 +
		    ((const uint8_t *)b->s->data)[sample * b->elems + i]];
	v = ((const float *)b->s->data)[sample * b->elems + i];
	return b->by.channels == 0 ? v :
	    (float)(((double)v - b->by.mean[channel]) /
	    b->by.deviation[channel]);
}

/* An image moved by (dy, dx), zeros coming in, and mirrored. What comes in is
 * zero after normalisation, the mean colour. */
static void
moved(const struct batcher *b, int64_t sample, int dy, int dx, bool mirror,
    float *x)
{
	int64_t height = b->s->dim[1], width = b->s->dim[2];

	for (int64_t c = 0; c < b->s->dim[0]; c++)
		for (int64_t i = 0; i < height; i++)
			for (int64_t j = 0; j < width; j++) {
				int64_t y = i + dy;
				int64_t at = (mirror ? width - 1 - j : j) + dx;
				bool in = y >= 0 && y < height && at >= 0 &&
				    at < width;

				*x++ = in ? element(b, sample, c,
				    (c * height + y) * width + at) : 0;
			}
}

static void
plain(const struct batcher *b, int64_t sample, float *x)
{
	int64_t channels = normalise_channels(b->s);
	int64_t inner = b->elems / channels;

	for (int64_t c = 0; c < channels; c++)
		for (int64_t i = 0; i < inner; i++)
			*x++ = element(b, sample, c, c * inner + i);
}

static void
fill_sample(const struct batcher *b, int64_t epoch, int64_t sample, float *x)
{
	uint64_t state = key(b, epoch, (uint64_t)sample);
	uint32_t span = 2 * (uint32_t)b->o.crop + 1;
	int dy, dx;
	bool mirror;

	if (b->o.crop == 0 && !b->o.flip) {
		plain(b, sample, x);
		return;
	}
	dy = (int)mix_below(&state, span) - b->o.crop;
	dx = (int)mix_below(&state, span) - b->o.crop;
	mirror = b->o.flip && mix_below(&state, 2) == 1;
	moved(b, sample, dy, dx, mirror, x);
}

void
batch_fill(struct batcher *b, int64_t epoch, int64_t index, float *x,
    int64_t *labels, float *targets, int64_t *valid)
{
	int64_t first = index * b->o.batch;

	if (b->o.shuffle && b->epoch != epoch)
		shuffle(b, epoch);
	*valid = b->s->count - first < b->o.batch ? b->s->count - first :
	    b->o.batch;
	for (int64_t i = 0; i < b->o.batch; i++) {
		int64_t at = first + (i < *valid ? i : *valid - 1);
		int64_t sample = b->order != NULL ? b->order[at] : at;

		fill_sample(b, epoch, sample, x + i * b->elems);
		if (b->s->classes > 0)
			labels[i] = b->s->labels[sample];
		else
			memcpy(targets + i * b->targets,
			    b->s->targets + sample * b->targets,
			    (size_t)b->targets * sizeof *targets);
	}
}
