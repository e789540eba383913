#include "tools/train_rate.h"

#include "runtime/schedule.h"

struct train_rate {
	struct schedule schedule;
	int64_t epochs, steps;
};

static bool
from_section(struct diag *d, const struct net_train *net, struct schedule *s)
{
	if (net->schedule == NET_SCHEDULE_NONE) {
		diag_error(d, NULL, "no learning rate: say --lr, as --lr 0.05 "
		    "or --lr cosine:0.1");
		return false;
	}
	if (net->nat > SCHEDULE_MAX_AT) {
		diag_error(d, NULL, "a schedule has at most %d steps",
		    SCHEDULE_MAX_AT);
		return false;
	}
	*s = (struct schedule){.lr = net->lr, .gamma = net->gamma,
	    .every = net->every, .final = net->final, .warmup = net->warmup,
	    .nat = (int)net->nat,
	    .kind = net->schedule == NET_STEP ? SCHEDULE_STEP :
		net->schedule == NET_COSINE ? SCHEDULE_COSINE :
		SCHEDULE_CONSTANT};
	for (size_t i = 0; i < net->nat; i++)
		s->at[i] = net->at[i];
	return true;
}

struct train_rate *
train_rate_open(struct arena *a, struct diag *d, const char *text,
    const struct net_train *net, int64_t epochs, int64_t steps)
{
	struct train_rate *r = NEW(a, struct train_rate);

	r->epochs = epochs;
	r->steps = steps;
	if (text != NULL ? !schedule_parse(a, d, text, &r->schedule) :
	    !from_section(d, net, &r->schedule))
		return NULL;
	return r;
}

double
train_rate_at(void *user, int64_t epoch, int64_t index)
{
	const struct train_rate *r = user;

	return schedule_at(&r->schedule, epoch, index, r->steps, r->epochs);
}

void
train_rate_print(const struct train_rate *r, struct strbuf *out)
{
	schedule_print(out, &r->schedule);
	if (r->schedule.kind == SCHEDULE_COSINE)
		strbuf_addf(out, " over %lld epoch%s", (long long)r->epochs,
		    r->epochs == 1 ? "" : "s");
}
