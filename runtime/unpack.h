/* Bytes of a file, unpacked where it is gzip (RFC 1952). */
#ifndef WAVE_RUNTIME_UNPACK_H
#define WAVE_RUNTIME_UNPACK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct unpacker;

/* Takes a file that is read from its start, and closes it at the end. *gzip:
 * whether it starts as gzip does. NULL: no memory, and the file is closed. */
struct unpacker *unpack_open(FILE *file, bool *gzip);

/* Up to size bytes; fewer only at the end of the data, or where *why says
 * what is wrong with the file. Members that follow each other are one stream
 * of bytes; anything else behind a member is an error. */
int64_t unpack_read(struct unpacker *u, void *out, int64_t size,
    const char **why);

void unpack_close(struct unpacker *u);

#endif
