#include "runtime/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#define CHUNK (1 << 16)
/* zlib's windowBits: the largest window, with a gzip header. */
#define GZIP_WINDOW (15 + 16)

struct unpacker {
	FILE *file;
	bool gzip;
	bool within; /* a member has begun and not ended */
	bool first;  /* nothing was unpacked yet */
	z_stream z;  /* next_in, avail_in: what was read ahead, also if plain */
	uint8_t ahead[CHUNK];
};

/* Reads ahead when nothing is left. False at the end, or on *why. */
static bool
fill(struct unpacker *u, const char **why)
{
	size_t n;

	if (u->z.avail_in > 0)
		return true;
	errno = 0;
	n = fread(u->ahead, 1, CHUNK, u->file);
	if (n == 0 && ferror(u->file))
		*why = errno != 0 ? strerror(errno) : "cannot be read";
	u->z.next_in = u->ahead;
	u->z.avail_in = (uInt)n;
	return n > 0;
}

struct unpacker *
unpack_open(FILE *file, bool *gzip)
{
	struct unpacker *u = calloc(1, sizeof *u);
	const char *why = NULL;

	if (u == NULL) {
		fclose(file);
		return NULL;
	}
	u->file = file;
	u->first = true;
	/* an error of reading comes again when bytes are asked for */
	u->gzip = fill(u, &why) && u->z.avail_in >= 2 &&
	    u->ahead[0] == 0x1f && u->ahead[1] == 0x8b;
	if (u->gzip && inflateInit2(&u->z, GZIP_WINDOW) != Z_OK) {
		u->gzip = false;
		unpack_close(u);
		return NULL;
	}
	*gzip = u->gzip;
	return u;
}

void
unpack_close(struct unpacker *u)
{
	if (u->gzip)
		inflateEnd(&u->z);
	fclose(u->file);
	free(u);
}

static int64_t
read_plain(struct unpacker *u, uint8_t *out, int64_t size, const char **why)
{
	int64_t done = 0;

	while (done < size && fill(u, why)) {
		size_t n = u->z.avail_in;

		if ((int64_t)n > size - done)
			n = (size_t)(size - done);
		memcpy(out + done, u->z.next_in, n);
		u->z.next_in += n;
		u->z.avail_in -= (uInt)n;
		done += (int64_t)n;
	}
	return done;
}

/* At the end of a member: whether another one follows. */
static bool
next_member(struct unpacker *u, const char **why)
{
	if (!fill(u, why))
		return false;
	if (!u->first && u->z.next_in[0] != 0x1f) {
		*why = "bytes follow the end of its gzip data";
		return false;
	}
	if (!u->first && inflateReset(&u->z) != Z_OK) {
		*why = "cannot be unpacked";
		return false;
	}
	u->first = false;
	u->within = true;
	return true;
}

static void
inflate_step(struct unpacker *u, const char **why)
{
	int code = inflate(&u->z, Z_NO_FLUSH);

	if (code == Z_STREAM_END)
		u->within = false;
	else if (code == Z_MEM_ERROR)
		*why = "no memory to unpack it";
	else if (code != Z_OK && code != Z_BUF_ERROR)
		*why = u->z.msg != NULL ? u->z.msg : "damaged gzip data";
}

static int64_t
read_gzip(struct unpacker *u, uint8_t *out, int64_t size, const char **why)
{
	int64_t done = 0;

	while (done < size && *why == NULL) {
		int64_t left = size - done;
		uInt step = left < CHUNK ? (uInt)left : CHUNK;

		if (!u->within && !next_member(u, why))
			break;
		if (!fill(u, why)) {
			if (*why == NULL)
				*why = "truncated: its gzip data have no end";
			break;
		}
		u->z.next_out = out + done;
		u->z.avail_out = step;
		inflate_step(u, why);
		done += step - u->z.avail_out;
	}
	return done;
}

int64_t
unpack_read(struct unpacker *u, void *out, int64_t size, const char **why)
{
	*why = NULL;
	return u->gzip ? read_gzip(u, out, size, why) :
	    read_plain(u, out, size, why);
}
