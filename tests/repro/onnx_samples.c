/* Samples of the ONNX writer for an outside engine.
 *
 *   onnx_samples DIR GRAPHS [FILE.net...]
 *
 * For every op that ONNX has words for a graph of one node, then GRAPHS random
 * ones of several nodes in float32 and float16 by turns, then the networks
 * with a batch of 1. Of each, DIR/NAME.onnx
 * with what goes in (NAME.in0.npy ...), what the reference evaluator gives
 * (NAME.out0.npy ...) and how far from it a result may be (NAME.bound0.npy). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/net.h"
#include "frontend/onnx_write.h"
#include "ir/eval.h"
#include "support/file.h"
#include "support/npy.h"
#include "tests/lib/graphs.h"
#include "tests/lib/randgraph.h"
#include "tests/lib/stepped.h"

static bool
write_tensor(struct unit *u, const char *dir, const char *name,
    const char *what, size_t i, const struct tensor_type *t, void *data)
{
	struct npy n = {.dtype = t->dtype, .rank = t->rank,
	    .bytes = (size_t)type_bytes(t), .data = data};

	memcpy(n.dim, t->dim, (size_t)t->rank * sizeof *t->dim);
	return npy_write(&u->diag, arena_printf(u->arena, "%s/%s.%s%zu.npy",
	    dir, name, what, i), &n);
}

static bool
write_sample(struct unit *u, const char *dir, const char *name,
    const struct graph *g, uint64_t seed)
{
	struct eval_options o = {.bounds = true, .round = true};
	struct eval_tensor *in = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->inputs.len + 1);
	struct eval_tensor *out = NEW_ARRAY(u->arena, struct eval_tensor,
	    g->outputs.len + 1);
	uint8_t *bytes;
	size_t size;

	if (!onnx_write(u->arena, &u->diag, g, NULL, &bytes, &size) ||
	    !file_write(&u->diag, arena_printf(u->arena, "%s/%s.onnx", dir,
	    name), bytes, size))
		return false;
	for (size_t i = 0; i < g->inputs.len; i++) {
		in[i].type = g->inputs.data[i]->type;
		in[i].data = stepped_random(u, &in[i].type, &seed);
		if (!write_tensor(u, dir, name, "in", i, &in[i].type,
		    in[i].data))
			return false;
	}
	if (!eval_graph(u->arena, &u->diag, g, &o, in, out, NULL))
		return false;
	for (size_t i = 0; i < g->outputs.len; i++) {
		struct tensor_type t = out[i].type;

		if (!write_tensor(u, dir, name, "out", i, &t, out[i].data))
			return false;
		t.dtype = DT_F64;
		if (!write_tensor(u, dir, name, "bound", i, &t,
		    out[i].bound))
			return false;
	}
	return true;
}

static bool
ops(struct unit *u, const char *dir)
{
	for (enum op op = OP_NONE + 1; op < OP_conv_wgrad; op++) {
		struct lab l;
		struct graph *g;
		bool ok;

		lab_open(&l);
		g = lab_sample(&l, op);
		ok = g != NULL && write_sample(u, dir, op_info(op)->name, g,
		    (uint64_t)op);
		lab_close(&l);
		if (!ok)
			return false;
	}
	return true;
}

static bool
graphs(struct unit *u, const char *dir, int n)
{
	static const enum dtype types[] = {DT_F32, DT_F16};

	for (int i = 0; i < n; i++) {
		struct random_graph r = {0};
		uint64_t seed = 2 * (uint64_t)i + 1;

		random_start(&r, u, &seed, types[i % 2]);
		for (int k = 0; k < 6; k++)
			random_node(&r, (enum op)random_between(&r,
			    OP_NONE + 1, OP_conv_wgrad - 1));
		random_finish(&r);
		if (!write_sample(u, dir, arena_printf(u->arena, "random%d",
		    i), r.g, (uint64_t)i + 1))
			return false;
	}
	return true;
}

static bool
network(struct unit *u, const char *dir, const char *path)
{
	struct net_options o = {.batch = 1};
	const char *base = strrchr(path, '/');
	struct graph *g;
	char *text;
	size_t n;

	base = base != NULL ? base + 1 : path;
	if (!file_read(u->arena, &u->diag, path, 0, &text, &n))
		return false;
	g = net_parse(u->arena, &u->diag, path, text, n, &o, NULL);
	return g != NULL && write_sample(u, dir, arena_printf(u->arena,
	    "%.*s", (int)strcspn(base, "."), base), g, 1);
}

int
main(int argc, char **argv)
{
	void *state = NULL;
	bool ok;

	if (argc < 3) {
		fprintf(stderr, "usage: onnx_samples DIR GRAPHS "
		    "[FILE.net...]\n");
		return 2;
	}
	unit_setup(&state);
	ok = ops(state, argv[1]) && graphs(state, argv[1], atoi(argv[2]));
	for (int i = 3; i < argc && ok; i++)
		ok = network(state, argv[1], argv[i]);
	if (!ok)
		fprintf(stderr, "onnx_samples: %s\n",
		    ((struct unit *)state)->last);
	unit_teardown(&state);
	return ok ? 0 : 1;
}
