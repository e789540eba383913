/* Objects written and loaded again are the same program, and bytes. */
#include "backend/object.h"

#include <stdio.h>
#include <string.h>

#include "runtime/program.h"

#include "backend/isa/program.h"
#include "support/file.h"
#include "tests/lib/program.h"
#include "tests/lib/unit.h"

static void
keep_text(void *user, enum diag_level level, const struct loc *loc,
    const char *text)
{
	diag_format(user, 512, "t", level, loc, text);
}

static void
same_bytes(const struct wave_bytes *x, const struct wave_bytes *y)
{
	assert_int_equal(x->size, y->size);
	if (x->size > 0)
		assert_memory_equal(x->data, y->data, x->size);
}

static void
same_text(const char *x, const char *y)
{
	assert_string_equal(x != NULL ? x : "", y != NULL ? y : "");
}

static void
same_entries(const struct wave_program *x, const struct wave_program *y)
{
	assert_int_equal(x->nentries, y->nentries);
	for (uint32_t i = 0; i < x->nentries; i++) {
		const struct wave_entry *e = &x->entries[i];
		const struct wave_entry *f = &y->entries[i];

		assert_string_equal(e->name, f->name);
		assert_int_equal(e->groups, f->groups);
		assert_int_equal(e->nsems, f->nsems);
		assert_memory_equal(e->sem_exit, f->sem_exit,
		    e->nsems * sizeof *e->sem_exit);
		assert_memory_equal(e->count, f->count, sizeof e->count);
		for (int q = 0; q < WAVE_QUEUES; q++)
			if (e->count[q] > 0)
				assert_int_equal(e->first[q], f->first[q]);
	}
}

static void
same_bindings(const struct wave_program *x, const struct wave_program *y)
{
	assert_int_equal(x->nbindings, y->nbindings);
	for (uint32_t i = 0; i < x->nbindings; i++) {
		const struct wave_binding *b = &x->bindings[i];
		const struct wave_binding *c = program_binding(y,
		    b->name);

		assert_ptr_equal(c, &y->bindings[i]);
		assert_int_equal(b->kind, c->kind);
		assert_int_equal(b->dtype, c->dtype);
		assert_int_equal(b->rank, c->rank);
		assert_int_equal(b->address, c->address);
		assert_memory_equal(b->dim, c->dim, sizeof b->dim);
		assert_memory_equal(b->stride, c->stride, sizeof b->stride);
	}
}

static void
same_debug(const struct wave_program *x, const struct wave_program *y)
{
	assert_int_equal(x->nsymbols, y->nsymbols);
	for (uint32_t i = 0; i < x->nsymbols; i++) {
		same_text(x->symbols[i].name, y->symbols[i].name);
		same_text(x->symbols[i].shape, y->symbols[i].shape);
		assert_int_equal(x->symbols[i].space, y->symbols[i].space);
		assert_int_equal(x->symbols[i].dtype, y->symbols[i].dtype);
		assert_int_equal(x->symbols[i].size, y->symbols[i].size);
		assert_int_equal(x->symbols[i].address,
		    y->symbols[i].address);
	}
	assert_int_equal(x->nops, y->nops);
	for (uint32_t i = 0; i < x->nops; i++) {
		same_text(x->ops[i].name, y->ops[i].name);
		same_text(x->ops[i].op, y->ops[i].op);
		same_text(x->ops[i].phase, y->ops[i].phase);
		same_text(x->ops[i].loc, y->ops[i].loc);
		assert_int_equal(x->ops[i].macs, y->ops[i].macs);
		assert_int_equal(x->ops[i].macs_paper, y->ops[i].macs_paper);
	}
	assert_int_equal(x->nlayer_groups, y->nlayer_groups);
	for (uint32_t i = 0; i < x->nlayer_groups; i++) {
		same_text(x->layer_groups[i].ops, y->layer_groups[i].ops);
		assert_int_equal(x->layer_groups[i].sub_batch,
		    y->layer_groups[i].sub_batch);
		assert_int_equal(x->layer_groups[i].iterations,
		    y->layer_groups[i].iterations);
	}
	assert_int_equal(x->nsem_names, y->nsem_names);
	for (uint32_t i = 0; i < x->nsem_names; i++)
		same_text(x->sem_names[i], y->sem_names[i]);
}

