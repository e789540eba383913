/* Under AFL++: its persistent loop. Otherwise: runs the files named on the
 * command line, which is how the test run replays the corpus. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __AFL_FUZZ_TESTCASE_LEN
__AFL_FUZZ_INIT();

int
main(void)
{
	const unsigned char *buf;

	__AFL_INIT();
	buf = __AFL_FUZZ_TESTCASE_BUF;
	while (__AFL_LOOP(10000)) {
		size_t size = (size_t)__AFL_FUZZ_TESTCASE_LEN;
		/* a block of the exact size, so that overruns are seen */
		uint8_t *copy = malloc(size != 0 ? size : 1);

		if (copy == NULL)
			abort();
		for (size_t i = 0; i < size; i++)
			copy[i] = buf[i];
		fuzz_one(copy, size);
		free(copy);
	}
	return 0;
}
#else
#include "support/file.h"

int
main(int argc, char **argv)
{
	char tool[] = "fuzz";
	struct diag d = {.fn = diag_print_stderr, .user = tool};

	for (int i = 1; i < argc; i++) {
		struct arena *a = arena_new();
		char *data;
		size_t size;

		if (file_read(a, &d, argv[i], 0, &data, &size)) {
			uint8_t *copy = malloc(size != 0 ? size : 1);

			if (copy == NULL)
				abort();
			for (size_t k = 0; k < size; k++)
				copy[k] = (uint8_t)data[k];
			fuzz_one(copy, size);
			free(copy);
		}
		arena_free(a);
	}
	return d.errors != 0;
}
#endif
