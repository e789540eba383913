/* doc: backend/OBJECT.md */
/* Prints the page on object files from the tables in support/objfile.def. */
#include <stdio.h>

#include "support/objfile.h"

static const char before[] =
    "# Object files\n"
    "\n"
    "Generated from `support/objfile.def` by `make docs`; do not edit.\n"
    "\n"
    "An object is an ELF64 file: little-endian, `ELFOSABI_NONE`, `ET_EXEC`, "
    "machine `EM_NONE`, no program headers, `e_flags` the version of\n"
    "this format (%d). `readelf -a`, `nm` and `objdump -s` work on it; "
    "`waveobjdump` knows what the sections mean. `backend/object.c` writes "
    "it,\n"
    "`runtime/load.c` reads it. The same program gives the same bytes: there "
    "are no times and no paths in it but those of the source map.\n"
    "\n"
    "## Sections\n"
    "\n"
    "| section | record | what |\n"
    "|---|---|---|\n";

static const char middle[] =
    "| `.symtab` `.strtab` `.shstrtab` | | for ELF tools: `NAME` for each "
    "entry, `NAME.QUEUE` for its slice of each queue, an object symbol for "
    "each tensor (absolute when it lies on chip) |\n"
    "\n"
    "All of them are always there, in this order, each but `.bss` at its "
    "alignment in the file. The address of `.data` is DRAM address 0, "
    "`.bss` follows\n"
    "it and the two are the whole DRAM footprint. Instructions and "
    "descriptor records are those of [ISA.md](isa/ISA.md); every descriptor "
    "table has its\n"
    "entry 0.\n"
    "\n"
    "## Records\n"
    "\n"
    "Numbers are little-endian; *string* is the offset of a text in "
    "`.wave.str`.\n";

static const char after[] =
    "\n"
    "Slices of entries follow one another in each queue without gaps and "
    "cover its code; an unused queue has count 0. Rows of `.wave.srcmap` are "
    "ordered\n"
    "by queue and first instruction, disjoint, and neighbours of one op are "
    "one row.\n"
    "\n"
    "## Notes\n"
    "\n"
    "`.note.wave` holds notes with the name `wave`, in this order:\n"
    "\n"
    "| type | contents |\n"
    "|---|---|\n"
    "| 0x%x | u32 version of the ISA, u32 version of this format |\n"
    "| 0x%x | name of the target |\n"
    "| 0x%x | parameters of the target: a line `key = value` for each key of "
    "[TARGETS.md](TARGETS.md), each exactly once |\n"
    "| 0x%x | order of accumulation: `ascending-k`; `ascending-k, then "
    "groups` where the groups' sums are added in their order |\n"
    "| 0x%x | u64 bytes of DRAM, of GBUF and of WBUF that the program uses |\n"
    "\n"
    "## What a loader checks\n"
    "\n"
    "`program_load` refuses, with one line, what it cannot prove "
    "well-formed: cut or overlapping sections, another class, byte order or "
    "version,\n"
    "missing, doubled or unknown `.wave` sections, strings without end or "
    "outside their table, numbers that name no enum value, memories larger "
    "than the\n"
    "target's, entries that do not tile the code, bindings that leave DRAM, "
    "maps out of order. What code and descriptors say is checked by\n"
    "`program_validate` (`backend/isa/validate.c`), which the simulator runs "
    "before anything else.\n";

static const char *const section_text[OBJ_SECTIONS] = {
	[OBJ_S_LD] = "code of queue ld",
	[OBJ_S_ST] = "code of queue st",
	[OBJ_S_MX] = "code of queue mx",
	[OBJ_S_ML] = "code of queue ml",
	[OBJ_S_VE] = "code of queue ve",
	[OBJ_S_CO] = "code of queue co",
	[OBJ_S_AFF] = "affine values",
	[OBJ_S_VIEW] = "views",
	[OBJ_S_EPI] = "epilogues",
	[OBJ_S_DMA] = "DMA boxes",
	[OBJ_S_VEC] = "vector operations",
	[OBJ_S_DATA] = "initial contents of DRAM",
	[OBJ_S_BSS] = "the rest of DRAM, zero",
	[OBJ_S_ENTRY] = "entry points",
	[OBJ_S_EXIT] = "semaphores at exit, of all entries",
	[OBJ_S_BIND] = "tensors that can be bound from outside",
	[OBJ_S_SYM] = "tensors by name",
	[OBJ_S_SRCMAP] = "from instructions to ops",
	[OBJ_S_OPS] = "ops of the model",
	[OBJ_S_GROUPS] = "layer groups of the schedule",
	[OBJ_S_SEMS] = "names of semaphores",
	[OBJ_S_STR] = "strings; starts with an empty one",
	[OBJ_S_NOTE] = "notes",
};

static void
field(const struct obj_field_info *f)
{
	const char *text = f->text;

	printf("| %u | %u", f->offset, f->bytes);
	if (f->count > 1)
		printf(" x %u", f->count);
	printf(" | `%s` | ", f->name);
	if (text[0] == 'S' && text[1] == 'T' && text[2] == 'R')
		printf("*string*%s", text + 3);
	else
		printf("%s", text);
	printf(" |\n");
}

int
main(void)
{
	int section = -1;

	printf(before, OBJ_FORMAT_VERSION);
	for (int s = 0; s < OBJ_SECTIONS; s++) {
		printf("| `%s` | ", obj_sections[s].name);
		if (obj_sections[s].record > 0)
			printf("%u ", obj_sections[s].record);
		printf("| %s |\n", section_text[s]);
	}
	printf("%s", middle);
	for (int f = 0; f < OBJ_FIELDS; f++) {
		if ((int)obj_fields[f].section != section) {
			section = (int)obj_fields[f].section;
			printf("\n### %s: %u bytes\n\n"
			       "| offset | bytes | field | |\n"
			       "|---|---|---|---|\n",
			    obj_sections[section].name,
			    obj_sections[section].record);
		}
		field(&obj_fields[f]);
	}
	printf(after, OBJ_NOTE_VERSION, OBJ_NOTE_TARGET, OBJ_NOTE_PARAMETERS,
	    OBJ_NOTE_ACCUMULATION, OBJ_NOTE_MEMORY);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
