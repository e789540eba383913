/* How many pictures of a real data set a compiled network gets right.
 *
 *   accuracy --list
 *   accuracy NETWORK PROGRAM.wo DATA LABELS [THREADS]
 *
 * --list prints one line for each network of the table: NAME DATA-SET BATCH
 * FIRST README COUNT REFERENCE: of the FIRST pictures the assets' README has
 * README right, of all COUNT ones an independent interpreter has REFERENCE.
 * The second form loads the program once, feeds the data set in batches of the
 * program's size and prints `RIGHT-OF-FIRST RIGHT TOTAL CYCLES`.
 * LABELS is the labels' file, or - where the data holds them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "runtime/program.h"

#include "runtime/bind.h"
#include "runtime/sim/sim.h"
#include "support/file.h"
#include "support/str.h"

enum data_set { MNIST, CIFAR_EXACT, CIFAR_JPEG, IMAGENET };

/* What goes into the network is (pixel / scale - mean) / std by channel. */
struct transform {
	double scale, mean[3], std[3];
};

/* Plain pixels, pixels in 0..1, and with the statistics of a data set. */
static const struct transform raw = {1, {0}, {1, 1, 1}};
static const struct transform unit = {255, {0}, {1, 1, 1}};
static const struct transform signed_unit = {127.5, {1, 1, 1}, {1, 1, 1}};
static const struct transform mnist = {255, {.1307}, {.3081, 1, 1}};
static const struct transform imagenet = {255, {.485, .456, .406},
    {.229, .224, .225}};
static const struct transform oval = {255, {.485, .456, .406},
    {.225, .225, .225}};
static const struct transform cifar = {255, {.4914, .4822, .4465},
    {.2471, .2435, .2616}};

/* Preprocessing as the assets' README says; for nets of VNN-COMP 2021 as their
 * benchmarks do (cifar10_resnet, oval21, marabou-cifar10); for the MNIST nets
 * it leaves open, the one that gives the README's accuracy. `first` and
 * `readme` are the README's table; `reference` is what the interpreter
 * tools/onnx_torch.py of the assets (PyTorch 1.13, float32) gets right of all
 * pictures. The README's figures for the nets on JPEG pictures (69, 80, 80.6,
 * 71, 63 %) are of a sample that it does not name: first is 0 for them. */
static const struct network {
	const char *name;
	enum data_set data;
	const struct transform *t;
	bool channels_last;
	int first, readme, count, reference;
} networks[] = {
	{"cifar_resnet20", CIFAR_EXACT, &imagenet, false, 100, 94, 100, 94},
	{"cifar_resnet20_raw", CIFAR_EXACT, &imagenet, false, 100, 94, 100,
	    94},
	{"cifar_resnet32", CIFAR_EXACT, &imagenet, false, 100, 92, 100, 92},
	{"resnet20_onnc", CIFAR_EXACT, &imagenet, false, 100, 93, 100, 93},
	{"mlperf_tiny_resnet8_cifar10", CIFAR_EXACT, &raw, false, 100, 88,
	    100, 88},
	{"mobilenet_v1_0.25_224_imagenet", IMAGENET, &signed_unit, false, 50,
	    32, 50, 32},
	{"mnist_8", MNIST, &raw, false, 2000, 1968, 10000, 9891},
	{"opt-mnist", MNIST, &raw, false, 2000, 1968, 10000, 9891},
	{"lenet5_webmnist", MNIST, &raw, false, 2000, 1955, 10000, 9836},
	{"cnn_mnist_pytorch", MNIST, &mnist, false, 2000, 1970, 10000, 9907},
	{"onnxmlir_mnist", MNIST, &mnist, false, 2000, 1807, 10000, 9254},
	{"mnist_pytorch", MNIST, &unit, false, 2000, 1791, 10000, 9189},
	{"Convnet_avgpool", MNIST, &unit, false, 2000, 1939, 10000, 9795},
	{"Convnet_maxpool", MNIST, &unit, false, 2000, 1942, 10000, 9792},
	{"resnet_2b", CIFAR_JPEG, &cifar, false, 0, 0, 10000, 6870},
	{"resnet_3b2_bn_mixup_adv_4.0_bs128_lr-1", CIFAR_JPEG, &cifar, false,
	    0, 0, 10000, 7979},
	{"cifar_base", CIFAR_JPEG, &oval, false, 0, 0, 10000, 8006},
	{"cifar10_medium", CIFAR_JPEG, &unit, true, 0, 0, 10000, 6928},
	{"cifar_wide_kw", CIFAR_JPEG, &oval, false, 0, 0, 10000, 6107},
};
#define NETWORKS (sizeof networks / sizeof *networks)

/* Pictures in NCHW bytes. */
struct pictures {
	size_t count, channels, height, width;
	const uint8_t *pixels;
	int *labels;
};

struct run {
	struct arena *arena;
	struct diag *d;
	const struct network *net;
	struct pictures p;
	struct wave_program *program;
	struct device *dev;
	const struct wave_binding *in, *out;
	int64_t cycles;
};

