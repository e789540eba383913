/* Grammar of assembly: statements, one to a line; bodies in braces. */
%code requires {
#include "backend/isa/asm_parse.h"

struct asm_run { /* digits in the scanner's buffer */
	const char *text;
	size_t len;
};
}

%code provides {
/* the scanner's header knows them by these names */
#define YYSTYPE ASM_YYSTYPE
#define YYLTYPE ASM_YYLTYPE
}

%code {
#include "backend/isa/asm.lex.h"

#include <string.h>

static void asm_yyerror(const YYLTYPE *loc, void *scanner,
    struct asm_state *s, const char *text);

static struct asm_stmt *
new_stmt(struct asm_state *s, const char *name, const YYLTYPE *loc)
{
	struct asm_stmt *t = NEW(s->arena, struct asm_stmt);

	t->name = name;
	t->line = loc->first_line;
	t->col = loc->first_column;
	t->arg_end = &t->arg;
	t->pair_end = &t->pair;
	return t;
}

static struct asm_value *
new_value(struct asm_state *s, int kind, const char *text, const YYLTYPE *loc)
{
	struct asm_value *v = NEW(s->arena, struct asm_value);

	v->kind = kind;
	v->text = text;
	v->line = loc->first_line;
	v->col = loc->first_column;
	return v;
}

static void
add_pair(struct asm_state *s, struct asm_stmt *t, const char *name,
    struct asm_value *value, const YYLTYPE *loc)
{
	struct asm_pair *p = NEW(s->arena, struct asm_pair);

	p->name = t->prefix == NULL ? name :
	    arena_printf(s->arena, "%s.%s", t->prefix, name);
	p->line = loc->first_line;
	p->col = loc->first_column;
	p->value = value;
	*t->pair_end = p;
	t->pair_end = &p->next;
}

static void
add_arg(struct asm_stmt *t, struct asm_value *v)
{
	*t->arg_end = v;
	t->arg_end = &v->next;
}

static struct asm_term
new_term(struct asm_state *s, const char *name, const char *factor,
    bool negative, const YYLTYPE *loc)
{
	struct asm_term t = { name, 1, negative, NULL, loc->first_line,
		loc->first_column };
	struct asm_value v = { ASM_NUMBER, factor, t.line, t.col, NULL };

	if (factor != NULL && !asm_uint64(s, &v, &t.factor))
		t.factor = 0;
	return t;
}
}

%define api.pure full
%define api.prefix {asm_yy}
%define parse.error verbose
%define parse.lac full
%locations
%lex-param { void *scanner }
%parse-param { void *scanner } { struct asm_state *s }

%union {
	char *text;
	struct asm_run run;
	struct asm_value *value;
	struct asm_values { struct asm_value *first, **end; } values;
	struct asm_stmt *stmt;
	struct asm_term term;
	struct aff *aff;
}

%token HEADER "wave.asm" DIR_AFF ".aff" DIR_HEX ".hex" NEWLINE "end of line"
%token BAD "bad character"
%token <text> DIRECTIVE "directive" NUMBER "number" WORD "name" STRING "string"
%token <run> DIGITS "hex digits"
%type <value> value
%type <values> values
%type <stmt> head
%type <aff> linear ring
%type <term> term
%type <text> factor

%%

file:
	  blanks HEADER NUMBER NEWLINE {
		if (strcmp($3, "1") != 0)
			asm_error(s, @3.first_line, @3.first_column,
			    "assembly version %s; this is version 1", $3);
	  } lines
	;

blanks:
	  %empty
	| blanks NEWLINE
	;

lines:
	  %empty
	| lines line
	;

