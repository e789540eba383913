/* --report: one self-contained HTML page. */
#include "runtime/sim/timeline.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define WIDTH 1100    /* of the drawings */
#define LANE 18       /* height of a timeline row */
#define MAX_RECTS 1500 /* of a timeline row */

static const char head[] =
    "<!doctype html><html lang=en><meta charset=utf-8>\n"
    "<meta name=viewport content=\"width=device-width\">\n"
    "<style>\n"
    "body{font:14px/1.45 system-ui,sans-serif;margin:24px auto;"
    "max-width:1160px;padding:0 16px;color:#1d2430;background:#fff}\n"
    "h1{font-size:22px}h2{font-size:16px;margin:28px 0 8px}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:10px}\n"
    ".tile{border:1px solid #d5dae3;border-radius:8px;padding:8px 14px;"
    "min-width:130px}\n"
    ".tile b{display:block;font-size:20px}.tile span{color:#5d6778}\n"
    "table{border-collapse:collapse;width:100%;font-size:13px}\n"
    "th,td{padding:3px 8px;text-align:right;border-bottom:1px solid "
    "#eceff4;white-space:nowrap}\n"
    "th{position:sticky;top:0;background:#fff;color:#5d6778;"
    "font-weight:600}\n"
    "td:nth-child(-n+3),th:nth-child(-n+3){text-align:left}\n"
    "td i{display:inline-block;height:9px;border-radius:2px;"
    "vertical-align:baseline}\n"
    "svg{width:100%;height:auto;background:#f8f9fb;border-radius:6px}\n"
    "svg text{font:11px system-ui,sans-serif;fill:#5d6778}\n"
    ".bar{display:flex;height:22px;border-radius:4px;overflow:hidden}\n"
    ".bar div{min-width:1px}.key{color:#5d6778;margin:4px 0 12px}\n"
    ".key i{display:inline-block;width:10px;height:10px;"
    "border-radius:2px;margin:0 4px 0 12px}\n"
    "</style>\n";

static const char *const palette[] = { "#3566b8", "#d9822b", "#2f8f5b",
	"#b83b5e", "#7a52b3", "#1f93a8", "#a67c2d", "#5d6778" };
#define COLORS 8

static void
add_text(struct strbuf *out, const char *text)
{
	for (; text != NULL && *text != '\0'; text++) {
		switch (*text) {
		case '<': strbuf_add(out, "&lt;"); break;
		case '>': strbuf_add(out, "&gt;"); break;
		case '&': strbuf_add(out, "&amp;"); break;
		case '"': strbuf_add(out, "&quot;"); break;
		default: strbuf_addn(out, text, 1); break;
		}
	}
}

static const char *
scaled(double v, const char *unit, char *buf, size_t size)
{
	static const char *const up[] = { "", "k", "M", "G", "T", "P" };
	static const char *const down[] = { "", "m", "\xc2\xb5", "n", "p" };
	int i = 0;

	if (v <= 0) {
		snprintf(buf, size, "0 %s", unit);
		return buf;
	}
	if (v >= 1) {
		for (; v >= 1000 && i < 5; i++)
			v /= 1000;
		snprintf(buf, size, "%.3g %s%s", v, up[i], unit);
		return buf;
	}
	for (; v < 1 && i < 4; i++)
		v *= 1000;
	snprintf(buf, size, "%.3g %s%s", v, down[i], unit);
	return buf;
}

static int64_t
op_bytes(const struct sim_op *x)
{
	return sim_dram_bytes(&x->n, false) + sim_dram_bytes(&x->n, true);
}

/* ---- tiles ---- */

static void
add_tile(struct strbuf *out, const char *what, const char *value)
{
	strbuf_addf(out, "<div class=tile><b>%s</b><span>%s</span></div>\n",
	    value, what);
}

