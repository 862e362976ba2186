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
 * A PUT is the same with a recvfrom() to where the bytes belong, and a close(s) at the end.
 */
#include "deliver/give.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/futex.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/stop_point.h"
#include "deliver/remote.h"

#define SCRATCH_SIZE 4096
#define JOIN_TRIES   3	/* further ones */
#define NEAR	     16 /* numbers behind the socket's that are tried first */

/* a delivery under way; what is -1 or 0 is not there */
struct gift {
	struct give *give;
	const struct deliver_request *request;
	int fd;
	struct remote remote;
	struct post far; /* in the caller's network namespace, where that isn't ours */
	const struct post *post;
	int64_t socket;
	bool passed;	/* the file may have come */
	int64_t number; /* what it came under */
	uint64_t page;
	uint64_t most;	     /* the soft limit that we set, or 0 ... */
	struct rlimit limit; /* ... in place of this */
};

int give_init(struct give *give, const int *channels, size_t n_channels,
	      struct log_limit *log_limit)
{
	struct stat st;
	int r;

	*give = (struct give){
		.channels = channels,
		.n_channels = n_channels,
		.log_limit = log_limit,
		.post = POST_INIT,
		.own_net = -1,
		.tid = gettid(),
	};
	r = watch_init(&give->watch);
	if (r)
		return r;
	give->own_net = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (give->own_net < 0 || fstat(give->own_net, &st) < 0)
		r = err_origin(-errno);
	else
		r = post_open(&give->post);
	if (r) {
		give_deinit(give);
		return r;
	}
	give->own_net_id = st.st_ino;
	return 0;
}

void give_deinit(struct give *give)
{
	post_close(&give->post);
	give->own_net = fd_close(give->own_net);
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

static int open_far(struct gift *gift, const char *path)
{
	_cleanup_(fd_closep) int net = -1;
	int r;

	net = open(path, O_RDONLY | O_CLOEXEC);
	if (net < 0)
		return -ESRCH;
	if (setns(net, CLONE_NEWNET) < 0) {
		log_about(&gift->remote.about, LOG_LEVEL_WARNING, "deliver",
			  "thread %d: its network namespace: %s", gift->remote.tid,
			  strerror(errno));
		return -EACCES;
	}
	r = post_open(&gift->far);
	if (setns(gift->give->own_net, CLONE_NEWNET) < 0)
		return err_origin(-errno);
	gift->post = &gift->far;
	return r;
}

static int choose_post(struct gift *gift)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", gift->remote.tid);
	if (stat(path, &st) < 0)
		return -ESRCH;
	if (st.st_ino != gift->give->own_net_id)
		return open_far(gift, path);
	gift->post = &gift->give->post;
	return 0;
}

/* ---- what the caller is made to do ---- */

/* what a call's own failure means to the caller of the ioctl */
static int as_errno(int64_t result)
{
	switch (result) {
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EFAULT:
		return result;
	case -EAGAIN: /* RLIMIT_MEMLOCK */
	case -ENOBUFS:
		return -ENOMEM;
	case -EACCES:
	case -EPERM:
		return -EACCES;
	default:
		return -EIO;
	}
}

static const char *const call_names[_ARCH_CALL_N] = {
	[ARCH_BIND] = "bind",	      [ARCH_CLOSE] = "close",	  [ARCH_CONNECT] = "connect",
	[ARCH_DUP3] = "dup3",	      [ARCH_FUTEX] = "futex",	  [ARCH_MMAP] = "mmap",
	[ARCH_MUNMAP] = "munmap",     [ARCH_RECVMSG] = "recvmsg", [ARCH_SOCKET] = "socket",
	[ARCH_RECVFROM] = "recvfrom",
};

static int run(struct gift *gift, int64_t *ret, enum arch_call call, const uint64_t args[ARCH_ARGS])
{
	int r = remote_run(&gift->remote, ret, call, args);

	if (r == -EIO)
		log_about(&gift->remote.about, LOG_LEVEL_INFO, "deliver",
			  "thread %d: it ran something else than our %s()", gift->remote.tid,
			  call_names[call]);
	if (r || *ret >= 0)
		return r;
	if (*ret == -EFAULT)
		log_debug("deliver", "thread %d: its %s(): a bad address", gift->remote.tid,
			  call_names[call]);
	else
		log_about(&gift->remote.about, LOG_LEVEL_INFO, "deliver", "thread %d: its %s(): %s",
			  gift->remote.tid, call_names[call], strerror(-*ret));
	return as_errno(*ret);
}

