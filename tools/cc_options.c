#include "tools/cc_options.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "backend/target.h"
#include "support/str.h"

#define WAVE_VERSION "0.1"

static const char help_text[] =
    "Usage: wavecc [options] MODEL -o OUT\n"
    "\n"
    "Compiles a model (.onnx, .net, .wgr, .wtl, .ws) ahead of time to a "
    "program\n"
    "for a systolic accelerator. Run the result with wavesim.\n"
    "\n"
    "  wavecc model.onnx -o model.wo              for the default target, "
    "wavecore\n"
    "  wavecc model.onnx -O2 -march=tiny -mprecision=fp16 -o model.wo\n"
    "  wavecc model.onnx -emit-graph -o -         the graph after all passes\n"
    "\n"
    "Output (default: an object, model.wo):\n"
    "  -o FILE           output file; - is standard output for texts\n"
    "  -fsyntax-only     check the model, write nothing\n"
    "  -emit-graph       graph IR (.wgr)\n"
    "  -emit-dot         graph as Graphviz DOT\n"
    "  -emit-onnx        the model as ONNX, before what only lowering needs\n"
    "  -emit-tile        schedule (.wtl)\n"
    "  -S                assembly (.ws)\n"
    "\n"
    "Machine:\n"
    "  -march=NAME|FILE  target description; --help-targets lists them\n"
    "  -mKEY=VALUE       override one number of it, as -mgroups=1\n"
    "  -mprecision=P     fp32, bf16 or fp16; default: the model's\n"
    "\n"
    "Model:\n"
    "  -finput=NAME:DxDx...    shape of an input\n"
    "  -fconst=NAME=FILE.npy   bind an input at compile time\n"
    "  -fbatch=N               mini-batch\n"
    "  -DNAME=VALUE            argument or dimension of a .net\n"
    "  -fseed=N                seed of its initial weights, default 0\n"
    "\n"
    "Training:\n"
    "  -ftrain                 a training object: entries init, step, steps, "
    "eval\n"
    "  -floss=cross_entropy[,smoothing=X] or mse\n"
    "  -foptimizer=sgd[,momentum=X,nesterov] or\n"
    "              adam[,beta1=X,beta2=X,epsilon=X,decoupled];\n"
    "                          both weight_decay=X, decay_norms=0 (not on "
    "norms\n"
    "                          and biases)\n"
    "  -floss-scale=X          of gradients; 1, with fp16 1024\n"
    "  -faccumulate=N          steps that make one update\n"
    "  -ffreeze=REGEX          parameters that do not learn\n"
    "  -fbn-variance=V         running variance: population (ONNX) or "
    "unbiased\n"
    "                          (PyTorch)\n"
    "  -fstate=mixed|paper     f32 masters, or all in 16 bits as the MBS "
    "paper has it\n"
    "  -fkeep-gradients        gradients as outputs grad.NAME\n"
    "  -fsamples=N             samples of one run of entry steps\n"
    "  -fmbs=V                 layer groups by sub-batches: baseline, "
    "archopt, il,\n"
    "                          fs, mbs1, mbs2, optimal; the first three "
    "also ,fused\n"
    "  -fmbs-objective=traffic|time\n"
    "  -fentry=step|eval       which of the two -emit-graph and -emit-tile "
    "show\n"
    "\n"
    "Optimization:\n"
    "  -O0 .. -O3        level, default 2\n"
    "  -fPASS[=ARGS], -fno-PASS   one pass on or off; --help-passes lists "
    "them\n"
    "  -passes=A,B       exactly these passes\n"
    "  -fdgrad=phase|zeros  transposed convolutions with a stride: dense "
    "ones\n"
    "                    for each phase of the output (default), or one over\n"
    "                    inserted zeros\n"
    "  -fpartial-k=first|last  where the array takes the partial tile of a\n"
    "                    depth that it does not divide; last with -fmbs= but\n"
    "                    optimal\n"
    "  -foverlap, -fno-overlap  place buffers so that the vector unit works\n"
    "                    while the array does; off with -fmbs= but optimal\n"
    "  -fserialize       full synchronisation after each instruction\n"
    "\n"
    "Looking inside:\n"
    "  -v, -###          say what is done; only say it\n"
    "  -save-temps       keep .wgr, .wtl and .ws beside the output\n"
    "  -print-after=PASS, -print-after-all, -print-changed   graphs on stderr\n"
    "  -dump-dir=DIR     the same into numbered files\n"
    "  -time-passes      time of each pass\n"
    "  -Rpass[=REGEX]    remarks of passes (and 'lower'): what and why not\n"
    "\n"
    "  --help --help-passes --help-targets --version\n";

