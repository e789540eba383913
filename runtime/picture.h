/* Images as text for terminals. */
#ifndef WAVE_RUNTIME_PICTURE_H
#define WAVE_RUNTIME_PICTURE_H

#include "support/str.h"

/* Adds height / 2 lines (rounded up) of width characters, each two pixels one
 * above the other, in grey blocks (UTF-8) or, ascii, letters from light to
 * dark. pixels are width x height values from 0 to 1. */
void picture_add(struct strbuf *out, const float *pixels, int width,
    int height, bool ascii);

#endif
