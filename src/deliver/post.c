// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/post.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/fd.h"

#define POST_TRIES 4

static void address_make(const struct post *post, struct sockaddr_un *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	memcpy((uint8_t *)ret + post->offset, &post->word, sizeof(post->word));
}

/* an address has to end behind its word, and the longer one within a sockaddr_un */
static int name_choose(struct post *post)
{
	uint32_t chance[3], most = sizeof(struct sockaddr_un) - 1;

	if (getrandom(chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
		return err_origin(-EAGAIN);
	post->word = 1 + chance[0] % 2047;
	post->offset = 4 + chance[1] % 25 * 4;
	post->size = post->offset + 4;
	post->size += chance[2] % (most - post->size + 1);
	return 0;
}

static int post_bind(struct post *post)
{
	struct sockaddr_un address;
	int r;

	for (int i = 0; i < POST_TRIES; i++) {
		r = name_choose(post);
		if (r)
			return r;
		address_make(post, &address);
		if (bind(post->fd, (struct sockaddr *)&address, post->size) == 0)
			return 0;
		if (errno != EADDRINUSE)
			break;
	}
	return err_origin(-errno);
}

int post_open(struct post *post)
{
	int r;

	post->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (post->fd < 0)
		return err_origin(-errno);
	if (shutdown(post->fd, SHUT_RD) < 0)
		r = err_origin(-errno);
	else
		r = post_bind(post);
	if (r)
		post_close(post);
	return r;
}

struct post *post_close(struct post *post)
{
	post->fd = fd_close(post->fd);
	return NULL;
}

int post_send(const struct post *post, const void *bytes, size_t size, int fd)
{
	struct sockaddr_un address;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = size };
	struct msghdr msg = {
		.msg_name = &address,
		.msg_namelen = post->size + 1,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	address_make(post, &address);
	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
	}
	return sendmsg(post->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
