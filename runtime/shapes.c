/* Drawn shapes. A class is a list of strokes in the unit square; a sample
 * turns, scales, shears, moves and bends them, draws them with a soft pen of
 * random width and strength, lays stray lines over it, hides a patch and adds
 * noise. Only + - * / and sqrt of doubles are used: the same bytes everywhere.
 */
#include "runtime/shapes.h"

#include <math.h>
#include <string.h>

#include "runtime/mix.h"

const char *const shapes_names[SHAPES_CLASSES] = { "circle", "square",
	"triangle", "cross", "plus", "zigzag", "arrow", "house", "spiral",
	"waves" };

/* Of the training part, as measured. */
static const double mean[] = {0.2403}, deviation[] = {0.2363};

struct point {
	double x, y;
};

#define MAX_POINTS 40

struct stroke { /* a line through points */
	struct point p[MAX_POINTS];
	int n;
};

#define MAX_STROKES 4

struct figure {
	struct stroke s[MAX_STROKES];
	int n;
};

struct sample {
	uint64_t state;
	struct figure f;
};

/* ---- numbers ---- */

static double
uniform(struct sample *m, double lo, double hi)
{
	return lo + (hi - lo) * ((double)(mix_next(&m->state) >> 11) *
	    0x1p-53);
}

/* Sine by its series, |x| <= pi. */
static double
sine(double x)
{
	double term = x, sum = x;

	for (int k = 1; k < 12; k++) {
		term *= -x * x / (2.0 * k * (2.0 * k + 1));
		sum += term;
	}
	return sum;
}

#define PI 3.14159265358979323846

/* On a circle, turns from 0 to 1. */
static struct point
round_point(double turn, double radius)
{
	struct point p;
	double a;

	turn -= floor(turn);
	a = 2 * PI * turn - PI;
	p.x = 0.5 + radius * sine(a);
	a = turn + 0.25 - floor(turn + 0.25);
	p.y = 0.5 + radius * sine(2 * PI * a - PI);
	return p;
}

/* ---- figures ---- */

static struct stroke *
stroke(struct figure *f)
{
	struct stroke *s = &f->s[f->n++];

	s->n = 0;
	return s;
}

static void
to(struct stroke *s, double x, double y)
{
	s->p[s->n].x = x;
	s->p[s->n++].y = y;
}

static void
lines(struct figure *f, const double *xy, int n)
{
	struct stroke *s = stroke(f);

	for (int i = 0; i < n; i++)
		to(s, xy[2 * i], xy[2 * i + 1]);
}

static void
arc(struct figure *f, double turns, double from, double until)
{
	struct stroke *s = stroke(f);

	for (int i = 0; i < MAX_POINTS; i++) {
		double t = i / (double)(MAX_POINTS - 1);

		s->p[s->n++] = round_point(turns * t,
		    from + (until - from) * t);
	}
}

static void
wave(struct figure *f, double y)
{
	struct stroke *s = stroke(f);

	for (int i = 0; i < MAX_POINTS; i++) {
		double t = i / (double)(MAX_POINTS - 1);
		struct point p = round_point(1.5 * t, 0.1);

		to(s, 0.12 + 0.76 * t, y + p.x - 0.5);
	}
}

#define LINES(f, ...)                                            \
	do {                                                     \
		static const double xy[] = { __VA_ARGS__ };      \
		lines(f, xy, (int)(sizeof xy / sizeof *xy / 2)); \
	} while (0)

static void
make_figure(struct figure *f, int class)
{
	f->n = 0;
	switch (class) {
	case 0: arc(f, 1, 0.36, 0.36); break;
	case 1:
		LINES(f, .17, .17, .83, .17, .83, .83, .17, .83, .17, .17);
		break;
	case 2: LINES(f, .5, .14, .86, .8, .14, .8, .5, .14); break;
	case 3:
		LINES(f, .18, .18, .82, .82);
		LINES(f, .82, .18, .18, .82);
		break;
	case 4:
		LINES(f, .5, .12, .5, .88);
		LINES(f, .12, .5, .88, .5);
		break;
	case 5:
		LINES(f, .14, .2, .86, .2, .14, .8, .86, .8);
		break;
	case 6:
		LINES(f, .5, .88, .5, .14);
		LINES(f, .2, .46, .5, .14, .8, .46);
		break;
	case 7:
		LINES(f, .2, .86, .2, .46, .5, .14, .8, .46, .8, .86, .2, .86);
		break;
	case 8: arc(f, 2.1, 0.04, 0.38); break;
	default:
		wave(f, 0.34);
		wave(f, 0.66);
		break;
	}
}

