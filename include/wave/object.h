/* A program as it travels between the compiler, files and devices. On disk it
 * is ELF64 (see backend/OBJECT.md). */
#ifndef WAVE_OBJECT_H
#define WAVE_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include <wave/dtype.h>
#include <wave/target.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WAVE_QUEUES 6
#define WAVE_DESC_KINDS 5
#define WAVE_MAX_RANK 8

struct wave_bytes {
	const uint8_t *data;
	size_t size;
};

/* A tensor in DRAM that can be bound from outside. */
enum wave_bind_kind { WAVE_BIND_INPUT, WAVE_BIND_OUTPUT, WAVE_BIND_STATE };

struct wave_binding {
	const char *name;
	enum wave_bind_kind kind;
	enum dtype dtype;
	int rank;
	int64_t dim[WAVE_MAX_RANK];    /* logical shape as in the model */
	int64_t stride[WAVE_MAX_RANK]; /* bytes in DRAM per dimension */
	uint64_t address;              /* DRAM */
};

/* A named region, for debugging and `nm`. */
struct wave_symbol {
	const char *name;
	int space; /* enum space of backend/isa/isa.h */
	enum dtype dtype;
	uint64_t address, size;
	const char *shape; /* "f16[1,56,56,64]" physical */
};

/* One run-able entry: for each queue a slice of its code. */
struct wave_entry {
	const char *name; /* "main"; "init" "step" "steps" "eval" */
	int groups;       /* groups that run it */
	uint32_t first[WAVE_QUEUES], count[WAVE_QUEUES]; /* instructions */
	const uint32_t *sem_exit; /* declared counters at halt */
	uint32_t nsems;
};

/* Maps a range of instructions of a queue to the op they came from. */
struct wave_source {
	uint32_t queue, first, count;
	uint32_t op; /* index into ops */
};

struct wave_op {
	const char *name;  /* value or node name */
	const char *op;    /* graph op */
	const char *phase; /* "forward" ... */
	const char *loc;   /* "model.onnx: node 'conv1' (Conv)" */
	int64_t macs;      /* mathematical products of one entry, all groups */
	int64_t macs_paper; /* with inserted zeros */
};

/* Layer group of the schedule, for the statistics' `groups`. */
struct wave_layer_group {
	const char *ops; /* comma-separated names */
	uint32_t entry;  /* index into entries */
	int64_t sub_batch, iterations;
};

/* A stretch of the initial contents of DRAM. */
struct wave_piece {
	uint64_t address;
	struct wave_bytes bytes;
};

struct wave_program {
	struct wave_target target;
	uint32_t isa_version;
	const char *accumulation; /* "ascending-k", or ", then groups" behind */
	struct wave_bytes code[WAVE_QUEUES]; /* 16 bytes per instruction */
	struct wave_bytes desc[WAVE_DESC_KINDS]; /* order of enum desc_kind */
	struct wave_bytes data; /* initial DRAM contents from address 0 */
	/* Where there are any, data.data is NULL and they are its bytes: in
	 * the order of addresses, apart, zeros between them. Only wavecc makes
	 * such a program, to write it. */
	const struct wave_piece *pieces;
	uint32_t npieces;
	uint64_t dram_size;     /* whole footprint; the rest starts as 0 */
	uint64_t gbuf_size, wbuf_size; /* used bytes of each group */
	const struct wave_entry *entries;
	const struct wave_binding *bindings;
	const struct wave_symbol *symbols;
	const struct wave_source *sources;
	const struct wave_op *ops;
	const struct wave_layer_group *layer_groups;
	const char *const *sem_names; /* debug names: those of the
	                                 first entry's nsems counters, then of
	                                 the second's and so on */
	uint32_t nentries, nbindings, nsymbols, nsources, nops, nlayer_groups,
	    nsem_names;
};

#ifdef __cplusplus
}
#endif

#endif
