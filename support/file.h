/* Whole files: read with a bound, write atomically. */
#ifndef WAVE_SUPPORT_FILE_H
#define WAVE_SUPPORT_FILE_H

#include "support/arena.h"
#include "support/diag.h"

/* Reads all of path ("-" is standard input) into the arena, with a NUL after
 * the last byte that size does not count. Errors: missing, a folder,
 * unreadable, larger than limit bytes (0: 16 GiB). */
bool file_read(struct arena *a, struct diag *d, const char *path,
    size_t limit, char **data, size_t *size);

/* Writes size bytes to path through a temporary file beside it, then renames;
 * on failure reports one error and leaves nothing. A symbolic link is
 * followed; a device or pipe is written directly. "-" is standard output. */
bool file_write(struct diag *d, const char *path, const void *data,
    size_t size);

/* As file_write for the n parts one after the other, without joining them
 * in memory first. */
struct file_part {
	const void *data;
	size_t size;
};
bool file_write_parts(struct diag *d, const char *path,
    const struct file_part *part, size_t n);

/* As file_write_parts, and the file survives a power cut once this returns:
 * file and folder are flushed to the disk. */
bool file_write_durable(struct diag *d, const char *path,
    const struct file_part *part, size_t n);

#endif
