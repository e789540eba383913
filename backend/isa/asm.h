/* Assembly: the text of a whole program; see ASM.md. */
#ifndef WAVE_BACKEND_ISA_ASM_H
#define WAVE_BACKEND_ISA_ASM_H

#include <wave/object.h>

#include "support/arena.h"
#include "support/diag.h"
#include "support/str.h"

/* Adds the text of p. Any program whose entries tile its code can be printed;
 * what does not decode comes out as .word. Text parsed and printed again is
 * the same to the byte, and so is the object of a parsed program. */
void asm_print(struct strbuf *s, const struct wave_program *p);

/* Reads len bytes of text; name is for diagnostics, which carry line and
 * column. Up to 20 errors are reported; NULL then. The program is complete
 * but its code is not yet validated (program_validate). It lives in the arena
 * and keeps nothing of text. */
struct wave_program *asm_parse(struct arena *a, struct diag *d,
    const char *name, const char *text, size_t len);

/* Adds one record of a descriptor table as its directive, with newlines. */
void asm_print_desc(struct strbuf *s, int kind, uint32_t index,
    const uint8_t *rec);

#endif