#define run(gift, ret, call, ...) run(gift, ret, call, (const uint64_t[ARCH_ARGS]){ __VA_ARGS__ })

/* *@at = @word, which has at most 11 bits */
static int write_word(struct gift *gift, uint64_t at, uint32_t word)
{
	int64_t woken;

	return run(gift, &woken, ARCH_FUTEX, gift->page, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, 1,
		   at, FUTEX_OP(FUTEX_OP_SET, word, FUTEX_OP_CMP_EQ, 0));
}

static int make_socket(struct gift *gift)
{
	int64_t page;
	int r;

	r = run(gift, &gift->socket, ARCH_SOCKET, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (r)
		return r;
	STOP_POINT("give.socket", gift->remote.tid);
	r = run(gift, &page, ARCH_MMAP, 0, SCRATCH_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r)
		return r;
	gift->page = page;
	STOP_POINT("give.page", gift->remote.tid);
	r = write_word(gift, gift->page, AF_UNIX);
	if (r)
		return r;
	STOP_POINT("give.family", gift->remote.tid);
	r = write_word(gift, gift->page + gift->post->offset, gift->post->word);
	STOP_POINT("give.address", gift->remote.tid);
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

	r = write_word(gift, gift->page + gift->post->offset, 0);
	if (r)
		return r;
	if (renew_post(gift->give) < 0)
		return -EIO;
	return write_word(gift, gift->page + gift->post->offset, gift->post->word);
}

static int join_sockets(struct gift *gift)
{
	int64_t ret;
	int r;

	for (int tries = JOIN_TRIES;; tries--) {
		r = run(gift, &ret, ARCH_CONNECT, gift->socket, gift->page, gift->post->size);
		if (r)
			return r;
		STOP_POINT("give.connected", gift->remote.tid);
		r = remote_call(&gift->remote, &ret, ARCH_BIND, gift->socket, gift->page,
				gift->post->size + 1);
		STOP_POINT("give.bound", gift->remote.tid);
		if (r)
			return r;
		/* one that was made for this delivery alone is not in anybody's way */
		if (ret != -EADDRINUSE || !tries || gift->post != &gift->give->post)
			return ret < 0 ? as_errno(ret) : 0;
		r = renew_address(gift);
		if (r)
			return r;
	}
}

/* send and receive the file once; what it came under is not known then */
static int pass_file(struct gift *gift)
{
	uint8_t message[ARCH_MESSAGE_MAX];
	int32_t number = gift->socket;
	int64_t ret;
	size_t size;
	int r;

	size = arch_message(&gift->remote.thread, message, gift->page, gift->request->address,
			    sizeof(number));
	r = post_send(gift->post, message, size, -1);
	if (!r)
		r = post_send(gift->post, &number, sizeof(number), gift->fd);
	if (r)
		return err_origin(-EIO);
	STOP_POINT("give.sent", gift->remote.tid);

	r = run(gift, &ret, ARCH_RECVFROM, gift->socket, gift->page, size, MSG_DONTWAIT);
	if (r)
		return r;
	STOP_POINT("give.header", gift->remote.tid);
	gift->passed = true;
	r = run(gift, &ret, ARCH_RECVMSG, gift->socket, gift->page,
		MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	STOP_POINT("give.received", gift->remote.tid);
	return r;
}

/* is our file the caller's file number @n? */
static bool is_number(struct gift *gift, uint64_t n)
{
	if (syscall(SYS_kcmp, gift->give->tid, gift->remote.tid, KCMP_FILE, gift->fd, n))
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
	uint64_t socket = gift->socket, end;

	for (uint64_t n = socket + 1; n <= socket + NEAR; n++) {
		if (is_number(gift, n))
			return true;
	}
	for (uint64_t n = 0; n < socket; n++) {
		if (is_number(gift, n))
			return true;
	}
	end = MAX(remote_status(&gift->remote, "FDSize"), 0);
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

	if (prlimit(gift->remote.tid, RLIMIT_NOFILE, NULL, &gift->limit) < 0)
		return -EMFILE;
	more.rlim_cur = gift->limit.rlim_cur + 1;
	more.rlim_max = MAX(gift->limit.rlim_max, more.rlim_cur);
	if (prlimit(gift->remote.tid, RLIMIT_NOFILE, &more, NULL) < 0)
		return -EMFILE;
	gift->most = more.rlim_cur;
	STOP_POINT("give.limit-raised", gift->remote.tid);
	return 0;
}

/* put the limit back, unless it was changed by someone else meanwhile */
static void restore_limit(struct gift *gift)
{
	struct rlimit now;

	if (!gift->most || prlimit(gift->remote.tid, RLIMIT_NOFILE, NULL, &now) < 0 ||
	    now.rlim_cur != gift->most)
		return;
	prlimit(gift->remote.tid, RLIMIT_NOFILE, &gift->limit, NULL);
	STOP_POINT("give.limit-restored", gift->remote.tid);
}

static int receive_file(struct gift *gift)
{
	int r;

	r = pass_file(gift);
	if (r || find_number(gift))
		return r;
	r = raise_limit(gift);
	if (r) {
		log_about(&gift->remote.about, LOG_LEVEL_INFO, "deliver",
			  "thread %d: no fd is left beside the socket: Too many open files",
			  gift->remote.tid);
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
	int64_t ret;
	int r;

	r = run(gift, &ret, ARCH_DUP3, gift->number, gift->socket, O_CLOEXEC);
	if (r)
		return r;
	STOP_POINT("give.placed", gift->remote.tid);
	r = run(gift, &ret, ARCH_CLOSE, gift->number);
	STOP_POINT("give.closed", gift->remote.tid);
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
	r = run(gift, &ret, ARCH_RECVFROM, gift->socket, piece->address, piece->size, MSG_DONTWAIT);
	if (r)
		return r;
	return ret == piece->size ? 0 : -EIO;
}

static int put_pieces(struct gift *gift)
{
	const struct deliver_piece *piece = gift->request->pieces;
	const uint8_t *bytes = gift->request->bytes + gift->request->size;
	int64_t ret;
	int r;

	/* it may stand right behind the caller's array, and must not make it longer */
	r = run(gift, &ret, ARCH_MUNMAP, gift->page, SCRATCH_SIZE);
	if (r)
		return r;
	gift->page = 0;
	for (int i = 0; i < DELIVER_PIECES_MAX && !r; i++, piece++) {
		if (piece->size)
			r = put_piece(gift, piece, bytes);
		bytes += piece->size;
		STOP_POINT("give.put", gift->remote.tid);
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
		failed = remote_call(&gift->remote, &ret, ARCH_CLOSE, gift->number);
	if (!failed && gift->socket >= 0 && !number_is_taken(gift, r))
		failed = remote_call(&gift->remote, &ret, ARCH_CLOSE, gift->socket);
	if (!failed && gift->page)
		failed = remote_call(&gift->remote, &ret, ARCH_MUNMAP, gift->page, SCRATCH_SIZE);
	STOP_POINT("give.unmapped", gift->remote.tid);
	if (failed == -EIO)
		log_about(&gift->remote.about, LOG_LEVEL_WARNING, "deliver",
			  "thread %d: it could not be tidied up: it may keep a file or a page of "
			  "ours",
			  gift->remote.tid);
	/* it can still be let go of, unless it is gone or can't be stopped */
	return failed == -ETIMEDOUT || failed == -ESRCH ? failed : r;
}

/* the thread has stopped; 0 or a negative errno: what its call returns */
static int give_held(struct gift *gift)
{
	int r;

	r = remote_hold(&gift->remote, &gift->request->call);
	if (r)
		return r;
	STOP_POINT("give.held", gift->remote.tid);
	r = choose_post(gift);
	if (!r)
		r = run_all(gift);
	r = clean_up(gift, r);
	/* what it did not take may lie in a socket that it kept, on our own's account */
	if (r && gift->post == &gift->give->post)
		renew_post(gift->give);
	post_close(&gift->far);
	return r;
}

static int give_watched(struct gift *gift, struct give_result *ret)
{
	const struct deliver_call *call = &gift->request->call;
	struct remote *remote = &gift->remote;
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
		.far = POST_INIT,
		.socket = -1,
		.number = -1,
	};
	const struct log_about about = { give->log_limit, request->call.uid };
	int r;

	*ret = (struct give_result){ 0 };
	remote_init(&gift.remote, request->call.tid, &give->watch, &about);
	watch_start(&give->watch);
	r = give_watched(&gift, ret);
	watch_stop(&give->watch);

	ret->stops = gift.remote.stops;
	ret->stuck = r == -ETIMEDOUT;
	if (!r && request->verb == DELIVER_GIVE_FD)
		r = gift.socket;
	ret->result.result = ret->stuck ? -EIO : r;
}
