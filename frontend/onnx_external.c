#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/onnx_imp.h"
#include "support/str.h"

/* External data: the keys location, offset and length of
 * https://github.com/onnx/onnx/blob/main/docs/ExternalData.md. The location
 * is walked folder by folder without following symbolic links, so that it
 * cannot leave the model's folder. */

struct extern_ref {
	const char *location;
	int64_t offset;
	int64_t length; /* -1: not given */
};

struct extern_ctx {
	struct imp *m;
	const struct loc *loc;
	const char *what;
};

static int
ext_error(const struct extern_ctx *x, const char *location,
    const char *text)
{
	diag_error(x->m->diag, x->loc, "%s: external data '%s': %s",
	    x->what, location, text);
	return -1;
}

static bool
parse_entry(const struct extern_ctx *x, struct extern_ref *r,
    const char *key, const char *value)
{
	int64_t *number = strcmp(key, "offset") == 0 ? &r->offset
	    : strcmp(key, "length") == 0             ? &r->length
						     : NULL;

	if (strcmp(key, "location") == 0) {
		r->location = value;
	} else if (number != NULL &&
	    (!parse_int64(value, number) || *number < 0)) {
		diag_error(x->m->diag, x->loc, "%s: external data has %s "
		    "'%s'", x->what, key, value);
		return false;
	}
	return true;
}

static bool
parse_ref(const struct extern_ctx *x, const Onnx__TensorProto *t,
    struct extern_ref *r)
{
	*r = (struct extern_ref){NULL, 0, -1};
	for (size_t i = 0; i < t->n_external_data; i++) {
		const char *key = t->external_data[i]->key;
		const char *value = t->external_data[i]->value;
		if (key != NULL && value != NULL &&
		    !parse_entry(x, r, key, value))
			return false;
	}
	if (r->location == NULL || r->location[0] == '\0') {
		diag_error(x->m->diag, x->loc, "%s: external data without a "
		    "location", x->what);
		return false;
	}
	return true;
}

static int
open_model_folder(const struct extern_ctx *x, const char *location)
{
	const char *path = x->m->path;
	const char *slash = strrchr(path, '/');
	const char *dir = ".";

	if (strcmp(path, "-") == 0)
		return ext_error(x, location, "a model from standard input "
		    "has no folder");
	if (slash != NULL)
		dir = slash == path ? "/"
				    : arena_strndup(x->m->arena, path,
					  (size_t)(slash - path));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : ext_error(x, location, strerror(errno));
}

/* One step down; closes dir. */
static int
open_step(const struct extern_ctx *x, const char *location, int dir,
    const char *name, bool last)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int fd = openat(dir, name, last ? flags : flags | O_DIRECTORY);
	int err = errno;

	close(dir);
	if (fd >= 0)
		return fd;
	/* A link in the middle fails as "not a folder". */
	if (err == ELOOP || (err == ENOTDIR && !last))
		return ext_error(x, location, "symbolic links are not "
		    "followed, and only folders may stand before a '/'");
	return ext_error(x, location, strerror(err));
}

/* Does any step of the path go up? */
static bool
climbs(const char *p)
{
	for (;;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return true;
		if (p[n] == '\0')
			return false;
		p += n + 1;
	}
}

static int
open_location(const struct extern_ctx *x, const char *location)
{
	const char *p = location;

	if (location[0] == '/')
		return ext_error(x, location, "absolute paths are refused");
	if (climbs(location))
		return ext_error(x, location,
		    "may not leave the model's folder");
	int fd = open_model_folder(x, location);
	while (fd >= 0) {
		size_t n = strcspn(p, "/");
		const char *name = arena_strndup(x->m->arena, p, n);
		bool last = p[n] == '\0';
		if (n > 0 && strcmp(name, ".") != 0)
			fd = open_step(x, location, fd, name, last);
		if (last)
			return fd;
		p += n + 1;
	}
	return fd;
}

static bool
read_fully(int fd, char *buf, size_t n, off_t offset)
{
	while (n > 0) {
		ssize_t k = pread(fd, buf, n, offset);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		buf += k;
		n -= (size_t)k;
		offset += k;
	}
	return true;
}

static const void *
read_range(const struct extern_ctx *x, const struct extern_ref *r, int fd,
    int64_t n)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		ext_error(x, r->location, "not a regular file");
		return NULL;
	}
	if (r->offset > st.st_size || n > st.st_size - r->offset) {
		diag_error(x->m->diag, x->loc, "%s: external data '%s': "
		    "%lld bytes at offset %lld exceed the file's %lld",
		    x->what, r->location, (long long)n,
		    (long long)r->offset, (long long)st.st_size);
		return NULL;
	}
	if (n > x->m->load_left) {
		ext_error(x, r->location, "too much external data in all");
		return NULL;
	}
	x->m->load_left -= n;
	char *buf = arena_alloc(x->m->arena, n > 0 ? (size_t)n : 1);
	if (!read_fully(fd, buf, (size_t)n, (off_t)r->offset)) {
		ext_error(x, r->location, "cannot be read");
		return NULL;
	}
	return buf;
}

const void *
onnx_external(struct imp *m, const struct loc *loc, const char *what,
    const Onnx__TensorProto *t, int64_t n)
{
	struct extern_ctx x = {m, loc, what};
	struct extern_ref r;

	if (!parse_ref(&x, t, &r))
		return NULL;
	if (r.length >= 0 && r.length != n) {
		diag_error(m->diag, loc, "%s: external data '%s': length "
		    "%lld where the tensor needs %lld bytes", what,
		    r.location, (long long)r.length, (long long)n);
		return NULL;
	}
	int fd = open_location(&x, r.location);
	if (fd < 0)
		return NULL;
	const void *p = read_range(&x, &r, fd, n);
	close(fd);
	return p;
}
