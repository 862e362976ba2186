// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/log_limit.h"

#include <string.h>

#include "base/attr.h"

#define OTHERS UINT32_MAX /* no user's number */

void log_limit_init(struct log_limit *limit, unsigned int most, uint64_t interval,
		    uint64_t (*now)(void))
{
	memset(limit, 0, sizeof(*limit));
	pthread_mutex_init(&limit->lock, NULL);
	limit->now = now;
	limit->interval = interval;
	limit->most = most;
	for (size_t i = 0; i < ARRAY_SIZE(limit->accounts); i++)
		limit->accounts[i].uid = OTHERS;
}

void log_limit_deinit(struct log_limit *limit)
{
	pthread_mutex_destroy(&limit->lock);
}

static bool is_over(const struct log_limit *limit, const struct log_account *account, uint64_t now)
{
	return !account->written || now - account->since >= limit->interval;
}

/* the user's account; else one whose interval is over; else that of all others */
static struct log_account *account_find(struct log_limit *limit, uint32_t uid, uint64_t now)
{
	struct log_account *free = NULL;

	for (size_t i = 0; i < LOG_LIMIT_USERS; i++) {
		struct log_account *account = &limit->accounts[i];

		if (account->written && account->uid == uid)
			return account;
		if (!free && is_over(limit, account, now))
			free = account;
	}
	return free ?: &limit->accounts[LOG_LIMIT_USERS];
}

/* one more line on @account? What it held back in an interval that is over goes to *@ret_old. */
static bool account_charge(struct log_limit *limit, struct log_account *account, uint32_t uid,
			   uint64_t now, struct log_account *ret_old)
{
	if (is_over(limit, account, now)) {
		*ret_old = *account;
		*account = (struct log_account){
			.uid = account == &limit->accounts[LOG_LIMIT_USERS] ? OTHERS : uid,
			.since = now,
		};
	}
	if (account->written >= limit->most) {
		account->held_back++;
		return false;
	}
	account->written++;
	return true;
}

static void tell(const struct log_account *old, const char *topic)
{
	if (!old->held_back)
		return;
	if (old->uid == OTHERS)
		log_notice(topic, "%u further messages about other users were suppressed",
			   old->held_back);
	else
		log_notice(topic, "%u further messages about uid %u were suppressed",
			   old->held_back, old->uid);
}

bool log_about_may(const struct log_about *about, const char *topic)
{
	struct log_limit *limit = about->limit;
	struct log_account old = { 0 };
	uint64_t now;
	bool may;

	if (!limit)
		return true;
	now = limit->now();
	pthread_mutex_lock(&limit->lock);
	may = account_charge(limit, account_find(limit, about->uid, now), about->uid, now, &old);
	pthread_mutex_unlock(&limit->lock);
	tell(&old, topic);
	return may;
}
