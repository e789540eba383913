/* nl_langinfo */
#define _XOPEN_SOURCE 700

#include "tools/train_pictures.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "runtime/picture.h"
#include "runtime/score.h"

#define LARGEST 20 /* pixels of a side that are shown */
#define ANSWER 18  /* columns for what is said */
#define COLUMNS 78

/* ---- pixels ---- */

/* A pixel as the mean of its channels. */
static double
grey(const struct dataset *s, int64_t sample, int64_t y, int64_t x)
{
	int64_t c = s->dim[0], h = s->dim[1], w = s->dim[2];
	double sum = 0;

	for (int64_t k = 0; k < c; k++)
		sum += dtype_get(s->data, s->dtype,
		    (size_t)(((sample * c + k) * h + y) * w + x));
	return sum / (double)c;
}

/* A block of pixels as its mean. */
static double
block(const struct dataset *s, int64_t sample, int64_t y, int64_t x, int f)
{
	int64_t h = s->dim[1], w = s->dim[2], n = 0;
	double sum = 0;

	for (int64_t i = y * f; i < (y + 1) * f && i < h; i++)
		for (int64_t k = x * f; k < (x + 1) * f && k < w; k++) {
			sum += grey(s, sample, i, k);
			n++;
		}
	return sum / (double)n;
}

struct cells {
	int width, height, factor; /* pixels shown; how many make one */
	size_t columns;            /* of a cell */
	bool ascii;
};

static struct cells
cells_of(const struct dataset *s, FILE *out)
{
	int64_t side = s->dim[1] > s->dim[2] ? s->dim[1] : s->dim[2];
	struct cells c = {.factor = (int)ceil_div(side, LARGEST)};

	c.width = (int)ceil_div(s->dim[2], c.factor);
	c.height = (int)ceil_div(s->dim[1], c.factor);
	c.columns = (size_t)(c.width > ANSWER ? c.width : ANSWER) + 2;
	(void)setlocale(LC_CTYPE, "");
	c.ascii = isatty(fileno(out)) == 0 ||
	    strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	return c;
}

/* The picture of a sample, stretched over the range of its values. */
static void
add_picture(struct arena *a, struct strbuf *out, const struct dataset *s,
    int64_t sample, const struct cells *c)
{
	size_t n = (size_t)c->width * (size_t)c->height;
	float *p = NEW_ARRAY(a, float, n), low = INFINITY, high = -INFINITY;

	for (size_t i = 0; i < n; i++) {
		p[i] = (float)block(s, sample, (int64_t)i / c->width,
		    (int64_t)i % c->width, c->factor);
		low = p[i] < low ? p[i] : low;
		high = p[i] > high ? p[i] : high;
	}
	for (size_t i = 0; i < n; i++)
		p[i] = high > low ? (p[i] - low) / (high - low) : 0;
	picture_add(out, p, c->width, c->height, c->ascii);
}

/* ---- answers ---- */

/* "cat 98 %"; with what it is where that is wrong. */
static void
add_answer(struct strbuf *s, const struct train_data *t,
    const struct npy *scores, bool probabilities, int64_t i)
{
	int64_t c = scores->dim[1], first = i * c;
	int64_t best = score_answer(scores, first, c, 1);
	int64_t label = t->test->labels[i];
	double most = dtype_get(scores->data, scores->dtype,
	    (size_t)(first + best)), sum = 0;
	char is[32], said[32];

	for (int64_t k = 0; k < c; k++)
		sum += exp(dtype_get(scores->data, scores->dtype,
		    (size_t)(first + k)) - most);
	strbuf_addf(s, "%s %.0f %%", train_data_class(t, best, said),
	    100 * (probabilities ? most : 1 / sum));
	if (best != label)
		strbuf_addf(s, " (%s!)", train_data_class(t, label, is));
}

/* ---- rows ---- */

/* The columns a text takes: bytes that begin a character, without the
 * sequences that choose colours. */
static size_t
columns(const char *s, size_t n)
{
	size_t c = 0;
	bool escape = false;

	for (size_t i = 0; i < n; i++) {
		escape = escape || s[i] == '\033';
		c += !escape && ((unsigned char)s[i] & 0xc0) != 0x80;
		escape = escape && s[i] != 'm';
	}
	return c;
}

/* One line of each text side by side; false when all are at their end. */
static bool
print_line(FILE *out, const char **text, int64_t n, size_t wide)
{
	size_t gap = 2;
	bool any = false;

	for (int64_t i = 0; i < n; i++) {
		size_t len = strcspn(text[i], "\n");
		size_t have = columns(text[i], len);

		if (*text[i] == '\0')
			continue;
		fprintf(out, "%*s%.*s", (int)gap, "", (int)len, text[i]);
		gap = have < wide ? wide - have : 1;
		text[i] += len + (text[i][len] == '\n');
		any = true;
	}
	if (any)
		fputc('\n', out);
	return any;
}

static void
print_row(FILE *out, const struct train_data *t, const struct npy *scores,
    bool probabilities, int64_t first, int64_t n, const struct cells *c)
{
	struct arena *a = arena_new();
	const char **text = NEW_ARRAY(a, const char *, (size_t)n);

	for (int64_t i = 0; i < n; i++) {
		struct strbuf s = {0};

		add_picture(a, &s, t->test, first + i, c);
		add_answer(&s, t, scores, probabilities, first + i);
		text[i] = arena_strndup(a, s.data, s.len);
		strbuf_free(&s);
	}
	while (print_line(out, text, n, c->columns))
		continue;
	fputc('\n', out);
	arena_free(a);
}

void
train_pictures(FILE *out, const struct train_data *t,
    const struct npy *scores, bool probabilities, int64_t n)
{
	const struct dataset *s = t->test;
	struct cells c;
	int64_t row;

	if (s->rank != 3 || s->classes == 0 || s->dim[0] < 1 ||
	    s->dim[1] < 1 || s->dim[2] < 1 || scores->rank < 2)
		return;
	c = cells_of(s, out);
	row = COLUMNS / (int64_t)c.columns;
	row = row < 1 ? 1 : row;
	n = n < s->count ? n : s->count;
	n = n < scores->dim[0] ? n : scores->dim[0];
	for (int64_t i = 0; i < n; i += row)
		print_row(out, t, scores, probabilities, i,
		    row < n - i ? row : n - i, &c);
}
