/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who asks for something that is not for all: the credentials of a peer or of a client.
 */
#ifndef CORE_WHO_H
#define CORE_WHO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct who {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* the supplementary ones, borrowed */
	size_t n_groups;
};

static inline bool who_is_in(const struct who *who, gid_t gid)
{
	for (size_t i = 0; i < who->n_groups; i++)
		if (who->groups[i] == gid)
			return true;
	return who->gid == gid;
}

#endif