line:
	  NEWLINE
	| head NEWLINE { asm_statement(s, $1); }
	| head '{' {
		$1->has_body = true;
	  } body '}' NEWLINE { asm_statement(s, $1); }
	| DIR_AFF WORD '=' linear NEWLINE {
		struct asm_value v = { ASM_WORD, $2, @2.first_line,
			@2.first_column, NULL };
		asm_affine(s, v, $4);
	  }
	| DIR_HEX DIGITS {
		asm_hex(s, $2.text, $2.len, @2.first_line, @2.first_column);
	  } NEWLINE
	| error NEWLINE { yyerrok; if (s->errors >= 20) YYABORT; }
	;

head:
	  DIRECTIVE { $$ = new_stmt(s, $1, &@1); }
	| WORD { $$ = new_stmt(s, $1, &@1); }
	| head value { add_arg($1, $2); $$ = $1; }
	| head WORD '=' values { add_pair(s, $1, $2, $4.first, &@2); $$ = $1; }
	;

body:
	  %empty
	| body NEWLINE { $<stmt>-2->prefix = NULL; }
	| body WORD ':' { $<stmt>-2->prefix = $2; }
	| body WORD '=' values {
		add_pair(s, $<stmt>-2, $2, $4.first, &@2);
	  }
	;

value:
	  NUMBER { $$ = new_value(s, ASM_NUMBER, $1, &@1); }
	| STRING { $$ = new_value(s, ASM_STRING, $1, &@1); }
	| WORD { $$ = new_value(s, ASM_WORD, $1, &@1); }
	;

values:
	  value { $$.first = $1; $$.end = &$1->next; }
	| values ',' value {
		$$ = $1;
		*$$.end = $3;
		$$.end = &$3->next;
	  }
	;

linear:
	  term {
		$$ = NEW(s->arena, struct aff);
		asm_add_term(s, $$, &$1);
	  }
	| '-' term {
		$$ = NEW(s->arena, struct aff);
		$2.negative = !$2.negative;
		asm_add_term(s, $$, &$2);
	  }
	| linear '+' term { $$ = $1; asm_add_term(s, $$, &$3); }
	| linear '-' term {
		$$ = $1;
		$3.negative = !$3.negative;
		asm_add_term(s, $$, &$3);
	  }
	;

factor:
	  NUMBER { $$ = $1; }
	| '-' NUMBER { $$ = arena_printf(s->arena, "-%s", $2); }
	;

term:
	  NUMBER { $$ = new_term(s, NULL, $1, false, &@1); }
	| WORD { $$ = new_term(s, $1, NULL, false, &@1); }
	| WORD '*' factor {
		bool minus = $3[0] == '-';
		$$ = new_term(s, $1, $3 + minus, minus, &@1);
	  }
	| NUMBER '*' WORD { $$ = new_term(s, $3, $1, false, &@3); }
	| ring {
		$$ = new_term(s, NULL, NULL, false, &@1);
		$$.ring = $1;
	  }
	| ring '*' factor {
		bool minus = $3[0] == '-';
		$$ = new_term(s, NULL, $3 + minus, minus, &@1);
		$$.ring = $1;
	  }
	;

ring:
	  '(' '(' linear ')' '%' factor ')' {
		bool minus = $6[0] == '-';
		struct asm_term t = new_term(s, NULL, $6 + minus, minus, &@6);
		struct aff *a = NEW(s->arena, struct aff);
		if ($3->rcount != 0 || $3->rstep != 0 || $3->gstride != 0)
			asm_error(s, @3.first_line, @3.first_column,
			    "a ring takes loop indices and a constant only");
		a->rbase = $3->base;
		memcpy(a->rcoef, $3->stride, sizeof a->rcoef);
		$3->base = 0;
		memset($3, 0, sizeof *$3);
		asm_add_term(s, $3, &t);
		a->rcount = $3->base;
		$$ = a;
	  }
	;

%%

static void
asm_yyerror(const YYLTYPE *loc, void *scanner, struct asm_state *s,
    const char *text)
{
	(void)scanner;
	if (strstr(text, "bad character") == NULL) /* said by the scanner */
		asm_error(s, loc->first_line, loc->first_column, "%s", text);
}
