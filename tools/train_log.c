#include "tools/train_log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/file.h"
#include "support/str.h"

#define LOG_LIMIT ((size_t)4 << 30)

static bool
fail(struct train_log *l, int err)
{
	char text[128] = "";

	l->failed = true;
	if (err != 0 && strerror_r(err, text, sizeof text) != 0)
		snprintf(text, sizeof text, "error %d", err);
	diag_error(l->diag, &(struct loc){.file = l->path},
	    "cannot write the log%s%s", err != 0 ? ": " : "", text);
	return false;
}

/* ---- continuing ---- */

static double
number(const cJSON *o, const char *key)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

/* Whether a record stays when training goes on at this position. */
static bool
stays(const cJSON *o, const struct trainer_position *at)
{
	const char *type = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(o, "type"));

	if (type == NULL || strcmp(type, "end") == 0)
		return false;
	if (strcmp(type, "epoch") == 0)
		return number(o, "epoch") <= (double)at->epoch;
	return number(o, "step") <= (double)at->step;
}

/* The lines of text that stay. A last line that is not complete was being
 * written when the program was killed. */
static bool
filter(struct train_log *l, char *text, size_t len,
    const struct trainer_position *at, struct strbuf *out)
{
	int line = 1;

	for (char *end; (end = memchr(text, '\n', len)) != NULL; line++) {
		size_t n = (size_t)(end - text) + 1;
		cJSON *o = cJSON_ParseWithLength(text, n);

		if (!cJSON_IsObject(o)) {
			cJSON_Delete(o);
			diag_error(l->diag, &(struct loc){.file = l->path,
			    .line = line}, "no record of a log; the file is "
			    "left as it is");
			return false;
		}
		if (stays(o, at))
			strbuf_addn(out, text, n);
		cJSON_Delete(o);
		text += n;
		len -= n;
	}
	return true;
}

static bool
rewrite(struct train_log *l, const struct trainer_position *at)
{
	struct arena *a = arena_new();
	struct strbuf out = {0};
	char *text;
	size_t len;
	bool ok = file_read(a, l->diag, l->path, LOG_LIMIT, &text, &len) &&
	    filter(l, text, len, at, &out) &&
	    file_write(l->diag, l->path, out.data, out.len);

	strbuf_free(&out);
	arena_free(a);
	return ok;
}

bool
train_log_open(struct train_log *l, struct diag *d, const char *path,
    const struct trainer_position *at)
{
	bool go_on = at != NULL && path != NULL && access(path, F_OK) == 0;

	*l = (struct train_log){.diag = d, .path = path};
	if (path == NULL)
		return true;
	if (strcmp(path, "-") == 0) {
		l->file = stdout;
		return true;
	}
	if (go_on && !rewrite(l, at))
		return false;
	l->file = fopen(path, go_on ? "a" : "w");
	return l->file != NULL || fail(l, errno);
}

/* ---- records ---- */

cJSON *
train_log_record(const char *type)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "type", type);
	return o;
}

void
train_log_score(cJSON *o, const struct score *s)
{
	if (s->answers == 0)
		return;
	(void)cJSON_AddNumberToObject(o, "test_loss", score_loss(s));
	if (s->classes)
		(void)cJSON_AddNumberToObject(o, "test_accuracy",
		    score_accuracy(s));
}

void
train_log_put(struct train_log *l, cJSON *o)
{
	char *text = l->file != NULL && !l->failed ?
	    cJSON_PrintUnformatted(o) : NULL;

	if (text != NULL) {
		errno = 0;
		if (fprintf(l->file, "%s\n", text) < 0 ||
		    fflush(l->file) != 0)
			fail(l, errno);
	}
	free(text);
	cJSON_Delete(o);
}

bool
train_log_close(struct train_log *l)
{
	if (l->file != NULL && l->file != stdout && fclose(l->file) != 0 &&
	    !l->failed)
		fail(l, errno);
	l->file = NULL;
	return !l->failed;
}
