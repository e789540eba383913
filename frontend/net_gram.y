/* Grammar of .net; DSL.md describes it. An error skips to the end of its
 * statement. */
%code requires {
#include "frontend/net_ast.h"
#define YYLLOC_DEFAULT(cur, rhs, n) \
	((cur) = (n) > 0 ? YYRHSLOC(rhs, 1) : YYRHSLOC(rhs, 0))
}

%define api.pure full
%define api.prefix {nety_}
%define api.location.type {struct pos}
%define api.token.prefix {T_}
%define parse.error custom
%define parse.lac full
%locations
%initial-action { @$ = (struct pos){s->file, 1, 1}; }
%parse-param {struct scan *s} {void *scanner}
%lex-param {void *scanner}

%union {
	const char *text;
	int64_t i;
	double f;
	struct expr *expr;
	struct args *args;
	struct params *params;
	struct stmt *stmt;
	struct stmts *stmts;
	struct settings *settings;
}

%code {
#include <stdio.h>
#include <string.h>

int nety_lex(NETY_STYPE *v, NETY_LTYPE *l, void *scanner);
static void nety_error(const struct pos *l, struct scan *s, void *scanner,
    const char *msg);

#define U (s->u)
#define TWO(op, pos, a, b) expr_binary(U, BIN_##op, pos, a, b)
#define RECOVER \
	do {                                       \
		if (U->errors >= NET_MAX_ERRORS)   \
			YYABORT;                   \
		yyerrok;                           \
	} while (0)

static struct block *make_block(struct scan *s, struct pos pos,
    const char *name, struct params *params, struct stmts *body);
static struct stmt *with_bodies(struct scan *s, struct stmt *st,
    struct stmts *body, struct stmts *orelse);
static struct stmts *just(struct scan *s, struct stmt *st);
}

%token INCLUDE "'include'" BLOCK "'block'" NETWORK "'network'"
%token TRAIN "'train'" INPUT "'input'" WHERE "'where'" OUTPUT "'output'"
%token REPEAT "'repeat'" IN "'in'" IF "'if'" THEN "'then'" ELSE "'else'"
%token RETURN "'return'" AND "'and'" OR "'or'" NOT "'not'" TRUE "'true'"
%token FALSE "'false'" NONE "'none'" ARROW "'->'" RANGE "'..'" EQ "'=='"
%token NE "'!='" LE "'<='" GE "'>='" FLOOR "'//'" POW "'**'"
%token NEWLINE "end of line" END 0 "end of file"
%token <text> NAME "name" STRING "string"
%token <i> INT "integer"
%token <f> FLOAT "number"

%precedence ELSE
%precedence ARROW
%left OR
%left AND
%precedence NOT
%nonassoc EQ NE LE GE '<' '>'
%left '+' '-'
%left '*' '/' '%' FLOOR
%precedence NEG
%right POW
%precedence '['

%type <expr> expr call
%type <args> arg_list opt_args dims where opt_where items opt_items
%type <params> params opt_params param_list
%type <stmt> statement
%type <stmts> body statements if_rest
%type <settings> settings

%%

file: %empty | file top ;

top: INCLUDE STRING NEWLINE { unit_include(s, $2, @2); }
   | BLOCK NAME params body NEWLINE {
		unit_block(U, make_block(s, @2, $2, $3, $4));
	}
   | NETWORK NAME opt_params body NEWLINE {
		unit_network(U, make_block(s, @2, $2, $3, $4));
	}
   | BLOCK error body NEWLINE { RECOVER; }
   | NETWORK error body NEWLINE { RECOVER; }
   | TRAIN '{' settings '}' NEWLINE { unit_train(U, $3, @1); }
   | NAME '=' expr NEWLINE {
		unit_global(U, stmt_new(U, STMT_ASSIGN, @1, $1, $3));
	}
   | error NEWLINE { RECOVER; } ;

opt_params: %empty { $$ = NULL; } | params ;

params: '(' ')' { $$ = NULL; }
      | '(' param_list ')' { $$ = $2; }
      | '(' param_list ',' ')' { $$ = $2; } ;

