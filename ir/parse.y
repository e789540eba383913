/* Grammar of the graph IR's text form; IR.md describes it. A statement is a
 * line, and an error skips to the end of its line. */
%code requires {
#include "ir/reader.h"
}

%define api.pure full
%define api.prefix {wgr_}
%define api.token.prefix {T_}
%define parse.error custom
%define parse.lac full
%locations
%parse-param {struct reader *r} {void *scanner}
%lex-param {void *scanner}

%union {
	struct word word;
	struct words *words;
	struct results_text *results;
	struct attrs_text *attrs;
	struct type_text type;
	struct types_text *types;
	struct data_text data;
	struct marks_text marks;
	struct loc loc;
}

%code {
#include <stdio.h>
#include <string.h>

int wgr_lex(WGR_STYPE *v, WGR_LTYPE *l, void *scanner);
static void wgr_error(const WGR_LTYPE *l, struct reader *r, void *scanner,
    const char *msg);
}

%token WAVE "'wave.graph'" GRAPH "'graph'" INPUT "'input'" CONST "'const'"
%token STATE "'state'" ASSIGN "'assign'" OUTPUT "'output'" TO "':='"
%token NEWLINE "end of line" END 0 "end of file"
%token <word> VALUE "value" STRING "string" NUMBER "number" WORD "word"
%token <data> HEX "hex data"

%type <word> opt_string opt_word
%type <marks> marks
%type <results> results
%type <words> operands operand_list dims numbers groups
%type <attrs> attrs attr_list
%type <types> opt_types types
%type <type> type
%type <data> data
%type <loc> loc

%%

file: header body '}' opt_newline ;

opt_newline: %empty | NEWLINE ;

header: WAVE NUMBER NEWLINE GRAPH STRING groups '{' NEWLINE {
		read_version(r, $2);
		read_graph(r, $5);
		read_groups(r, $6);
		if (!reader_end_line(r))
			YYABORT;
	} ;

groups: %empty { $$ = NULL; }
      | WORD numbers { $$ = expect_groups(r, $1, $2); } ;

body: %empty
    | body statement NEWLINE {
		if (!reader_end_line(r))
			YYABORT;
	}
    | body error NEWLINE {
		yyerrok;
		if (!reader_end_line(r))
			YYABORT;
	} ;

statement: leaf | node | assign | output ;

leaf: INPUT VALUE opt_string ':' type loc {
		read_leaf(r, VALUE_INPUT, &(struct leaf_text){.value = $2,
		    .name = $3, .type = $5, .loc = $6});
	}
    | CONST VALUE opt_string ':' type '=' data loc {
		read_leaf(r, VALUE_CONST, &(struct leaf_text){.value = $2,
		    .name = $3, .type = $5, .data = $7, .loc = $8});
	}
    | STATE VALUE opt_string opt_word ':' type '=' data loc {
		read_leaf(r, VALUE_STATE, &(struct leaf_text){.value = $2,
		    .name = $3, .flag = $4, .type = $6, .data = $8,
		    .loc = $9});
	} ;

node: results '=' WORD operands attrs opt_types marks loc {
		read_node(r, &(struct node_text){.results = $1, .op = $3,
		    .in = $4, .attrs = $5, .types = $6, .marks = $7,
		    .loc = $8});
	} ;

assign: ASSIGN VALUE TO VALUE { read_assign(r, $2, $4); } ;

output: OUTPUT VALUE STRING { read_output(r, $2, $3); } ;

results: VALUE opt_string { $$ = results_add(r, NULL, $1, $2); }
       | '_' { $$ = results_add(r, NULL, (struct word){0},
		    (struct word){0}); }
       | results ',' VALUE opt_string { $$ = results_add(r, $1, $3, $4); }
       | results ',' '_' { $$ = results_add(r, $1, (struct word){0},
		    (struct word){0}); } ;

operands: %empty { $$ = NULL; } | operand_list ;

operand_list: VALUE { $$ = words_add(r, NULL, $1); }
            | '_' { $$ = words_add(r, NULL, (struct word){0}); }
            | operand_list ',' VALUE { $$ = words_add(r, $1, $3); }
            | operand_list ',' '_' {
		$$ = words_add(r, $1, (struct word){0});
	} ;

attrs: %empty { $$ = NULL; }
     | '{' '}' { $$ = NULL; }
     | '{' attr_list '}' { $$ = $2; } ;

attr_list: WORD '=' WORD { $$ = attrs_add(r, NULL, $1, $3, NULL); }
         | WORD '=' NUMBER { $$ = attrs_add(r, NULL, $1, $3, NULL); }
         | WORD '=' numbers {
		$$ = attrs_add(r, NULL, $1, (struct word){0}, $3);
	}
         | attr_list ',' WORD '=' WORD {
		$$ = attrs_add(r, $1, $3, $5, NULL);
	}
         | attr_list ',' WORD '=' NUMBER {
		$$ = attrs_add(r, $1, $3, $5, NULL);
	}
         | attr_list ',' WORD '=' numbers {
		$$ = attrs_add(r, $1, $3, (struct word){0}, $5);
	} ;

opt_types: %empty { $$ = NULL; } | ':' types { $$ = $2; } ;

types: type { $$ = types_add(r, NULL, $1); }
     | '_' { $$ = types_add(r, NULL, (struct type_text){0}); }
     | types ',' type { $$ = types_add(r, $1, $3); }
     | types ',' '_' { $$ = types_add(r, $1, (struct type_text){0}); } ;

type: WORD numbers { $$ = (struct type_text){$1, $2}; } ;

numbers: '[' ']' { $$ = NEW(r->line, struct words); }
       | '[' dims ']' { $$ = $2; } ;

dims: NUMBER { $$ = words_add(r, NULL, $1); }
    | dims ',' NUMBER { $$ = words_add(r, $1, $3); } ;

data: WORD { $$ = (struct data_text){.word = $1}; }
    | WORD NUMBER { $$ = (struct data_text){.word = $1, .splat = $2}; }
    | numbers {
		$$ = (struct data_text){.list = $1,
		    .word.pos = {@1.first_line, @1.first_column}};
	}
    | HEX ;

opt_string: %empty { $$ = (struct word){0}; } | STRING ;
opt_word: %empty { $$ = (struct word){0}; } | WORD ;
marks: %empty { $$ = (struct marks_text){0}; }
     | marks WORD STRING {
		$$ = $1;
		read_mark(r, &$$, $2, $3, true);
	}
     | marks WORD NUMBER {
		$$ = $1;
		read_mark(r, &$$, $2, $3, false);
	} ;

loc: %empty { $$ = (struct loc){0}; }
   | '@' STRING opt_string {
		$$ = read_loc(r, $2, (struct word){0}, (struct word){0}, $3);
	}
   | '@' STRING ':' NUMBER ':' NUMBER opt_string {
		$$ = read_loc(r, $2, $4, $6, $7);
	} ;

%%

static void
wgr_error(const WGR_LTYPE *l, struct reader *r, void *scanner,
    const char *msg)
{
	(void)scanner; /* only reached when the parser's stack is full */
	reader_error(r, (struct pos){l->first_line, l->first_column}, "%s",
	    msg);
}

/* "unexpected A, expected B, C or D"; longer lists of B are no help. */
static int
yyreport_syntax_error(const yypcontext_t *ctx, struct reader *r,
    void *scanner)
{
	const WGR_LTYPE *l = yypcontext_location(ctx);
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
	reader_error(r, (struct pos){l->first_line, l->first_column}, "%s",
	    msg);
	return 0;
}
