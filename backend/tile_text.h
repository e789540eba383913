/* Words of the text form, in the order of their enums. */
#ifndef WAVE_BACKEND_TILE_TEXT_H
#define WAVE_BACKEND_TILE_TEXT_H

#include "backend/tile.h"

#define TILE_TEXT_VERSION 1

extern const char *const tile_kind_names[TILE_KIND_COUNT];
extern const char *const tile_role_names[ROLE_STATE + 1];
extern const char *const tile_traffic_names[TRAFFIC_COUNT];
extern const char *const tile_act_names[EPI_ACT_COUNT];

#endif
