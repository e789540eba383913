/* A fuzz target is one file fuzz_NAME.c with this function; driver.c is its
 * main; corpus/NAME/ holds its seeds and every input that once failed. */
#ifndef WAVE_TESTS_FUZZ_FUZZ_H
#define WAVE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Feeds one input to the code under test. Whatever the bytes are, it returns;
 * a broken promise ends in abort(). */
void fuzz_one(const uint8_t *data, size_t size);

#endif
