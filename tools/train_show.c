/* the width of a terminal */
#define _DEFAULT_SOURCE

#include "tools/train_show.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "support/str.h"

#define REDRAW 0.1 /* seconds between two drawings of the bar */
#define LINES 10   /* an epoch, where there is no bar */
#define BAR 24 /* columns at most */
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

/* Columns of the terminal, less one so that no line wraps. */
static int
columns(const struct train_show *s)
{
	struct winsize w = {0};

	return ioctl(fileno(s->out), TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ?
	    w.ws_col - 1 : 79;
}

/* Draws a line of a text, a bar in what room there is, and a text. */
static void
draw(struct train_show *s, const char *before, int64_t done, int64_t all,
    const char *after)
{
	int room = columns(s);
	int wide = room - (int)strlen(before) - (int)strlen(after) - 3, n;
	char bar[BAR + 1];
	struct strbuf b = {0};

	wide = wide > BAR ? BAR : wide;
	if (wide >= 4) {
		n = all > 0 ? (int)(wide * done / all) : wide;
		for (int i = 0; i < wide; i++)
			bar[i] = i < n ? '=' : i == n ? '>' : ' ';
		strbuf_addf(&b, "%s[%.*s] %s", before, wide, bar, after);
	} else {
		strbuf_addf(&b, "%s%s", before, after);
	}
	fprintf(s->out, "\r%.*s\033[K", room, b.data);
	(void)fflush(s->out);
	s->drawn = true;
	strbuf_free(&b);
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
	char eta[32], epoch[64];

	measure(s, now);
	if (s->terminal ? now < s->next : !wants_line(s, &e->at))
		return;
	s->next = now + REDRAW;
	snprintf(epoch, sizeof epoch, "epoch %" PRId64 "/%" PRId64 " ",
	    e->at.epoch + 1, s->epochs);
	strbuf_addf(&b, "%" PRId64 "/%" PRId64 "  loss %.4f", e->at.index,
	    s->batches, e->at.loss_sum / (double)e->at.index);
	if (!isnan(accuracy))
		strbuf_addf(&b, "  accuracy %.2f %%", 100 * accuracy);
	strbuf_addf(&b, "  %.0f images/s  ETA %s",
	    s->speed * (double)s->samples, show_time(left(s, &e->at), eta));
	if (s->terminal)
		draw(s, epoch, e->at.index, s->batches, b.data);
	else
		fprintf(s->out, "%s %s\n", epoch, b.data);
	(void)fflush(s->out);
	strbuf_free(&b);
}

void
show_test(struct train_show *s, int64_t done, int64_t batches)
{
	double now = show_clock();
	char text[64];

	if (done == batches)
		s->test_time = now - s->last;
	if (!s->terminal || now < s->next)
		return;
	s->next = now + REDRAW;
	snprintf(text, sizeof text, "%" PRId64 "/%" PRId64, done, batches);
	draw(s, "evaluation ", done, batches, text);
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
