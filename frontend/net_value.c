/* Values of expressions and their arithmetic. */
#include "frontend/net_run.h"

#include <math.h>
#include <string.h>

#include "support/str.h"

struct val
val_int(int64_t i)
{
	return (struct val){.kind = VAL_INT, .i = i};
}

struct val
val_float(double f)
{
	return (struct val){.kind = VAL_FLOAT, .f = f};
}

struct val
val_bool(bool b)
{
	return (struct val){.kind = VAL_BOOL, .i = b};
}

struct val
val_string(const char *s)
{
	return (struct val){.kind = VAL_STRING, .s = s};
}

struct val
val_tensor(struct value *t)
{
	return (struct val){.kind = VAL_TENSOR, .t = t};
}

struct val
val_error(void)
{
	return (struct val){.kind = VAL_ERROR};
}

struct val
val_list(struct run *r, const struct val *v, size_t n)
{
	struct list *l = NEW(r->arena, struct list);

	l->n = n;
	l->v = n > 0 ? arena_memdup(r->arena, v, n * sizeof *v) : NULL;
	return (struct val){.kind = VAL_LIST, .l = l};
}

bool
val_is_number(struct val v)
{
	return v.kind == VAL_INT || v.kind == VAL_FLOAT;
}

double
val_number(struct val v)
{
	return v.kind == VAL_INT ? (double)v.i : v.f;
}

static const char *
double_text(struct run *r, const char *what, double v)
{
	struct strbuf s = {0};
	const char *text;

	strbuf_add(&s, what);
	strbuf_add_double(&s, v);
	text = arena_strdup(r->arena, s.data);
	strbuf_free(&s);
	return text;
}

const char *
val_text(struct run *r, struct val v)
{
	char buf[TYPE_STR_MAX];

	switch (v.kind) {
	case VAL_ERROR: return "an error";
	case VAL_NONE: return "none";
	case VAL_INT:
		return arena_printf(r->arena, "the integer %lld",
		    (long long)v.i);
	case VAL_FLOAT: return double_text(r, "the number ", v.f);
	case VAL_BOOL: return v.i ? "true" : "false";
	case VAL_STRING:
		return arena_printf(r->arena, "the string \"%s\"", v.s);
	case VAL_LIST:
		return arena_printf(r->arena, "a list of %zu", v.l->n);
	case VAL_TENSOR:
		return arena_printf(r->arena, "a tensor %s",
		    type_str(&v.t->type, buf, sizeof buf));
	case VAL_INIT: return "an initialiser";
	}
	return "";
}

bool
val_condition(struct run *r, struct pos pos, struct val v)
{
	if (v.kind == VAL_BOOL)
		return v.i != 0;
	if (v.kind != VAL_ERROR)
		run_error(r, pos, "a condition is true or false, not %s",
		    val_text(r, v));
	return false;
}

static const char *
op_text(enum binary op)
{
	static const char *const text[] = {"+", "-", "*", "/", "//", "%",
	    "**", "==", "!=", "<", "<=", ">", ">="};

	return text[op];
}

static struct val
wrong_kinds(struct run *r, enum binary op, struct pos pos, struct val a,
    struct val b)
{
	return run_error(r, pos, "'%s' does not take %s and %s", op_text(op),
	    val_text(r, a), val_text(r, b));
}

/* a - b floor(a / b), the quotient in q; b is not 0. */
static int64_t
floor_mod(int64_t a, int64_t b, int64_t *q)
{
	*q = a / b;
	if (a % b != 0 && (a < 0) != (b < 0))
		--*q;
	return a - *q * b;
}

static bool
int_pow(int64_t a, int64_t b, int64_t *out)
{
	*out = 1;
	if (a == 0 || a == 1 || a == -1) {
		*out = b == 0 ? 1 : a == -1 && b % 2 == 0 ? 1 : a;
		return true;
	}
	while (b-- > 0)
		if (!mul_int64(*out, a, out))
			return false;
	return true;
}

static struct val
int_arith(struct run *r, enum binary op, struct pos pos, int64_t a,
    int64_t b)
{
	int64_t v = 0, q;
	bool ok = true;

	if ((op == BIN_FLOOR || op == BIN_MOD) && b == 0)
		return run_error(r, pos, "division by zero");
	switch (op) {
	case BIN_ADD: ok = add_int64(a, b, &v); break;
	case BIN_SUB:
		ok = b != INT64_MIN && add_int64(a, -b, &v);
		break;
	case BIN_MUL: ok = mul_int64(a, b, &v); break;
	case BIN_FLOOR:
	case BIN_MOD:
		ok = a != INT64_MIN;
		if (ok)
			v = floor_mod(a, b, &q);
		if (ok && op == BIN_FLOOR)
			v = q;
		break;
	default: ok = int_pow(a, b, &v); break;
	}
	if (!ok)
		return run_error(r, pos, "integer overflow in '%s'",
		    op_text(op));
	return val_int(v);
}