static void
add_tiles(struct strbuf *out, const struct sim_stats *s)
{
	char b[64];

	strbuf_add(out, "<div class=tiles>\n");
	add_tile(out, "time", scaled(s->time_s, "s", b, sizeof b));
	snprintf(b, sizeof b, "%" PRId64, s->cycles);
	add_tile(out, "cycles", b);
	snprintf(b, sizeof b, "%.1f %%", 100 * s->utilization);
	add_tile(out, "of the chip's products", b);
	snprintf(b, sizeof b, "%.1f %%", 100 * s->matrix_utilization);
	add_tile(out, "while the array works", b);
	add_tile(out, "useful products",
	    scaled((double)s->macs_useful, "MAC", b, sizeof b));
	add_tile(out, "DRAM read",
	    scaled((double)sim_dram_bytes(&s->total, false), "B", b,
		sizeof b));
	add_tile(out, "DRAM written",
	    scaled((double)sim_dram_bytes(&s->total, true), "B", b,
		sizeof b));
	add_tile(out, "energy", scaled(s->energy.total, "J", b, sizeof b));
	add_tile(out, "peak GBUF",
	    scaled((double)s->peak_gbuf, "B", b, sizeof b));
	strbuf_add(out, "</div>\n");
}

/* ---- stacked bars ---- */

struct part {
	const char *name;
	double value;
};

static void
add_stack(struct strbuf *out, const char *title, const struct part *p, int n,
    const char *unit)
{
	double whole = 0;
	char b[64];

	for (int i = 0; i < n; i++)
		whole += p[i].value;
	if (whole <= 0)
		return;
	strbuf_addf(out, "<h2>%s</h2><div class=bar>", title);
	for (int i = 0; i < n; i++)
		if (p[i].value > 0)
			strbuf_addf(out,
			    "<div style=\"width:%.3f%%;background:%s\" "
			    "title=\"%s\"></div>",
			    100 * p[i].value / whole, palette[i % COLORS],
			    p[i].name);
	strbuf_add(out, "</div><div class=key>");
	for (int i = 0; i < n; i++)
		if (p[i].value > 0)
			strbuf_addf(out,
			    "<i style=\"background:%s\"></i>%s %s (%.1f %%)",
			    palette[i % COLORS], p[i].name,
			    scaled(p[i].value, unit, b, sizeof b),
			    100 * p[i].value / whole);
	strbuf_add(out, "</div>\n");
}

static void
add_stacks(struct strbuf *out, const struct sim_stats *s)
{
	const struct sim_energy *e = &s->energy;
	const struct part energy[] = { { "mac", e->mac },
		{ "local buffers", e->lbuf }, { "global buffer", e->gbuf },
		{ "DRAM", e->dram }, { "vector", e->vector },
		{ "link", e->link }, { "static", e->static_ } };
	struct part traffic[TRAFFIC_COUNT];

	for (int t = 0; t < TRAFFIC_COUNT; t++)
		traffic[t] = (struct part){ traffic_name((enum traffic)t),
			(double)(s->total.dram_read[t] +
			    s->total.dram_write[t]) };
	add_stack(out, "Energy", energy, 7, "J");
	add_stack(out, "DRAM traffic", traffic, TRAFFIC_COUNT, "B");
}

/* ---- timeline ---- */

static void
add_lane(struct strbuf *out, const struct sim_stats *s,
    const struct sim_track *t, int y)
{
	double scale = s->cycles > 0 ?
	    (double)(WIDTH - 110) / (double)s->cycles : 0;
	int64_t slack = timeline_slack(t, MAX_RECTS);
	struct sim_span x;
	size_t at = 0, n = 0;

	while (n++ < MAX_RECTS && timeline_next(t, &at, slack, &x)) {
		double w = (double)(x.end - x.start) * scale;

		strbuf_addf(out,
		    "<rect x=%.2f y=%d width=%.2f height=%d fill=%s><title>",
		    110 + (double)x.start * scale, y,
		    w > 0.3 ? w : 0.3, LANE - 4, palette[x.op % COLORS]);
		add_text(out, timeline_name(s, x.op));
		strbuf_addf(out, " %" PRId64 "..%" PRId64
		    "</title></rect>\n", x.start, x.end);
	}
}

