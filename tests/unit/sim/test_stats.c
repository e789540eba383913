/* The documents of a run: their keys, their sums, their form. */
#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "tests/lib/machine.h"

/* Loads, waves, a vector operation and a store of three ops, two groups. */
static struct machine *
busy(void **state)
{
	struct machine *m = machine_new(*state);
	struct wave_target *t = &m->p.target;
	uint32_t v = m_matrix(m, SPACE_GBUF, 0, DT_F16, 64, 4, 8);
	uint32_t in = m_copy(m, SPACE_GBUF, 0, 0, 512);
	uint32_t out = m_copy(m, SPACE_GBUF, 8192, 4096, 128);

	t->groups = m->entry.groups = 2;
	t->dram_bw = 4e9;
	t->vector_lanes = 4;
	t->pj_mac_16 = 1;
	t->pj_lbuf_byte = 0.25;
	t->pj_gbuf_byte = t->pj_wbuf_byte = 2;
	t->pj_dram_byte = 80;
	t->pj_vector_op = 1;
	t->static_w = 1;
	m->dma.data[in].traffic = TRAFFIC_ACTIVATION;
	m->dma.data[out].traffic = TRAFFIC_GRADIENT;
	m->options.record = true;
	m_source(m, "conv \"1\" <a&b>", 2 * 3 * 128);
	m_load(m, in);
	m_signal(m, Q_LD, 0, 1);
	m_wait(m, Q_MX, 0, 1);
	m_ldv(m, v, 4, 4, 0);
	m_ldh(m, v, 8, 4, 0);
	m_shift(m, 4, 4, 0);
	m_loop(m, Q_MX, 3);
	m_exec(m, FIRST_LOOP(0), 8, 4, 4, 0, 0);
	m_endloop(m, Q_MX);
	m_drain(m, m_matrix(m, SPACE_GBUF, 2048, DT_F16, 8, 4, 8), 8, 4, 0, 0);
	m_signal(m, Q_MX, 1, 1);
	m_source(m, "relu", 0);
	m_wait(m, Q_VE, 1, 1);
	m_vmap(m, m_move(m, 2048, 4096, 32));
	m_signal(m, Q_VE, 2, 1);
	m_source(m, "out", 0);
	m_wait(m, Q_ST, 2, 1);
	m_store(m, out);
	return m;
}

static double
number(const cJSON *o, const char *key)
{
	const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, key);

	if (!cJSON_IsNumber(x))
		fail_msg("no number '%s'", key);
	return x->valuedouble;
}

static double
sum(const cJSON *array, const char *key)
{
	const cJSON *x;
	double total = 0;

	cJSON_ArrayForEach(x, array)
		total += number(x, key);
	return total;
}

/* The keys are a contract: all of them, and the parts are the whole. */
static void
test_json(void **state)
{
	static const char *const keys[] = { "cycles", "time_s",
		"instructions", "code_bytes", "macs_useful", "macs_issued",
		"macs_paper", "utilization", "matrix_utilization",
		"matrix_steady_cycles", "dram_read_bytes",
		"dram_write_bytes", "gbuf_read_bytes", "gbuf_write_bytes",
		"peak_gbuf_bytes", "dram_footprint_bytes", "link_bytes",
		"gate_on_ratio", "host_wall_s" };
	static const char *const parts[] = { "mac", "lbuf", "gbuf", "dram",
		"vector", "link", "static" };
	struct machine *m = busy(state);
	struct wave_layer_group lg = { .ops = "conv,relu", .sub_batch = 4,
		.iterations = 8 };
	struct strbuf b = { 0 };

	m->p.layer_groups = &lg;
	m->p.nlayer_groups = 1;
	sim_stats_json(&b, machine_stats(m));
	cJSON *root = cJSON_Parse(b.data);

	assert_non_null(root);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		(void)number(root, keys[i]);
	assert_string_equal(cJSON_GetObjectItem(root, "target")->valuestring,
	    "test");
	assert_string_equal(cJSON_GetObjectItem(root, "entry")->valuestring,
	    "main");
	const cJSON *ops = cJSON_GetObjectItem(root, "ops");
	const cJSON *cls = cJSON_GetObjectItem(root, "dram_by_class");
	const cJSON *queues = cJSON_GetObjectItem(root, "queues");
	const cJSON *e = cJSON_GetObjectItem(root, "energy_j");
	double total = 0;

	assert_int_equal(cJSON_GetArraySize(ops), 3);
	assert_true(sum(ops, "cycles") == number(root, "cycles"));
	assert_true(sum(ops, "macs") == number(root, "macs_useful"));
	assert_true(sum(ops, "macs_issued") == number(root, "macs_issued"));
	assert_true(sum(ops, "dram_bytes") == number(root,
	    "dram_read_bytes") + number(root, "dram_write_bytes"));
	assert_true(sum(cls, "read") == number(root, "dram_read_bytes"));
	assert_true(sum(cls, "write") == number(root, "dram_write_bytes"));
	assert_int_equal(cJSON_GetArraySize(cls), 7);
	assert_true(number(cJSON_GetObjectItem(cls, "activation"), "read") ==
	    1024);
	assert_true(number(cJSON_GetObjectItem(cls, "gradient"), "write") ==
	    256);
	assert_int_equal(cJSON_GetArraySize(queues), 6);
	assert_true(sum(queues, "instructions") == number(root,
	    "instructions"));
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		total += number(e, parts[i]);
	assert_true(fabs(total - number(e, "total")) < 1e-12 * total);
	assert_true(fabs(total) > 0);
	assert_true(number(root, "macs_issued") == 2 * 3 * 128);
	assert_true(number(root, "matrix_steady_cycles") == 2 * 24);
	const cJSON *g = cJSON_GetArrayItem(cJSON_GetObjectItem(root,
	    "groups"), 0);

	assert_true(number(g, "sub_batch") == 4);
	assert_true(number(g, "iterations") == 8);
	cJSON_Delete(root);
	strbuf_free(&b);
	machine_free(m);
}