/* The op of each instruction, by plain search through rows. */
static uint32_t
op_of(const struct wave_program *p, uint32_t q, uint32_t i)
{
	uint32_t op = UINT32_MAX;

	for (uint32_t s = 0; s < p->nsources; s++)
		if (p->sources[s].queue == q && i >= p->sources[s].first &&
		    i - p->sources[s].first < p->sources[s].count)
			op = p->sources[s].op;
	return op;
}

static void
same_program(const struct wave_program *x, const struct wave_program *y)
{
	assert_memory_equal(&x->target, &y->target, sizeof x->target);
	assert_int_equal(x->isa_version, y->isa_version);
	assert_string_equal(x->accumulation, y->accumulation);
	for (uint32_t q = 0; q < WAVE_QUEUES; q++) {
		same_bytes(&x->code[q], &y->code[q]);
		for (uint32_t i = 0; i < x->code[q].size / 16; i++)
			assert_int_equal(op_of(x, q, i), op_of(y, q, i));
	}
	for (int k = 0; k < WAVE_DESC_KINDS; k++)
		same_bytes(&x->desc[k], &y->desc[k]);
	same_bytes(&x->data, &y->data);
	assert_int_equal(x->dram_size, y->dram_size);
	assert_int_equal(x->gbuf_size, y->gbuf_size);
	assert_int_equal(x->wbuf_size, y->wbuf_size);
	same_entries(x, y);
	same_bindings(x, y);
	same_debug(x, y);
}

static void
test_round_trip(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct arena *a = arena_new();
		char text[512] = "";
		struct diag d = { keep_text, text, 0 };
		struct wave_program *p = random_program(a, seed), *q;
		struct isa_tables t = { 0 };
		uint8_t *x, *y;
		size_t nx, ny;

		if (!program_validate(a, &d, "made up", p, &t))
			fail_msg("seed %d: %s", (int)seed, text);
		assert_true(object_write_memory(a, &d, p, &x, &nx));
		q = program_load(a, &d, "mem.wo", x, nx);
		if (q == NULL)
			fail_msg("seed %d: %s", (int)seed, text);
		assert_true(program_validate(a, &d, "mem.wo", q, &t));
		same_program(p, q);
		assert_true(object_write_memory(a, &d, q, &y, &ny));
		assert_int_equal(nx, ny);
		assert_memory_equal(x, y, nx);
		arena_free(a);
	}
}

static void
test_file(void **state)
{
	struct unit *u = *state;
	struct arena *a = u->arena;
	char text[512] = "", *file, *path = unit_path(u, "x.wo");
	struct diag d = { keep_text, text, 0 };
	struct wave_program *p = random_program(a, 7);
	uint8_t *x;
	size_t nx, nf;

	assert_true(object_write(&d, path, p));
	assert_true(object_write_memory(a, &d, p, &x, &nx));
	assert_true(file_read(a, &d, path, 0, &file, &nf));
	assert_int_equal(nx, nf);
	assert_memory_equal(x, file, nx);
	remove(path);
	assert_false(object_write(&d, "/nonexistent/folder/x.wo", p));
	assert_int_equal(d.errors, 1);
}

/* Programs that do not hold together are not written. */
static void
test_refused(void **state)
{
	struct arena *a = arena_new();
	char text[512] = "";
	struct diag d = { keep_text, text, 0 };
	struct wave_program *p = random_program(a, 3);
	struct wave_entry e = p->entries[0];
	uint8_t *x;
	size_t n;

	(void)state;
	p->data.size = (size_t)p->dram_size + 1;
	assert_false(object_write_memory(a, &d, p, &x, &n));
	assert_non_null(strstr(text, "bytes of data in"));
	p = random_program(a, 3);
	p->dram_size = UINT64_C(1) << 60;
	assert_false(object_write_memory(a, &d, p, &x, &n));
	p = random_program(a, 3);
	p->desc[DESC_AFF].size++;
	assert_false(object_write_memory(a, &d, p, &x, &n));
	p = random_program(a, 3);
	p->entries = &e;
	p->nentries = 1;
	e.count[Q_LD]++;
	assert_false(object_write_memory(a, &d, p, &x, &n));
	assert_non_null(strstr(text, "its entries cover"));
	assert_int_equal(d.errors, 4);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		UNIT_TEST(test_file),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("backend/object", tests, NULL,
	    NULL);
}
