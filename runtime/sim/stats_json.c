/* --stats: the JSON document of one run. */
#include "runtime/sim/stats.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static void
put(cJSON *o, const char *key, double v)
{
	(void)cJSON_AddNumberToObject(o, key, v);
}

static void
put_int(cJSON *o, const char *key, int64_t v)
{
	(void)cJSON_AddNumberToObject(o, key, (double)v);
}

static void
put_text(cJSON *o, const char *key, const char *text)
{
	(void)cJSON_AddStringToObject(o, key, text != NULL ? text : "");
}

static void
put_traffic(cJSON *root, const struct sim_counters *n)
{
	cJSON *all = cJSON_AddObjectToObject(root, "dram_by_class");

	put_int(root, "dram_read_bytes", sim_dram_bytes(n, false));
	put_int(root, "dram_write_bytes", sim_dram_bytes(n, true));
	for (int t = 0; t < TRAFFIC_COUNT; t++) {
		cJSON *o = cJSON_AddObjectToObject(all,
		    traffic_name((enum traffic)t));

		put_int(o, "read", n->dram_read[t]);
		put_int(o, "write", n->dram_write[t]);
	}
	put_int(root, "gbuf_read_bytes", n->gbuf_read);
	put_int(root, "gbuf_write_bytes", n->gbuf_write);
	put_int(root, "wbuf_read_bytes", n->wbuf_read);
	put_int(root, "wbuf_write_bytes", n->wbuf_write);
	put_int(root, "lbuf_bytes", n->lbuf_bytes);
	put_int(root, "vector_ops", n->vector_ops);
	put_int(root, "link_bytes", 0);
}

static void
put_energy(cJSON *parent, const struct sim_energy *e)
{
	cJSON *o = cJSON_AddObjectToObject(parent, "energy_j");

	put(o, "mac", e->mac);
	put(o, "lbuf", e->lbuf);
	put(o, "gbuf", e->gbuf);
	put(o, "dram", e->dram);
	put(o, "vector", e->vector);
	put(o, "link", e->link);
	put(o, "static", e->static_);
	put(o, "total", e->total);
}

static void
put_ops(cJSON *root, const struct sim_stats *s)
{
	cJSON *all = cJSON_AddArrayToObject(root, "ops");

	for (uint32_t i = 0; i < s->nops; i++) {
		const struct sim_op *x = &s->ops[i];
		cJSON *o = cJSON_CreateObject();
		int64_t issued = 0;

		for (int c = 0; c < MAC_COUNT; c++)
			issued += x->n.macs[c];
		put_text(o, "name", x->op != NULL ? x->op->name : "(other)");
		put_text(o, "op", x->op != NULL ? x->op->op : "");
		put_text(o, "phase", x->op != NULL ? x->op->phase : "");
		put_text(o, "loc", x->op != NULL ? x->op->loc : "");
		put_int(o, "cycles", x->cycles);
		put_int(o, "array_cycles", x->n.array_busy);
		put_int(o, "steady_cycles", x->n.steady);
		put_int(o, "macs", x->op != NULL ? x->op->macs : 0);
		put_int(o, "macs_issued", issued);
		put_int(o, "dram_bytes", sim_dram_bytes(&x->n, false) +
		    sim_dram_bytes(&x->n, true));
		put_int(o, "vector_ops", x->n.vector_ops);
		put_int(o, "instructions", x->n.instructions);
		put_energy(o, &x->energy);
		(void)cJSON_AddItemToArray(all, o);
	}
}

static void
put_queues(cJSON *root, const struct sim_stats *s)
{
	cJSON *all = cJSON_AddObjectToObject(root, "queues");

	for (int q = 0; q < Q_COUNT; q++) {
		cJSON *o = cJSON_AddObjectToObject(all,
		    queue_name((enum queue)q));

		put_int(o, "busy_cycles", s->queue[q].busy);
		put_int(o, "instructions", s->queue[q].instructions);
	}
	all = cJSON_AddObjectToObject(root, "units");
	for (int u = 0; u < UNIT_COUNT; u++)
		put_int(all, unit_name((enum sim_unit)u), s->unit_busy[u]);
}

static void
put_groups(cJSON *root, const struct sim_stats *s)
{
	const struct wave_program *p = s->program;
	const uint32_t entry = (uint32_t)(s->entry - p->entries);
	cJSON *all = cJSON_AddArrayToObject(root, "groups");

	for (uint32_t i = 0; i < p->nlayer_groups; i++) {
		const struct wave_layer_group *g = &p->layer_groups[i];
		cJSON *o;

		if (g->entry != entry)
			continue;
		o = cJSON_CreateObject();
		put_text(o, "ops", g->ops);
		put_int(o, "sub_batch", g->sub_batch);
		put_int(o, "iterations", g->iterations);
		(void)cJSON_AddItemToArray(all, o);
	}
}

static void
put_summary(cJSON *root, const struct sim_stats *s)
{
	int64_t desc = 0;

	for (int k = 0; k < WAVE_DESC_KINDS; k++)
		desc += (int64_t)s->program->desc[k].size;
	put_text(root, "target", s->program->target.name);
	put_text(root, "entry", s->entry->name);
	put_int(root, "cycles", s->cycles);
	put(root, "time_s", s->time_s);
	put_int(root, "instructions", s->total.instructions);
	put_int(root, "code_bytes", s->code_bytes);
	put_int(root, "descriptor_bytes", desc);
	put_int(root, "macs_useful", s->macs_useful);
	put_int(root, "macs_issued", s->macs_issued);
	put_int(root, "macs_paper", s->macs_paper);
	put(root, "utilization", s->utilization);
	put(root, "matrix_utilization", s->matrix_utilization);
	put_int(root, "matrix_steady_cycles", s->total.steady);
	put_int(root, "peak_gbuf_bytes", s->peak_gbuf);
	put_int(root, "peak_wbuf_bytes", s->peak_wbuf);
	put_int(root, "dram_footprint_bytes",
	    (int64_t)s->program->dram_size);
	put(root, "gate_on_ratio", 1);
	put(root, "host_wall_s", s->host_wall_s);
}

void
sim_stats_json(struct strbuf *out, const struct sim_stats *s)
{
	cJSON *root = cJSON_CreateObject();

	put_summary(root, s);
	put_traffic(root, &s->total);
	put_energy(root, &s->energy);
	put_queues(root, s);
	put_ops(root, s);
	put_groups(root, s);
	char *text = cJSON_Print(root);

	if (text != NULL) {
		strbuf_add(out, text);
		strbuf_add(out, "\n");
	}
	cJSON_free(text);
	cJSON_Delete(root);
}
