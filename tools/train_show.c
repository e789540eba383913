#include "tools/train_show.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "support/str.h"

#define REDRAW 0.1 /* seconds between two drawings of the bar */
#define LINES 10   /* an epoch, where there is no bar */
#define BAR 24
#define SMOOTH 0.1 /* weight of the newest step in the speed */

double
show_clock(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *
show_time(double seconds, char *buf)
{
	int64_t s = seconds > 0 && seconds < 1e9 ? (int64_t)(seconds + 0.5) :
	    0;

	if (s < 3600)
		snprintf(buf, 32, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
	else
		snprintf(buf, 32, "%" PRId64 ":%02" PRId64 ":%02" PRId64,
		    s / 3600, s / 60 % 60, s % 60);
	return buf;
}

const char *
show_count(int64_t n, char *buf)
{
	char digits[24];
	size_t len, at = 0;

	snprintf(digits, sizeof digits, "%" PRId64, n);
	len = strlen(digits);
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-')
			buf[at++] = ',';
		buf[at++] = digits[i];
	}
	buf[at] = '\0';
	return buf;
}

void
show_begin(struct train_show *s, FILE *out, bool terminal,
    const struct trainer_position *at)
{
	s->out = out;
	s->terminal = terminal;
	s->begin = s->epoch_begin = s->last = show_clock();
	s->first_step = s->epoch_first = at->step;
}

void
show_clear(struct train_show *s)
{
	if (s->drawn)
		fputs("\r\033[K", s->out);
	s->drawn = false;
	(void)fflush(s->out);
}

/* ---- steps ---- */

static void
measure(struct train_show *s, double now)
{
	double rate = now > s->last ? 1 / (now - s->last) : 0;

	if (rate > 0)
		s->speed = s->speed > 0 ?
		    1 / ((1 - SMOOTH) / s->speed + SMOOTH / rate) : rate;
	s->last = now;
}

/* Seconds to the end of the last epoch. */
static double
left(const struct train_show *s, const struct trainer_position *at)
{
	double steps = (double)((s->epochs - at->epoch) * s->batches -
	    at->index);

	return s->speed > 0 ? steps / s->speed +
	    (double)(s->epochs - at->epoch) * s->test_time : 0;
}

static void
add_bar(struct strbuf *b, int64_t done, int64_t all)
{
	int n = all > 0 ? (int)(BAR * done / all) : BAR;

	strbuf_add(b, "[");
	for (int i = 0; i < BAR; i++)
		strbuf_add(b, i < n ? "=" : i == n ? ">" : " ");
	strbuf_add(b, "]");
}

static void
draw(struct train_show *s, const struct strbuf *b)
{
	fprintf(s->out, "\r%s\033[K", b->data);
	(void)fflush(s->out);
	s->drawn = true;
}

static bool
wants_line(const struct train_show *s, const struct trainer_position *at)
{
	int64_t i = at->index;

	return i * LINES / s->batches != (i - 1) * LINES / s->batches;
}

void
show_step(struct train_show *s, const struct trainer_step_done *e,
    double accuracy)
{
	double now = show_clock();
	struct strbuf b = {0};
	char eta[32];

	measure(s, now);
	if (s->terminal ? now < s->next : !wants_line(s, &e->at))
		return;
	s->next = now + REDRAW;
	strbuf_addf(&b, "epoch %" PRId64 "/%" PRId64 " ", e->at.epoch + 1,
	    s->epochs);
	if (s->terminal)
		add_bar(&b, e->at.index, s->batches);
	strbuf_addf(&b, " %" PRId64 "/%" PRId64 "  loss %.4f", e->at.index,
	    s->batches, e->at.loss_sum / (double)e->at.index);
	if (!isnan(accuracy))
		strbuf_addf(&b, "  accuracy %.2f %%", 100 * accuracy);
	strbuf_addf(&b, "  %.0f images/s  ETA %s",
	    s->speed * (double)s->samples, show_time(left(s, &e->at), eta));
	if (s->terminal)
		draw(s, &b);
	else
		fprintf(s->out, "%s\n", b.data);
	(void)fflush(s->out);
	strbuf_free(&b);
}

void
show_test(struct train_show *s, int64_t done, int64_t batches)
{
	double now = show_clock();
	struct strbuf b = {0};

	if (done == batches)
		s->test_time = now - s->last;
	if (!s->terminal || now < s->next)
		return;
	s->next = now + REDRAW;
	strbuf_add(&b, "evaluation ");
	add_bar(&b, done, batches);
	strbuf_addf(&b, " %" PRId64 "/%" PRId64, done, batches);
	draw(s, &b);
	strbuf_free(&b);
}

/* ---- epochs ---- */

void
show_epoch(struct train_show *s, const struct trainer_epoch_done *e,
    int64_t cycles)
{
	double now = show_clock();
	char loss[32] = "-", right[32] = "-", count[32] = "-", took[32];
	struct strbuf lr = {0};

	show_clear(s);
	if (!s->header)
		fprintf(s->out, "%6s  %10s  %10s  %9s  %9s  %13s  %8s\n",
		    "epoch", "train loss", "test loss", "accuracy", "lr",
		    "cycles/step", "time");
	s->header = true;
	if (e->test.answers > 0)
		snprintf(loss, sizeof loss, "%.4f", score_loss(&e->test));
	if (e->test.answers > 0 && e->test.classes)
		snprintf(right, sizeof right, "%.2f %%",
		    100 * score_accuracy(&e->test));
	if (cycles > 0)
		show_count(cycles, count);
	strbuf_add_float(&lr, (float)e->lr);
	if (lr.len > 9)
		snprintf(lr.data, lr.cap, "%.3g", e->lr);
	fprintf(s->out, "%6" PRId64 "  %10.4f  %10s  %9s  %9s  %13s  %8s\n",
	    e->epoch, e->loss, loss, right, lr.data, count,
	    show_time(now - s->epoch_begin, took));
	(void)fflush(s->out);
	strbuf_free(&lr);
	s->epoch_begin = s->last = now;
}