/* ---- deformation ---- */

struct warp {
	double m[4], at[2];       /* affine around the middle */
	double bend[4], phase[4]; /* of x by y and y by x */
};

static void
make_warp(struct sample *m, struct warp *w)
{
	struct point turn = round_point(uniform(m, -0.04, 0.04), 1);
	double c = turn.y - 0.5, s = turn.x - 0.5;
	double sx = uniform(m, 0.7, 1.1), sy = uniform(m, 0.7, 1.1);
	double shear = uniform(m, -0.12, 0.12);

	/* round_point(0) is the top: c is cos but for the sign */
	w->m[0] = -c * sx;
	w->m[1] = -s * sy - c * shear;
	w->m[2] = s * sx;
	w->m[3] = -c * sy + s * shear;
	w->at[0] = uniform(m, -0.14, 0.14);
	w->at[1] = uniform(m, -0.14, 0.14);
	for (int i = 0; i < 4; i++) {
		w->bend[i] = uniform(m, -0.06, 0.06);
		w->phase[i] = uniform(m, 0, 1);
	}
}

static double
bend(const struct warp *w, int i, double t)
{
	double slow = round_point(t + w->phase[i], w->bend[i]).x - 0.5;

	return slow + round_point(2 * t + w->phase[i + 2],
	    w->bend[i + 2] * 0.6).x - 0.5;
}

static struct point
warped(const struct warp *w, struct point p)
{
	double x = p.x - 0.5 + bend(w, 0, p.y);
	double y = p.y - 0.5 + bend(w, 1, p.x);
	struct point q;

	q.x = 0.5 + w->m[0] * x + w->m[1] * y + w->at[0];
	q.y = 0.5 + w->m[2] * x + w->m[3] * y + w->at[1];
	return q;
}

/* Straight parts bend, too: each is cut into pieces. */
static void
warp_stroke(const struct warp *w, struct stroke *s)
{
	struct stroke fine = { .n = 0 };
	int parts = s->n > 10 || s->n < 2 ? 1 : (MAX_POINTS - 1) / (s->n - 1);

	for (int i = 0; i + 1 < s->n; i++)
		for (int k = 0; k < parts; k++) {
			double t = k / (double)parts;
			struct point p = { s->p[i].x +
				(s->p[i + 1].x - s->p[i].x) * t,
				s->p[i].y + (s->p[i + 1].y - s->p[i].y) * t };

			fine.p[fine.n++] = warped(w, p);
		}
	fine.p[fine.n++] = warped(w, s->p[s->n - 1]);
	*s = fine;
}

/* ---- drawing ---- */

static double
clamp(double v, double lo, double hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* The square of the distance of p from the segment a b. */
static double
distance2(struct point p, struct point a, struct point b)
{
	double dx = b.x - a.x, dy = b.y - a.y, len = dx * dx + dy * dy;
	double t = len > 0 ?
	    clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / len, 0, 1) : 0;
	double x = a.x + t * dx - p.x, y = a.y + t * dy - p.y;

	return x * x + y * y;
}

/* Lays ink, 1 in the middle of a line of that half width, over the image. */
static void
draw(double *image, const struct stroke *s, double width, double ink)
{
	double reach = width + 1.2 / SHAPES_SIZE;

	for (int i = 0; i + 1 < s->n; i++) {
		double x0 = fmin(s->p[i].x, s->p[i + 1].x) - reach;
		double x1 = fmax(s->p[i].x, s->p[i + 1].x) + reach;
		double y0 = fmin(s->p[i].y, s->p[i + 1].y) - reach;
		double y1 = fmax(s->p[i].y, s->p[i + 1].y) + reach;
		int r0 = (int)clamp(y0 * SHAPES_SIZE, 0, SHAPES_SIZE);
		int r1 = (int)clamp(y1 * SHAPES_SIZE + 1, 0, SHAPES_SIZE);
		int c0 = (int)clamp(x0 * SHAPES_SIZE, 0, SHAPES_SIZE);
		int c1 = (int)clamp(x1 * SHAPES_SIZE + 1, 0, SHAPES_SIZE);

		for (int r = r0; r < r1; r++)
			for (int c = c0; c < c1; c++) {
				struct point p = { (c + 0.5) / SHAPES_SIZE,
					(r + 0.5) / SHAPES_SIZE };
				double d = sqrt(distance2(p, s->p[i],
				    s->p[i + 1]));
				double v = ink * clamp(0.5 + (width - d) *
				    SHAPES_SIZE, 0, 1);
				double *at = &image[r * SHAPES_SIZE + c];

				if (v > *at)
					*at = v;
			}
	}
}