static void
add_timeline(struct strbuf *out, const struct sim_stats *s,
    const struct sim_record *r)
{
	int rows = 0, y = 4;

	for (int i = 0; i < r->groups * UNIT_COUNT; i++)
		rows += r->track[i].len > 0;
	strbuf_addf(out, "<h2>Timeline</h2><svg viewBox=\"0 0 %d %d\">\n",
	    WIDTH, rows * LANE + 24);
	for (int i = 0; i < r->groups * UNIT_COUNT; i++) {
		if (r->track[i].len == 0)
			continue;
		strbuf_addf(out, "<text x=2 y=%d>g%d %s</text>\n", y + 11,
		    i / UNIT_COUNT, unit_name((enum sim_unit)(i % UNIT_COUNT)));
		add_lane(out, s, &r->track[i], y);
		y += LANE;
	}
	strbuf_addf(out, "<text x=110 y=%d>0</text><text x=%d y=%d "
	    "text-anchor=end>%" PRId64 " cycles</text></svg>\n",
	    y + 14, WIDTH, y + 14, s->cycles);
}

/* ---- roofline ---- */

/* Both axes logarithmic: decades lo..hi over the drawing. */
struct axis {
	double lo, hi;
	int from, to;
};

static double
at(const struct axis *a, double v)
{
	double x = (log10(v) - a->lo) / (a->hi - a->lo);

	return a->from + x * (a->to - a->from);
}

static void
add_roof(struct strbuf *out, const struct axis *ax, const struct axis *ay,
    double peak, double bw)
{
	double x0 = pow(10, ax->lo), x1 = pow(10, ax->hi);
	double ridge = bw > 0 ? peak / bw : x0;

	ridge = ridge < x0 ? x0 : ridge > x1 ? x1 : ridge;
	strbuf_add(out, "<polyline fill=none stroke=#1d2430 stroke-width=1.5 "
	    "points=\"");
	if (bw > 0)
		strbuf_addf(out, "%.1f,%.1f ", at(ax, x0), at(ay, bw * x0));
	strbuf_addf(out, "%.1f,%.1f %.1f,%.1f\"/>\n", at(ax, ridge),
	    at(ay, fmin(peak, bw > 0 ? bw * ridge : peak)), at(ax, x1),
	    at(ay, peak));
}

static void
add_roofline(struct strbuf *out, const struct sim_stats *s)
{
	const struct wave_target *t = &s->program->target;
	double peak = (double)t->rows * (double)t->cols * t->clock_hz *
	    (double)(t->groups > 0 ? t->groups : 1);
	struct axis ax = { -1, 4, 60, WIDTH - 20 };
	struct axis ay = { log10(peak) - 4, log10(peak) + 0.3, 300, 10 };

	if (peak <= 0)
		return;
	strbuf_addf(out, "<h2>Roofline</h2><svg viewBox=\"0 0 %d 340\">\n",
	    WIDTH);
	for (int d = (int)ax.lo; d <= (int)ax.hi; d++)
		strbuf_addf(out, "<text x=%.0f y=318>%g</text>\n",
		    at(&ax, pow(10, d)), pow(10, d));
	strbuf_addf(out, "<text x=%d y=334 text-anchor=end>products per DRAM "
	    "byte</text><text x=4 y=14>products/s</text>\n", WIDTH - 20);
	add_roof(out, &ax, &ay, peak, t->dram_bw);
	for (uint32_t i = 0; i < s->nops; i++) {
		const struct sim_op *x = &s->ops[i];
		double macs = x->op != NULL ? (double)x->op->macs : 0;
		double bytes = (double)op_bytes(x);
		double rate = x->cycles > 0 ?
		    macs * t->clock_hz / (double)x->cycles : 0;

		if (macs <= 0 || rate <= 0)
			continue;
		double ix = bytes > 0 ? macs / bytes : 1e4;

		strbuf_addf(out, "<circle cx=%.1f cy=%.1f r=4 fill=%s "
		    "fill-opacity=.6><title>",
		    at(&ax, fmin(fmax(ix, 0.1), 1e4)),
		    at(&ay, fmax(rate, peak * 1e-4)), palette[i % COLORS]);
		add_text(out, x->op->name);
		strbuf_addf(out, ": %.3g of the peak, %.3g products per "
		    "byte</title></circle>\n", rate / peak, macs / bytes);
	}
	strbuf_add(out, "</svg>\n");
}

