// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/inbox.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"

#define INBOX_TRIES 4
#define BIT_FIRST   11
#define BITS	    20

static int numbers_choose(struct inbox *inbox)
{
	uint32_t chance[3];

	if (getrandom(chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
		return err_origin(-EAGAIN);
	inbox->word = 1 + chance[0] % 2047;
	inbox->bit = BIT_FIRST + chance[1] % BITS;
	inbox->other = BIT_FIRST + (inbox->bit - BIT_FIRST + 1 + chance[2] % (BITS - 1)) % BITS;
	return 0;
}

static int inbox_bind(struct inbox *inbox)
{
	struct sockaddr_nl ours = { .nl_family = AF_NETLINK }, theirs = ours;
	int r;

	for (int i = 0; i < INBOX_TRIES; i++) {
		r = numbers_choose(inbox);
		if (r)
			return r;
		theirs.nl_pid = inbox->word | 1u << inbox->bit;
		ours.nl_pid = theirs.nl_pid | 1u << inbox->other;
		if (bind(inbox->fd, (struct sockaddr *)&ours, sizeof(ours)) == 0)
			break;
		if (errno != EADDRINUSE || i == INBOX_TRIES - 1)
			return err_origin(-errno);
	}
	return connect(inbox->fd, (struct sockaddr *)&theirs, sizeof(theirs)) < 0
		       ? err_origin(-errno)
		       : 0;
}

int inbox_open(struct inbox *inbox)
{
	int r;

	inbox->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_USERSOCK);
	if (inbox->fd < 0)
		return err_origin(-errno);
	r = inbox_bind(inbox);
	if (r)
		inbox_close(inbox);
	return r;
}

struct inbox *inbox_close(struct inbox *inbox)
{
	inbox->fd = fd_close(inbox->fd);
	return NULL;
}

ssize_t inbox_receive(struct inbox *inbox, void *bytes, size_t size)
{
	ssize_t n = recv(inbox->fd, bytes, size, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return -errno;
	return n > (ssize_t)size ? -EMSGSIZE : n;
}