static enum wavecc_action
usage(const char *fmt, const char *arg)
{
	/* fmt holds one %s for arg */
	const char *at = strstr(fmt, "%s");
	fprintf(stderr, "wavecc: error: %.*s%s%s", (int)(at - fmt), fmt, arg,
	    at + 2);
	fprintf(stderr, "\nTry 'wavecc --help'.\n");
	return WAVECC_USAGE;
}

/* The rest of arg after prefix, or NULL. */
static const char *
after(const char *arg, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(arg, prefix, n) == 0 ? arg + n : NULL;
}

static bool
parse_shape(struct wavecc_options *o, const char *text)
{
	const char *colon = strrchr(text, ':');
	struct onnx_input_shape s = {0};
	if (colon == NULL || colon == text)
		return false;
	s.name = arena_strndup(o->arena, text, (size_t)(colon - text));
	const char *p = colon + 1;
	while (*p != '\0') {
		size_t n = strcspn(p, "x,");
		if (s.rank == MAX_RANK || !parse_int64(
		    arena_strndup(o->arena, p, n), &s.dim[s.rank]) ||
		    s.dim[s.rank] < 0)
			return false;
		s.rank++;
		p += n;
		if (*p != '\0' && *++p == '\0')
			return false;
	}
	VEC_PUSH(o->arena, &o->inputs, s);
	return true;
}

static enum wavecc_action
parse_const(struct wavecc_options *o, const char *text)
{
	const char *eq = strchr(text, '=');
	if (eq == NULL || eq == text)
		return usage("-fconst wants NAME=FILE.npy, not '%s'", text);
	struct npy *n = NEW(o->arena, struct npy);
	if (!npy_read(o->arena, o->diag, eq + 1, n))
		return WAVECC_BAD;
	struct onnx_input_const c = {arena_strndup(o->arena, text,
	    (size_t)(eq - text)), n};
	VEC_PUSH(o->arena, &o->consts, c);
	return WAVECC_COMPILE;
}

static bool
parse_precision(struct wavecc_options *o, const char *text)
{
	static const struct { const char *name; enum dtype t; } names[] = {
	    {"fp32", DT_F32}, {"fp16", DT_F16}, {"bf16", DT_BF16}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(text, names[i].name) == 0) {
			o->passes.precision = names[i].t;
			return true;
		}
	}
	return false;
}

static bool
parse_pass_list(struct wavecc_options *o, const char *text)
{
	o->only_given = true;
	while (*text != '\0') {
		size_t n = strcspn(text, ",");
		enum pass_id id = pass_parse(arena_strndup(o->arena, text,
		    n));
		if (id == PASS_COUNT)
			return false;
		VEC_PUSH(o->arena, &o->only, id);
		text += n;
		text += *text == ',';
	}
	return true;
}

bool
cc_remarks_match(const char *regex, const char *name)
{
	regex_t re;
	bool yes = false;

	if (regex != NULL &&
	    regcomp(&re, regex, REG_EXTENDED | REG_NOSUB) == 0) {
		yes = regexec(&re, name, 0, NULL, 0) == 0;
		regfree(&re);
	}
	return yes;
}

