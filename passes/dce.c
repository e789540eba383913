/* dce: nodes none of whose results are read, put out or assigned go. */
#include "passes/rewrite.h"

bool
pass_dce(struct pass_ctx *c)
{
	struct node *prev;

	for (struct node *n = c->g->last; n != NULL; n = prev) {
		bool live = false;

		prev = n->prev;
		for (int i = 0; i < n->nout && !live; i++)
			live = n->out[i] != NULL &&
			    value_nuses(c->g, n->out[i]) > 0;
		if (live)
			continue;
		pass_remark(c, &n->loc, "%s removed: nobody reads it",
		    node_label(c, n));
		graph_remove(c->g, n);
		c->changed = true;
	}
	return true;
}
