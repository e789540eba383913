#include "tools/train_data.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/bind.h"

bool
train_data_open(struct train_data *t, struct arena *a, struct diag *d,
    const char *spec)
{
	t->train = dataset_open(a, d, spec, DATASET_TRAIN);
	if (t->train == NULL)
		return false;
	t->test = dataset_open(a, d, spec, DATASET_TEST);
	return t->test != NULL;
}

/* ---- the model ---- */

static bool
shapes_differ(struct diag *d, const struct dataset *s, const char *what,
    int rank, const int64_t *dim, const struct wave_binding *b)
{
	struct strbuf have = {0}, want = {0};

	bind_shape(&have, DT_F32, rank, dim);
	bind_shape(&want, DT_F32, b->rank - 1, b->dim + 1);
	/* without the dtype */
	diag_error(d, &(struct loc){.file = s->source}, "the %s have the "
	    "shape %s, the model's '%s' takes %s", what, have.data + 3,
	    b->name, want.data + 3);
	strbuf_free(&have);
	strbuf_free(&want);
	return false;
}

static bool
same_shape(int rank, const int64_t *dim, const struct wave_binding *b)
{
	return b->rank == rank + 1 &&
	    memcmp(dim, b->dim + 1, (size_t)rank * sizeof *dim) == 0;
}

static bool
classes_fit(struct diag *d, const struct dataset *s, const struct trainer *t)
{
	const struct wave_binding *o = t->output;

	if (!dtype_is_int(t->y.dtype)) {
		diag_error(d, &(struct loc){.file = s->source}, "the data "
		    "have classes, but the loss wants targets");
		return false;
	}
	if (t->y.rank != 1)
		return shapes_differ(d, s, "labels", 0, s->dim, &t->y);
	if (o->dim[1] >= s->classes)
		return true;
	diag_error(d, &(struct loc){.file = s->source}, "the data have %"
	    PRId64 " classes, the model's '%s' tells %" PRId64 " apart",
	    s->classes, o->name, o->dim[1]);
	return false;
}

static bool
fits(const struct dataset *s, struct diag *d, const struct trainer *t)
{
	if (!same_shape(s->rank, s->dim, &t->x))
		return shapes_differ(d, s, s->rank == 3 ? "images" :
		    "samples", s->rank, s->dim, &t->x);
	if (s->classes > 0)
		return classes_fit(d, s, t);
	if (dtype_is_int(t->y.dtype)) {
		diag_error(d, &(struct loc){.file = s->source}, "the data "
		    "have targets, but the loss wants classes (-floss=mse?)");
		return false;
	}
	return same_shape(s->target_rank, s->target_dim, &t->y) ||
	    shapes_differ(d, s, "targets", s->target_rank, s->target_dim,
	    &t->y);
}

bool
train_data_fits(const struct train_data *t, struct diag *d,
    const struct trainer *with)
{
	return fits(t->train, d, with) && fits(t->test, d, with);
}

/* ---- batches ---- */

static bool
fill(void *user, struct diag *d, enum trainer_part part, int64_t epoch,
    int64_t index, struct trainer_batch *b)
{
	const struct train_data *t = user;
	bool classes = t->train->classes > 0;

	(void)d;
	batch_fill(part == TRAINER_TRAIN ? t->train_batches : t->test_batches,
	    epoch, index, b->x.data, classes ? b->y.data : NULL,
	    classes ? NULL : b->y.data, &b->valid);
	return true;
}

bool
train_data_divide(struct train_data *t, struct arena *a, struct diag *d,
    int64_t batch, uint64_t seed, const char *augment)
{
	struct batch_options train = {.batch = batch, .seed = seed,
	    .shuffle = true, .drop_last = true};
	const char *why = batch_augment(&train, a,
	    augment != NULL ? augment : "");

	if (why != NULL) {
		diag_error(d, NULL, "--augment: %s", why);
		return false;
	}
	t->train_batches = batcher_open(a, d, t->train, &train);
	if (t->train_batches == NULL)
		return false;
	t->test_batches = batcher_open_test(a, d, t->test, t->train_batches);
	if (t->test_batches == NULL)
		return false;
	t->source = (struct trainer_data){.fill = fill, .user = t,
	    .train_batches = batcher_count(t->train_batches),
	    .test_batches = batcher_count(t->test_batches)};
	return true;
}

const char *
train_data_class(const struct train_data *t, int64_t c, char *buf)
{
	if (t->train->class_names != NULL && c < t->train->classes)
		return t->train->class_names[c];
	snprintf(buf, 32, "%" PRId64, c);
	return buf;
}