/* A stray line somewhere. */
static void
scratch(struct sample *m, double *image)
{
	struct stroke s = { .n = 0 };
	double x = uniform(m, 0, 1), y = uniform(m, 0, 1);
	double down = uniform(m, -0.35, 0.35);
	double across = uniform(m, -0.35, 0.35);

	to(&s, x, y);
	to(&s, x + across, y + down);
	draw(image, &s, 0.03, uniform(m, 0.3, 0.8));
}

/* A patch that hides what lies under it. */
static void
hide(struct sample *m, double *image)
{
	int height = 2 + (int)mix_below(&m->state, 4);
	int width = 2 + (int)mix_below(&m->state, 4);
	int y = (int)mix_below(&m->state, SHAPES_SIZE - 5);
	int x = (int)mix_below(&m->state, SHAPES_SIZE - 5);

	for (int i = y; i < y + height; i++)
		for (int k = x; k < x + width; k++)
			image[i * SHAPES_SIZE + k] = 0;
}

static void
develop(struct sample *m, const double *image, uint8_t *pixels)
{
	double base = uniform(m, 0, 0.25), grain = uniform(m, 0.02, 0.09);

	for (int i = 0; i < SHAPES_SIZE * SHAPES_SIZE; i++) {
		double v = base + (1 - base) * image[i];
		double noise = uniform(m, -1, 1) + uniform(m, -1, 1);

		v += grain * noise;
		pixels[i] = (uint8_t)(clamp(v, 0, 1) * 255 + 0.5);
	}
}

int
shapes_draw(enum dataset_part part, int64_t i, uint8_t *pixels)
{
	struct sample m = { .state = mix64((uint64_t)i * 2 +
	    (part == DATASET_TEST) + (UINT64_C(0x5bae) << 48)) };
	double image[SHAPES_SIZE * SHAPES_SIZE] = { 0 };
	int class = (int)mix_below(&m.state, SHAPES_CLASSES);
	double width, ink;
	struct warp w;

	make_figure(&m.f, class);
	make_warp(&m, &w);
	width = uniform(&m, 0.02, 0.065);
	ink = uniform(&m, 0.55, 1);
	for (int k = 0; k < m.f.n; k++) {
		warp_stroke(&w, &m.f.s[k]);
		draw(image, &m.f.s[k], width, ink);
	}
	for (uint32_t k = mix_below(&m.state, 3); k > 0; k--)
		scratch(&m, image);
	hide(&m, image);
	develop(&m, image, pixels);
	return class;
}

bool
dataset_shapes(struct arena *a, enum dataset_part part, struct dataset *s)
{
	int64_t n = part == DATASET_TRAIN ? SHAPES_TRAIN : SHAPES_TEST;
	const int size = SHAPES_SIZE * SHAPES_SIZE;
	uint8_t *data = arena_alloc(a, (size_t)(n * size));
	int32_t *labels = NEW_ARRAY(a, int32_t, (size_t)n);

	for (int64_t i = 0; i < n; i++)
		labels[i] = shapes_draw(part, i, data + i * size);
	*s = (struct dataset){ .format = "shapes", .source = "shapes",
		.count = n, .rank = 3,
		.dim = { 1, SHAPES_SIZE, SHAPES_SIZE }, .dtype = DT_U8,
		.data = data, .classes = SHAPES_CLASSES, .labels = labels,
		.class_names = shapes_names,
		.mean = mean, .deviation = deviation };
	return true;
}
