#include "tools/train_args.h"

#include <stdio.h>
#include <string.h>

#include "support/str.h"

#define WAVE_VERSION "0.1"

static const char help_text[] =
    "Usage: wavetrain MODEL --data DATA [options]\n"
    "\n"
    "Trains a model (.net, .onnx) on the simulated accelerator: compiles "
    "it, runs\n"
    "step after step, and shows loss, accuracy and what the machine did.\n"
    "\n"
    "  wavetrain examples/lenet5.net --data mnist:DIR --epochs 3\n"
    "  wavetrain net.net --data DIR --lr cosine:0.1 --batch 128 --checkpoint "
    "c.ckpt\n"
    "  wavetrain net.net --data DIR --checkpoint c.ckpt --resume      go on\n"
    "\n"
    "Ctrl-C finishes the step and saves; --resume goes on there, to the same "
    "bits.\n"
    "\n"
    "Training (default: what the train section of the .net says):\n"
    "  --data DIR|FORMAT:DIR  MNIST, CIFAR-10 or NumPy files (mnist, cifar10, "
    "npy);\n"
    "                         --data shapes needs none\n"
    "  --augment LIST         of crop=N (shift by up to N), flip, plain (as "
    "0..1),\n"
    "                         measure or mean=A+B+C,deviation=A+B+C "
    "(normalise)\n"
    "  --epochs N             how often it is seen whole; 1\n"
    "  --batch N              samples of a step; 64\n"
    "  --lr SCHEDULE          learning rate: 0.05, constant:0.05,\n"
    "                         step:0.1,gamma=0.1,every=30 or at=30+60,\n"
    "                         cosine:0.1,final=0; all with warmup=EPOCHS\n"
    "  --seed N               of weights, order and augmentation; 0\n"
    "  -floss=, -foptimizer=  as wavecc has them\n"
    "\n"
    "Files:\n"
    "  --checkpoint FILE      written after each epoch, and when interrupted\n"
    "  --save-every N         and after each N steps\n"
    "  --resume               go on from it; from the beginning if there is "
    "none\n"
    "  --export FILE.onnx     the trained model\n"
    "  --log FILE.jsonl       a JSON record of the run, steps, epochs, end\n"
    "  --log-every N          of each N steps; 1\n"
    "\n"
    "Running:\n"
    "  --threads N            host threads, default all; same bits for any\n"
    "  --check                run the program checker on each step: slow\n"
    "\n"
    "wavecc's options for model, machine and optimization (-march=tiny, "
    "-O1 and so\n"
    "on) are taken, too: see wavecc --help.\n"
    "\n"
    "  --help --version\n"
    "\n"
    "Exit status: 0 done, 1 bad input or a training that failed, 2 usage, "
    "130 Ctrl-C\n";

enum train_action
train_usage(const char *what, const char *arg)
{
	fprintf(stderr, "wavetrain: error: %s%s\nTry 'wavetrain --help'.\n",
	    what, arg);
	return TRAIN_USAGE;
}

enum kind { TEXT, NUMBER, SWITCH };

struct option {
	const char *name;
	enum kind kind;
	const char **text;
	int64_t *number;
	int64_t least;
	bool *flag;
};

static enum train_action
set(const struct option *o, const char *arg)
{
	if (o->kind == TEXT) {
		*o->text = arg;
		return *arg != '\0' ? TRAIN_GO :
		    train_usage("empty argument of ", o->name);
	}
	if (!parse_int64(arg, o->number) || *o->number < o->least)
		return train_usage(o->least > 0 ?
		    "not a positive number: " : "not a number from 0 on: ",
		    arg);
	return TRAIN_GO;
}

/* What wavecc does that has no meaning here. */
static bool
is_foreign(const char *arg)
{
	static const char *const not[] = {"-o", "-S", "-c", "-emit-graph",
	    "-emit-dot", "-emit-tile", "-fsyntax-only", "-###",
	    "-save-temps", "-fno-train"};

	for (size_t i = 0; i < sizeof not / sizeof *not; i++)
		if (strcmp(arg, not[i]) == 0)
			return true;
	return strncmp(arg, "--help-", 7) == 0;
}

static enum train_action
leave_to_compiler(struct train_args *t, struct arena *a, char *arg)
{
	if (strncmp(arg, "--", 2) == 0)
		return train_usage("unknown option ", arg);
	if (is_foreign(arg))
		return train_usage("this is wavecc's: ", arg);
	if (strncmp(arg, "-fbatch=", 8) == 0)
		return train_usage("say --batch instead of ", arg);
	if (strncmp(arg, "-fseed=", 7) == 0)
		return train_usage("say --seed instead of ", arg);
	VEC_PUSH(a, &t->compiler, arg);
	return TRAIN_GO;
}

