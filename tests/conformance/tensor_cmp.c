/* Compares two tensors in .npy or .pb files.
 *
 *   tensor_cmp [-m RATIO] [-l RATIO] GOT WANT
 *
 * -m: the largest difference within RATIO of the largest |want|; -l: the
 * relative Euclidean distance. Without either they must be equal. Prints both
 * ratios; exit status 1 when the tensors are further apart, 2 when there is
 * nothing to compare. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/tensorfile.h"

static int
compare(struct arena *a, struct diag *d, char **file, double m, double l)
{
	struct npy got, want;
	struct tensor_distance t;
	char why[128];

	if (!tensor_read(a, d, file[0], &got) ||
	    !tensor_read(a, d, file[1], &want))
		return 2;
	if (!tensor_compare(&got, &want, &t, why)) {
		printf("%s\n", why);
		return 1;
	}
	double ratio = t.max > 0 ? t.max / t.largest : 0;
	printf("max %.2e l2 %.2e\n", ratio, t.l2);
	if (m < 0 && l < 0)
		return t.max > 0;
	return (m >= 0 && !(ratio <= m)) || (l >= 0 && !(t.l2 <= l));
}

int
main(int argc, char **argv)
{
	char tool[] = "tensor_cmp";
	struct diag d = {.fn = diag_print_stderr, .user = tool};
	double m = -1, l = -1;
	int i = 1;

	for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (strcmp(argv[i], "-m") == 0)
			m = atof(argv[i + 1]);
		else if (strcmp(argv[i], "-l") == 0)
			l = atof(argv[i + 1]);
		else
			return 2;
	}
	if (i + 2 != argc)
		return 2;
	struct arena *a = arena_new();
	int status = compare(a, &d, argv + i, m, l);
	arena_free(a);
	return status;
}