/* Options that start with -f. */
static enum wavecc_action
parse_f(struct wavecc_options *o, const char *arg)
{
	const char *v, *why;
	bool ok = true;
	if (cc_train_option(&o->train, o->arena, arg, &why)) {
		if (why != NULL)
			return usage("%s", why);
	} else if (strcmp(arg, "-fentry=eval") == 0 ||
	    strcmp(arg, "-fentry=step") == 0) {
		o->entry_eval = arg[8] == 'e';
	} else if (strcmp(arg, "-fsyntax-only") == 0) {
		o->stage = STAGE_SYNTAX;
	} else if (strcmp(arg, "-fserialize") == 0) {
		o->serialize = true;
	} else if (strcmp(arg, "-fno-serialize") == 0) {
		o->serialize = false;
	} else if (strcmp(arg, "-foverlap") == 0 ||
	    strcmp(arg, "-fno-overlap") == 0) {
		o->overlap = arg[2] == 'o';
		o->overlap_given = true;
	} else if ((v = after(arg, "-fdgrad=")) != NULL) {
		if (strcmp(v, "phase") != 0 && strcmp(v, "zeros") != 0)
			return usage("-fdgrad wants phase or zeros, not '%s'",
			    v);
		o->dgrad = *v == 'p' ? DGRAD_PHASE : DGRAD_ZEROS;
	} else if ((v = after(arg, "-fpartial-k=")) != NULL) {
		if (strcmp(v, "first") != 0 && strcmp(v, "last") != 0)
			return usage("-fpartial-k wants first or last, not "
			    "'%s'", v);
		o->partial_k = *v == 'f' ? PARTIAL_FIRST : PARTIAL_LAST;
		o->partial_k_given = true;
	} else if ((v = after(arg, "-fbatch=")) != NULL) {
		if (!parse_int64(v, &o->batch) || o->batch < 1 ||
		    o->batch > MAX_DIM)
			return usage("-fbatch wants a positive number, not "
			    "'%s'", v);
	} else if ((v = after(arg, "-fseed=")) != NULL) {
		if (!parse_int64(v, &o->seed) || o->seed < 0)
			return usage("-fseed wants a number from 0 on, not "
			    "'%s'", v);
	} else if ((v = after(arg, "-finput=")) != NULL) {
		if (!parse_shape(o, v))
			return usage("-finput wants NAME:DxDx..., not '%s'",
			    v);
	} else if ((v = after(arg, "-fconst=")) != NULL) {
		return parse_const(o, v);
	} else if (!pass_options_flag(&o->passes, o->arena, o->diag, arg + 2,
	    &ok)) {
		return usage("unknown option '%s'; --help-passes lists what "
		    "-f takes", arg);
	}
	return ok ? WAVECC_COMPILE : WAVECC_USAGE;
}

static enum wavecc_action
parse_m(struct wavecc_options *o, const char *arg)
{
	const char *v;
	if ((v = after(arg, "-march=")) != NULL) {
		o->march = v;
		o->march_given = true;
	} else if ((v = after(arg, "-mprecision=")) != NULL) {
		if (!parse_precision(o, v))
			return usage("-mprecision wants fp32, bf16 or fp16, "
			    "not '%s'", v);
	} else if (strchr(arg, '=') != NULL) {
		VEC_PUSH(o->arena, &o->overrides, arg + 2);
	} else {
		return usage("-m wants KEY=VALUE, not '%s'", arg);
	}
	return WAVECC_COMPILE;
}

struct flag {
	const char *name;
	enum wavecc_stage stage;
};

static bool
parse_stage(struct wavecc_options *o, const char *arg)
{
	static const struct flag stages[] = {{"-emit-graph", STAGE_GRAPH},
	    {"-emit-dot", STAGE_DOT}, {"-emit-onnx", STAGE_ONNX},
	    {"-emit-tile", STAGE_TILE},
	    {"-S", STAGE_ASM}, {"-c", STAGE_OBJECT}};
	for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
		if (strcmp(arg, stages[i].name) == 0) {
			o->stage = stages[i].stage;
			return true;
		}
	}
	return false;
}

/* The option's switch, NULL when it is none of these. */
static bool *
find_switch(struct wavecc_options *o, const char *arg)
{
	struct { const char *name; bool *flag; } switches[] = {
	    {"-v", &o->verbose}, {"-###", &o->dry_run},
	    {"-save-temps", &o->save_temps},
	    {"-print-after-all", &o->passes.print_after_all},
	    {"-print-changed", &o->passes.print_changed},
	    {"-time-passes", &o->passes.time}};
	for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
		if (strcmp(arg, switches[i].name) == 0)
			return switches[i].flag;
	return NULL;
}

static enum wavecc_action
parse_define(struct wavecc_options *o, const char *text)
{
	const char *eq = strchr(text, '=');
	if (eq == NULL || eq == text)
		return usage("-D wants NAME=VALUE, not '%s'", text);
	struct net_define d = {arena_strndup(o->arena, text,
	    (size_t)(eq - text)), eq + 1};
	VEC_PUSH(o->arena, &o->defines, d);
	return WAVECC_COMPILE;
}

