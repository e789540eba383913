/* Numbers that describe a machine. One table (wave/target.def) gives the INI
 * keys, the struct, the note in object files and `wavecc --help-targets`. */
#ifndef WAVE_TARGET_H
#define WAVE_TARGET_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wave_target {
	char name[64];
#define TARGET_INT(key, dflt, unit, text) int64_t key;
#define TARGET_REAL(key, dflt, unit, text) double key;
#include <wave/target.def>
};

#ifdef __cplusplus
}
#endif

#endif
