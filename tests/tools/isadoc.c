/* doc: backend/isa/ISA.md */
/* Prints the reference of the instruction set from its tables. The definitions
 * of functions come from backend/isa/isa_math.md, read from the root of the
 * repository. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/isa/table.h"
#include "support/file.h"

struct insn_text {
	const char *semantics, *occupancy, *latency;
};

static const struct insn_text texts[256] = {
#define ISA_TEXT(name, semantics, occupancy, latency) \
	[INSN_##name] = { semantics, occupancy, latency },
#include "backend/isa/isa_text.def"
};

#define MAX_CELLS (2 * INSN_MAX_FIELDS + 1)

struct cell {
	char bits[16], name[24];
	int width;
};

/* Text in the middle of width columns. */
static void
centre(const char *text, int width)
{
	int left = (width - (int)strlen(text)) / 2;

	printf("%*s%-*s", left, "", width - left, text);
}

static void
set_cell(struct cell *c, unsigned hi, unsigned lo, const char *name)
{
	size_t a, b;

	if (hi == lo)
		snprintf(c->bits, sizeof c->bits, "%u", hi);
	else
		snprintf(c->bits, sizeof c->bits, "%u..%u", hi, lo);
	snprintf(c->name, sizeof c->name, "%s", name);
	a = strlen(c->bits);
	b = strlen(c->name);
	c->width = (int)(a > b ? a : b) + 2;
}

/* The field that owns bit b of an instruction; NULL: must be zero. */
static const struct field_info *
owner(const struct insn_info *info, unsigned b)
{
	for (unsigned i = 0; i < info->nfields; i++) {
		const struct field_info *f = &isa_fields[info->field[i]];

		if (b >= f->lsb && b < f->lsb + f->width)
			return f;
	}
	return NULL;
}

static void
border(const struct cell *c, int n)
{
	for (int i = 0; i < n; i++) {
		printf("+");
		for (int k = 0; k < c[i].width; k++)
			printf("-");
	}
	printf("+\n");
}

/* The word from bit 127 down. */
static void
drawing(const struct insn_info *info)
{
	struct cell c[MAX_CELLS];
	int n = 0;
	unsigned hi = 128;

	while (hi > 0) {
		const struct field_info *f = owner(info, hi - 1);
		unsigned lo = hi - 1;

		while (lo > 0 && owner(info, lo - 1) == f)
			lo--;
		set_cell(&c[n++], hi - 1, lo, f != NULL ? f->name : "0");
		hi = lo;
	}
	printf("```\n");
	for (int i = 0; i < n; i++) {
		printf(" ");
		centre(c[i].bits, c[i].width);
	}
	printf("\n");
	border(c, n);
	for (int i = 0; i < n; i++) {
		printf("|");
		centre(c[i].name, c[i].width);
	}
	printf("|\n");
	border(c, n);
	printf("```\n\n");
}

static const char *
kind_text(enum field_kind k)
{
	switch (k) {
	case FIELD_UINT: return "unsigned";
	case FIELD_SINT: return "signed";
	case FIELD_MODE: return "unsigned";
	case FIELD_FIRST: return "unsigned";
	case FIELD_SEM: return "semaphore";
	case FIELD_AFF: return "aff";
	case FIELD_VIEW: return "view";
	case FIELD_EPI: return "epi";
	case FIELD_DMA: return "dma";
	case FIELD_VEC: return "vec";
	}
	return "?";
}

/* "ld st" or "any" */
static void
queues(const struct insn_info *info)
{
	const char *space = "";

	if (info->queues == (1u << Q_COUNT) - 1) {
		printf("any");
		return;
	}
	for (int q = 0; q < Q_COUNT; q++)
		if ((info->queues >> q & 1) != 0) {
			printf("%s%s", space, queue_name((enum queue)q));
			space = " ";
		}
}

/* A text of several lines in one sentence or table cell. */
static void
flat(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			putchar('\\');
		putchar(*text == '\n' ? ' ' : *text);
	}
}

