/* doc: frontend/LAYERS.md */
/* Prints the page on the layers of .net from their table. */
#include <stdio.h>

#include "frontend/net_run.h"

/* "x:t axis:i=-1" as "`x` t, `axis` i = -1". */
static void
print_signature(const char *s)
{
	bool name = true, first = true;

	for (; *s != '\0'; s++) {
		if (name && first)
			printf("`");
		first = false;
		if (*s == ':') {
			printf("` %c", *++s);
			name = false;
			if (s[1] == '=') {
				printf(" = ");
				s++;
			}
		} else if (*s == ' ') {
			printf(", ");
			name = first = true;
		} else {
			putchar(*s);
		}
	}
}

int
main(void)
{
	const struct builtin *list;
	size_t n = builtin_all(&list);

	printf("# Layers and functions of `.net`\n\n"
	    "Generated from `frontend/net_builtins.c` by `make docs`; do "
	    "not edit. [DSL.md](DSL.md) describes the language.\n\n"
	    "Kinds: t tensor, T any number of tensors or lists of them, i "
	    "integer, f number, b true or false, s string,\n"
	    "l integer or list of integers, w initialiser, a several. "
	    "Arguments with `=` have a default.\n");
	for (int layers = 1; layers >= 0; layers--) {
		printf("\n## %s\n\n| name | arguments | meaning |\n"
		    "|---|---|---|\n", layers ? "Layers" :
		    "Functions and initialisers");
		for (size_t i = 0; i < n; i++) {
			if (list[i].layer != (layers == 1))
				continue;
			printf("| `%s` | ", list[i].name);
			print_signature(list[i].signature);
			printf(" | %s |\n", list[i].summary);
		}
	}
	return 0;
}
