/* doc: backend/TARGETS.md */
/* Prints the page on targets from the table of keys and the built-in files. */
#include <stdio.h>

#include "backend/target.h"

static const char before[] =
    "# Targets\n"
    "\n"
    "A target describes a machine by numbers. `-march=NAME` takes a built-in "
    "one, `-march=FILE.ini` reads a file,\n"
    "`-mKEY=VALUE` overrides one number afterwards. An object carries the "
    "numbers it was compiled for.\n"
    "\n"
    "Generated from `include/wave/target.def` and `backend/targets/*.ini` by "
    "`make docs`; do not edit.\n"
    "\n"
    "## Built in\n"
    "\n";

static const char after[] =
    "\n"
    "## Writing one\n"
    "\n"
    "An INI file with one section. Every number carries its source in a "
    "comment: `[found: where]`, `[recalled]` from a\n"
    "paper, `[derived]` computed from others, `[ours]` chosen here, with the "
    "reason. Keys that are not given have the defaults of the\n"
    "table, or what `base` says, which must then be the first key:\n"
    "\n"
    "    ; WaveCore with four stacks of memory\n"
    "    [target]\n"
    "    base = wavecore        ; a built-in target, or a path\n"
    "    dram_bw = 1200GiB      ; [ours] 4 x 300 GiB/s\n"
    "    dram_bytes = 32GiB     ; [ours]\n"
    "\n"
    "Sizes and rates take `K M G KiB MiB GiB`, all powers of 1024. Lines have "
    "at most 198 characters. The file's name without\n"
    "`.ini` is the target's. A new built-in target is a new file in "
    "`backend/targets/`; its first line, a comment, is its entry above.\n"
    "\n"
    "What must hold: 1 to 65535 rows and cols, at least one bank of each "
    "buffer, flags 0 or 1, `sram_align` a power of 2, a positive\n"
    "clock, nothing negative. Local buffers hold f32 tiles: where they have a "
    "limit, `lbuf_v_bytes` is at least `lbuf_banks` tiles of `rows` x `cols` "
    "f32,\n"
    "`lbuf_h_bytes` `lbuf_banks` tiles of `block_m` x `rows`, `obuf_bytes` "
    "`obuf_banks` blocks of `block_m` x `cols`. A tile of 16-bit elements "
    "takes half of that.\n"
    "\n"
    "## Where the numbers come from\n"
    "\n"
    "`wavecore` follows the MBS and WaveCore paper (arXiv 1810.00307, MLSys "
    "2019) as far as its numbers are known; vector unit, ports\n"
    "and energies are not, and are marked `[ours]` or taken from M. Horowitz, "
    "\"Computing's energy problem\", ISSCC 2014 (45 nm) and\n"
    "M. O'Connor et al., \"Fine-grained DRAM\", MICRO 2017. They are not "
    "scaled to the paper's 32 nm. `scalesim` makes the machine of\n"
    "SCALE-Sim's weight-stationary analytical mode: a fold costs the shift of "
    "all `rows` plus the rows of the layer, as its closed form\n"
    "2R + C + M - 2 per fold says once the fill and drain of the array, "
    "R + C - 2, are put into the latency of the fold.\n";

int
main(void)
{
	struct strbuf s = { 0 };

	strbuf_add(&s, before);
	target_doc(&s);
	strbuf_add(&s, after);
	fwrite(s.data, 1, s.len, stdout);
	strbuf_free(&s);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