static void
instruction(const struct insn_info *info)
{
	const struct insn_text *t = &texts[info->code];

	if (t->semantics == NULL) {
		fprintf(stderr, "isadoc: no text for %s\n", info->name);
		exit(1);
	}
	printf("### %s\n\n%c%s. Queues: ", info->name,
	    toupper((unsigned char)info->summary[0]), info->summary + 1);
	queues(info);
	printf(".\n\n");
	drawing(info);
	if (info->nfields > 1)
		printf("| field | bits | kind | meaning |\n"
		       "|---|---|---|---|\n");
	for (unsigned i = 1; i < info->nfields; i++) {
		const struct field_info *f = &isa_fields[info->field[i]];

		printf("| `%s` | %u..%u | %s | %s |\n", f->name,
		    f->lsb + f->width - 1, f->lsb, kind_text(f->kind),
		    f->text);
	}
	if (info->nfields > 1)
		printf("\n");
	if (t->semantics[0] != '\0')
		printf("```\n%s```\n\n", t->semantics);
	printf("Occupancy: ");
	flat(t->occupancy);
	printf(".  \nLatency: ");
	flat(t->latency);
	printf(".\n\n");
}

static void
instructions(void)
{
	printf("## Instructions\n\n"
	       "A word is 128 bits, little-endian: byte 0 of the code holds "
	       "bits 7..0. Bits that no field owns must be zero. Fields that "
	       "index a descriptor table name the table; index 0 means none, "
	       "which `aff` (value 0) and `epi` (no epilogue) allow.\n\n"
	       "| instruction | opcode | queues | |\n|---|---|---|---|\n");
	for (unsigned i = 0; i < isa_ninsns; i++) {
		printf("| [%s](#", isa_insns[i].name);
		for (const char *c = isa_insns[i].name; *c != '\0'; c++)
			putchar(tolower((unsigned char)*c));
		printf(") | 0x%02x | ", isa_insns[i].code);
		queues(&isa_insns[i]);
		printf(" | %s |\n", isa_insns[i].summary);
	}
	printf("\n");
	for (unsigned i = 0; i < isa_ninsns; i++)
		instruction(&isa_insns[i]);
}

static const char *
type_text(const struct desc_field *f)
{
	switch (f->type) {
	case DESC_INT: return "signed";
	case DESC_FLAGS: return "flags";
	case DESC_IDX: return "aff index";
	case DESC_SPACE: return "space";
	case DESC_DTYPE: return "dtype";
	case DESC_TRAFFIC: return "traffic";
	case DESC_ACT: return "activation";
	case DESC_FUNC: return "function";
	case DESC_DIM: return "dimension + 1";
	case DESC_REAL: return f->bytes == 4 ? "f32" : "f64";
	}
	return "?";
}

static void
descriptors(void)
{
	printf("## Descriptors\n\n"
	       "Records of fixed size, little-endian, in read-only tables; "
	       "entry 0 of each is zero and means none. What they mean is in "
	       "[DESIGN.md](DESIGN.md).\n");
	for (int k = 0; k < DESC_COUNT; k++) {
		unsigned n;
		const struct desc_field *f =
		    desc_fields((enum desc_kind)k, &n);

		printf("\n### %s: %zu bytes, index letter `%c`\n\n"
		       "| offset | bytes | field | type | meaning |\n"
		       "|---|---|---|---|---|\n",
		    desc_name((enum desc_kind)k),
		    desc_record_size((enum desc_kind)k),
		    desc_letter((enum desc_kind)k));
		for (; n > 0; n--, f++) {
			printf("| %u | %u", f->offset, f->bytes);
			if (f->count > 1)
				printf(" x %u", f->count);
			printf(" | `%s` | %s | %s |\n", f->name, type_text(f),
			    f->text);
		}
	}
	printf("\n");
}