static enum train_action
parse_one(struct train_args *t, struct arena *a, const struct option *o,
    size_t n, char **argv, int argc, int *i)
{
	char *arg = argv[*i];
	const char *eq = strchr(arg, '=');
	size_t len = eq != NULL ? (size_t)(eq - arg) : strlen(arg);

	for (; n > 0; o++, n--) {
		if (strlen(o->name) != len || strncmp(o->name, arg, len) != 0)
			continue;
		if (o->kind == SWITCH && eq != NULL)
			return train_usage("no argument is taken by ",
			    o->name);
		if (o->kind == SWITCH) {
			*o->flag = true;
			return TRAIN_GO;
		}
		if (eq == NULL && *i + 1 == argc)
			return train_usage("missing argument of ", o->name);
		return set(o, eq != NULL ? eq + 1 : argv[++*i]);
	}
	return leave_to_compiler(t, a, arg);
}

static bool
answer(const char *arg)
{
	if (strcmp(arg, "--help") == 0)
		fputs(help_text, stdout);
	else if (strcmp(arg, "--version") == 0)
		fputs("wavetrain " WAVE_VERSION "\n", stdout);
	else
		return false;
	return true;
}

static enum train_action
complete(struct train_args *t, struct arena *a)
{
	static char train[] = "-ftrain";
	bool model = false;

	for (size_t i = 1; i < t->compiler.len; i++)
		model = model || t->compiler.data[i][0] != '-';
	if (!model)
		return train_usage("no model", "");
	if (t->data == NULL)
		return train_usage("no data: say --data DIR or FORMAT:DIR",
		    "");
	if (t->checkpoint == NULL && t->resume)
		return train_usage("--resume wants --checkpoint FILE", "");
	if (t->checkpoint == NULL && t->save_every > 0)
		return train_usage("--save-every wants --checkpoint FILE",
		    "");
	VEC_PUSH(a, &t->compiler, train);
	if (t->batch > 0)
		VEC_PUSH(a, &t->compiler, arena_printf(a, "-fbatch=%lld",
		    (long long)t->batch));
	if (t->seed >= 0)
		VEC_PUSH(a, &t->compiler, arena_printf(a, "-fseed=%lld",
		    (long long)t->seed));
	return TRAIN_GO;
}

enum train_action
train_args_parse(struct train_args *t, struct arena *a, int argc, char **argv)
{
	int64_t threads = 0;
	const struct option options[] = {
	    {"--data", TEXT, &t->data, NULL, 0, NULL},
	    {"--lr", TEXT, &t->lr, NULL, 0, NULL},
	    {"--checkpoint", TEXT, &t->checkpoint, NULL, 0, NULL},
	    {"--augment", TEXT, &t->augment, NULL, 0, NULL},
	    {"--export", TEXT, &t->export, NULL, 0, NULL},
	    {"--log", TEXT, &t->log, NULL, 0, NULL},
	    {"--epochs", NUMBER, NULL, &t->epochs, 1, NULL},
	    {"--batch", NUMBER, NULL, &t->batch, 1, NULL},
	    {"--seed", NUMBER, NULL, &t->seed, 0, NULL},
	    {"--save-every", NUMBER, NULL, &t->save_every, 1, NULL},
	    {"--log-every", NUMBER, NULL, &t->log_every, 1, NULL},
	    {"--threads", NUMBER, NULL, &threads, 1, NULL},
	    {"--resume", SWITCH, NULL, NULL, 0, &t->resume},
	    {"--check", SWITCH, NULL, NULL, 0, &t->check}};

	*t = (struct train_args){.epochs = -1, .batch = -1, .seed = -1,
	    .log_every = 1};
	VEC_PUSH(a, &t->compiler, argv[0]);
	for (int i = 1; i < argc; i++) {
		enum train_action act;

		if (answer(argv[i]))
			return TRAIN_ANSWERED;
		act = parse_one(t, a, options,
		    sizeof options / sizeof *options, argv, argc, &i);
		if (act != TRAIN_GO)
			return act;
	}
	if (threads > 1024)
		return train_usage("at most 1024 --threads", "");
	t->threads = (int)threads;
	return complete(t, a);
}
