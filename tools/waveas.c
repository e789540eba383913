/* waveas: assembles a program to an object. */
#include <stdio.h>
#include <string.h>

#include "runtime/program.h"

#include "backend/isa/asm.h"
#include "backend/isa/program.h"
#include "backend/object.h"
#include "support/file.h"

#define WAVE_VERSION "0.1"
#define TEXT_LIMIT ((size_t)2 << 30)

static const char help_text[] =
    "Usage: waveas FILE.ws [-o FILE.wo]\n"
    "\n"
    "Assembles the text of a program, as wavecc -S and waveobjdump -S write\n"
    "it, to an object for wavesim.\n"
    "\n"
    "  -o FILE     output; default: FILE.wo in the current folder\n"
    "  --help --version\n"
    "\n"
    "FILE may be - for standard input.\n";

static void
report(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	char tool[] = "waveas";

	(void)user;
	diag_print_stderr(tool, level, loc, text);
}

static int
misuse(const char *what, const char *arg)
{
	fprintf(stderr, "waveas: %s%s\nTry 'waveas --help'\n", what, arg);
	return 2;
}

/* A program that reads well may still describe tensors outside its memory:
 * what is written must pass the checks of whoever loads it. */
static bool
assemble(struct arena *a, struct diag *d, const char *in, const char *out)
{
	struct isa_tables tables = { 0 };
	struct wave_program *p;
	uint8_t *bytes;
	size_t size;
	char *text;

	if (!file_read(a, d, in, TEXT_LIMIT, &text, &size))
		return false;
	p = asm_parse(a, d, in, text, size);
	if (p == NULL || !program_validate(a, d, in, p, &tables) ||
	    !object_write_memory(a, d, p, &bytes, &size) ||
	    program_load(a, d, in, bytes, size) == NULL)
		return false;
	return file_write(d, out, bytes, size);
}

/* "dir/x.ws" -> "x.wo" */
static char *
default_output(struct arena *a, const char *in)
{
	const char *slash = strrchr(in, '/');
	const char *base = slash != NULL ? slash + 1 : in;
	size_t n = strlen(base);

	if (n > 3 && strcmp(base + n - 3, ".ws") == 0)
		n -= 3;
	return arena_printf(a, "%.*s.wo", (int)n, base);
}

static int
run(int argc, char **argv, struct arena *a)
{
	struct diag d = { report, NULL, 0 };
	const char *in = NULL, *out = NULL;

	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (strcmp(arg, "--help") == 0) {
			fputs(help_text, stdout);
			return 0;
		}
		if (strcmp(arg, "--version") == 0) {
			puts("waveas " WAVE_VERSION);
			return 0;
		}
		if (strcmp(arg, "-o") == 0) {
			if (++i == argc)
				return misuse("-o needs a file", "");
			out = argv[i];
		} else if (arg[0] == '-' && arg[1] != '\0') {
			return misuse("unknown option ", arg);
		} else if (in != NULL) {
			return misuse("more than one input: ", arg);
		} else {
			in = arg;
		}
	}
	if (in == NULL)
		return misuse("no input", "");
	if (out == NULL && strcmp(in, "-") == 0)
		return misuse("standard input needs -o", "");
	if (out == NULL)
		out = default_output(a, in);
	return assemble(a, &d, in, out) ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct arena *a = arena_new();
	int status = run(argc, argv, a);

	arena_free(a);
	return status;
}
