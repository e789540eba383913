/* Shared by the parts of code generation: tile_desc.c (descriptors),
 * tile_sems.c (semaphores), tile_object.c (memory image and tables) and
 * tile_code.c (instruction streams). */
#ifndef WAVE_BACKEND_TILE_CODE_H
#define WAVE_BACKEND_TILE_CODE_H

#include "backend/tile_banks.h"
#include "backend/tile_order.h"

/* Equal records are stored once; record 0 is all zero. */
struct desc_pool {
	struct arena *a;
	size_t size;     /* of one record */
	uint8_t *data;
	uint32_t count, cap;
	uint32_t *slot;  /* hash table of index + 1 */
	uint32_t nslots; /* a power of two */
};

/* Builds descriptors of a planned program. `full` is set when a table would
 * exceed what instructions can index. */
struct tile_desc {
	struct desc_pool aff, view, epi, dma, vec;
	struct tile_banks *banks;
	bool full;
};

/* Empty tables; the caller sets banks to those of the program at hand. */
void tile_desc_start(struct tile_desc *t, struct arena *a);

/* Indices of descriptors for one instruction. `always` gives an affine value
 * that is constant 0 an entry, too. */
uint32_t tile_desc_aff(struct tile_desc *t, const struct tile_aff *a,
    bool always);
uint32_t tile_desc_bank(struct tile_desc *t, struct tile_buffer *b);
uint32_t tile_desc_view(struct tile_desc *t, const struct tile_view *v);
uint32_t tile_desc_epi(struct tile_desc *t, const struct tile_epi *e);
uint32_t tile_desc_dma(struct tile_desc *t, const struct tile_dma *m);
uint32_t tile_desc_vec(struct tile_desc *t, const struct tile_vec *v);

/* Contents of a DRAM buffer. */
struct tile_piece {
	int64_t address, bytes;
	const void *data;
};

/* A wait before a node, resolved to a semaphore and a value. */
struct sem_wait {
	uint32_t sem;
	int64_t value;        /* constant part */
	struct tile_aff step; /* the part that counts iterations */
};
typedef VEC(struct sem_wait) sem_wait_vec;

struct tile_sems {
	uint32_t count;
	uint32_t *exit;           /* final counter */
	const char **name;
	int32_t (*signal)[Q_COUNT]; /* by node order: semaphore or -1 */
	sem_wait_vec (*wait)[Q_COUNT];
};

/* Gives semaphores to the edges. False after a diagnostic. */
bool tile_sems(struct arena *a, struct tile_program *p, struct diag *d,
    const struct tile_order *o, const struct tile_syncs *syncs,
    struct tile_sems *out);

/* What does not come from the streams, of all entries: memory image, bindings,
 * symbols, ops, layer groups, target. */
struct tile_objects {
	struct arena *arena;
	VEC(struct tile_piece) pieces; /* initial contents */
	VEC(struct wave_binding) bindings;
	VEC(struct wave_symbol) symbols;
	VEC(struct wave_op) ops;
	VEC(struct wave_layer_group) layer_groups;
	const struct wave_target *target;
	uint64_t dram_size, gbuf_size, wbuf_size;
	uint32_t entries;
	bool meets; /* groups meet at barriers */
};

/* Adds what p holds, now: it may change later. */
void tile_objects_add(struct tile_objects *o, const struct tile_program *p);
void tile_objects_finish(struct tile_objects *o, bool pieces,
    struct wave_program *out);

#endif
