/* Reading the files of data sets; for the formats' own files. */
#ifndef WAVE_RUNTIME_DATASET_FILE_H
#define WAVE_RUNTIME_DATASET_FILE_H

#include "runtime/dataset.h"

/* A file that is read from front to back, plain or gzip. */
struct dataset_file {
	const char *path;
	bool gzip;
	int64_t size;          /* bytes of the file itself */
	int64_t most;          /* bytes it can hold at all */
	int64_t at;            /* bytes read, unpacked */
	struct diag *diag;
	struct unpacker *from; /* NULL: not open */
};

/* The first of names[0..n) that exists in dir, also with .gz behind it; NULL
 * when none does. */
const char *dataset_find(struct arena *a, const char *dir,
    const char *const *names, size_t n);

/* False after an error; a file that is open must be closed. */
bool dataset_file_open(struct dataset_file *f, struct diag *d,
    const char *path);
/* Reads size bytes to out; fewer are an error: truncated. */
bool dataset_file_read(struct dataset_file *f, void *out, int64_t size);
/* Nothing may follow. */
bool dataset_file_end(struct dataset_file *f);
void dataset_file_close(struct dataset_file *f);
bool dataset_file_error(struct dataset_file *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* size bytes for what the file announces; NULL after an error. */
void *dataset_file_alloc(struct dataset_file *f, struct arena *a,
    int64_t size);

/* One for each format: part of the set in dir. */
bool dataset_mnist(struct arena *a, struct diag *d, const char *dir,
    enum dataset_part part, struct dataset *s);
bool dataset_cifar10(struct arena *a, struct diag *d, const char *dir,
    enum dataset_part part, struct dataset *s);
bool dataset_npy(struct arena *a, struct diag *d, const char *dir,
    enum dataset_part part, struct dataset *s);

/* Whether dir holds the files of the format. */
bool dataset_is_mnist(struct arena *a, const char *dir);
bool dataset_is_cifar10(struct arena *a, const char *dir);
bool dataset_is_npy(struct arena *a, const char *dir);

#endif
