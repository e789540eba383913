/* Damages a file.
 *
 *   poke FILE WHERE HEX    overwrites bytes; WHERE is a byte offset, counted
 *                          from the end when negative, or SECTION+OFFSET in an
 *                          ELF file, or SECTION@OFFSET in its header
 *   poke FILE cut N        keeps the first N bytes, all but -N when negative
 *
 * Exit status 1 when there is no such place. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/file.h"

/* The byte that WHERE names, or size when there is none. */
static size_t
place(const char *data, size_t size, const char *where)
{
	size_t n = strcspn(where, "+@");
	Elf64_Ehdr h;
	Elf64_Shdr names, s;

	if (where[n] == '\0' || n == 0) {
		long long v = strtoll(where, NULL, 0);
		return v < 0 ? size - (size_t)-v : (size_t)v;
	}
	if (size < sizeof h)
		return size;
	memcpy(&h, data, sizeof h);
	memcpy(&names, data + h.e_shoff + h.e_shstrndx * sizeof s, sizeof s);
	for (size_t i = 0; i < h.e_shnum; i++) {
		size_t at = h.e_shoff + i * sizeof s;
		memcpy(&s, data + at, sizeof s);
		const char *name = data + names.sh_offset + s.sh_name;
		if (strlen(name) != n || memcmp(name, where, n) != 0)
			continue;
		size_t off = strtoull(where + n + 1, NULL, 0);
		return where[n] == '@' ? at + off : s.sh_offset + off;
	}
	return size;
}

static int
poke(const char *path, char *data, size_t size, const char *where,
    const char *hex)
{
	struct diag d = {.fn = diag_print_stderr, .user = NULL};

	if (strcmp(where, "cut") == 0) {
		long long n = strtoll(hex, NULL, 0);
		size_t keep = n < 0 ? size - (size_t)-n : (size_t)n;
		return keep > size || !file_write(&d, path, data, keep);
	}
	size_t at = place(data, size, where), n = strlen(hex) / 2;
	if (at >= size || n > size - at)
		return 1;
	for (size_t i = 0; i < n; i++) {
		char byte[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
		data[at + i] = (char)strtoul(byte, NULL, 16);
	}
	return !file_write(&d, path, data, size);
}

int
main(int argc, char **argv)
{
	struct diag d = {.fn = diag_print_stderr, .user = NULL};
	char *data;
	size_t size;

	if (argc != 4)
		return 2;
	struct arena *a = arena_new();
	int status = !file_read(a, &d, argv[1], 0, &data, &size) ||
	    poke(argv[1], data, size, argv[2], argv[3]);
	if (status != 0)
		fprintf(stderr, "poke: %s %s %s: failed\n", argv[1], argv[2],
		    argv[3]);
	arena_free(a);
	return status;
}