static struct val
float_arith(struct run *r, enum binary op, struct pos pos, double a,
    double b)
{
	double v = 0;

	if ((op == BIN_DIV || op == BIN_FLOOR || op == BIN_MOD) && b == 0)
		return run_error(r, pos, "division by zero");
	switch (op) {
	case BIN_ADD: v = a + b; break;
	case BIN_SUB: v = a - b; break;
	case BIN_MUL: v = a * b; break;
	case BIN_DIV: v = a / b; break;
	case BIN_FLOOR: v = floor(a / b); break;
	case BIN_MOD: v = a - b * floor(a / b); break;
	default: v = pow(a, b); break;
	}
	if (!isfinite(v))
		return run_error(r, pos, "'%s' gives no finite number",
		    op_text(op));
	return val_float(v);
}

static struct val
compared(enum binary op, int order)
{
	switch (op) {
	case BIN_EQ: return val_bool(order == 0);
	case BIN_NE: return val_bool(order != 0);
	case BIN_LT: return val_bool(order < 0);
	case BIN_LE: return val_bool(order <= 0);
	case BIN_GT: return val_bool(order > 0);
	default: return val_bool(order >= 0);
	}
}

static bool
val_equal(struct val a, struct val b)
{
	if (val_is_number(a) && val_is_number(b))
		return a.kind == VAL_INT && b.kind == VAL_INT ?
		    a.i == b.i : !(val_number(a) < val_number(b)) &&
		    !(val_number(a) > val_number(b));
	if (a.kind != b.kind)
		return false;
	switch (a.kind) {
	case VAL_BOOL: return a.i == b.i;
	case VAL_STRING: return strcmp(a.s, b.s) == 0;
	case VAL_TENSOR: return a.t == b.t;
	case VAL_LIST: return a.l == b.l;
	default: return true;
	}
}

static struct val
compare(struct run *r, enum binary op, struct pos pos, struct val a,
    struct val b)
{
	if (op == BIN_EQ || op == BIN_NE)
		return compared(op, val_equal(a, b) ? 0 : 1);
	if (a.kind == VAL_STRING && b.kind == VAL_STRING)
		return compared(op, strcmp(a.s, b.s));
	if (!val_is_number(a) || !val_is_number(b))
		return wrong_kinds(r, op, pos, a, b);
	if (a.kind == VAL_INT && b.kind == VAL_INT)
		return compared(op, (a.i > b.i) - (a.i < b.i));
	return compared(op, (val_number(a) > val_number(b)) -
	    (val_number(a) < val_number(b)));
}

/* Text of a string or an integer, for joining. */
static const char *
joined_text(struct run *r, struct val v)
{
	return v.kind == VAL_STRING ? v.s :
	    arena_printf(r->arena, "%lld", (long long)v.i);
}

static struct val
join_strings(struct run *r, struct pos pos, struct val a, struct val b)
{
	const char *s = arena_printf(r->arena, "%s%s", joined_text(r, a),
	    joined_text(r, b));

	if (strlen(s) > RUN_STRING)
		return run_error(r, pos, "a string of more than %d "
		    "characters", RUN_STRING);
	return val_string(s);
}

static struct val
join_lists(struct run *r, struct pos pos, const struct list *a,
    const struct list *b)
{
	size_t n = a->n + b->n;

	if (n > RUN_LIST)
		return run_error(r, pos, "a list of more than %d elements",
		    RUN_LIST);
	if (!run_step(r, pos, (int64_t)n))
		return val_error();
	struct val *v = NEW_ARRAY(r->arena, struct val, n > 0 ? n : 1);
	for (size_t i = 0; i < n; i++)
		v[i] = i < a->n ? a->v[i] : b->v[i - a->n];
	struct list *l = NEW(r->arena, struct list);
	*l = (struct list){n, v};
	return (struct val){.kind = VAL_LIST, .l = l};
}

static bool
joins(struct val v)
{
	return v.kind == VAL_STRING || v.kind == VAL_INT;
}

static struct val
tensor_op(struct run *r, enum binary op, struct pos pos, struct val a,
    struct val b)
{
	static const char *const name[] = {"add", "sub", "mul", "div"};
	bool fits = (a.kind == VAL_TENSOR || val_is_number(a)) &&
	    (b.kind == VAL_TENSOR || val_is_number(b));

	if (!fits || op > BIN_DIV)
		return wrong_kinds(r, op, pos, a, b);
	return run_operator(r, name[op], pos, a, b);
}

struct val
val_binary(struct run *r, enum binary op, struct pos pos, struct val a,
    struct val b)
{
	if (a.kind == VAL_ERROR || b.kind == VAL_ERROR)
		return val_error();
	if (op >= BIN_EQ)
		return compare(r, op, pos, a, b);
	if (a.kind == VAL_TENSOR || b.kind == VAL_TENSOR)
		return tensor_op(r, op, pos, a, b);
	if (op == BIN_ADD && a.kind == VAL_LIST && b.kind == VAL_LIST)
		return join_lists(r, pos, a.l, b.l);
	if (op == BIN_ADD && joins(a) && joins(b) &&
	    (a.kind == VAL_STRING || b.kind == VAL_STRING))
		return join_strings(r, pos, a, b);
	if (!val_is_number(a) || !val_is_number(b))
		return wrong_kinds(r, op, pos, a, b);
	if (a.kind == VAL_INT && b.kind == VAL_INT && op != BIN_DIV &&
	    !(op == BIN_POW && b.i < 0))
		return int_arith(r, op, pos, a.i, b.i);
	return float_arith(r, op, pos, val_number(a), val_number(b));
}
