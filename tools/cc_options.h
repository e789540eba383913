/* Command line of wavecc. */
#ifndef WAVE_TOOLS_CC_OPTIONS_H
#define WAVE_TOOLS_CC_OPTIONS_H

#include <wave/target.h>

#include "backend/backend.h"
#include "frontend/net.h"
#include "frontend/onnx.h"
#include "passes/pass.h"
#include "support/vec.h"
#include "tools/cc_train.h"

/* What the command produces. */
enum wavecc_stage {
	STAGE_SYNTAX, /* -fsyntax-only: nothing */
	STAGE_GRAPH,  /* -emit-graph: .wgr */
	STAGE_DOT,    /* -emit-dot */
	STAGE_ONNX,   /* -emit-onnx */
	STAGE_TILE,   /* -emit-tile: .wtl */
	STAGE_ASM,    /* -S: .ws */
	STAGE_OBJECT, /* .wo */
};

struct wavecc_options {
	struct arena *arena;
	struct diag *diag;
	const char *input, *output;
	enum wavecc_stage stage;
	bool verbose, dry_run; /* -v, -### */
	bool save_temps, serialize, lower_remarks;
	enum dgrad dgrad; /* -fdgrad= */
	enum partial_k partial_k; /* -fpartial-k= */
	bool partial_k_given;
	bool overlap, overlap_given; /* -f[no-]overlap */
	const char *dump_dir;
	const char *march;
	bool march_given;
	VEC(const char *) overrides; /* KEY=VALUE of -m */
	VEC(struct onnx_input_shape) inputs;
	VEC(struct onnx_input_const) consts;
	VEC(struct net_define) defines; /* -DNAME=VALUE */
	int64_t batch, seed;
	struct pass_options passes;
	VEC(enum pass_id) only; /* -passes=: instead of the pipeline */
	bool only_given;
	struct cc_train train;
	bool entry_eval; /* -fentry=eval: texts show that entry, not step */
};

/* What main does next. */
enum wavecc_action { WAVECC_COMPILE, WAVECC_DONE, WAVECC_USAGE, WAVECC_BAD };

/* Parses the arguments; answers --help and its kin on standard output
 * (WAVECC_DONE). WAVECC_USAGE: misuse was reported; WAVECC_BAD: a file named
 * by an option was. */
enum wavecc_action wavecc_parse(struct wavecc_options *o, int argc,
    char **argv);

/* Whether -Rpass=REGEX (NULL: not given) asks for remarks of that name. */
bool cc_remarks_match(const char *regex, const char *name);

#endif
