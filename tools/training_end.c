/* The end of a training: predictions and the machine's figures. */
#include "tools/training.h"

#include <math.h>

#include "tools/train_pictures.h"

#define PICTURES 8

static bool
show_predictions(struct training *w)
{
	struct arena *a = arena_new();
	struct trainer *t = &w->t;
	struct npy scores;
	bool ok = t->data.fill(t->data.user, t->diag, TRAINER_TEST, 0, 0,
	    &t->batch) && trainer_predict(t, a, &scores);

	if (ok)
		train_pictures(stdout, &w->data, &scores,
		    t->opt.probabilities, PICTURES);
	arena_free(a);
	return ok;
}

bool
training_show_end(struct training *w)
{
	const struct trainer *t = &w->t;
	const struct score *s = &w->test;
	bool ok = true;

	if (s->answers > 0 && s->classes) {
		printf("\n");
		ok = show_predictions(w);
		printf("accuracy %.2f %%: %lld of %lld right\n",
		    100 * score_accuracy(s), (long long)s->right,
		    (long long)s->answers);
	} else if (s->answers > 0) {
		printf("\nmean squared error %.6g on the test data\n",
		    score_loss(s));
	}
	train_figures_print(stdout, &w->figures, w->dr.program->target.name,
	    t->x.dim[0]);
	return ok;
}
