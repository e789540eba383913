/* Element types, their sizes and their conversions to the bit. */
#ifndef WAVE_SUPPORT_DTYPE_H
#define WAVE_SUPPORT_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wave/dtype.h>

/* Bytes of one element (1 for DT_BOOL). */
size_t dtype_size(enum dtype t);

/* "f32" "f16" "bf16" "f64" "i8" "u8" "i16" "u16" "i32" "u32" "i64" "u64"
 * "bool"; DT_NONE when unknown. */
const char *dtype_name(enum dtype t);
enum dtype dtype_parse(const char *name);

bool dtype_is_float(enum dtype t);
bool dtype_is_int(enum dtype t); /* signed or unsigned, not bool */

/* Unit in the last place relative to 1, as 2^-p with p the significand
 * bits: f32 2^-23, f16 2^-10, bf16 2^-7, f64 2^-52; 0 for others. */
double dtype_eps(enum dtype t);

/* Round to nearest even; overflow to infinity, NaN to the quiet NaN
 * 0x7e00 / 0x7fc0, subnormals kept. */
uint16_t f32_to_f16(float v);
float f16_to_f32(uint16_t h);
uint16_t f32_to_bf16(float v);
float bf16_to_f32(uint16_t h);
/* double to float to 16 bits would round twice; these round once. */
uint16_t f64_to_f16(double v);
uint16_t f64_to_bf16(double v);

/* Element i of an array of t as a double, and back with the rounding above;
 * to integers: truncation toward zero, saturating, NaN gives 0. i64 values
 * beyond 2^53 lose bits here: use dtype_get_i64 / dtype_set_i64. */
double dtype_get(const void *data, enum dtype t, size_t i);
void dtype_set(void *data, enum dtype t, size_t i, double v);
int64_t dtype_get_i64(const void *data, enum dtype t, size_t i);
void dtype_set_i64(void *data, enum dtype t, size_t i, int64_t v);

#endif