/* ---- table ---- */

static void
add_cell(struct strbuf *out, double v, double most, const char *text,
    const char *color)
{
	strbuf_addf(out, "<td>%s <i style=\"width:%.0fpx;background:%s\">"
	    "</i></td>", text, most > 0 ? 60 * v / most : 0, color);
}

static void
add_table(struct strbuf *out, const struct sim_stats *s)
{
	double cycles = 1, bytes = 1, joules = 1e-30;
	char b[64];

	for (uint32_t i = 0; i < s->nops; i++) {
		cycles = fmax(cycles, (double)s->ops[i].cycles);
		bytes = fmax(bytes, (double)op_bytes(&s->ops[i]));
		joules = fmax(joules, s->ops[i].energy.total);
	}
	strbuf_add(out, "<h2>Layers</h2><table><tr><th>name<th>op<th>phase"
	    "<th>cycles<th>array<th>products<th>DRAM<th>energy</tr>\n");
	for (uint32_t i = 0; i < s->nops; i++) {
		const struct sim_op *x = &s->ops[i];

		strbuf_add(out, "<tr><td title=\"");
		add_text(out, x->op != NULL ? x->op->loc : NULL);
		strbuf_add(out, "\">");
		add_text(out, timeline_name(s, i));
		strbuf_add(out, "</td><td>");
		add_text(out, x->op != NULL ? x->op->op : NULL);
		strbuf_add(out, "</td><td>");
		add_text(out, x->op != NULL ? x->op->phase : NULL);
		strbuf_add(out, "</td>");
		snprintf(b, sizeof b, "%" PRId64, x->cycles);
		add_cell(out, (double)x->cycles, cycles, b, palette[0]);
		strbuf_addf(out, "<td>%" PRId64 "</td>", x->n.array_busy);
		strbuf_addf(out, "<td>%s</td>",
		    scaled(x->op != NULL ? (double)x->op->macs : 0, "", b,
			sizeof b));
		add_cell(out, (double)op_bytes(x), bytes,
		    scaled((double)op_bytes(x), "B", (char[64]){ 0 }, 64),
		    palette[1]);
		add_cell(out, x->energy.total, joules,
		    scaled(x->energy.total, "J", (char[64]){ 0 }, 64),
		    palette[2]);
		strbuf_add(out, "</tr>\n");
	}
	strbuf_add(out, "</table>\n");
}

void
sim_report_html(struct strbuf *out, const struct sim_stats *s,
    const struct sim_record *r)
{
	strbuf_add(out, head);
	strbuf_add(out, "<title>");
	add_text(out, s->entry->name);
	strbuf_add(out, " on ");
	add_text(out, s->program->target.name);
	strbuf_add(out, "</title>\n<h1>Entry ");
	add_text(out, s->entry->name);
	strbuf_add(out, " on ");
	add_text(out, s->program->target.name);
	strbuf_add(out, "</h1>\n");
	add_tiles(out, s);
	add_stacks(out, s);
	add_timeline(out, s, r);
	add_roofline(out, s);
	add_table(out, s);
	strbuf_add(out, "</html>\n");
}
