/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network namespaces of callers: names of sockets are valid in one only. */
#ifndef DELIVER_NET_H
#define DELIVER_NET_H

#include <stdbool.h>
#include <sys/types.h>

/* our own */
struct net {
	int fd; /* or -1 */
	ino_t id;
};

/* the calling thread's, which is the one that the others are for; 0 or a negative error */
int net_open(struct net *net);
void net_close(struct net *net);

/* is @tid in another one? 0, or -ESRCH */
int net_is_far(const struct net *net, pid_t tid, bool *ret_far);

/**
 * net_run() - do something in a thread's network namespace
 * @net:	where the calling thread is again afterwards
 * @tid:	whose
 * @run:	what: 0 or a negative error
 * @user:	for @run
 *
 * Return: what @run did; -ESRCH; -EACCES (errno says why): its namespace is closed to us.
 */
int net_run(const struct net *net, pid_t tid, int (*run)(void *user), void *user);

#endif
