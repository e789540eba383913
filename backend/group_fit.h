/* What the parts of fitting a layer group share: who is on chip
 * (group_guest.c), what of it fits (group_fit.c), and with how many samples, in
 * which order (group_sub.c). */
#ifndef WAVE_BACKEND_GROUP_FIT_H
#define WAVE_BACKEND_GROUP_FIT_H

#include "backend/group.h"
#include "backend/place.h"

/* A root as one region's loop sees it; positions count from the loop's
 * first. */
struct guest {
	struct info *root;
	int64_t first, last;
	int64_t readers;  /* nodes that read it */
	double reads;     /* how much of it they read, all together */
	const char *layer; /* KEEP_FIRST: the first to read it */
	const char *maker; /* and the one that makes it */
	bool over;         /* later layers load it */
	bool part;         /* read before all of a concatenation is there */
	uint32_t counted; /* the last of them, + 1 */
	struct guest *takes; /* dies where this one starts: see reuse */
	bool made;        /* computed here */
	bool hard;        /* must be on chip */
};

struct fit {
	struct lower *lw;
	struct region *r;
	int64_t cap;
	struct guest *guest; /* those that may be on chip */
	size_t n;
};

/* Finds the guests of f->r in the order its loop has. */
void fit_collect(struct fit *f);
/* Lets what gains least leave until sub samples fit into cap bytes; last: also
 * what was to stay. False when they do not. */
bool fit_attempt(struct fit *f, int64_t cap, int64_t sub, bool last);
/* Transfers that a guest spares by staying: what is loaded has to be read once
 * anyway, and what is made here and read elsewhere is stored anyway. */
double fit_spared(const struct guest *g);
/* Tells which guests the region would have kept. */
void fit_remark(const struct fit *f);

#endif
