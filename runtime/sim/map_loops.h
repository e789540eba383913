/* Element-wise f32 functions over runs, for the builds of loops.h. */
#include <math.h>

#include "runtime/sim/exec.h"

#define EACH(EXPR)                              \
	for (int64_t i = 0; i < n; i++)         \
		dst[i] = (EXPR);                \
	break

static void
map_f32(enum vec_func f, int64_t n, float *restrict dst,
    const float *x, const float *y,
    const float *z, const double *param)
{
	float p = (float)param[0], q = (float)param[1];
	switch ((int)f) {
	case VF_copy: EACH(x[i]);
	case VF_fill: EACH(p);
	case VF_neg: EACH(-x[i]);
	case VF_relu: EACH(x[i] > 0 ? x[i] : x[i] != x[i] ? x[i] : 0);
	case VF_leaky_relu: EACH(x[i] >= 0 ? x[i] : p * x[i]);
	case VF_clip:
		for (int64_t i = 0; i < n; i++) {
			float v = x[i] < p ? p : x[i];
			dst[i] = v > q ? q : v;
		}
		break;
	case VF_add: EACH(x[i] + y[i]);
	case VF_sub: EACH(x[i] - y[i]);
	case VF_mul: EACH(x[i] * y[i]);
	case VF_div: EACH(x[i] / y[i]);
	case VF_min: EACH(x[i] != x[i] || x[i] < y[i] ? x[i] : y[i]);
	case VF_max: EACH(x[i] != x[i] || x[i] > y[i] ? x[i] : y[i]);
	case VF_fma: EACH(fmaf(x[i], y[i], z[i]));
	default:
		for (int64_t i = 0; i < n; i++)
			dst[i] = vecmath_f32(f, x[i], y[i], z[i], param);
		break;
	}
}
#undef EACH
