/* The compiler as a library: models in, programs out. Every function reports
 * what is wrong through its context and then returns NULL or false. */
#ifndef WAVE_COMPILER_H
#define WAVE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wave/context.h>
#include <wave/dtype.h>
#include <wave/object.h>
#include <wave/target.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A network: see ir/IR.md. */
struct wave_graph;

/* ---- models ---- */

/* An ONNX model of size bytes. path names it in messages, and its folder is
 * where external data may lie. batch > 0 sets the first dimension of its
 * inputs. */
struct wave_graph *wave_import_onnx(struct wave_context *c, const char *path,
    const void *bytes, size_t size, int64_t batch);

/* Graph IR text (.wgr), for tools that generate networks; and back. The text
 * lives in the context. */
struct wave_graph *wave_parse_graph(struct wave_context *c, const char *name,
    const char *text, size_t size);
const char *wave_print_graph(struct wave_context *c,
    const struct wave_graph *g);

/* ---- passes ---- */

/* The pipeline of -Olevel (0 to 3) with -mprecision (DT_NONE: the model's,
 * DT_F32, DT_F16, DT_BF16). Afterwards the graph can be compiled. */
bool wave_run_passes(struct wave_context *c, struct wave_graph *g, int level,
    enum dtype precision);

/* ---- machines ---- */

/* A built-in target by name or a description file; then "KEY=VALUE" changes
 * one number. */
struct wave_target *wave_load_target(struct wave_context *c,
    const char *spec);
bool wave_set_target(struct wave_context *c, struct wave_target *t,
    const char *assignment);

/* ---- code ---- */

/* Compiles for one group of the target. */
const struct wave_program *wave_compile(struct wave_context *c,
    const struct wave_graph *g, const struct wave_target *t);

/* Writes an object file in one step; nothing is left behind on failure. */
bool wave_write_object(struct wave_context *c, const struct wave_program *p,
    const char *path);

#ifdef __cplusplus
}
#endif

#endif
