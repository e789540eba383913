#include "runtime/dataset_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "support/str.h"

/* What deflate can make of one byte at most. */
#define DEFLATE_RATIO 1032
#define READ_STEP (1 << 20)

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

	*f = (struct dataset_file){ .path = path, .diag = d };
	if (stat(path, &st) != 0)
		return dataset_file_error(f, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return dataset_file_error(f, "is a folder");
	f->gz = gzopen(path, "rb");
	if (f->gz == NULL)
		return dataset_file_error(f, "%s",
		    errno != 0 ? strerror(errno) : "cannot be read");
	f->most = st.st_size;
	if (!gzdirect(f->gz) && !mul_int64(f->most, DEFLATE_RATIO, &f->most))
		f->most = INT64_MAX;
	return true;
}

bool
dataset_file_read(struct dataset_file *f, void *out, int64_t size)
{
	uint8_t *to = out;

	while (size > 0) {
		unsigned step = size < READ_STEP ? (unsigned)size : READ_STEP;
		int n = gzread(f->gz, to, step), code;

		if (n < 0) {
			const char *why = gzerror(f->gz, &code);

			return dataset_file_error(f, "at byte %lld: %s",
			    (long long)f->at, code == Z_ERRNO ?
			    strerror(errno) : why);
		}
		if (n == 0)
			return dataset_file_error(f, "truncated: %lld bytes "
			    "are missing at byte %lld", (long long)size,
			    (long long)f->at);
		to += n;
		size -= n;
		f->at += n;
	}
	return true;
}

bool
dataset_file_end(struct dataset_file *f)
{
	uint8_t more;
	int n = gzread(f->gz, &more, 1), code;

	if (n > 0)
		return dataset_file_error(f, "bytes follow the %lld that its "
		    "header announces", (long long)f->at);
	(void)gzerror(f->gz, &code);
	return (n == 0 && (code == Z_OK || code == Z_STREAM_END)) ||
	    dataset_file_error(f, "truncated or damaged at its end");
}

void
dataset_file_close(struct dataset_file *f)
{
	if (f->gz != NULL)
		gzclose(f->gz);
	f->gz = NULL;
}
