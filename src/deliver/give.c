// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the caller is made to run, in this order, at the return of its ioctl:
 *
 *	s = socket(AF_UNIX, SOCK_DGRAM)		the lowest free number: the one that it will get
 *	page = mmap(a page)			for what the kernel must read from its memory
 *	futex(FUTEX_WAKE_OP) twice		write two words: an address for both sockets
 *	connect(s, our address)			no one else can send to it
 *	bind(s, its address)			we can send to it
 *	recvfrom(s, page)			a struct msghdr, built by us
 *	recvmsg(s, page)			the file; and `s` as 4 bytes of data, straight into
 *						the fd field of its struct
 *	dup3(n, s), close(n), munmap(page)
 *
 * So every byte is written by the caller's own thread, where a fault is its own affair, and neither
 * its stack nor a file of its is touched. Nothing of the caller's is fetched into this process.
 * recvmsg() does not tell the file's number n in a register: kcmp(2) finds it, from s upwards.
 *
 * A PUT is the same with a recvfrom() to where the bytes belong, and a close(s) at the end. What is
 * run for a PEEK is in deliver/peek.c.
 */
#include "deliver/give.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/stop_point.h"
#include "deliver/hand.h"
#include "deliver/peek.h"

#define JOIN_TRIES 3  /* further ones */
#define NEAR	   16 /* numbers behind the socket's that are tried first */

/* a delivery under way; what is -1 or 0 is not there */
struct gift {
	struct give *give;
	const struct deliver_request *request;
	int fd;
	uint8_t *bytes; /* of a PEEK ... */
	int peeked;	/* ... as many */
	struct hand hand;
	struct post far; /* in the caller's network namespace, where that isn't ours */
	const struct post *post;
	bool passed;	     /* the file may have come */
	int64_t number;	     /* what it came under */
	uint64_t most;	     /* the soft limit that we set, or 0 ... */
	struct rlimit limit; /* ... in place of this */
};

int give_init(struct give *give, const int *channels, size_t n_channels,
	      struct log_limit *log_limit)
{
	int r;

	*give = (struct give){
		.channels = channels,
		.n_channels = n_channels,
		.log_limit = log_limit,
		.post = POST_INIT,
		.net.fd = -1,
		.tid = gettid(),
	};
	r = watch_init(&give->watch);
	if (r)
		return r;
	r = net_open(&give->net);
	if (!r)
		r = post_open(&give->post);
	if (r)
		give_deinit(give);
	return r;
}

void give_deinit(struct give *give)
{
	post_close(&give->post);
	net_close(&give->net);
	watch_deinit(&give->watch);
}

/* ---- the channel ---- */

static int channel_write(struct gift *gift, const void *bytes, size_t size)
{
	int channel = gift->give->channels[gift->request->call.channel];
	ssize_t n = write(channel, bytes, size);

	return n < 0 ? -errno : 0;
}

/*
 * The reply. A caller whose request is gone has been killed, or the request was answered before.
 * If the kernel won't have the reply, the request must still be answered, or the caller would
 * never stop.
 */
static int reply(struct gift *gift, bool *ret_replied)
{
	const struct deliver_request *request = gift->request;
	struct fuse_out_header error = {
		.len = sizeof(error),
		.error = -EIO,
		.unique = request->call.unique,
	};
	int r;

	r = channel_write(gift, request->bytes, request->size);
	*ret_replied = !r;
	if (!r || r == -ENOENT || r == -ENODEV)
		return r ? -ESRCH : 0;

	log_error("deliver", "the kernel refused a reply of %u bytes: %s", request->size,
		  strerror(-r));
	*ret_replied = channel_write(gift, &error, sizeof(error)) == 0;
	return -EIO;
}

/* ---- the caller's network namespace ---- */

static int open_far(void *user)
{
	struct gift *gift = user;

	gift->post = &gift->far;
	return post_open(&gift->far);
}

static int choose_post(struct gift *gift)
{
	pid_t tid = gift->hand.remote.tid;
	bool far;
	int r;

	gift->post = &gift->give->post;
	r = net_is_far(&gift->give->net, tid, &far);
	if (r || !far)
		return r;
	r = net_run(&gift->give->net, tid, open_far, gift);
	if (r == -EACCES)
		log_about(&gift->hand.remote.about, LOG_LEVEL_WARNING, "deliver",
			  "thread %d: its network namespace: %s", tid, strerror(errno));
	return r;
}

/* ---- what the caller is made to do ---- */