static enum wavecc_action
parse_option(struct wavecc_options *o, const char *arg)
{
	const char *v;
	bool *flag = find_switch(o, arg);
	if (flag != NULL) {
		*flag = true;
	} else if (parse_stage(o, arg)) {
		return WAVECC_COMPILE;
	} else if (strncmp(arg, "-O", 2) == 0) {
		if (arg[2] < '0' || arg[2] > '3' || arg[3] != '\0')
			return usage("-O wants 0 to 3, not '%s'", arg + 2);
		o->passes.level = arg[2] - '0';
	} else if ((v = after(arg, "-print-after=")) != NULL) {
		if (pass_parse(v) == PASS_COUNT)
			return usage("no pass is called '%s'; --help-passes "
			    "lists them", v);
		VEC_PUSH(o->arena, &o->passes.print_after, v);
	} else if ((v = after(arg, "-dump-dir=")) != NULL) {
		o->dump_dir = v;
		o->passes.print_changed = true;
	} else if (strcmp(arg, "-Rpass") == 0) {
		o->passes.remarks = "";
		o->lower_remarks = true;
	} else if ((v = after(arg, "-Rpass=")) != NULL) {
		o->passes.remarks = v;
		o->lower_remarks = cc_remarks_match(v, "lower");
	} else if ((v = after(arg, "-passes=")) != NULL) {
		if (!parse_pass_list(o, v))
			return usage("unknown pass in '%s'; --help-passes "
			    "lists them", v);
	} else if (arg[1] == 'f') {
		return parse_f(o, arg);
	} else if (arg[1] == 'D') {
		return parse_define(o, arg + 2);
	} else if (arg[1] == 'm') {
		return parse_m(o, arg);
	} else {
		return usage("unknown option '%s'", arg);
	}
	return WAVECC_COMPILE;
}

/* --help and the like; false when arg is none of them. */
static bool
answer(const char *arg)
{
	struct strbuf s = {0};
	if (strcmp(arg, "--help") == 0)
		strbuf_add(&s, help_text);
	else if (strcmp(arg, "--version") == 0)
		strbuf_add(&s, "wavecc " WAVE_VERSION "\n");
	else if (strcmp(arg, "--help-passes") == 0)
		passes_help(&s);
	else if (strcmp(arg, "--help-targets") == 0)
		target_help(&s);
	else
		return false;
	fputs(s.data, stdout);
	strbuf_free(&s);
	return true;
}

/* model.onnx gives model.wo in the current folder, as cc does. */
static const char *
default_output(const struct wavecc_options *o)
{
	static const char *const ext[] = {[STAGE_SYNTAX] = "",
	    [STAGE_GRAPH] = ".wgr", [STAGE_DOT] = ".dot",
	    [STAGE_ONNX] = ".onnx",
	    [STAGE_TILE] = ".wtl", [STAGE_ASM] = ".ws",
	    [STAGE_OBJECT] = ".wo"};
	const char *base = strrchr(o->input, '/');
	base = base != NULL ? base + 1 : o->input;
	const char *dot = strrchr(base, '.');
	size_t n = dot != NULL && dot != base ? (size_t)(dot - base) :
	    strlen(base);
	return arena_printf(o->arena, "%.*s%s", (int)n, base, ext[o->stage]);
}

enum wavecc_action
wavecc_parse(struct wavecc_options *o, int argc, char **argv)
{
	o->stage = STAGE_OBJECT;
	o->march = "wavecore";
	pass_options_init(&o->passes);
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];
		if (answer(arg))
			return WAVECC_DONE;
		if (strcmp(arg, "-o") == 0) {
			if (++i == argc)
				return usage("%s wants a file name", "-o");
			o->output = argv[i];
			continue;
		}
		if (arg[0] != '-' || arg[1] == '\0') {
			if (o->input != NULL)
				return usage("one model at a time: '%s' is "
				    "the second", arg);
			o->input = arg;
			continue;
		}
		enum wavecc_action act = parse_option(o, arg);
		if (act != WAVECC_COMPILE)
			return act;
	}
	if (o->input == NULL)
		return usage("no model%s", "");
	if (o->output == NULL)
		o->output = default_output(o);
	if (strcmp(o->output, "-") == 0 && o->stage == STAGE_OBJECT)
		return usage("an object cannot go to standard output%s", "");
	if (strcmp(o->output, "-") == 0 && o->stage == STAGE_ONNX)
		return usage("an ONNX file cannot go to standard output%s",
		    "");
	return WAVECC_COMPILE;
}
