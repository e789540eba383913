/* Small data sets for tests of training:
 *
 *     small_data mnist DIR SIDE TRAIN TEST    images of waves in ten directions
 *     small_data npy DIR TRAIN TEST           targets that are sums of inputs
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/npy.h"
#include "tests/lib/unit.h"

static uint64_t random_state = 42;

static double
uniform(void)
{
	return (double)(unit_random(&random_state) >> 11) / 9007199254740992.0;
}

static FILE *
create(const char *dir, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	return f;
}

static void
number(FILE *f, int v)
{
	for (int i = 24; i >= 0; i -= 8)
		fputc(v >> i & 255, f);
}

/* A wave whose direction says the class, with another phase and noise in
 * each image. */
static void
image(FILE *f, int side, int class)
{
	double phase = uniform() * 1.5, angle = class * 3.14159265 / 10;

	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++) {
			double v = sin(phase + cos(angle) * x +
			    sin(angle) * y) + uniform() - 0.5;

			fputc((int)(127.5 + 80 * v), f);
		}
}

static void
mnist(const char *dir, int side, const char *part, int n)
{
	char name[64];
	FILE *x, *y;

	snprintf(name, sizeof name, "%s-images-idx3-ubyte", part);
	x = create(dir, name);
	snprintf(name, sizeof name, "%s-labels-idx1-ubyte", part);
	y = create(dir, name);
	number(x, 0x803);
	number(x, n);
	number(x, side);
	number(x, side);
	number(y, 0x801);
	number(y, n);
	for (int i = 0; i < n; i++) {
		int class = (int)(uniform() * 10);

		image(x, side, class);
		fputc(class, y);
	}
	if (fclose(x) != 0 || fclose(y) != 0)
		exit(1);
}

/* f32[n,6] and f32[n,2]: a sum and a difference. */
static void
npy(const char *dir, const char *part, int n)
{
	struct diag d = {0};
	struct npy x = {.dtype = DT_F32, .rank = 2, .dim = {n, 6},
	    .bytes = (size_t)n * 24}, y = {.dtype = DT_F32, .rank = 2,
	    .dim = {n, 2}, .bytes = (size_t)n * 8};
	float *xs = calloc((size_t)n, 24), *ys = calloc((size_t)n, 8);
	char path[4096];
	bool ok = xs != NULL && ys != NULL;

	for (int i = 0; ok && i < n; i++) {
		for (int k = 0; k < 6; k++)
			xs[6 * i + k] = (float)uniform() - 0.5f;
		ys[2 * i] = xs[6 * i] + xs[6 * i + 1];
		ys[2 * i + 1] = xs[6 * i + 2] - xs[6 * i + 5] + 0.5f;
	}
	x.data = xs;
	y.data = ys;
	snprintf(path, sizeof path, "%s/%s_x.npy", dir, part);
	ok = ok && npy_write(&d, path, &x);
	snprintf(path, sizeof path, "%s/%s_y.npy", dir, part);
	ok = ok && npy_write(&d, path, &y);
	free(xs);
	free(ys);
	if (!ok)
		exit(1);
}

int
main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "mnist") == 0) {
		mnist(argv[2], atoi(argv[3]), "train", atoi(argv[4]));
		mnist(argv[2], atoi(argv[3]), "t10k", atoi(argv[5]));
		return 0;
	}
	if (argc == 5 && strcmp(argv[1], "npy") == 0) {
		npy(argv[2], "train", atoi(argv[3]));
		npy(argv[2], "test", atoi(argv[4]));
		return 0;
	}
	fprintf(stderr, "usage: small_data mnist DIR SIDE TRAIN TEST | "
	    "npy DIR TRAIN TEST\n");
	return 2;
}
