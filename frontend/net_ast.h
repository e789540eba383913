/* The syntax tree of .net, and what scanner and grammar share. Inside
 * frontend/ only. */
#ifndef WAVE_FRONTEND_NET_AST_H
#define WAVE_FRONTEND_NET_AST_H

#include "support/arena.h"
#include "support/diag.h"
#include "support/dtype.h"
#include "support/vec.h"

#define NET_MAX_ERRORS 20
#define NET_MAX_NAMES 4096 /* of one kind in one place: found by walking */
#define NET_MAX_DEPTH 400 /* of nested expressions and statements */

struct pos {
	const char *file;
	int line, col;
};

enum expr_kind {
	EXPR_INT,
	EXPR_FLOAT,
	EXPR_BOOL,
	EXPR_STRING,
	EXPR_NONE,
	EXPR_NAME,
	EXPR_LIST,   /* items */
	EXPR_NOT,    /* of a */
	EXPR_NEG,
	EXPR_BINARY, /* a, b */
	EXPR_AND,    /* b only where a decides nothing */
	EXPR_OR,
	EXPR_IF,     /* a: condition, b, c */
	EXPR_INDEX,  /* a[b] */
	EXPR_CALL,   /* name(args), or a -> name(args) */
};

enum binary {
	BIN_ADD, BIN_SUB, BIN_MUL, BIN_DIV, BIN_FLOOR, BIN_MOD, BIN_POW,
	BIN_EQ, BIN_NE, BIN_LT, BIN_LE, BIN_GT, BIN_GE,
};

struct arg {
	const char *name; /* NULL: by position */
	struct pos pos;
	struct expr *value;
};

struct args {
	VEC(struct arg) list;
};

struct expr {
	enum expr_kind kind;
	enum binary op;
	int depth; /* of the tree below */
	struct pos pos;
	int64_t i;       /* INT, BOOL */
	double f;        /* FLOAT */
	const char *s;   /* STRING, NAME, CALL */
	struct expr *a, *b, *c;
	struct args *args; /* LIST, CALL */
};

enum stmt_kind {
	STMT_EXPR,
	STMT_ASSIGN, /* name = a */
	STMT_RETURN,
	STMT_IF,     /* a, body, orelse */
	STMT_REPEAT, /* name in a..b, or over the list a where b is NULL */
	STMT_INPUT,
	STMT_OUTPUT, /* name = a */
};

struct stmts {
	VEC(struct stmt *) list;
};

struct stmt {
	enum stmt_kind kind;
	struct pos pos;
	const char *name;
	struct expr *a, *b;
	struct stmts *body, *orelse;
	int depth;           /* of the tree below */
	const char *dtype;   /* INPUT */
	struct pos dtype_pos;
	struct args *dims;   /* INPUT: the extents */
	struct args *where;  /* INPUT: named extents */
};

struct param {
	const char *name;
	struct pos pos;
	struct expr *dflt; /* NULL: must be given */
};

struct params {
	VEC(struct param) list;
};

/* block NAME(params) { body }; the network is one, too. */
struct block {
	const char *name;
	struct pos pos;
	struct params *params;
	struct stmts *body;
};

/* loss NAME(args), batch N and so on. */
struct setting {
	const char *key;
	struct pos pos;
	struct expr *value;
};

struct settings {
	struct pos pos; /* of the section */
	VEC(struct setting) list;
};

/* What one text and its include files hold. */
struct unit_text {
	struct arena *arena;
	struct diag *diag;
	unsigned errors;
	VEC(struct block *) blocks;
	VEC(struct stmt *) globals; /* STMT_ASSIGN */
	struct block *network;
	struct settings *train;
	VEC(const char *) files; /* resolved paths read so far */
};

/* One text while it is scanned. */
struct scan {
	struct unit_text *u;
	const char *file;   /* as diagnostics name it */
	const char *folder; /* of include files */
	int depth;          /* of include */
	int line, col;
	struct pos open[64]; /* the first open ( and [ */
	int nopen;
	bool newline;   /* the last token ended a statement, or none came */
	char pending;   /* a token to give after the newline before it */
};

void net_error(struct unit_text *u, struct pos pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void net_note(struct unit_text *u, struct pos pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Nodes. Trees that grow too deep are reported and cut. */
struct expr *expr_new(struct unit_text *u, enum expr_kind kind,
    struct pos pos, struct expr *a, struct expr *b, struct expr *c);
struct expr *expr_binary(struct unit_text *u, enum binary op, struct pos pos,
    struct expr *a, struct expr *b);
struct expr *expr_call(struct unit_text *u, struct pos pos, const char *name,
    struct args *args);
struct expr *expr_list(struct unit_text *u, struct pos pos,
    struct args *items);
/* x -> call */
struct expr *expr_pipe(struct unit_text *u, struct pos pos, struct expr *x,
    struct expr *call);
struct args *args_add(struct unit_text *u, struct args *l, const char *name,
    struct pos pos, struct expr *value);
struct params *params_add(struct unit_text *u, struct params *l,
    const char *name, struct pos pos, struct expr *dflt);
struct stmts *stmts_add(struct unit_text *u, struct stmts *l,
    struct stmt *s);
struct stmt *stmt_new(struct unit_text *u, enum stmt_kind kind,
    struct pos pos, const char *name, struct expr *a);
/* After the bodies of st are set. */
void stmt_depth(struct unit_text *u, struct stmt *st);
struct settings *settings_add(struct unit_text *u, struct settings *l,
    const char *key, struct pos pos, struct expr *value);

/* Top level. */
void unit_block(struct unit_text *u, struct block *b);
void unit_network(struct unit_text *u, struct block *b);
void unit_global(struct unit_text *u, struct stmt *s);
void unit_train(struct unit_text *u, struct settings *s, struct pos pos);
/* The first text; include files follow by themselves. */
void unit_read(struct unit_text *u, const char *path, const char *text,
    size_t len);
void unit_include(struct scan *s, const char *name, struct pos pos);

/* Scans and parses one text into s->u; net_scan.l. */
void net_scan_text(struct scan *s, const char *text, size_t len);

#endif
