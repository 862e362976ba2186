/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who pays: every byte and every object is charged to an account before it is taken. A user has an
 * account as long as he has a client or a charge; each client has one of its own beside.
 */
#ifndef CORE_QUOTA_H
#define CORE_QUOTA_H

#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/list.h"

struct quota;

enum {
	_QUOTA_OK,
	QUOTA_E_EXCEEDED,
};

enum quota_kind {
	QUOTA_BYTES,
	QUOTA_BUFFERS,
	QUOTA_CLIENTS,
	QUOTA_HANDLES,
	_QUOTA_KIND_N,
};

#define QUOTA_NO_LIMIT UINT64_MAX

struct quota_limits {
	uint64_t user[_QUOTA_KIND_N];	/* of all that one uid has */
	uint64_t client[_QUOTA_KIND_N]; /* of one client: all but clients */
};

/* what an account holds, and may hold */
struct account {
	uint64_t used[_QUOTA_KIND_N];
	uint64_t limit[_QUOTA_KIND_N];
};

struct quota_user {
	struct list link; /* quota.users */
	uid_t uid;
	unsigned int references;
	struct account account;
};

/* something paid for; a member of what it is paid for */
struct charge {
	struct account *account; /* NULL: nothing */
	uint64_t amount[_QUOTA_KIND_N];
};

int quota_new(struct quota **ret, const struct quota_limits *limits);
struct quota *quota_free(struct quota *quota); /* no user may be left */
DEFINE_CLEANUP(struct quota *, quota_free);

/* the account of @uid, with a reference; and one given back */
int quota_user_get(struct quota_user **ret, struct quota *quota, uid_t uid);
struct quota_user *quota_user_ref(struct quota_user *user);
struct quota_user *quota_user_unref(struct quota_user *user);
DEFINE_CLEANUP(struct quota_user *, quota_user_unref);

/* the user after @after (NULL: the first), or NULL */
struct quota_user *quota_next(struct quota *quota, const struct quota_user *after);

/* a client's own account; quota_account_deinit() asserts that nothing is charged */
void quota_account_init(struct account *account, const struct quota *quota);
void quota_account_deinit(const struct account *account);

/* charge one more thing: all of a charge goes to one account. Return: 0 or QUOTA_E_EXCEEDED. */
int quota_charge(struct charge *charge, struct account *account, enum quota_kind kind,
		 uint64_t amount);
void quota_uncharge(struct charge *charge);

#endif
