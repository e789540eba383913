#include "runtime/dataset_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/unpack.h"
#include "support/str.h"

/* What deflate can make of one byte at most. */
#define DEFLATE_RATIO 1032

const char *
dataset_find(struct arena *a, const char *dir, const char *const *names,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(a, "%s/%s", dir, names[i]);

		if (access(path, F_OK) == 0)
			return path;
		path = arena_printf(a, "%s.gz", path);
		if (access(path, F_OK) == 0)
			return path;
	}
	return NULL;
}

bool
dataset_file_error(struct dataset_file *f, const char *fmt, ...)
{
	struct loc loc = { .file = f->path };
	va_list ap;

	va_start(ap, fmt);
	diag_vreport(f->diag, DIAG_ERROR, &loc, fmt, ap);
	va_end(ap);
	return false;
}

bool
dataset_file_open(struct dataset_file *f, struct diag *d, const char *path)
{
	struct stat st;
	FILE *file;

	*f = (struct dataset_file){.path = path, .diag = d};
	if (stat(path, &st) != 0)
		return dataset_file_error(f, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return dataset_file_error(f, "is %s", S_ISDIR(st.st_mode) ?
		    "a folder" : "no regular file");
	file = fopen(path, "rb");
	if (file == NULL)
		return dataset_file_error(f, "%s", strerror(errno));
	f->from = unpack_open(file, &f->gzip);
	if (f->from == NULL)
		return dataset_file_error(f, "no memory to read it");
	f->size = f->most = st.st_size;
	if (f->gzip && !mul_int64(f->size, DEFLATE_RATIO, &f->most))
		f->most = INT64_MAX;
	return true;
}

bool
dataset_file_read(struct dataset_file *f, void *out, int64_t size)
{
	const char *why;
	int64_t n = unpack_read(f->from, out, size, &why);

	f->at += n;
	if (why != NULL)
		return dataset_file_error(f, "at byte %lld%s: %s",
		    (long long)f->at, f->gzip ? " unpacked" : "", why);
	return n == size || dataset_file_error(f, "truncated: %lld bytes are "
	    "missing at byte %lld", (long long)(size - n), (long long)f->at);
}

bool
dataset_file_end(struct dataset_file *f)
{
	const char *why;
	uint8_t more;
	int64_t n = unpack_read(f->from, &more, 1, &why);

	if (why != NULL)
		return dataset_file_error(f, "at byte %lld%s: %s",
		    (long long)f->at, f->gzip ? " unpacked" : "", why);
	return n == 0 || dataset_file_error(f, "bytes follow the %lld that "
	    "its header announces", (long long)f->at);
}

void
dataset_file_close(struct dataset_file *f)
{
	if (f->from != NULL)
		unpack_close(f->from);
	f->from = NULL;
}

void *
dataset_file_alloc(struct dataset_file *f, struct arena *a, int64_t size)
{
	void *p = (uint64_t)size < SIZE_MAX ?
	    arena_try_alloc(a, (size_t)size + 1) : NULL;

	if (p == NULL)
		dataset_file_error(f, "announces %lld bytes, more than there "
		    "is memory for", (long long)size);
	return p;
}