static bool
fail(struct run *r, const char *path, const char *what)
{
	struct loc loc = {.file = path};

	diag_error(r->d, &loc, "%s", what);
	return false;
}

/* ---- data sets ---- */

/* A file of MNIST's format, plain or gzip: big-endian header, bytes. */
static const uint8_t *
read_idx(struct run *r, const char *path, size_t head, size_t item,
    size_t *count)
{
	uint8_t h[16];
	gzFile f = gzopen(path, "rb");
	uint8_t *data = NULL;

	if (f == NULL || gzread(f, h, (unsigned)head) != (int)head) {
		fail(r, path, "not an IDX file");
		goto done;
	}
	*count = (size_t)h[4] << 24 | (size_t)h[5] << 16 |
	    (size_t)h[6] << 8 | h[7];
	if (*count > 70000) {
		fail(r, path, "too many items");
		goto done;
	}
	data = arena_alloc(r->arena, *count * item);
	if (gzread(f, data, (unsigned)(*count * item)) !=
	    (int)(*count * item)) {
		fail(r, path, "truncated");
		data = NULL;
	}
done:
	if (f != NULL)
		gzclose(f);
	return data;
}

static bool
read_mnist(struct run *r, const char *data, const char *labels)
{
	struct pictures *p = &r->p;
	size_t n = 0;

	p->channels = 1;
	p->height = p->width = 28;
	p->pixels = read_idx(r, data, 16, 28 * 28, &p->count);
	const uint8_t *l = read_idx(r, labels, 8, 1, &n);
	if (p->pixels == NULL || l == NULL || n != p->count)
		return false;
	p->labels = arena_calloc(r->arena, n, sizeof *p->labels);
	for (size_t i = 0; i < n; i++)
		p->labels[i] = l[i];
	return true;
}

static uint8_t *
new_cifar(struct run *r, size_t count)
{
	struct pictures *p = &r->p;
	uint8_t *pixels = arena_alloc(r->arena, count * 3072 + 1);

	*p = (struct pictures){count, 3, 32, 32, pixels,
	    arena_calloc(r->arena, count + 1, sizeof *p->labels)};
	return pixels;
}

/* Lines of a label and 3072 pixels, channels last. */
static bool
read_csv(struct run *r, const char *path)
{
	char *text, *end;
	size_t size, count = 0;

	if (!file_read(r->arena, r->d, path, 0, &text, &size))
		return false;
	for (size_t i = 0; i < size; i++)
		count += text[i] == '\n';
	uint8_t *pixels = new_cifar(r, count);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k <= 3072; k++) {
			double v = strtod(text, &end);
			if (end == text || v < 0 || v > 255)
				return fail(r, path, "not a table of pixels");
			text = end + (*end == ',');
			if (k == 0)
				r->p.labels[i] = (int)v;
			else
				pixels[i * 3072 + (k - 1) % 3 * 1024 +
				    (k - 1) / 3] = (uint8_t)v;
		}
	}
	return true;
}

/* CIFAR-10's records of a label and 3072 pixels, channel by channel. */
static bool
read_records(struct run *r, const char *path)
{
	char *data;
	size_t size;

	if (!file_read(r->arena, r->d, path, 0, &data, &size))
		return false;
	if (size % 3073 != 0)
		return fail(r, path, "not of 3073-byte records");
	uint8_t *pixels = new_cifar(r, size / 3073);
	for (size_t i = 0; i < r->p.count; i++) {
		r->p.labels[i] = (unsigned char)data[i * 3073];
		memcpy(pixels + i * 3072, data + i * 3073 + 1, 3072);
	}
	return true;
}

static bool
read_arrays(struct run *r, const char *path, const char *labels)
{
	struct npy x, y;
	struct pictures *p = &r->p;

	if (!npy_read(r->arena, r->d, path, &x) ||
	    !npy_read(r->arena, r->d, labels, &y))
		return false;
	if (x.dtype != DT_U8 || x.rank != 4 || y.rank != 1 ||
	    y.dim[0] != x.dim[0] || x.dim[1] != 3)
		return fail(r, path, "not pictures and labels");
	*p = (struct pictures){(size_t)x.dim[0], 3, (size_t)x.dim[2],
	    (size_t)x.dim[3], x.data,
	    arena_calloc(r->arena, (size_t)x.dim[0], sizeof *p->labels)};
	for (size_t i = 0; i < p->count; i++)
		p->labels[i] = (int)dtype_get(y.data, y.dtype, i);
	return true;
}

static bool
read_data(struct run *r, const char *data, const char *labels)
{
	switch (r->net->data) {
	case MNIST: return read_mnist(r, data, labels);
	case CIFAR_EXACT: return read_csv(r, data);
	case CIFAR_JPEG: return read_records(r, data);
	case IMAGENET: return read_arrays(r, data, labels);
	}
	return false;
}

/* ---- running ---- */