static void
numbers(void)
{
	static const struct {
		const char *title;
		enum desc_type type;
	} lists[] = {
		{ "space", DESC_SPACE },
		{ "dtype", DESC_DTYPE },
		{ "traffic", DESC_TRAFFIC },
		{ "activation", DESC_ACT },
		{ "flags of a view", DESC_FLAGS },
	};

	printf("### Numbers\n\n| | |\n|---|---|\n");
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		const char *name;

		printf("| %s |", lists[i].title);
		for (uint64_t v = 0;
		     (name = desc_value_name(lists[i].type, v)) != NULL; v++)
			printf(" %d %s", (int)v, name);
		printf(" |\n");
	}
	printf("| queue |");
	for (int q = 0; q < Q_COUNT; q++)
		printf(" %d %s", q, queue_name((enum queue)q));
	printf(" |\n| array mode |");
	for (int64_t m = 0; mode_name(m) != NULL; m++)
		printf(" %d %s", (int)m, mode_name(m));
	printf(" |\n\n");
}

static void
functions(void)
{
	static const char *const kinds[] = { "VMAP", "VRED", "VWIN" };

	printf("## Functions of the vector unit\n\n"
	       "x, y, z are the sources, p and q the parameters; steps are "
	       "vector operations per element, for time and energy.\n\n"
	       "| number | function | instruction | sources | steps | |\n"
	       "|---|---|---|---|---|---|\n");
	for (int f = 0; f < VF_COUNT; f++) {
		printf("| %d | `%s` | %s | %d | %d | `", f,
		    vec_func_name((enum vec_func)f),
		    kinds[vec_func_kind((enum vec_func)f)],
		    vec_func_sources((enum vec_func)f),
		    vec_func_steps((enum vec_func)f));
		flat(vec_func_text((enum vec_func)f));
		printf("` |\n");
	}
	printf("\n### Definitions\n\n");
}

/* The text file that the tables cannot hold. */
static bool
include_math(void)
{
	struct arena *a = arena_new();
	char tool[] = "isadoc";
	struct diag d = { diag_print_stderr, tool, 0 };
	char *text;
	size_t size;
	bool ok = file_read(a, &d, "backend/isa/isa_math.md", 1 << 20, &text,
	    &size);

	if (ok)
		fwrite(text, 1, size, stdout);
	arena_free(a);
	return ok;
}

static void
traps(void)
{
	printf("\n## Semaphores\n\n"
	       "Each group has its own counters, as many as the target's "
	       "`semaphores`; an entry declares how many it uses and the "
	       "value of each at its end. They start an entry at 0 and only "
	       "grow. A signal counts from the time at which all earlier "
	       "instructions of its queue are complete. Queues are ordered "
	       "by nothing else, those of different groups by `BARRIER` "
	       "only.\n\n"
	       "## Traps\n\n"
	       "The loader's validator refuses a program with an unknown "
	       "opcode, a set bit that must be zero, an instruction on a "
	       "queue that does not run it, a descriptor index outside its "
	       "table, unbalanced or more than 8 loops, a slice that does "
	       "not end with its only HALT, an undeclared semaphore, or an "
	       "extent that is 0 or larger than the target's array or "
	       "block_m. At run time an instruction traps, with queue, pc "
	       "and cause, when an address lies outside its memory, a tile "
	       "does not have the extents that its reader expects, a tile "
	       "or block is larger than its bank, or the destination of a "
	       "vector instruction overlaps a source in part. A deadlock "
	       "prints each blocked queue with the counter it waits for.\n");
}

int
main(void)
{
	printf("# Instruction set, version %d\n\n"
	       "Generated from `insns.def`, `fields.def`, `desc.def`, "
	       "`vecfuncs.def`, `isa_text.def` and `isa_math.md` by `make "
	       "docs`; do not edit. [DESIGN.md](DESIGN.md) explains the "
	       "machine.\n\n",
	    ISA_VERSION);
	instructions();
	descriptors();
	numbers();
	functions();
	if (!include_math())
		return 1;
	traps();
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