param_list: NAME { $$ = params_add(U, NULL, $1, @1, NULL); }
          | NAME '=' expr { $$ = params_add(U, NULL, $1, @1, $3); }
          | param_list ',' NAME { $$ = params_add(U, $1, $3, @3, NULL); }
          | param_list ',' NAME '=' expr {
		$$ = params_add(U, $1, $3, @3, $5);
	} ;

body: '{' statements '}' { $$ = $2; } ;

statements: %empty { $$ = NULL; }
          | statements statement NEWLINE { $$ = stmts_add(U, $1, $2); }
          | statements error NEWLINE { $$ = $1; RECOVER; }
          | statements REPEAT error body NEWLINE { $$ = $1; RECOVER; }
          | statements IF error body NEWLINE { $$ = $1; RECOVER; } ;

statement: NAME '=' expr { $$ = stmt_new(U, STMT_ASSIGN, @1, $1, $3); }
         | expr { $$ = stmt_new(U, STMT_EXPR, @1, NULL, $1); }
         | RETURN expr { $$ = stmt_new(U, STMT_RETURN, @1, NULL, $2); }
         | OUTPUT NAME '=' expr {
		$$ = stmt_new(U, STMT_OUTPUT, @2, $2, $4);
	}
         | INPUT NAME ':' NAME '[' dims ']' opt_where {
		$$ = stmt_new(U, STMT_INPUT, @2, $2, NULL);
		$$->dtype = $4;
		$$->dtype_pos = @4;
		$$->dims = $6;
		$$->where = $8;
	}
         | REPEAT NAME IN expr RANGE expr body {
		$$ = stmt_new(U, STMT_REPEAT, @2, $2, $4);
		$$->b = $6;
		with_bodies(s, $$, $7, NULL);
	}
         | REPEAT NAME IN expr body {
		$$ = stmt_new(U, STMT_REPEAT, @2, $2, $4);
		with_bodies(s, $$, $5, NULL);
	}
         | IF expr body if_rest {
		$$ = with_bodies(s, stmt_new(U, STMT_IF, @1, NULL, $2), $3,
		    $4);
	} ;

if_rest: %empty { $$ = NULL; }
       | ELSE body { $$ = $2; }
       | ELSE IF expr body if_rest {
		$$ = just(s, with_bodies(s, stmt_new(U, STMT_IF, @2, NULL,
		    $3), $4, $5));
	} ;

dims: opt_items ;

opt_where: %empty { $$ = NULL; } | WHERE where { $$ = $2; } ;

where: NAME '=' expr { $$ = args_add(U, NULL, $1, @1, $3); }
     | where ',' NAME '=' expr { $$ = args_add(U, $1, $3, @3, $5); } ;

settings: %empty { $$ = NULL; }
        | settings NAME expr NEWLINE {
		$$ = settings_add(U, $1, $2, @2, $3);
	}
        | settings error NEWLINE { $$ = $1; RECOVER; } ;

opt_items: %empty { $$ = NULL; } | items | items ',' ;

items: expr { $$ = args_add(U, NULL, NULL, @1, $1); }
     | items ',' expr { $$ = args_add(U, $1, NULL, @3, $3); } ;

opt_args: %empty { $$ = NULL; } | arg_list | arg_list ',' ;

arg_list: expr { $$ = args_add(U, NULL, NULL, @1, $1); }
        | NAME '=' expr { $$ = args_add(U, NULL, $1, @1, $3); }
        | arg_list ',' expr { $$ = args_add(U, $1, NULL, @3, $3); }
        | arg_list ',' NAME '=' expr {
		$$ = args_add(U, $1, $3, @3, $5);
	} ;

call: NAME '(' opt_args ')' { $$ = expr_call(U, @1, $1, $3); } ;

