/* Reading the text form: what grammar (parse.y), scanner (scan.l) and the
 * actions (reader.c) share. Inside ir/ only. */
#ifndef WAVE_IR_READER_H
#define WAVE_IR_READER_H

#include "ir/graph.h"
#include "ir/names.h"

struct pos {
	int line, col;
};

struct word {
	const char *text; /* NULL: "_", or nothing where optional */
	struct pos pos;
};

struct words {
	VEC(struct word) list;
};

struct result_text {
	struct word value, name;
};

struct results_text {
	VEC(struct result_text) list;
};

struct attr_text {
	struct word name, value;
	struct words *list; /* "[...]" instead of a value, else NULL */
};

struct attrs_text {
	VEC(struct attr_text) list;
};

struct type_text {
	struct word dtype;
	struct words *dims;
};

struct types_text {
	VEC(struct type_text) list;
};

struct data_text {
	struct word word;     /* zero, none, splat */
	struct word splat;
	struct words *list;   /* "[...]" */
	const uint8_t *bytes; /* hex "..." */
	size_t nbytes;
};

struct leaf_text {
	struct word value, name, flag;
	struct type_text type;
	struct data_text data;
	struct loc loc;
};

struct marks_text { /* behind a node's types */
	struct word phase, group, keep;
};

struct node_text {
	struct results_text *results;
	struct word op;
	struct words *in;
	struct attrs_text *attrs;
	struct types_text *types; /* NULL: not stated */
	struct marks_text marks;
	struct loc loc;
};

struct reader {
	struct arena *arena; /* of the graph */
	struct arena *line;  /* of tokens and lists; emptied between lines */
	struct arena *keep;  /* of symbols */
	struct diag *diag;
	const char *file;
	struct graph *g;       /* after the header */
	struct names *symbols; /* %name -> struct symbol */
	struct names *outputs; /* names given to outputs */
	const char *loc_file;  /* the last one, shared by many nodes */
	VEC(struct word) line_values; /* %names of the present line */
	bool free_groups; /* of the header */
	unsigned errors, errors_before; /* in all, up to the present line */
	unsigned reported; /* errors without those that follow from others */
	int64_t filled; /* bytes of zero and splat data so far */
	int at_line, at_col; /* scanner */
	bool after_newline;  /* scanner: the last token was a line end */
};

struct symbol {
	struct value *value; /* NULL: its definition had an error */
	int line;
	bool assigned;
};

/* Reports at pos and counts. */
void reader_error(struct reader *r, struct pos pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Actions of the grammar. Each reports what is wrong and goes on. */
void read_version(struct reader *r, struct word version);
void read_graph(struct reader *r, struct word name);
void read_groups(struct reader *r, const struct words *sub_batches);
struct words *expect_groups(struct reader *r, struct word word,
    struct words *sub_batches);
void read_mark(struct reader *r, struct marks_text *m, struct word word,
    struct word value, bool string);
void read_leaf(struct reader *r, enum value_kind kind,
    const struct leaf_text *t);
void read_node(struct reader *r, const struct node_text *t);
void read_assign(struct reader *r, struct word state, struct word to);
void read_output(struct reader *r, struct word value, struct word name);
struct loc read_loc(struct reader *r, struct word file, struct word line,
    struct word col, struct word node);

/* What the actions share. False or NULL after a report. */
void reader_define(struct reader *r, const char *name, int line,
    struct value *v);
bool reader_is_new(struct reader *r, struct word w);
struct symbol *reader_lookup(struct reader *r, struct word w);
bool reader_name_is_free(struct reader *r, struct word name);
bool reader_int(struct reader *r, struct word w, int64_t lo, int64_t hi,
    int64_t *v);
bool reader_type(struct reader *r, const struct type_text *t,
    struct tensor_type *out);
bool reader_data(struct reader *r, const struct data_text *t,
    const struct tensor_type *type, enum value_kind kind,
    const void **data);
/* The location given or, without one, the place in this text. */
struct loc reader_own_loc(const struct reader *r, const struct loc *l,
    struct pos pos);

/* Lists; the first call makes the list. Beyond 2^20 items they report. */
struct words *words_add(struct reader *r, struct words *l, struct word w);
struct results_text *results_add(struct reader *r, struct results_text *l,
    struct word value, struct word name);
struct attrs_text *attrs_add(struct reader *r, struct attrs_text *l,
    struct word name, struct word value, struct words *list);
struct types_text *types_add(struct reader *r, struct types_text *l,
    struct type_text t);

/* After each line: names that an erroneous line may have defined count as
 * defined, so that later lines do not complain. False after too many
 * errors. */
bool reader_end_line(struct reader *r);

/* Runs scanner and grammar over the text; scan.l. */
void reader_run(struct reader *r, const char *text, size_t len);

#endif
