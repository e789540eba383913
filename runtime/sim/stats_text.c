/* The table a person reads: summary, top layers, where things went. Fits 80
 * columns. */
#include "runtime/sim/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP 12
#define BAR 24

/* v with a prefix of the power of 1000 (1024 when binary): "1.23 M". */
static const char *
human(double v, bool binary, char *buf, size_t size)
{
	static const char *const dec[] = { "", "k", "M", "G", "T", "P" };
	static const char *const bin[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi" };
	double base = binary ? 1024 : 1000;
	int i = 0;

	for (; fabs(v) >= base && i < 5; i++)
		v /= base;
	snprintf(buf, size, "%.*f %s",
	    i == 0 ? 0 : fabs(v) < 10 ? 2 : fabs(v) < 100 ? 1 : 0, v,
	    (binary ? bin : dec)[i]);
	return buf;
}

static const char *
small(double v, const char *unit, char *buf, size_t size)
{
	static const char *const prefix[] = { "", "m", "u", "n", "p" };
	int i = 0;

	for (; v > 0 && v < 1 && i < 4; i++)
		v *= 1000;
	snprintf(buf, size, "%.*f %s%s", v < 10 ? 2 : v < 100 ? 1 : 0, v,
	    prefix[i], unit);
	return buf;
}

static double
share(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : 0;
}

static void
add_bar(struct strbuf *out, const char *name, double part, double whole,
    const char *value)
{
	int n = whole > 0 ? (int)(BAR * part / whole + 0.5) : 0;

	n = n < 0 ? 0 : n > BAR ? BAR : n;
	strbuf_addf(out, "  %-16s %5.1f %%  %-*.*s  %s\n", name,
	    share(part, whole), BAR, n, "########################", value);
}

static void
add_summary(struct strbuf *out, const struct sim_stats *s)
{
	const struct wave_program *p = s->program;
	char a[32], b[32], c[32];
	double read = (double)sim_dram_bytes(&s->total, false);
	double written = (double)sim_dram_bytes(&s->total, true);

	strbuf_addf(out, "entry %s on %s: %" PRId64 " cycles, %s",
	    s->entry->name, p->target.name, s->cycles,
	    small(s->time_s, "s", a, sizeof a));
	strbuf_addf(out, ", %" PRId64 " instructions\n",
	    s->total.instructions);
	strbuf_addf(out, "  products         %sMAC useful",
	    human((double)s->macs_useful, false, a, sizeof a));
	strbuf_addf(out, ", %sMAC issued\n",
	    human((double)s->macs_issued, false, a, sizeof a));
	strbuf_addf(out,
	    "  utilization      %.1f %% of the chip, %.1f %% while the array "
	    "works\n",
	    100 * s->utilization, 100 * s->matrix_utilization);
	strbuf_addf(out, "  DRAM             %sB read, %sB written; "
	    "footprint %sB\n",
	    human(read, true, a, sizeof a), human(written, true, b, sizeof b),
	    human((double)p->dram_size, true, c, sizeof c));
	strbuf_addf(out, "  peak on chip     %sB GBUF, %sB WBUF\n",
	    human((double)s->peak_gbuf, true, a, sizeof a),
	    human((double)s->peak_wbuf, true, b, sizeof b));
	strbuf_addf(out, "  energy           %s", small(s->energy.total, "J",
	    a, sizeof a));
	if (s->time_s > 0)
		strbuf_addf(out, ", %s on average",
		    small(s->energy.total / s->time_s, "W", b, sizeof b));
	strbuf_addf(out, "\n  simulated in     %s\n",
	    small(s->host_wall_s, "s", a, sizeof a));
}

static int
by_cycles(const void *a, const void *b)
{
	const struct sim_op *x = *(const struct sim_op *const *)a;
	const struct sim_op *y = *(const struct sim_op *const *)b;

	if (x->cycles != y->cycles)
		return x->cycles < y->cycles ? 1 : -1;
	return x < y ? -1 : x > y;
}

static void
add_op(struct strbuf *out, const struct sim_stats *s, const struct sim_op *x)
{
	double pes = (double)s->program->target.rows *
	    (double)s->program->target.cols;
	double use = x->op != NULL && x->n.array_busy > 0 ?
	    share((double)x->op->macs, (double)x->n.array_busy * pes) : 0;
	char bytes[32], joules[32], array[16] = "-";

	if (x->n.array_busy > 0)
		snprintf(array, sizeof array, "%.1f", use);
	strbuf_addf(out, "  %-24.24s %-14.14s %11" PRId64
	    " %5.1f %6s %9sB %9s\n",
	    x->op != NULL && x->op->name != NULL ? x->op->name : "(other)",
	    x->op != NULL && x->op->op != NULL ? x->op->op : "", x->cycles,
	    share((double)x->cycles, (double)s->cycles), array,
	    human((double)(sim_dram_bytes(&x->n, false) +
		      sim_dram_bytes(&x->n, true)),
		true, bytes, sizeof bytes),
	    small(x->energy.total, "J", joules, sizeof joules));
}

static void
add_layers(struct strbuf *out, const struct sim_stats *s)
{
	const struct sim_op **order = calloc((size_t)s->nops + 1,
	    sizeof *order);
	uint32_t n = s->nops < TOP ? s->nops : TOP;
	int64_t rest = s->cycles;

	if (order == NULL || s->nops == 0) {
		free(order);
		return;
	}
	for (uint32_t i = 0; i < s->nops; i++)
		order[i] = &s->ops[i];
	qsort(order, s->nops, sizeof *order, by_cycles);
	strbuf_addf(out, "\n  %-24s %-14s %11s %5s %6s %10s %9s\n",
	    s->nops > TOP ? "layer (slowest first)" : "layer", "op",
	    "cycles", "%", "array%", "DRAM", "energy");
	for (uint32_t i = 0; i < n; i++) {
		add_op(out, s, order[i]);
		rest -= order[i]->cycles;
	}
	if (s->nops > n)
		strbuf_addf(out, "  %-24s %-14s %11" PRId64 " %5.1f\n",
		    "the other layers", "", rest,
		    share((double)rest, (double)s->cycles));
	free(order);
}

static void
add_units(struct strbuf *out, const struct sim_stats *s)
{
	double whole = (double)s->cycles * s->entry->groups;
	char value[48], num[32];

	strbuf_add(out, "\n  unit busy\n");
	for (int u = 0; u < UNIT_COUNT; u++) {
		if (s->unit_busy[u] == 0)
			continue;
		snprintf(value, sizeof value, "%scycles",
		    human((double)s->unit_busy[u], false, num, sizeof num));
		add_bar(out, unit_name((enum sim_unit)u),
		    (double)s->unit_busy[u], whole, value);
	}
}

static void
add_traffic(struct strbuf *out, const struct sim_stats *s)
{
	const struct sim_counters *n = &s->total;
	double whole = (double)(sim_dram_bytes(n, false) +
	    sim_dram_bytes(n, true));
	char value[80], r[32], w[32];

	if (whole <= 0)
		return;
	strbuf_add(out, "\n  DRAM bytes\n");
	for (int t = 0; t < TRAFFIC_COUNT; t++) {
		double rd = (double)n->dram_read[t];
		double wr = (double)n->dram_write[t];

		if (rd + wr <= 0)
			continue;
		snprintf(value, sizeof value, "%sB read, %sB written",
		    human(rd, true, r, sizeof r),
		    human(wr, true, w, sizeof w));
		add_bar(out, traffic_name((enum traffic)t), rd + wr, whole,
		    value);
	}
}

static void
add_energy(struct strbuf *out, const struct sim_energy *e)
{
	const struct {
		const char *name;
		double j;
	} part[] = {
		{ "mac", e->mac },
		{ "local buffers", e->lbuf },
		{ "global buffer", e->gbuf },
		{ "DRAM", e->dram },
		{ "vector", e->vector },
		{ "link", e->link },
		{ "static", e->static_ },
	};
	char value[32];

	if (e->total <= 0)
		return;
	strbuf_add(out, "\n  energy\n");
	for (size_t i = 0; i < sizeof part / sizeof *part; i++)
		if (part[i].j > 0)
			add_bar(out, part[i].name, part[i].j, e->total,
			    small(part[i].j, "J", value, sizeof value));
}

void
sim_stats_text(struct strbuf *out, const struct sim_stats *s)
{
	add_summary(out, s);
	add_layers(out, s);
	add_units(out, s);
	add_traffic(out, s);
	add_energy(out, &s->energy);
}