expr: call
    | NAME {
		$$ = expr_new(U, EXPR_NAME, @1, NULL, NULL, NULL);
		$$->s = $1;
	}
    | INT {
		$$ = expr_new(U, EXPR_INT, @1, NULL, NULL, NULL);
		$$->i = $1;
	}
    | FLOAT {
		$$ = expr_new(U, EXPR_FLOAT, @1, NULL, NULL, NULL);
		$$->f = $1;
	}
    | STRING {
		$$ = expr_new(U, EXPR_STRING, @1, NULL, NULL, NULL);
		$$->s = $1;
	}
    | TRUE {
		$$ = expr_new(U, EXPR_BOOL, @1, NULL, NULL, NULL);
		$$->i = 1;
	}
    | FALSE { $$ = expr_new(U, EXPR_BOOL, @1, NULL, NULL, NULL); }
    | NONE { $$ = expr_new(U, EXPR_NONE, @1, NULL, NULL, NULL); }
    | '(' expr ')' { $$ = $2; }
    | '[' opt_items ']' { $$ = expr_list(U, @1, $2); }
    | expr '[' expr ']' { $$ = expr_new(U, EXPR_INDEX, @2, $1, $3, NULL); }
    | expr ARROW call { $$ = expr_pipe(U, @3, $1, $3); }
    | expr ARROW NAME {
		$$ = expr_pipe(U, @3, $1, expr_call(U, @3, $3, NULL));
	}
    | NOT expr { $$ = expr_new(U, EXPR_NOT, @1, $2, NULL, NULL); }
    | '-' expr %prec NEG { $$ = expr_new(U, EXPR_NEG, @1, $2, NULL, NULL); }
    | expr AND expr { $$ = expr_new(U, EXPR_AND, @2, $1, $3, NULL); }
    | expr OR expr { $$ = expr_new(U, EXPR_OR, @2, $1, $3, NULL); }
    | IF expr THEN expr ELSE expr {
		$$ = expr_new(U, EXPR_IF, @1, $2, $4, $6);
	}
    | expr '+' expr { $$ = TWO(ADD, @2, $1, $3); }
    | expr '-' expr { $$ = TWO(SUB, @2, $1, $3); }
    | expr '*' expr { $$ = TWO(MUL, @2, $1, $3); }
    | expr '/' expr { $$ = TWO(DIV, @2, $1, $3); }
    | expr FLOOR expr { $$ = TWO(FLOOR, @2, $1, $3); }
    | expr '%' expr { $$ = TWO(MOD, @2, $1, $3); }
    | expr POW expr { $$ = TWO(POW, @2, $1, $3); }
    | expr EQ expr { $$ = TWO(EQ, @2, $1, $3); }
    | expr NE expr { $$ = TWO(NE, @2, $1, $3); }
    | expr '<' expr { $$ = TWO(LT, @2, $1, $3); }
    | expr LE expr { $$ = TWO(LE, @2, $1, $3); }
    | expr '>' expr { $$ = TWO(GT, @2, $1, $3); }
    | expr GE expr { $$ = TWO(GE, @2, $1, $3); } ;

%%

static struct block *
make_block(struct scan *s, struct pos pos, const char *name,
    struct params *params, struct stmts *body)
{
	struct block *b = NEW(U->arena, struct block);

	*b = (struct block){name, pos, params, body};
	return b;
}

static struct stmts *
just(struct scan *s, struct stmt *st)
{
	return stmts_add(U, NULL, st);
}

static struct stmt *
with_bodies(struct scan *s, struct stmt *st, struct stmts *body,
    struct stmts *orelse)
{
	st->body = body;
	st->orelse = orelse;
	stmt_depth(U, st);
	return st;
}

static void
nety_error(const struct pos *l, struct scan *s, void *scanner,
    const char *msg)
{
	(void)scanner; /* only reached when the parser's stack is full */
	(void)msg;
	net_error(U, *l, "this is nested too deep");
}

/* "unexpected A, expected B, C or D"; longer lists of B are no help. */
static int
yyreport_syntax_error(const yypcontext_t *ctx, struct scan *s,
    void *scanner)
{
	const struct pos *l = yypcontext_location(ctx);
	yysymbol_kind_t want[5], got = yypcontext_token(ctx);
	int n = yypcontext_expected_tokens(ctx, want, 5);
	int known = (int)(sizeof s->open / sizeof *s->open);
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
	if (got != YYSYMBOL_YYerror)
		net_error(U, *l, "%s", msg);
	if (s->nopen > 0 && s->nopen <= known && s->open[s->nopen - 1].line !=
	    l->line)
		net_note(U, s->open[s->nopen - 1],
		    "this bracket is still open");
	s->nopen = 0; /* lines end statements again */
	return 0;
}
