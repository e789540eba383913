#include "runtime/picture.h"

/* From dark to light, in the 24 greys of 256-colour terminals. */
static int
grey(float v)
{
	int g = (int)(v * 23.0f + 0.5f);

	return 232 + (g < 0 ? 0 : g > 23 ? 23 : g);
}

static char
letter(float v)
{
	static const char ramp[] = " .:-=+*#%@";
	int n = (int)sizeof ramp - 2, i = (int)(v * (float)n + 0.5f);

	return ramp[i < 0 ? 0 : i > n ? n : i];
}

void
picture_add(struct strbuf *out, const float *pixels, int width, int height,
    bool ascii)
{
	for (int y = 0; y < height; y += 2) {
		for (int x = 0; x < width; x++) {
			float top = pixels[y * width + x];
			float low = y + 1 < height ?
			    pixels[(y + 1) * width + x] : top;

			if (ascii)
				strbuf_addf(out, "%c",
				    letter((top + low) / 2));
			else
				strbuf_addf(out, "\033[38;5;%d;48;5;%dm"
				    "\xe2\x96\x80", grey(top), grey(low));
		}
		strbuf_add(out, ascii ? "\n" : "\033[0m\n");
	}
}
