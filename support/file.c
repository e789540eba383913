/* realpath */
#define _XOPEN_SOURCE 700

#include "support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/str.h"

#define DEFAULT_LIMIT ((uint64_t)16 << 30)
#define STREAM_START ((size_t)64 * 1024)

static bool
fail(struct diag *d, const char *path, const char *what, int err)
{
	struct loc loc = {.file = path};
	char text[256] = "";

	if (err != 0 && strerror_r(err, text, sizeof text) != 0)
		snprintf(text, sizeof text, "error %d", err);
	diag_error(d, &loc, "%s%s%s", what, err != 0 ? ": " : "", text);
	return false;
}

static bool
fail_limit(struct diag *d, const char *path, uint64_t limit)
{
	struct loc loc = {.file = path};

	diag_error(d, &loc, "larger than the limit of %llu bytes",
	    (unsigned long long)limit);
	return false;
}

/* Reads until n bytes or the end; the number read, or -1 with errno set. */
static ssize_t
read_full(int fd, char *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t want = n - done < SSIZE_MAX ? n - done : SSIZE_MAX;
		ssize_t got = read(fd, p + done, want);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

/* A pipe or the like, of unknown length: the buffer grows outside of the
 * arena, which would keep each of its sizes. */
static bool
read_stream(struct arena *a, struct diag *d, const char *path, int fd,
    uint64_t limit, char **data, size_t *size)
{
	char *buf = NULL, *copy;
	size_t len = 0, cap = 0;

	for (;;) {
		ssize_t got;
		char *p;

		if (len == cap) {
			cap = cap == 0 ? STREAM_START : cap * 2;
			p = realloc(buf, cap);
			if (p == NULL) {
				free(buf);
				return fail(d, path, "cannot read", ENOMEM);
			}
			buf = p;
		}
		got = read_full(fd, buf + len, cap - len);
		if (got < 0) {
			int err = errno;

			free(buf);
			return fail(d, path, "cannot read", err);
		}
		len += (size_t)got;
		if (len > limit) {
			free(buf);
			return fail_limit(d, path, limit);
		}
		if (got == 0)
			break;
	}
	copy = arena_try_alloc(a, len + 1);
	if (copy != NULL)
		memcpy(copy, buf, len);
	free(buf);
	if (copy == NULL)
		return fail(d, path, "cannot read", ENOMEM);
	*data = copy;
	*size = len;
	return true;
}

static bool
read_fd(struct arena *a, struct diag *d, const char *path, int fd,
    uint64_t limit, char **data, size_t *size)
{
	struct stat st;
	ssize_t got;
	char *p;

	if (fstat(fd, &st) != 0)
		return fail(d, path, "cannot read", errno);
	if (S_ISDIR(st.st_mode))
		return fail(d, path, "cannot read", EISDIR);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return read_stream(a, d, path, fd, limit, data, size);
	if ((uint64_t)st.st_size > limit)
		return fail_limit(d, path, limit);
	p = arena_try_alloc(a, (size_t)st.st_size + 1);
	if (p == NULL)
		return fail(d, path, "cannot read", ENOMEM);
	got = read_full(fd, p, (size_t)st.st_size);
	if (got < 0)
		return fail(d, path, "cannot read", errno);
	p[got] = '\0';
	*data = p;
	*size = (size_t)got;
	return true;
}

bool
file_read(struct arena *a, struct diag *d, const char *path, size_t limit,
    char **data, size_t *size)
{
	uint64_t max = limit != 0 ? limit : DEFAULT_LIMIT;
	bool ok;
	int fd;

	if (strcmp(path, "-") == 0)
		return read_fd(a, d, "<stdin>", STDIN_FILENO, max, data, size);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(d, path, "cannot open", errno);
	ok = read_fd(a, d, path, fd, max, data, size);
	close(fd);
	return ok;
}

/* 0, or the error number */
static int
write_all(int fd, const struct file_part *part, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *p = part[i].data;
		size_t left = part[i].size;

		while (left > 0) {
			size_t want = left < SSIZE_MAX ? left : SSIZE_MAX;
			ssize_t put = write(fd, p, want);

			if (put < 0 && errno == EINTR)
				continue;
			if (put < 0)
				return errno;
			p += put;
			left -= (size_t)put;
		}
	}
	return 0;
}

static int
write_and_close(int fd, const struct file_part *part, size_t n, bool sync)
{
	int err = write_all(fd, part, n);

	if (err == 0 && sync && fsync(fd) != 0)
		err = errno;
	if (close(fd) != 0 && err == 0)
		err = errno;
	return err;
}

/* A new file beside path; its name is added to name. -1 with errno set.
 * Not mkstemp: the file is to get the mode that the umask leaves. */
static int
open_temporary(const char *path, struct strbuf *name)
{
	static atomic_uint counter; /* only keeps names apart */
	int fd;

	do {
		strbuf_free(name);
		strbuf_addf(name, "%s.tmp%ld-%u", path, (long)getpid(),
		    atomic_fetch_add(&counter, 1));
		fd = open(name->data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0666);
	} while (fd < 0 && errno == EEXIST);
	return fd;
}

/* Makes the name of a file in its folder last. Not every file system can. */
static int
sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct strbuf folder = {0};
	int fd, err = 0;

	if (slash == NULL)
		strbuf_add(&folder, ".");
	else
		strbuf_addn(&folder, path, (size_t)(slash - path) + 1);
	fd = open(folder.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
		err = errno;
	if (fd >= 0)
		close(fd);
	strbuf_free(&folder);
	return err;
}

static int
replace_file(const char *path, const struct file_part *part, size_t n,
    bool sync)
{
	struct strbuf name = {0};
	int fd = open_temporary(path, &name);
	int err;

	if (fd < 0) {
		err = errno;
	} else {
		err = write_and_close(fd, part, n, sync);
		if (err == 0 && rename(name.data, path) != 0)
			err = errno;
		if (err != 0)
			unlink(name.data);
		else if (sync)
			err = sync_folder(path);
	}
	strbuf_free(&name);
	return err;
}

static bool
write_parts(struct diag *d, const char *path, const struct file_part *part,
    size_t n, bool sync)
{
	struct stat st;
	char *target = NULL;
	int err, fd;

	if (strcmp(path, "-") == 0) {
		err = write_all(STDOUT_FILENO, part, n);
		path = "<stdout>";
	} else if (stat(path, &st) != 0) {
		err = replace_file(path, part, n, sync);
	} else if (S_ISDIR(st.st_mode)) {
		err = EISDIR;
	} else if (!S_ISREG(st.st_mode)) {
		/* /dev/null and pipes must stay what they are */
		fd = open(path, O_WRONLY | O_CLOEXEC);
		err = fd < 0 ? errno :
		    write_and_close(fd, part, n, false);
	} else {
		target = realpath(path, NULL);
		err = target == NULL ? errno :
		    replace_file(target, part, n, sync);
		free(target);
	}
	return err == 0 || fail(d, path, "cannot write", err);
}

bool
file_write_parts(struct diag *d, const char *path,
    const struct file_part *part, size_t n)
{
	return write_parts(d, path, part, n, false);
}

bool
file_write_durable(struct diag *d, const char *path,
    const struct file_part *part, size_t n)
{
	return write_parts(d, path, part, n, true);
}

bool
file_write(struct diag *d, const char *path, const void *data, size_t size)
{
	struct file_part part = {data, size};

	return file_write_parts(d, path, &part, 1);
}