static int make_socket(struct gift *gift)
{
	struct hand *hand = &gift->hand;
	int r;

	r = hand_call(hand, &hand->socket, ARCH_SOCKET, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (r)
		return r;
	STOP_POINT("give.socket", hand->remote.tid);
	r = hand_make_page(hand);
	if (r)
		return r;
	STOP_POINT("give.page", hand->remote.tid);
	r = hand_set_word(hand, hand->page, AF_UNIX);
	if (r)
		return r;
	STOP_POINT("give.family", hand->remote.tid);
	r = hand_set_word(hand, hand->page + gift->post->offset, gift->post->word);
	STOP_POINT("give.address", hand->remote.tid);
	return r;
}

/* another pair of names, and nothing sent from there yet; 0 or a negative error */
static int renew_post(struct give *give)
{
	struct post fresh = POST_INIT;
	int r;

	r = post_open(&fresh);
	if (r)
		return r;
	post_close(&give->post);
	give->post = fresh;
	return 0;
}

/*
 * An earlier caller still holds the other name: one that is dying, or a thread of it that had made
 * a number of its own for our socket. So we take another pair of names.
 */
static int renew_address(struct gift *gift)
{
	int r;

	r = hand_set_word(&gift->hand, gift->hand.page + gift->post->offset, 0);
	if (r)
		return r;
	if (renew_post(gift->give) < 0)
		return -EIO;
	return hand_set_word(&gift->hand, gift->hand.page + gift->post->offset, gift->post->word);
}

static int join_sockets(struct gift *gift)
{
	int64_t ret;
	int r;

	for (int tries = JOIN_TRIES;; tries--) {
		r = hand_call(&gift->hand, &ret, ARCH_CONNECT, gift->hand.socket, gift->hand.page,
			      gift->post->size);
		if (r)
			return r;
		STOP_POINT("give.connected", gift->hand.remote.tid);
		r = remote_call(&gift->hand.remote, &ret, ARCH_BIND, gift->hand.socket,
				gift->hand.page, gift->post->size + 1);
		STOP_POINT("give.bound", gift->hand.remote.tid);
		if (r)
			return r;
		/* one that was made for this delivery alone is not in anybody's way */
		if (ret != -EADDRINUSE || !tries || gift->post != &gift->give->post)
			return ret < 0 ? hand_errno(ret) : 0;
		r = renew_address(gift);
		if (r)
			return r;
	}
}

/* send and receive the file once; what it came under is not known then */
static int pass_file(struct gift *gift)
{
	uint8_t message[ARCH_MESSAGE_MAX];
	int32_t number = gift->hand.socket;
	int64_t ret;
	size_t size;
	int r;

	size = arch_message(&gift->hand.remote.thread, message, gift->hand.page,
			    gift->request->address, sizeof(number));
	r = post_send(gift->post, message, size, -1);
	if (!r)
		r = post_send(gift->post, &number, sizeof(number), gift->fd);
	if (r)
		return err_origin(-EIO);
	STOP_POINT("give.sent", gift->hand.remote.tid);

	r = hand_call(&gift->hand, &ret, ARCH_RECVFROM, gift->hand.socket, gift->hand.page, size,
		      MSG_DONTWAIT);
	if (r)
		return r;
	STOP_POINT("give.header", gift->hand.remote.tid);
	gift->passed = true;
	r = hand_call(&gift->hand, &ret, ARCH_RECVMSG, gift->hand.socket, gift->hand.page,
		      MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	STOP_POINT("give.received", gift->hand.remote.tid);
	return r;
}

/* is our file the caller's file number @n? */
static bool is_number(struct gift *gift, uint64_t n)
{
	if (syscall(SYS_kcmp, gift->give->tid, gift->hand.remote.tid, KCMP_FILE, gift->fd, n))
		return false;
	gift->number = n;
	return true;
}

/*
 * Which number has the file got? Mostly the socket's next; a lower one where another thread closed
 * a file meanwhile; one far up where the caller's numbers are dense.
 */
static bool find_number(struct gift *gift)
{
	struct watch *watch = &gift->give->watch;
	uint64_t socket = gift->hand.socket, end;

	for (uint64_t n = socket + 1; n <= socket + NEAR; n++) {
		if (is_number(gift, n))
			return true;
	}
	for (uint64_t n = 0; n < socket; n++) {
		if (is_number(gift, n))
			return true;
	}
	end = MAX(remote_status(&gift->hand.remote, "FDSize"), 0);
	for (uint64_t n = socket + NEAR + 1; n < end; n++) {
		if (is_number(gift, n))
			return true;
		if (watch_is_over(watch) && !(watch->patient && watch_may_go_on(watch)))
			break;
	}
	return false;
}

/*
 * The file found no number: the socket has the last free one. The kernel's own answer would have
 * needed one only, so the caller may have one more for the moment, if its hard limit lets it.
 */
static int raise_limit(struct gift *gift)
{
	struct rlimit more;

	if (prlimit(gift->hand.remote.tid, RLIMIT_NOFILE, NULL, &gift->limit) < 0)
		return -EMFILE;
	more.rlim_cur = gift->limit.rlim_cur + 1;
	more.rlim_max = MAX(gift->limit.rlim_max, more.rlim_cur);
	if (prlimit(gift->hand.remote.tid, RLIMIT_NOFILE, &more, NULL) < 0)
		return -EMFILE;
	gift->most = more.rlim_cur;
	STOP_POINT("give.limit-raised", gift->hand.remote.tid);
	return 0;
}

/* put the limit back, unless it was changed by someone else meanwhile */
static void restore_limit(struct gift *gift)
{
	struct rlimit now;

	if (!gift->most || prlimit(gift->hand.remote.tid, RLIMIT_NOFILE, NULL, &now) < 0 ||
	    now.rlim_cur != gift->most)
		return;
	prlimit(gift->hand.remote.tid, RLIMIT_NOFILE, &gift->limit, NULL);
	STOP_POINT("give.limit-restored", gift->hand.remote.tid);
}

static int receive_file(struct gift *gift)
{
	int r;

	r = pass_file(gift);
	if (r || find_number(gift))
		return r;
	r = raise_limit(gift);
	if (r) {
		log_about(&gift->hand.remote.about, LOG_LEVEL_INFO, "deliver",
			  "thread %d: no fd is left beside the socket: Too many open files",
			  gift->hand.remote.tid);
		return r;
	}
	r = pass_file(gift);
	if (r)
		return r;
	return find_number(gift) ? 0 : -EIO;
}

/* the file takes the socket's number */
static int place_file(struct gift *gift)
{
	int flags = gift->request->flags & DELIVER_OVER_EXEC ? 0 : O_CLOEXEC;
	int64_t ret;
	int r;

	r = hand_call(&gift->hand, &ret, ARCH_DUP3, gift->number, gift->hand.socket, flags);
	if (r)
		return r;
	STOP_POINT("give.placed", gift->hand.remote.tid);
	r = hand_call(&gift->hand, &ret, ARCH_CLOSE, gift->number);
	STOP_POINT("give.closed", gift->hand.remote.tid);
	if (!r)
		gift->number = -1;
	return r;
}

static int put_piece(struct gift *gift, const struct deliver_piece *piece, const uint8_t *bytes)
{
	int64_t ret;
	int r;

	if (post_send(gift->post, bytes, piece->size, -1))
		return err_origin(-EIO);
	r = hand_call(&gift->hand, &ret, ARCH_RECVFROM, gift->hand.socket, piece->address,
		      piece->size, MSG_DONTWAIT);
	if (r)
		return r;
	return ret == piece->size ? 0 : -EIO;
}

static int put_pieces(struct gift *gift)
{
	const struct deliver_piece *piece = gift->request->pieces;
	const uint8_t *bytes = gift->request->bytes + gift->request->size;
	int r;

	/* it may stand right behind the caller's array, and must not make it longer */
	r = hand_drop_page(&gift->hand);
	if (r)
		return r;
	for (int i = 0; i < DELIVER_PIECES_MAX && !r; i++, piece++) {
		if (piece->size)
			r = put_piece(gift, piece, bytes);
		bytes += piece->size;
		STOP_POINT("give.put", gift->hand.remote.tid);
	}
	return r;
}

static int run_all(struct gift *gift)
{
	int r;

	r = make_socket(gift);
	if (!r)
		r = join_sockets(gift);
	if (r)
		return r;
	if (gift->request->verb == DELIVER_PUT)
		return put_pieces(gift);
	r = receive_file(gift);
	return r ? r : place_file(gift);
}

/* the socket's number is the file's now */
static bool number_is_taken(const struct gift *gift, int r)
{
	return !r && gift->request->verb == DELIVER_GIVE_FD;
}

/* take away what a delivery leaves in the caller, and after a failure all of it */
static int clean_up(struct gift *gift, int r)
{
	int64_t ret;
	int failed = 0;

	restore_limit(gift);
	if (r == -ESRCH || r == -ETIMEDOUT)
		return r;
	if (r && gift->passed && gift->number < 0)
		find_number(gift);
	if (r && gift->number >= 0)
		failed = remote_call(&gift->hand.remote, &ret, ARCH_CLOSE, gift->number);
	if (!failed && gift->hand.socket >= 0 && !number_is_taken(gift, r))
		failed = remote_call(&gift->hand.remote, &ret, ARCH_CLOSE, gift->hand.socket);
	if (!failed && gift->hand.page)
		failed = remote_call(&gift->hand.remote, &ret, ARCH_MUNMAP, gift->hand.page,
				     HAND_PAGE_SIZE);
	STOP_POINT("give.unmapped", gift->hand.remote.tid);
	if (failed == -EIO)
		log_about(&gift->hand.remote.about, LOG_LEVEL_WARNING, "deliver",
			  "thread %d: it could not be tidied up: it may keep a file or a page of "
			  "ours",
			  gift->hand.remote.tid);
	/* it can still be let go of, unless it is gone or can't be stopped */
	return failed == -ETIMEDOUT || failed == -ESRCH ? failed : r;
}

static int give_or_put(struct gift *gift)
{
	int r;

	r = choose_post(gift);
	if (!r)
		r = run_all(gift);
	return r;
}

/* where the number would stand, if that is wanted and can be written at all */
static int tell_errno(struct gift *gift, int r)
{
	int failed;

	if (!(gift->request->flags & DELIVER_TELL_ERRNO) || gift->request->verb != DELIVER_GIVE_FD)
		return r;
	if (!r || r == -EFAULT || r == -ETIMEDOUT || r == -ESRCH)
		return r;
	failed = hand_set_word(&gift->hand, gift->request->address, r);
	STOP_POINT("give.told", gift->hand.remote.tid);
	return failed == -ETIMEDOUT || failed == -ESRCH ? failed : r;
}

/* the thread has stopped; 0 or a negative errno: what its call returns */
static int give_held(struct gift *gift)
{
	int r;

	r = remote_hold(&gift->hand.remote, &gift->request->call);
	if (r)
		return r;
	STOP_POINT("give.held", gift->hand.remote.tid);
	if (gift->request->verb == DELIVER_PEEK)
		r = gift->peeked =
			peek_held(&gift->hand, &gift->give->net, gift->request, gift->bytes);
	else
		r = give_or_put(gift);
	r = tell_errno(gift, clean_up(gift, MIN(r, 0)));
	/* what it did not take may lie in a socket that it kept, on our own's account */
	if (r && gift->post == &gift->give->post)
		renew_post(gift->give);
	post_close(&gift->far);
	return r;
}

static int give_watched(struct gift *gift, struct give_result *ret)
{
	const struct deliver_call *call = &gift->request->call;
	struct remote *remote = &gift->hand.remote;
	int answered, r;

	if (call->again && !remote_waits_in(call->tid, call))
		return -ESRCH;
	STOP_POINT("give.begun", call->tid);
	r = remote_seize(remote);
	if (r)
		return r;
	STOP_POINT("give.seized", call->tid);
	remote_interrupt(remote);
	STOP_POINT("give.interrupted", call->tid);
	answered = reply(gift, &ret->result.replied);
	STOP_POINT("give.replied", call->tid);
	r = remote_wait(remote);
	if (r)
		return r;
	STOP_POINT("give.stopped", call->tid);
	if (!answered)
		r = give_held(gift);
	if (r == -ETIMEDOUT)
		return r;
	if (!answered && !r && gift->request->verb == DELIVER_PEEK) {
		r = remote_again(remote, call);
		if (r != -EIO)
			return r;
	}
	if (remote_release(remote, r) == -ETIMEDOUT)
		return -ETIMEDOUT;
	STOP_POINT("give.released", call->tid);
	return answered ? answered : r;
}

void give_run(struct give *give, const struct deliver_request *request, int fd,
	      struct give_result *ret)
{
	struct gift gift = {
		.give = give,
		.request = request,
		.fd = fd,
		.bytes = ret->bytes,
		.far = POST_INIT,
		.hand.socket = -1,
		.number = -1,
	};
	const struct log_about about = { give->log_limit, request->call.uid };
	int r;

	*ret = (struct give_result){ 0 };
	remote_init(&gift.hand.remote, request->call.tid, &give->watch, &about);
	watch_start(&give->watch);
	r = give_watched(&gift, ret);
	watch_stop(&give->watch);

	ret->stops = gift.hand.remote.stops;
	ret->stuck = r == -ETIMEDOUT;
	if (!r && request->verb == DELIVER_GIVE_FD)
		r = gift.hand.socket;
	if (!r && request->verb == DELIVER_PEEK) {
		r = gift.peeked;
		ret->result.bytes = ret->bytes;
	}
	ret->result.result = ret->stuck ? -EIO : r;
}
