/* The instruction tables are sound, and encode and decode follow them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "backend/isa/table.h"

static uint64_t
rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s * UINT64_C(0x2545f4914f6cdd1d);
}

static void
test_fields_disjoint(void **state)
{
	(void)state;
	for (unsigned r = 0; r < isa_ninsns; r++) {
		const struct insn_info *info = &isa_insns[r];
		struct insn_word used = { 0, 0 };

		assert_int_equal(info->field[0], FIELD_opcode);
		for (unsigned i = 0; i < info->nfields; i++) {
			const struct field_info *f =
			    &isa_fields[info->field[i]];
			uint64_t ones = f->width == 64 ?
			    UINT64_MAX :
			    (UINT64_C(1) << f->width) - 1;

			assert_true(f->width >= 1 && f->width <= 64);
			assert_true(f->lsb + f->width <= 128);
			if (bits_get(&used, f->lsb, f->width) != 0)
				fail_msg("%s: field %s overlaps", info->name,
				    f->name);
			bits_put(&used, f->lsb, f->width, ones);
		}
	}
}

static void
test_codes_unique(void **state)
{
	(void)state;
	for (unsigned r = 0; r < isa_ninsns; r++) {
		assert_true(isa_insns[r].code < 256);
		assert_true(isa_insns[r].queues != 0);
		assert_ptr_equal(insn_info(isa_insns[r].code), &isa_insns[r]);
		assert_ptr_equal(insn_lookup(isa_insns[r].name),
		    &isa_insns[r]);
		for (unsigned s = 0; s < r; s++)
			assert_int_not_equal(isa_insns[r].code,
			    isa_insns[s].code);
	}
	assert_null(insn_info(0xff));
	assert_null(insn_info(1000));
	assert_null(insn_lookup("nop"));
}

/* Each row over random values of its fields. */
static void
test_round_trip(void **state)
{
	uint64_t seed = 12345;

	(void)state;
	for (unsigned r = 0; r < isa_ninsns; r++)
		for (int t = 0; t < 500; t++) {
			struct insn in = { 0 }, out;
			struct insn_word w;
			const char *why = NULL;

			in.op = (enum opcode)isa_insns[r].code;
			for (unsigned i = 0; i < isa_insns[r].nfields; i++) {
				unsigned id = isa_insns[r].field[i];
				const struct field_info *f = &isa_fields[id];
				uint64_t v = rnd(&seed) >> (64 - f->width);
				int64_t half = INT64_C(1) << (f->width - 1);

				in.field[id] = (int64_t)v;
				if (f->kind == FIELD_SINT)
					in.field[id] -= half;
			}
			in.field[FIELD_opcode] = (int64_t)in.op;
			assert_true(insn_encode(&in, &w, &why));
			assert_true(insn_decode(&w, &out, &why));
			assert_int_equal(in.op, out.op);
			assert_memory_equal(in.field, out.field,
			    sizeof in.field);
		}
}

/* Every bit of every row is owned or refused. */
static void
test_every_bit(void **state)
{
	(void)state;
	for (unsigned r = 0; r < isa_ninsns; r++)
		for (unsigned b = 8; b < 128; b++) {
			struct insn_word w = { isa_insns[r].code, 0 }, again;
			struct insn in;
			const char *why = NULL;
			bool owned = false;

			bits_put(&w, b, 1, 1);
			for (unsigned i = 0; i < isa_insns[r].nfields; i++) {
				const struct field_info *f =
				    &isa_fields[isa_insns[r].field[i]];

				owned |= b >= f->lsb && b < f->lsb + f->width;
			}
			assert_int_equal(insn_decode(&w, &in, &why), owned);
			if (!owned) {
				assert_string_equal(why,
				    "a bit that must be zero is set");
				continue;
			}
			assert_true(insn_encode(&in, &again, &why));
			assert_true(again.lo == w.lo && again.hi == w.hi);
		}
}

/* Worked out by hand from the bit ranges. */
static const struct {
	enum opcode op;
	const char *bytes;
} golden[] = {
	{ INSN_NOP, "00000000000000000000000000000000" },
	{ INSN_HALT, "01000000000000000000000000000000" },
	{ INSN_LOOP, "020000003412f0de0000000000000000" },
	{ INSN_ENDLOOP, "03000000000000000000000000000000" },
	{ INSN_SIGNAL, "040001ef12f000000000000000000000" },
	{ INSN_WAIT, "050001effeffffff0045230100000000" },
	{ INSN_BARRIER, "06000000000000000000000000000000" },
	{ INSN_DLOAD, "1000efcd0b0000000000000000000000" },
	{ INSN_DSTORE, "1100efcd0b0000000000000000000000" },
	{ INSN_LdLBUF_V, "2000341200009a78065604b09a780000" },
	{ INSN_LdLBUF_H, "2100341200009a78065604b09a780000" },
	{ INSN_ShiftV, "22023412452300000056040000000000" },
	{ INSN_ExecGEMM, "23523412452378563456048067050000" },
	{ INSN_StLBUF, "2400bc9a0800785634debc8a6705bc9a" },
	{ INSN_LdOBUF, "2500bc9a08007856340000806705bc9a" },
	{ INSN_VMAP, "3000efcd000000000000000000000000" },
	{ INSN_VRED, "3100efcd000000000000000000000000" },
	{ INSN_VWIN, "3200efcd000000000000000000000000" },
};