static void
test_rates(void **state)
{
	struct machine *m = busy(state);
	const struct sim_stats *s = machine_stats(m);

	assert_float_equal((float)s->utilization,
	    (float)(768.0 / ((double)s->cycles * 32)), 1e-9f);
	/* each group: 4 cycles of shift, 24 of rows */
	assert_int_equal(s->unit_busy[UNIT_ARRAY], 56);
	assert_float_equal((float)s->matrix_utilization,
	    (float)(768.0 / (56 * 16)), 1e-9f);
	assert_float_equal((float)s->energy.mac, 768e-12f, 1e-15f);
	machine_free(m);
}

/* Every span lies within the run; units of a row do not overlap; the array's
 * spans add up to its busy time. */
static void
test_trace(void **state)
{
	struct machine *m = busy(state);
	const struct sim_stats *s = machine_stats(m);
	struct strbuf b = { 0 };
	double last[2][UNIT_COUNT] = { { 0 } }, array = 0;
	int names = 0, spans = 0;

	sim_trace_json(&b, s, sim_record(m->dev));
	cJSON *root = cJSON_Parse(b.data);

	assert_non_null(root);
	const cJSON *x;

	cJSON_ArrayForEach(x, cJSON_GetObjectItem(root, "traceEvents"))
	{
		const char *ph = cJSON_GetObjectItem(x, "ph")->valuestring;

		names += strcmp(ph, "M") == 0;
		if (strcmp(ph, "X") != 0)
			continue;
		int pid = (int)number(x, "pid"), tid = (int)number(x, "tid");
		double ts = number(x, "ts"), dur = number(x, "dur");

		spans++;
		assert_true(ts >= last[pid][tid] - 1e-9);
		last[pid][tid] = ts + dur;
		assert_true(ts + dur <= 1e6 * s->time_s + 1e-9);
		if (tid == UNIT_ARRAY)
			array += dur;
	}
	assert_true(names == 2 * (1 + 2 * UNIT_COUNT));
	assert_true(spans >= 2 * 4);
	assert_true(fabs(array - 0.056) < 1e-9); /* us at 1 GHz */
	cJSON_Delete(root);
	strbuf_free(&b);
	machine_free(m);
}

static int
count(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static void
test_report(void **state)
{
	struct machine *m = busy(state);
	struct strbuf b = { 0 };

	const struct sim_stats *s = machine_stats(m);

	sim_report_html(&b, s, sim_record(m->dev));
	assert_non_null(strstr(b.data, "conv &quot;1&quot; &lt;a&amp;b&gt;"));
	assert_null(strstr(b.data, "<a&b>"));
	assert_int_equal(count(b.data, "<svg"), 2);
	assert_int_equal(count(b.data, "</svg>"), 2);
	assert_int_equal(count(b.data, "<tr>"), 4);
	assert_null(strstr(b.data, "http")); /* self-contained */
	assert_null(strstr(b.data, "nan"));
	strbuf_free(&b);
	machine_free(m);
}

static void
test_text(void **state)
{
	struct machine *m = busy(state);
	struct strbuf b = { 0 };
	size_t width = 0, longest = 0;

	sim_stats_text(&b, machine_stats(m));
	assert_non_null(strstr(b.data, "entry main on test: "));
	assert_non_null(strstr(b.data, "relu"));
	assert_non_null(strstr(b.data, "gradient"));
	for (size_t i = 0; i < b.len; i++) {
		width = b.data[i] == '\n' ? 0 : width + 1;
		longest = width > longest ? width : longest;
	}
	assert_in_range(longest, 60, 92);
	strbuf_free(&b);
	machine_free(m);
}

/* A program that does nothing divides nothing by zero. */
static void
test_empty(void **state)
{
	struct machine *m = machine_new(*state);
	struct strbuf b = { 0 };

	m->p.target.issue_cycles = 0;
	m->options.record = true;
	const struct sim_stats *s = machine_stats(m);

	assert_int_equal(s->cycles, 0);
	sim_stats_json(&b, s);
	sim_stats_text(&b, s);
	sim_trace_json(&b, s, sim_record(m->dev));
	sim_report_html(&b, s, sim_record(m->dev));
	assert_null(strstr(b.data, "nan"));
	assert_null(strstr(b.data, "inf"));
	strbuf_free(&b);
	machine_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_json),
		UNIT_TEST(test_rates),
		UNIT_TEST(test_trace),
		UNIT_TEST(test_report),
		UNIT_TEST(test_text),
		UNIT_TEST(test_empty),
	};

	return cmocka_run_group_tests_name("runtime/sim/stats", tests, NULL,
	    NULL);
}
