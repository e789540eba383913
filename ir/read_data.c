/* Reading the text form: types and constant data. */
#include "ir/reader.h"

#include "ir/data.h"

#include <string.h>

#define MAX_FILL (INT64_C(1) << 30) /* bytes that zero and splat make up */

bool
reader_type(struct reader *r, const struct type_text *t,
    struct tensor_type *out)
{
	struct word *dims = t->dims->list.data;
	size_t rank = t->dims->list.len;

	*out = (struct tensor_type){.dtype = dtype_parse(t->dtype.text)};
	if (out->dtype == DT_NONE) {
		reader_error(r, t->dtype.pos, "there is no dtype '%.40s'",
		    t->dtype.text);
		return false;
	}
	if (rank > MAX_RANK) {
		reader_error(r, t->dtype.pos, "rank %zu, at most %d is "
		    "possible", rank, MAX_RANK);
		return false;
	}
	for (size_t i = 0; i < rank; i++)
		if (!reader_int(r, dims[i], 0, MAX_DIM, &out->dim[i]))
			return false;
	out->rank = (int)rank;
	if (type_valid(out))
		return true;
	reader_error(r, t->dtype.pos, "more than 2^40 elements");
	return false;
}

static bool
read_element(struct reader *r, struct word w, void *data, enum dtype t,
    size_t i)
{
	if (data_parse_element(w.text, data, t, i))
		return true;
	reader_error(r, w.pos, "'%.40s' is no %s", w.text, dtype_name(t));
	return false;
}

static void *
read_list(struct reader *r, const struct data_text *t,
    const struct tensor_type *type)
{
	struct word *w = t->list->list.data;
	size_t n = t->list->list.len;
	void *data;

	if ((int64_t)n != type_elems(type)) {
		reader_error(r, t->word.pos, "%zu elements, the type has "
		    "%lld", n, (long long)type_elems(type));
		return NULL;
	}
	data = arena_alloc(r->arena, (size_t)type_bytes(type));
	for (size_t i = 0; i < n; i++)
		if (!read_element(r, w[i], data, type->dtype, i))
			return NULL;
	return data;
}

static const void *
read_hex(struct reader *r, const struct data_text *t,
    const struct tensor_type *type)
{
	if ((int64_t)t->nbytes != type_bytes(type)) {
		reader_error(r, t->word.pos, "%zu bytes, the type has %lld",
		    t->nbytes, (long long)type_bytes(type));
		return NULL;
	}
	for (size_t i = 0; i < t->nbytes && type->dtype == DT_BOOL; i++)
		if (t->bytes[i] > 1) {
			reader_error(r, t->word.pos, "a bool is 00 or 01");
			return NULL;
		}
	return t->bytes;
}

/* zero, or splat and its element. */
static void *
read_fill(struct reader *r, const struct data_text *t,
    const struct tensor_type *type)
{
	size_t n = (size_t)type_elems(type), size = dtype_size(type->dtype);
	int64_t bytes = type_bytes(type);
	unsigned char one[8] = {0};
	char *data;

	if (t->splat.text != NULL &&
	    !read_element(r, t->splat, one, type->dtype, 0))
		return NULL;
	if (bytes > MAX_FILL - r->filled) {
		reader_error(r, t->word.pos, "zero and splat data of more "
		    "than 1 GiB");
		return NULL;
	}
	r->filled += bytes;
	data = arena_alloc(r->arena, (size_t)bytes);
	for (size_t i = 0; i < n && t->splat.text != NULL; i++)
		memcpy(data + i * size, one, size);
	return data;
}

/* False with a report; data NULL for none. */
bool
reader_data(struct reader *r, const struct data_text *t,
    const struct tensor_type *type, enum value_kind kind, const void **data)
{
	const char *w = t->word.text;
	bool splat = t->splat.text != NULL;

	*data = NULL;
	if (t->list != NULL)
		*data = read_list(r, t, type);
	else if (w == NULL)
		*data = read_hex(r, t, type);
	else if (strcmp(w, splat ? "splat" : "zero") == 0)
		*data = read_fill(r, t, type);
	else if (!splat && strcmp(w, "none") == 0 && kind == VALUE_STATE)
		return true;
	else
		reader_error(r, t->word.pos, "'%.40s' is no data, expected "
		    "zero, splat, hex, a list%s", w,
		    kind == VALUE_STATE ? " or none" : "");
	return *data != NULL;
}
