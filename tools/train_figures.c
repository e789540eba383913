#include "tools/train_figures.h"

#include <math.h>

#include "tools/train_show.h"

void
train_figures_take(struct train_figures *f, const struct sim_stats *s)
{
	if (s == NULL)
		return;
	f->steps++;
	f->cycles = s->cycles;
	f->time_s = s->time_s;
	f->utilization = s->utilization;
	f->matrix_utilization = s->matrix_utilization;
	f->dram_read = sim_dram_bytes(&s->total, false);
	f->dram_write = sim_dram_bytes(&s->total, true);
	f->macs = s->macs_useful;
	f->energy_j = s->energy.total;
}

/* v with a prefix of the power of `base`, 1000 or 1024, from nano to tera. */
static const char *
scaled(double v, double base, const char *unit, char buf[32])
{
	static const char *const prefix[] = {"n", "u", "m", "", "k", "M", "G",
	    "T"};
	int i = 3;

	for (; v != 0 && fabs(v) < 1 && i > 0; i--)
		v *= 1000;
	for (; fabs(v) >= base && i < 7; i++)
		v /= base;
	snprintf(buf, 32, "%.*f %s%s%s", fabs(v) < 10 ? 2 :
	    fabs(v) < 100 ? 1 : 0, v, prefix[i],
	    base > 1000 && i > 3 ? "i" : "", unit);
	return buf;
}

static double
images_per_s(const struct train_figures *f, int64_t samples)
{
	return f->time_s > 0 ? (double)samples / f->time_s : 0;
}

void
train_figures_print(FILE *out, const struct train_figures *f,
    const char *target, int64_t samples)
{
	char a[32], b[32], c[32];

	if (f->steps == 0)
		return;
	fprintf(out, "\nThe accelerator (%s), for each step of %lld samples\n",
	    target, (long long)samples);
	fprintf(out, "  cycles           %s, %s: %s images/s\n",
	    show_count(f->cycles, a), scaled(f->time_s, 1000, "s", b),
	    show_count((int64_t)(images_per_s(f, samples) + 0.5), c));
	fprintf(out, "  products         %s\n",
	    scaled((double)f->macs, 1000, "MAC", a));
	fprintf(out, "  utilization      %.1f %% of the chip, %.1f %% while "
	    "the array works\n", 100 * f->utilization,
	    100 * f->matrix_utilization);
	fprintf(out, "  DRAM             %s read, %s written\n",
	    scaled((double)f->dram_read, 1024, "B", a),
	    scaled((double)f->dram_write, 1024, "B", b));
	fprintf(out, "  energy           %s, %s an image\n",
	    scaled(f->energy_j, 1000, "J", a),
	    scaled(f->energy_j / (double)samples, 1000, "J", b));
}

void
train_figures_log(cJSON *o, const struct train_figures *f, int64_t samples)
{
	if (f->steps == 0)
		return;
	(void)cJSON_AddNumberToObject(o, "cycles_per_step",
	    (double)f->cycles);
	(void)cJSON_AddNumberToObject(o, "simulated_images_per_s",
	    images_per_s(f, samples));
	(void)cJSON_AddNumberToObject(o, "utilization", f->utilization);
	(void)cJSON_AddNumberToObject(o, "matrix_utilization",
	    f->matrix_utilization);
	(void)cJSON_AddNumberToObject(o, "dram_read_bytes_per_step",
	    (double)f->dram_read);
	(void)cJSON_AddNumberToObject(o, "dram_write_bytes_per_step",
	    (double)f->dram_write);
	(void)cJSON_AddNumberToObject(o, "energy_j_per_step", f->energy_j);
}
