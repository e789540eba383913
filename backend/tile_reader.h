/* Reading the text form of tile programs: what the grammar (tile_parse.y) hands
 * to the semantics. A statement is one line: a word, then items, each a value
 * or key=value. */
#ifndef WAVE_BACKEND_TILE_READER_H
#define WAVE_BACKEND_TILE_READER_H

#include "backend/tile.h"

struct tile_pos {
	int line, col;
};

struct tile_word {
	const char *text;
	struct tile_pos pos;
};

enum tile_term_kind { TERM_NUMBER, TERM_BUFFER, TERM_LOOP, TERM_GROUP };

struct tile_sum { /* one term of an expression */
	enum tile_term_kind kind;
	bool minus;
	struct tile_word id;     /* buffer or loop */
	struct tile_word number; /* number, or factor; text NULL: 1 */
	struct tile_sum *next;
};

enum tile_value_kind { VAL_WORD, VAL_STRING, VAL_OP, VAL_HEX, VAL_SUM,
	VAL_LIST };

struct tile_value {
	enum tile_value_kind kind;
	struct tile_word word;   /* WORD STRING OP; position of all */
	struct tile_sum *sum;    /* SUM, in order */
	struct tile_value *list; /* LIST, in order; linked by next */
	struct tile_value *next;
	const uint8_t *bytes;    /* HEX */
	size_t nbytes;
};

struct tile_item {
	struct tile_word key; /* text NULL: none */
	struct tile_value *value;
	bool used;
	struct tile_item *next;
};

struct tile_reader {
	struct arena *arena, *line; /* for the result; for one statement */
	struct diag *diag;
	const char *name;
	unsigned errors, errors_before; /* all; before this statement */
	int at_line, at_col;
	bool after_newline;
	bool started, stop;
	struct tile_program *p;
	struct wave_target *target;
	struct tile_item *items; /* of this statement */
	struct tile_pos head;    /* where it starts */
	VEC(struct tile_loop *) loop;  /* by id, NULL: not seen */
	VEC(struct tile_scope_ref) scope;
};

/* A buffer whose scope is a loop that comes later. */
struct tile_scope_ref {
	struct tile_buffer *buffer;
	int64_t id;
	struct tile_pos pos;
};

void tile_reader_error(struct tile_reader *r, struct tile_pos pos,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- called by the grammar ---- */
struct tile_value *tile_reader_value(struct tile_reader *r,
    enum tile_value_kind kind, struct tile_word word);
struct tile_sum *tile_reader_term(struct tile_reader *r,
    enum tile_term_kind kind, struct tile_word id, struct tile_word number);
void tile_reader_statement(struct tile_reader *r, struct tile_word head,
    struct tile_item *items, bool opens);
void tile_reader_close(struct tile_reader *r, struct tile_pos pos);
/* After each line; false when reading should stop. */
bool tile_reader_end_line(struct tile_reader *r);

/* Scans and parses text (tile_scan.l). */
void tile_reader_run(struct tile_reader *r, const char *text, size_t len);

/* ---- items of the current statement (tile_items.c) ---- */

/* The value of a key, or the next one without key and of that kind; NULL when
 * there is none. Marks it as used. */
struct tile_value *tile_take(struct tile_reader *r, const char *key);
struct tile_value *tile_take_plain(struct tile_reader *r,
    enum tile_value_kind kind);
/* Reports what nobody took. */
void tile_no_more(struct tile_reader *r);

int64_t tile_take_int(struct tile_reader *r, const char *key, int64_t dflt);
double tile_take_real(struct tile_reader *r, const char *key);
const char *tile_take_string(struct tile_reader *r, const char *key);
enum dtype tile_take_type(struct tile_reader *r, const char *key,
    enum dtype dflt);
struct tile_aff tile_take_aff(struct tile_reader *r, const char *key,
    bool required);
struct tile_buffer *tile_take_buffer(struct tile_reader *r, const char *key);
/* Index of the word among names, dflt without the key. */
int tile_take_name(struct tile_reader *r, const char *key,
    const char *const *names, int n, int dflt);
/* Numbers of a list of min to max elements; how many there are. */
int tile_take_ints(struct tile_reader *r, const char *key, int64_t *out,
    int min, int max);

/* The same for single values. */
int64_t tile_read_int(struct tile_reader *r, const struct tile_value *v);
struct tile_aff tile_read_aff(struct tile_reader *r,
    const struct tile_value *v);
enum dtype tile_read_type(struct tile_reader *r, const struct tile_value *v);
/* Number in %bN, %iN or @N; -1 after an error. */
int64_t tile_read_id(struct tile_reader *r, struct tile_word w, size_t skip);
struct tile_loop *tile_read_loop(struct tile_reader *r, struct tile_word w);

/* Fills an instruction (tile_read_insn.c). */
void tile_read_insn(struct tile_reader *r, struct tile_insn *in);

#endif
