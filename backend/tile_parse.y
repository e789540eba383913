/* Grammar of the tile IR's text form; TILE.md describes it. A statement is a
 * line, and an error skips to the end of its line. */
%code requires {
#include "backend/tile_reader.h"
}

%define api.pure full
%define api.prefix {wtl_}
%define api.token.prefix {T_}
%define parse.error custom
%define parse.lac full
%locations
%parse-param {struct tile_reader *r} {void *scanner}
%lex-param {void *scanner}

%union {
	struct tile_word word;
	struct tile_value *value;
	struct tile_sum *sum;
	struct tile_item *item;
	struct { struct tile_item *first, **end; } items;
	struct { struct tile_value *first, **end; } values;
	struct { struct tile_sum *first, **end; } sums;
}

%code {
#include <stdio.h>
#include <string.h>

int wtl_lex(WTL_STYPE *v, WTL_LTYPE *l, void *scanner);
static void wtl_error(const WTL_LTYPE *l, struct tile_reader *r,
    void *scanner, const char *msg);
static const struct tile_word none;
}

%token NEWLINE "end of line" END 0 "end of file"
%token <word> BUFFER "buffer" LOOP "loop" OP "op" STRING "string"
%token <word> NUMBER "number" WORD "word"
%token <value> HEX "hex data"

%type <value> plain value element
%type <item> item
%type <items> items
%type <values> elements
%type <sums> sum
%type <sum> term

%%

file: %empty
    | file line NEWLINE {
		if (!tile_reader_end_line(r))
			YYACCEPT;
	}
    | file error NEWLINE {
		yyerrok;
		if (!tile_reader_end_line(r))
			YYACCEPT;
	} ;

line: WORD items { tile_reader_statement(r, $1, $2.first, false); }
    | WORD items '{' { tile_reader_statement(r, $1, $2.first, true); }
    | '}' {
		tile_reader_close(r, (struct tile_pos){ @1.first_line,
		    @1.first_column });
	} ;

items: %empty { $$.first = NULL; $$.end = NULL; }
     | items item {
		$$ = $1;
		if ($$.first == NULL)
			$$.first = $2;
		else
			*$$.end = $2;
		$$.end = &$2->next;
	} ;

item: plain {
		$$ = NEW(r->line, struct tile_item);
		$$->value = $1;
	}
    | WORD '=' value {
		$$ = NEW(r->line, struct tile_item);
		$$->key = $1;
		$$->value = $3;
	} ;

plain: WORD { $$ = tile_reader_value(r, VAL_WORD, $1); }
     | STRING { $$ = tile_reader_value(r, VAL_STRING, $1); }
     | OP { $$ = tile_reader_value(r, VAL_OP, $1); }
     | NUMBER {
		$$ = tile_reader_value(r, VAL_SUM, (struct tile_word){ NULL,
		    $1.pos });
		$$->sum = tile_reader_term(r, TERM_NUMBER, none, $1);
	}
     | BUFFER {
		$$ = tile_reader_value(r, VAL_SUM, (struct tile_word){ NULL,
		    $1.pos });
		$$->sum = tile_reader_term(r, TERM_BUFFER, $1, none);
	}
     | LOOP {
		$$ = tile_reader_value(r, VAL_SUM, (struct tile_word){ NULL,
		    $1.pos });
		$$->sum = tile_reader_term(r, TERM_LOOP, $1, none);
	} ;

value: element
     | STRING { $$ = tile_reader_value(r, VAL_STRING, $1); }
     | HEX
     | '(' elements ')' {
		$$ = tile_reader_value(r, VAL_LIST, none);
		$$->word.pos = (struct tile_pos){ @1.first_line,
		    @1.first_column };
		$$->list = $2.first;
	} ;

elements: element { $$.first = $1; $$.end = &$1->next; }
        | elements ',' element {
		$$ = $1;
		*$$.end = $3;
		$$.end = &$3->next;
	} ;

element: WORD { $$ = tile_reader_value(r, VAL_WORD, $1); }
       | sum {
		$$ = tile_reader_value(r, VAL_SUM, none);
		$$->word.pos = (struct tile_pos){ @1.first_line,
		    @1.first_column };
		$$->sum = $1.first;
	} ;

sum: term { $$.first = $1; $$.end = &$1->next; }
   | '-' term { $2->minus = true; $$.first = $2; $$.end = &$2->next; }
   | sum '+' term { $$ = $1; *$$.end = $3; $$.end = &$3->next; }
   | sum '-' term {
		$$ = $1;
		$3->minus = true;
		*$$.end = $3;
		$$.end = &$3->next;
	} ;

term: NUMBER { $$ = tile_reader_term(r, TERM_NUMBER, none, $1); }
    | BUFFER { $$ = tile_reader_term(r, TERM_BUFFER, $1, none); }
    | LOOP { $$ = tile_reader_term(r, TERM_LOOP, $1, none); }
    | LOOP '*' NUMBER { $$ = tile_reader_term(r, TERM_LOOP, $1, $3); }
    | WORD '*' NUMBER { $$ = tile_reader_term(r, TERM_GROUP, $1, $3); } ;

%%

static void
wtl_error(const WTL_LTYPE *l, struct tile_reader *r, void *scanner,
    const char *msg)
{
	(void)scanner; /* only reached when the parser's stack is full */
	tile_reader_error(r, (struct tile_pos){ l->first_line,
	    l->first_column }, "%s", msg);
}

/* "unexpected A, expected B, C or D"; longer lists of B are no help. */
static int
yyreport_syntax_error(const yypcontext_t *ctx, struct tile_reader *r,
    void *scanner)
{
	const WTL_LTYPE *l = yypcontext_location(ctx);
	yysymbol_kind_t want[5], got = yypcontext_token(ctx);
	int n = yypcontext_expected_tokens(ctx, want, 5);
	char msg[256];
	int len = snprintf(msg, sizeof msg, "unexpected %s",
	    yysymbol_name(got));

	(void)scanner;
	if (n < 0)
		return n; /* out of memory */
	for (int i = 0; i < n && n < 5; i++)
		len += snprintf(msg + len, sizeof msg - (size_t)len, "%s%s",
		    i == 0 ? ", expected " : i + 1 == n ? " or " : ", ",
		    yysymbol_name(want[i]));
	tile_reader_error(r, (struct tile_pos){ l->first_line,
	    l->first_column }, "%s", msg);
	return 0;
}