/* Picture i as the network wants it, at out. */
static void
prepare(const struct run *r, size_t i, float *out)
{
	const struct pictures *p = &r->p;
	const struct transform *t = r->net->t;
	size_t plane = p->height * p->width;
	const uint8_t *from = p->pixels + i * p->channels * plane;

	for (size_t c = 0; c < p->channels; c++) {
		for (size_t k = 0; k < plane; k++) {
			double v = (from[c * plane + k] / t->scale -
			    t->mean[c]) / t->std[c];
			size_t at = r->net->channels_last ?
			    k * p->channels + c : c * plane + k;
			out[at] = (float)v;
		}
	}
}

static size_t
largest(const struct npy *out, size_t row, size_t classes)
{
	size_t best = 0;

	for (size_t k = 1; k < classes; k++)
		if (dtype_get(out->data, out->dtype, row * classes + k) >
		    dtype_get(out->data, out->dtype, row * classes + best))
			best = k;
	return best;
}

/* Pictures from..from + batch; what lies beyond the last is its copy. */
static bool
run_batch(struct run *r, size_t from, size_t batch, struct npy *in,
    size_t right[2])
{
	size_t each = in->bytes / sizeof(float) / batch;
	struct arena *a = arena_new();
	struct npy out;

	for (size_t i = 0; i < batch; i++)
		prepare(r, from + i < r->p.count ? from + i : r->p.count - 1,
		    (float *)in->data + i * each);
	bool ok = bind_write(a, r->d, r->dev, r->in, in, "pictures") &&
	    r->dev->ops->run(r->dev, "main", r->d) &&
	    bind_read(a, r->d, r->dev, r->out, &out);
	if (ok) {
		size_t classes = out.bytes / dtype_size(out.dtype) / batch;
		r->cycles += sim_stats(r->dev)->cycles;
		for (size_t i = from; i < from + batch && i < r->p.count;
		    i++) {
			bool hit = (int)largest(&out, i - from, classes) ==
			    r->p.labels[i];
			right[0] += hit && i < (size_t)r->net->first;
			right[1] += hit;
		}
	}
	arena_free(a);
	return ok;
}

static bool
run_all(struct run *r)
{
	struct npy in = {.dtype = DT_F32, .rank = r->in->rank,
	    .bytes = sizeof(float)};
	size_t right[2] = {0, 0};
	size_t picture = r->p.channels * r->p.height * r->p.width;

	for (int i = 0; i < in.rank; i++) {
		in.dim[i] = r->in->dim[i];
		in.bytes *= (size_t)in.dim[i];
	}
	size_t batch = in.bytes / sizeof(float) / picture;
	if (batch * picture * sizeof(float) != in.bytes || batch == 0)
		return fail(r, r->in->name, "takes no such pictures");
	in.data = arena_alloc(r->arena, in.bytes);
	for (size_t i = 0; i < r->p.count; i += batch)
		if (!run_batch(r, i, batch, &in, right))
			return false;
	printf("%zu %zu %zu %" PRId64 "\n", right[0], right[1], r->p.count,
	    r->cycles);
	return true;
}

static bool
open_program(struct run *r, const char *path, int threads)
{
	struct sim_options opt = {.threads = threads};
	char *bytes;
	size_t size;

	if (!file_read(r->arena, r->d, path, 0, &bytes, &size))
		return false;
	r->program = program_load(r->arena, r->d, path, bytes, size);
	if (r->program == NULL)
		return false;
	for (uint32_t i = 0; i < r->program->nbindings; i++) {
		const struct wave_binding *b = &r->program->bindings[i];
		if (b->kind == WAVE_BIND_INPUT && r->in == NULL)
			r->in = b;
		if (b->kind == WAVE_BIND_OUTPUT && r->out == NULL)
			r->out = b;
	}
	if (r->in == NULL || r->out == NULL)
		return fail(r, path, "has no input and output");
	r->dev = sim_open(r->program, &opt, r->d);
	return r->dev != NULL;
}

static int
list(void)
{
	static const char *const sets[] = {"mnist", "cifar-exact",
	    "cifar-jpeg", "imagenet"};

	for (size_t i = 0; i < NETWORKS; i++) {
		const struct network *n = &networks[i];
		printf("%s %s %d %d %d %d %d\n", n->name, sets[n->data],
		    n->data == IMAGENET ? 10 : 100, n->first, n->readme,
		    n->count, n->reference);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	char tool[] = "accuracy";
	struct diag d = {.fn = diag_print_stderr, .user = tool};
	struct run r = {.d = &d};

	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list();
	if (argc < 5 || argc > 6)
		return 2;
	for (size_t i = 0; i < NETWORKS; i++)
		if (strcmp(networks[i].name, argv[1]) == 0)
			r.net = &networks[i];
	if (r.net == NULL)
		return 2;
	r.arena = arena_new();
	bool ok = read_data(&r, argv[3], argv[4]) &&
	    open_program(&r, argv[2], argc > 5 ? atoi(argv[5]) : 0) &&
	    run_all(&r);
	if (r.dev != NULL)
		r.dev->ops->close(r.dev);
	arena_free(r.arena);
	return !ok;
}
