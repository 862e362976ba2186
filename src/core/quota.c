// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/quota.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

#define BUCKETS 64u

struct quota {
	struct quota_limits limits;
	struct list users[BUCKETS]; /* quota_user.link, by uid */
};

int quota_new(struct quota **ret, const struct quota_limits *limits)
{
	struct quota *quota;

	quota = calloc(1, sizeof(*quota));
	if (!quota)
		return err_origin(-ENOMEM);
	quota->limits = *limits;
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&quota->users[i]);
	*ret = quota;
	return 0;
}

struct quota *quota_free(struct quota *quota)
{
	if (!quota)
		return NULL;
	for (size_t i = 0; i < BUCKETS; i++)
		assert(list_is_empty(&quota->users[i]));
	free(quota);
	return NULL;
}

static struct quota_user *user_find(const struct list *bucket, uid_t uid)
{
	list_for_each (link, bucket) {
		struct quota_user *user = list_entry(link, struct quota_user, link);

		if (user->uid == uid)
			return user;
	}
	return NULL;
}

int quota_user_get(struct quota_user **ret, struct quota *quota, uid_t uid)
{
	struct list *bucket = &quota->users[uid % BUCKETS];
	struct quota_user *user;

	user = user_find(bucket, uid);
	if (user) {
		*ret = quota_user_ref(user);
		return 0;
	}
	user = calloc(1, sizeof(*user));
	if (!user)
		return err_origin(-ENOMEM);
	user->uid = uid;
	user->references = 1;
	memcpy(user->account.limit, quota->limits.user, sizeof(user->account.limit));
	list_append(bucket, &user->link);
	*ret = user;
	return 0;
}

struct quota_user *quota_user_ref(struct quota_user *user)
{
	user->references++;
	return user;
}

struct quota_user *quota_user_unref(struct quota_user *user)
{
	if (!user || --user->references)
		return NULL;
	quota_account_deinit(&user->account);
	list_remove(&user->link);
	free(user);
	return NULL;
}

struct quota_user *quota_next(struct quota *quota, const struct quota_user *after)
{
	size_t i = after ? after->uid % BUCKETS : 0;
	const struct list *link = after ? &after->link : &quota->users[0];

	for (; i < BUCKETS; link = &quota->users[++i]) {
		if (link->next != &quota->users[i])
			return list_entry(link->next, struct quota_user, link);
		if (i == BUCKETS - 1)
			break;
	}
	return NULL;
}

void quota_account_init(struct account *account, const struct quota *quota)
{
	*account = (struct account){ 0 };
	memcpy(account->limit, quota->limits.client, sizeof(account->limit));
}

void quota_account_deinit(const struct account *account)
{
	for (size_t kind = 0; kind < _QUOTA_KIND_N; kind++)
		assert(!account->used[kind]);
}

/**
 * quota_charge() - let an account pay
 * @charge:	takes the amount on top of what it has; all of it is of one account
 * @account:	who pays
 * @kind:	of what
 * @amount:	how much
 *
 * Return: 0, or QUOTA_E_EXCEEDED with nothing changed.
 */
int quota_charge(struct charge *charge, struct account *account, enum quota_kind kind,
		 uint64_t amount)
{
	assert(!charge->account || charge->account == account);
	if (account->used[kind] > account->limit[kind] ||
	    amount > account->limit[kind] - account->used[kind])
		return QUOTA_E_EXCEEDED;
	account->used[kind] += amount;
	charge->account = account;
	charge->amount[kind] += amount;
	return 0;
}

void quota_uncharge(struct charge *charge)
{
	if (!charge->account)
		return;
	for (size_t kind = 0; kind < _QUOTA_KIND_N; kind++)
		charge->account->used[kind] -= charge->amount[kind];
	*charge = (struct charge){ 0 };
}
