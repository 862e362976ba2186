// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the caller is made to run, at the return of its ioctl:
 *
 *	s = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK)
 *	page = mmap(a page)
 *	futex(FUTEX_WAKE_OP) three times	write an address: the family, and its number
 *	bind(s, its number)			no one else can send to us under it
 *	futex(FUTEX_WAKE_OP)			one more bit: our number
 *	connect(s, our number)
 *	munmap(page)				it may stand right behind what is read
 *	sendto(s, the bytes)			from where they are
 *	close(s)
 *
 * and then its ioctl once more (remote_again()). A page that never comes keeps the caller, not us.
 */
#include "deliver/peek.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/stop_point.h"
#include "deliver/inbox.h"

#define PAGE_BYTES 4096u
#define JOIN_TRIES 3 /* further ones */
#define NL_NUMBER  offsetof(struct sockaddr_nl, nl_pid)

static int open_here(void *user)
{
	return inbox_open(user);
}

static int open_inbox(struct hand *hand, const struct net *net, struct inbox *inbox)
{
	pid_t tid = hand->remote.tid;
	bool far;
	int r;

	r = net_is_far(net, tid, &far);
	if (r)
		return r;
	r = far ? net_run(net, tid, open_here, inbox) : inbox_open(inbox);
	if (r == -EACCES)
		log_about(&hand->remote.about, LOG_LEVEL_WARNING, "deliver",
			  "thread %d: its network namespace: %s", tid, strerror(errno));
	return r && r != -EACCES && r != -ESRCH ? -EIO : r;
}

static int make_socket(struct hand *hand)
{
	int r;

	r = hand_call(hand, &hand->socket, ARCH_SOCKET, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
		      NETLINK_USERSOCK);
	if (!r)
		r = hand_make_page(hand);
	if (!r)
		r = hand_set_word(hand, hand->page, AF_NETLINK);
	STOP_POINT("peek.socket", hand->remote.tid);
	return r;
}

/* 0, 1: somebody else holds that number, or a negative error */
static int take_number(struct hand *hand, const struct inbox *inbox)
{
	int64_t ret;
	int r;

	r = hand_set_word(hand, hand->page + NL_NUMBER, inbox->word);
	if (!r)
		r = hand_flip_bit(hand, hand->page + NL_NUMBER, inbox->bit);
	if (!r)
		r = remote_call(&hand->remote, &ret, ARCH_BIND, hand->socket, hand->page,
				sizeof(struct sockaddr_nl));
	STOP_POINT("peek.bound", hand->remote.tid);
	if (r)
		return r;
	if (ret == -EADDRINUSE)
		return 1;
	if (ret < 0)
		return hand_errno(ret);
	r = hand_flip_bit(hand, hand->page + NL_NUMBER, inbox->other);
	return r ? r
		 : hand_call(hand, &ret, ARCH_CONNECT, hand->socket, hand->page,
			     sizeof(struct sockaddr_nl));
}

static int join(struct hand *hand, const struct net *net, struct inbox *inbox)
{
	int r;

	for (int tries = JOIN_TRIES;; tries--) {
		r = open_inbox(hand, net, inbox);
		if (!r)
			r = take_number(hand, inbox);
		if (r <= 0)
			return r;
		inbox_close(inbox);
		if (!tries)
			return -EIO;
	}
}

/* 0 with *ret, or -EFAULT, or as hand_run() */
static int send_bytes(struct hand *hand, uint64_t address, uint32_t size, int64_t *ret)
{
	int r = hand_call(hand, ret, ARCH_SENDTO, hand->socket, address, size,
			  MSG_DONTWAIT | MSG_NOSIGNAL);

	STOP_POINT("peek.sent", hand->remote.tid);
	if (r)
		return r;
	return *ret == size ? 0 : -EIO;
}

/* all of it; where that can't be read, what there is in its first page */
static int send_most(struct hand *hand, const struct deliver_request *request, int64_t *ret)
{
	uint32_t first = PAGE_BYTES - request->address % PAGE_BYTES;
	int r = send_bytes(hand, request->address, request->most, ret);

	if (r != -EFAULT || first >= request->most || first < request->least)
		return r;
	return send_bytes(hand, request->address, first, ret);
}

static int exchange(struct hand *hand, const struct net *net, struct inbox *inbox,
		    const struct deliver_request *request, uint8_t *bytes)
{
	int64_t sent;
	int r;

	r = make_socket(hand);
	if (!r)
		r = join(hand, net, inbox);
	if (!r)
		r = hand_drop_page(hand);
	if (!r)
		r = send_most(hand, request, &sent);
	if (r)
		return r;
	/* by a sibling, too, who then fooled itself; but as many as were asked for */
	return inbox_receive(inbox, bytes, DELIVER_PEEK_MAX) == sent ? (int)sent : -EIO;
}

int peek_held(struct hand *hand, const struct net *net, const struct deliver_request *request,
	      uint8_t *bytes)
{
	struct inbox inbox = INBOX_INIT;
	int r;

	r = exchange(hand, net, &inbox, request, bytes);
	inbox_close(&inbox);
	return r;
}
