/* --trace: Chrome's trace-event format, which Perfetto opens. One process per
 * group, one thread per unit, complete events ("X") in microseconds. Format:
 * "Trace Event Format", the Chromium project. */
#include "runtime/sim/timeline.h"

#include <inttypes.h>

#define MAX_EVENTS 100000 /* keeps the file below 20 MB */

static void
add_string(struct strbuf *out, const char *text)
{
	strbuf_add(out, "\"");
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c < 0x20)
			strbuf_addf(out, "\\u%04x", c);
		else
			strbuf_addn(out, text, 1);
	}
	strbuf_add(out, "\"");
}

static void
add_names(struct strbuf *out, const struct sim_record *r)
{
	for (int g = 0; g < r->groups; g++) {
		strbuf_addf(out,
		    "{\"ph\":\"M\",\"pid\":%d,\"name\":\"process_name\","
		    "\"args\":{\"name\":\"group %d\"}},\n", g, g);
		for (int u = 0; u < UNIT_COUNT; u++)
			strbuf_addf(out,
			    "{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,"
			    "\"name\":\"thread_name\","
			    "\"args\":{\"name\":\"%s\"}},\n"
			    "{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,"
			    "\"name\":\"thread_sort_index\","
			    "\"args\":{\"sort_index\":%d}},\n",
			    g, u, unit_name((enum sim_unit)u), g, u, u);
	}
}

static void
add_track(struct strbuf *out, const struct sim_stats *s, int group, int unit,
    const struct sim_track *t, size_t limit)
{
	int64_t slack = timeline_slack(t, limit);
	double us = s->program->target.clock_hz > 0 ?
	    1e6 / s->program->target.clock_hz : 1;
	struct sim_span x;
	size_t at = 0, n = 0;

	while (n++ < limit && timeline_next(t, &at, slack, &x)) {
		strbuf_add(out, "{\"ph\":\"X\",\"name\":");
		add_string(out, timeline_name(s, x.op));
		strbuf_addf(out,
		    ",\"pid\":%d,\"tid\":%d,\"ts\":%.4f,\"dur\":%.4f,"
		    "\"args\":{\"cycle\":%" PRId64 ",\"cycles\":%" PRId64
		    ",\"n\":%" PRIu32 "}},\n",
		    group, unit, (double)x.start * us,
		    (double)(x.end - x.start) * us, x.start,
		    x.end - x.start, x.count);
	}
}

void
sim_trace_json(struct strbuf *out, const struct sim_stats *s,
    const struct sim_record *r)
{
	size_t tracks = (size_t)r->groups * UNIT_COUNT, used = 0;

	for (size_t i = 0; i < tracks; i++)
		used += r->track[i].len > 0;
	strbuf_add(out, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
	add_names(out, r);
	for (int g = 0; g < r->groups; g++)
		for (int u = 0; u < UNIT_COUNT; u++)
			add_track(out, s, g, u,
			    &r->track[g * UNIT_COUNT + u],
			    MAX_EVENTS / (used > 0 ? used : 1));
	strbuf_addf(out,
	    "{\"ph\":\"I\",\"pid\":0,\"tid\":0,\"s\":\"g\",\"ts\":%.4f,"
	    "\"name\":\"end of %s\"}\n]}\n",
	    1e6 * s->time_s, s->entry->name);
}
