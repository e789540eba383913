/* Assembly: the text form of programs, for tools that generate or read machine
 * code. Encodings and semantics are in backend/isa/ISA.md. */
#ifndef WAVE_ISA_H
#define WAVE_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wave/context.h>
#include <wave/object.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A program from assembly text, validated; NULL after messages with line and
 * column. */
const struct wave_program *wave_assemble(struct wave_context *c,
    const char *name, const char *text, size_t size);

/* The text of a program; assembling it gives the same program. */
const char *wave_disassemble(struct wave_context *c,
    const struct wave_program *p);

/* One 16-byte instruction as text, for example "ExecGEMM ...". False when the
 * bytes are no instruction. */
bool wave_disassemble_one(const uint8_t bytes[16], char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
