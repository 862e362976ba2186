/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the keeper's children are born (DESIGN.md section 2). Both die with it: a leftover holder of
 * a channel would leave callers in a wait that no signal ends.
 */
#ifndef DAEMON_SPAWN_H
#define DAEMON_SPAWN_H

#include <sys/types.h>

enum spawn_table {
	SPAWN_OWN_TABLE,    /* fork(): a copy of the fd table */
	SPAWN_SHARED_TABLE, /* clone3(CLONE_FILES) without CLONE_VM: one table, two memories */
};

/**
 * spawn() - make a child that runs a function and exits with its value
 * @ret:	the child's pid
 * @table:	how it comes by its fds
 * @name:	of the process (at most 15 bytes)
 * @run:	runs in the child, with all signals of the keeper's mask still blocked
 * @user:	for @run
 *
 * The caller is single-threaded: that is what makes a raw clone3() as good as fork().
 *
 * Return: 0 or a negative error.
 */
int spawn(pid_t *ret, enum spawn_table table, const char *name, int (*run)(void *user), void *user);

/* asks for SIGKILL at the parent's death; again after each change of user. 0, or -ESRCH: dead
 * already */
int spawn_bind_to_parent(pid_t parent);

#endif
