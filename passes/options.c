/* Options of the pass manager. */
#include <string.h>

#include "passes/pass.h"

void
pass_options_init(struct pass_options *o)
{
	memset(o, 0, sizeof *o);
	o->level = 2;
	o->precision = DT_NONE;
	o->verify_each = true;
}

static bool
check_flag(struct diag *d, const struct pass_info *p, bool on,
    const char *args)
{
	if (!on && (p->flags & PASS_REQUIRED) != 0) {
		diag_error(d, NULL, "-fno-%s: the pass is required", p->name);
		return false;
	}
	if (args != NULL && (!on || p->args[0] == '\0')) {
		diag_error(d, NULL, "-f%s%s takes no argument",
		    on ? "" : "no-", p->name);
		return false;
	}
	return true;
}

bool
pass_options_flag(struct pass_options *o, struct arena *a, struct diag *d,
    const char *text, bool *ok)
{
	const char *eq = strchr(text, '=');
	char *name = arena_strndup(a, text,
	    eq != NULL ? (size_t)(eq - text) : strlen(text));
	struct pass_override v = {PASS_COUNT, true, NULL};

	*ok = true;
	v.pass = pass_parse(name);
	if (v.pass == PASS_COUNT && strncmp(name, "no-", 3) == 0) {
		v.on = false;
		v.pass = pass_parse(name + 3);
	}
	if (v.pass == PASS_COUNT)
		return false;
	if (eq != NULL)
		v.args = arena_strdup(a, eq + 1);
	*ok = check_flag(d, pass_info(v.pass), v.on, v.args);
	if (*ok)
		VEC_PUSH(a, &o->overrides, v);
	return true;
}