static const int64_t golden_value[FIELD_COUNT] = {
	[FIELD_mode] = 2,
	[FIELD_first] = 5,
	[FIELD_k] = 0x1234,
	[FIELD_n] = 0x2345,
	[FIELD_m] = 0x345678,
	[FIELD_bank] = 0x456,
	[FIELD_obuf] = 0x5678,
	[FIELD_outer] = 0x6789a,
	[FIELD_view] = 0x789ab,
	[FIELD_stview] = 0x89abc,
	[FIELD_stn] = 0x9abc,
	[FIELD_epi] = 0xabcde,
	[FIELD_dma] = 0xbcdef,
	[FIELD_vec] = 0xcdef,
	[FIELD_count] = 0xdef01234,
	[FIELD_sem] = 0xef01,
	[FIELD_by] = 0xf012,
	[FIELD_value] = -2,
	[FIELD_vaff] = 0x12345,
};

static void
test_golden_bytes(void **state)
{
	(void)state;
	assert_int_equal(sizeof golden / sizeof *golden, isa_ninsns);
	for (unsigned g = 0; g < isa_ninsns; g++) {
		const struct insn_info *info =
		    insn_info((unsigned)golden[g].op);
		struct insn in = { 0 };
		struct insn_word w;
		const char *why;
		uint8_t bytes[16];
		char hex[33];

		in.op = golden[g].op;
		for (unsigned i = 0; i < info->nfields; i++)
			in.field[info->field[i]] =
			    golden_value[info->field[i]];
		assert_true(insn_encode(&in, &w, &why));
		insn_store(bytes, 0, w);
		for (int i = 0; i < 16; i++)
			snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
		assert_string_equal(hex, golden[g].bytes);
		w = insn_load(bytes, 0);
		assert_true(insn_decode(&w, &in, &why));
	}
}

static void
test_misfit(void **state)
{
	struct insn in = { 0 };
	struct insn_word w;
	const char *why = NULL;

	(void)state;
	in.op = INSN_LOOP;
	in.field[FIELD_count] = INT64_C(1) << 32;
	assert_false(insn_encode(&in, &w, &why));
	assert_string_equal(why,
	    "value of field count does not fit its 32 bits");
	in.field[FIELD_count] = -1;
	assert_false(insn_encode(&in, &w, &why));
	in.field[FIELD_count] = 1;
	in.field[FIELD_sem] = 1;
	assert_false(insn_encode(&in, &w, &why));
	assert_string_equal(why,
	    "a field the instruction does not have is set");
	w.lo = 0xee;
	assert_false(insn_decode(&w, &in, &why));
	assert_string_equal(why, "unknown opcode");
	in.op = (enum opcode)0xee;
	assert_false(insn_encode(&in, &w, &why));
}

static void
test_queues(void **state)
{
	(void)state;
	for (int q = 0; q < Q_COUNT; q++) {
		assert_true(insn_allowed(INSN_WAIT, (enum queue)q));
		assert_int_equal(insn_allowed(INSN_BARRIER, (enum queue)q),
		    q == Q_CO);
		assert_int_equal(insn_allowed(INSN_DLOAD, (enum queue)q),
		    q == Q_LD);
		assert_int_equal(insn_allowed(INSN_ExecGEMM, (enum queue)q),
		    q == Q_MX || q == Q_ML);
	}
	assert_false(insn_allowed(INSN_NOP, Q_COUNT));
	assert_false(insn_allowed((enum opcode)0x99, Q_LD));
}

static void
test_aff_eval(void **state)
{
	int64_t idx[ISA_MAX_LOOPS] = { 5, 7, 0, 0, 0, 0, 0, 1 };
	struct aff a = { .base = 100 };

	(void)state;
	a.stride[0] = 10;
	a.stride[7] = -3;
	a.gstride = 1000;
	assert_int_equal(aff_eval(&a, idx, 2), 100 + 50 - 3 + 2000);
	a.rbase = -20; /* -20 + 7 = -13; mod 4 = 3 */
	a.rcoef[1] = 1;
	a.rstep = 4096;
	assert_int_equal(aff_eval(&a, idx, 0), 147);
	a.rcount = 4;
	assert_int_equal(aff_eval(&a, idx, 0), 147 + 3 * 4096);
	a.stride[0] = INT64_MAX; /* wraps, not undefined */
	a.rcoef[0] = INT64_MIN;
	(void)aff_eval(&a, idx, INT64_MAX);
	memset(&a, 0, sizeof a);
	assert_int_equal(aff_eval(&a, idx, 3), 0);
}

static void
test_print(void **state)
{
	struct strbuf s = { 0 };
	struct insn in = { .op = INSN_WAIT };

	(void)state;
	in.field[FIELD_value] = -3;
	in.field[FIELD_vaff] = 9;
	insn_print(&s, &in);
	assert_string_equal(s.data, "WAIT sem=s0 value=-3 vaff=a9");
	strbuf_free(&s);
	memset(&s, 0, sizeof s);
	memset(&in, 0, sizeof in);
	in.op = INSN_ExecGEMM;
	in.field[FIELD_mode] = 1;
	in.field[FIELD_first] = FIRST_LOOP(3);
	in.field[FIELD_k] = 4;
	in.field[FIELD_bank] = 2;
	insn_print(&s, &in);
	assert_string_equal(s.data, "ExecGEMM mode=VSW first=i3 k=4 bank=a2");
	strbuf_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_disjoint),
		cmocka_unit_test(test_codes_unique),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_golden_bytes),
		cmocka_unit_test(test_misfit),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_aff_eval),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests_name("isa/isa", tests, NULL, NULL);
}
