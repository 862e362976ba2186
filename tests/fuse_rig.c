// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuse_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "base/log.h"
#include "deliver/message.h"
#include "deliver/queue.h"
#include "deliver/tracer.h"

#define RIG_TRACERS 8
#define RIG_JOBS    512
#define RIG_BUFFER  (256 * 1024)

struct rig_alloc {
	uint64_t len;
	uint32_t mask;
	uint32_t flags;
	uint32_t fd;
	uint32_t unused;
};

/* a thread whose bytes were read, and who will ask again */
struct rig_peeked {
	uint32_t tid; /* 0: nobody */
	uint64_t arg;
	int n;
	uint8_t bytes[DELIVER_PEEK_MAX];
};

struct rig_job {
	struct deliver_job job;
	uint8_t next[512]; /* its thread's next request, which came before the job was done ... */
	bool has_next;	   /* ... or not */
	struct rig *rig;
	bool busy;
	bool late;
};

struct rig_tracer {
	struct tracer_config config;
	pthread_t thread;
	int ends[2]; /* worker's, tracer's */
};

struct rig {
	char path[64];
	int channel;
	int quit[2];
	pthread_t server;
	bool serving;
	struct deliver_queue *queue;
	pid_t injector;
	size_t n_tracers;
	struct rig_tracer tracers[RIG_TRACERS];
	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned int under_way;
	struct rig_stats stats;
	struct rig_job jobs[RIG_JOBS];
	struct rig_peeked peeked[RIG_JOBS]; /* the serving thread's */
	uint8_t buffer[RIG_BUFFER];
};

static void answer(struct rig *rig, uint64_t unique, int error, const void *data, size_t size)
{
	struct fuse_out_header header = {
		.len = sizeof(header) + size,
		.error = error,
		.unique = unique,
	};
	struct iovec iov[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)data, .iov_len = size },
	};

	if (writev(rig->channel, iov, size ? 2 : 1) < 0 && errno != ENOENT)
		perror("fuse_rig: reply");
}

static void answer_whose(struct rig *rig, uint64_t unique, const struct deliver_file *file)
{
	struct {
		struct fuse_ioctl_out out;
		uint64_t ino, mount, rest;
	} reply = { .ino = file->ino, .mount = file->mount };

	answer(rig, unique, 0, &reply, sizeof(reply));
}

static void peeked_put(struct rig *rig, const struct deliver_job *job,
		       const struct deliver_result *result)
{
	struct rig_peeked *peeked = rig->peeked;

	while (peeked->tid && peeked->tid != job->call.tid)
		if (++peeked == rig->peeked + RIG_JOBS)
			abort();
	peeked->tid = job->call.tid;
	peeked->arg = job->call.arg;
	peeked->n = result->result;
	memcpy(peeked->bytes, result->bytes, result->result);
}

/* the call that follows a PEEK: is it one? It is answered then */
static bool peeked_take(struct rig *rig, const struct fuse_in_header *header,
			const struct fuse_ioctl_in *in)
{
	struct {
		struct fuse_ioctl_out out;
		struct rig_peek peek;
	} reply;

	for (size_t i = 0; i < RIG_JOBS; i++) {
		struct rig_peeked *peeked = &rig->peeked[i];

		if (peeked->tid != header->pid)
			continue;
		peeked->tid = 0;
		if (in->cmd != RIG_PEEK || in->arg != peeked->arg)
			return false;
		memset(&reply.out, 0, sizeof(reply.out));
		reply.out.result = peeked->n;
		memcpy(&reply.peek, in + 1, sizeof(reply.peek));
		memcpy(reply.peek.bytes, peeked->bytes, peeked->n);
		answer(rig, header->unique, 0, &reply, sizeof(reply));
		return true;
	}
	return false;
}

/* the request of a thread that something is done for: it is looked at when that is done */
static bool next_keep(struct rig *rig, const struct fuse_in_header *header)
{
	for (size_t i = 0; i < RIG_JOBS; i++) {
		struct rig_job *mine = &rig->jobs[i];

		if (!mine->busy || mine->job.verb != DELIVER_PEEK ||
		    mine->job.call.tid != header->pid)
			continue;
		memcpy(mine->next, header, MIN(header->len, sizeof(mine->next)));
		mine->has_next = true;
		return true;
	}
	return false;
}

static void on_ioctl(struct rig *rig, const struct fuse_in_header *header);

static void job_done(struct deliver_job *job, const struct deliver_result *result)
{
	struct rig_job *mine = container_of(job, struct rig_job, job);
	_Alignas(8) uint8_t next[sizeof(mine->next)];
	struct rig *rig = mine->rig;

	if (result->result == 0 && job->verb == DELIVER_WHOSE_FD)
		answer_whose(rig, job->call.unique, &result->file);
	else if (result->result > 0 && job->verb == DELIVER_PEEK)
		peeked_put(rig, job, result);
	else if (!result->replied)
		answer(rig, job->call.unique, result->result, NULL, 0);

	pthread_mutex_lock(&rig->lock);
	mine->busy = false;
	rig->stats.last = *result;
	if (result->result >= 0)
		rig->stats.given++;
	else
		rig->stats.failed++;
	if (--rig->under_way == 0)
		pthread_cond_broadcast(&rig->idle);
	pthread_mutex_unlock(&rig->lock);
	if (mine->has_next) {
		mine->has_next = false;
		memcpy(next, mine->next, sizeof(next));
		on_ioctl(rig, (const void *)next);
	}
}

static struct rig_job *job_take(struct rig *rig)
{
	struct rig_job *mine = NULL;

	pthread_mutex_lock(&rig->lock);
	for (size_t i = 0; i < RIG_JOBS && !mine; i++) {
		if (!rig->jobs[i].busy)
			mine = &rig->jobs[i];
	}
	if (mine) {
		mine->busy = true;
		rig->under_way++;
	}
	pthread_mutex_unlock(&rig->lock);
	return mine;
}

static void job_fill(struct rig_job *mine, const struct fuse_in_header *header,
		     const struct fuse_ioctl_in *in, const struct rig_alloc *alloc)
{
	const struct fuse_out_header reply = {
		.len = sizeof(reply),
		.error = -DELIVER_NOT_YET,
		.unique = header->unique,
	};
	uint64_t address;

	mine->job = (struct deliver_job){
		.call = {
			.unique = header->unique,
			.tid = header->pid,
			.uid = header->uid,
			.cmd = in->cmd,
			.arg = in->arg,
			.compat = !!(in->flags & FUSE_IOCTL_COMPAT),
		},
		.client = in->fh,
		.fd = -1,
		.done = job_done,
	};
	if (in->cmd == RIG_WHOSE) {
		mine->job.verb = DELIVER_WHOSE_FD;
		mine->job.number = alloc->len;
		return;
	}
	mine->job.size = sizeof(reply);
	memcpy(mine->job.bytes, &reply, sizeof(reply));
	if (in->cmd == RIG_PEEK) {
		const struct rig_peek *peek = (const void *)alloc;

		mine->job.verb = DELIVER_PEEK;
		mine->job.address = peek->address;
		mine->job.most = peek->most;
		mine->job.least = peek->least;
		return;
	}
	if (in->cmd == RIG_PUT) {
		mine->job.verb = DELIVER_PUT;
		memcpy(&address, &alloc->mask, sizeof(address));
		memset(deliver_put(&mine->job, address, alloc->len), 0x5a, alloc->len);
		memset(deliver_put(&mine->job, in->arg, sizeof(alloc->len)), 0, sizeof(alloc->len));
		return;
	}
	mine->job.verb = DELIVER_GIVE_FD;
	mine->job.flags = (alloc->flags & RIG_OVER_EXEC ? DELIVER_OVER_EXEC : 0) |
			  (alloc->flags & RIG_TELL ? DELIVER_TELL_ERRNO : 0);
	mine->job.address =
		alloc->flags & RIG_NOWHERE ? 16 : in->arg + offsetof(struct rig_alloc, fd);
	mine->job.fd = memfd_create("rig", MFD_CLOEXEC);
	if (ftruncate(mine->job.fd, alloc->len) < 0)
		perror("fuse_rig: ftruncate");
}

static int submit_late(struct rig *rig)
{
	int r = -EAGAIN;

	for (size_t i = 0; i < RIG_JOBS; i++) {
		if (!rig->jobs[i].late)
			continue;
		rig->jobs[i].late = false;
		deliver_submit(deliver_queue_deliver(rig->queue), &rig->jobs[i].job);
		r = 0;
	}
	return r;
}

static int has_late(struct rig *rig)
{
	for (size_t i = 0; i < RIG_JOBS; i++) {
		if (rig->jobs[i].late)
			return 0;
	}
	return -EAGAIN;
}

static void answer_simple(struct rig *rig, const struct fuse_in_header *header, uint32_t cmd)
{
	struct fuse_ioctl_out out = { 0 };
	int r = -ENOTTY;

	if (cmd == RIG_QUERY)
		r = 0;
	else if (cmd == RIG_GO)
		r = submit_late(rig);
	else if (cmd == RIG_KEPT)
		r = has_late(rig);
	answer(rig, header->unique, r, &out, r ? 0 : sizeof(out));
}

static void on_ioctl(struct rig *rig, const struct fuse_in_header *header)
{
	const struct fuse_ioctl_in *in = (const void *)(header + 1);
	const struct rig_alloc *alloc = (const void *)(in + 1);
	struct rig_job *mine;

	if (next_keep(rig, header) || peeked_take(rig, header, in))
		return;
	if (in->cmd != RIG_ALLOC && in->cmd != RIG_PUT && in->cmd != RIG_WHOSE &&
	    in->cmd != RIG_PEEK) {
		answer_simple(rig, header, in->cmd);
		return;
	}
	mine = job_take(rig);
	if (!mine) {
		answer(rig, header->unique, -EAGAIN, NULL, 0);
		return;
	}
	mine->rig = rig;
	job_fill(mine, header, in, alloc);
	mine->late = in->cmd == RIG_ALLOC && alloc->flags & RIG_LATE;
	if (!mine->late)
		deliver_submit(deliver_queue_deliver(rig->queue), &mine->job);
}

static void on_request(struct rig *rig, const struct fuse_in_header *header)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = 4096,
	};
	struct fuse_attr_out attr = {
		.attr = { .ino = 1, .mode = S_IFREG | 0666, .nlink = 1 },
		.attr_valid = 3600,
	};
	struct fuse_open_out open = { .open_flags = FOPEN_DIRECT_IO };

	switch (header->opcode) {
	case FUSE_INIT:
		answer(rig, header->unique, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		answer(rig, header->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		open.fh = header->unique;
		answer(rig, header->unique, 0, &open, sizeof(open));
		break;
	case FUSE_IOCTL:
		on_ioctl(rig, header);
		break;
	case FUSE_INTERRUPT: /* each PTRACE_INTERRUPT causes one: never answered */
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	case FUSE_RELEASE:
		answer(rig, header->unique, 0, NULL, 0);
		break;
	default:
		answer(rig, header->unique, -ENOSYS, NULL, 0);
	}
}

static void *serve(void *user)
{
	struct rig *rig = user;
	struct pollfd fds[2 + RIG_TRACERS] = {
		{ .fd = rig->quit[0], .events = POLLIN },
		{ .fd = rig->channel, .events = POLLIN },
	};
	ssize_t n;

	for (size_t i = 0; i < rig->n_tracers; i++)
		fds[2 + i] = (struct pollfd){ .fd = rig->tracers[i].ends[0], .events = POLLIN };
	for (;;) {
		if (poll(fds, 2 + rig->n_tracers, -1) < 0)
			continue;
		for (size_t i = 0; i < rig->n_tracers; i++) {
			if (fds[2 + i].revents && deliver_queue_read(rig->queue, i) < 0)
				return NULL;
		}
		if (fds[0].revents)
			return NULL;
		if (!fds[1].revents)
			continue;
		n = read(rig->channel, rig->buffer, sizeof(rig->buffer));
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			on_request(rig, (const void *)rig->buffer);
		else if (n < 0 && errno == ENODEV)
			return NULL;
	}
}

static void *trace(void *user)
{
	struct rig_tracer *tracer = user;
	int r = tracer_run(&tracer->config);

	if (r) {
		fprintf(stderr, "fuse_rig: tracer: %s\n", strerror(-r));
		_exit(1);
	}
	return NULL;
}

/* a process of its own: a tracer's stops are seen by every wait of its process */
static void injector(struct rig *rig)
{
	sigset_t all;

	log_set_level(LOG_LEVEL_WARNING);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (size_t i = 0; i < rig->n_tracers; i++)
		close(rig->tracers[i].ends[0]);
	for (size_t i = 0; i < rig->n_tracers; i++) {
		if (pthread_create(&rig->tracers[i].thread, NULL, trace, &rig->tracers[i]))
			_exit(1);
	}
	for (size_t i = 0; i < rig->n_tracers; i++)
		pthread_join(rig->tracers[i].thread, NULL);
	_exit(0);
}

static int rig_mount(struct rig *rig)
{
	char options[128];
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	/* in this namespace only, so nothing is left behind whatever happens */
	if (mount("rig", "/mnt", "tmpfs", 0, NULL) < 0)
		return -errno;
	strcpy(rig->path, "/mnt/ion");
	fd = open(rig->path, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	close(fd);
	rig->channel = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (rig->channel < 0)
		return -errno;
	snprintf(options, sizeof(options), "fd=%d,rootmode=100000,user_id=0,group_id=0,allow_other",
		 rig->channel);
	if (mount("rig", rig->path, "fuse.rig", MS_NOSUID | MS_NODEV, options) < 0)
		return -errno;
	return 0;
}

/* a tracer that answers is up */
static int tracer_wait(const struct rig_tracer *tracer)
{
	struct deliver_request request = { .verb = DELIVER_PUT };
	struct deliver_answer answer;

	if (send(tracer->ends[0], &request, DELIVER_REQUEST_SIZE(0), 0) < 0 ||
	    recv(tracer->ends[0], &answer, sizeof(answer), 0) != DELIVER_ANSWER_SIZE(0))
		return -EPIPE;
	return 0;
}

static int rig_tracers(struct rig *rig, size_t n)
{
	int ends[RIG_TRACERS], r = 0;

	for (size_t i = 0; i < n; i++) {
		struct rig_tracer *tracer = &rig->tracers[i];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tracer->ends) < 0)
			return -errno;
		rig->n_tracers++;
		ends[i] = tracer->ends[0];
		tracer->config = (struct tracer_config){
			.channels = &rig->channel,
			.n_channels = 1,
			.socket = tracer->ends[1],
			.cpu = -1,
		};
	}
	rig->injector = fork();
	if (rig->injector < 0)
		return -errno;
	if (!rig->injector)
		injector(rig);
	for (size_t i = 0; i < n; i++) {
		close(rig->tracers[i].ends[1]);
		r = r ?: tracer_wait(&rig->tracers[i]);
	}
	return r ?: deliver_queue_new(&rig->queue, ends, n);
}

int rig_new(struct rig **ret, size_t n_tracers)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	int r;

	if (!rig)
		return -ENOMEM;
	rig->channel = -1;
	pthread_mutex_init(&rig->lock, NULL);
	pthread_cond_init(&rig->idle, NULL);
	r = pipe2(rig->quit, O_CLOEXEC) < 0 ? -errno : 0;
	if (!r)
		r = rig_mount(rig);
	if (!r)
		r = rig_tracers(rig, MIN(n_tracers, (size_t)RIG_TRACERS));
	if (!r)
		r = -pthread_create(&rig->server, NULL, serve, rig);
	if (r) {
		rig_free(rig);
		return r;
	}
	rig->serving = true;
	*ret = rig;
	return 0;
}

struct rig *rig_free(struct rig *rig)
{
	int status = 0;

	if (rig->serving) {
		if (write(rig->quit[1], "", 1) != 1)
			abort();
		pthread_join(rig->server, NULL);
	}
	for (size_t i = 0; i < rig->n_tracers; i++)
		close(rig->tracers[i].ends[0]);
	if (rig->injector > 0)
		waitpid(rig->injector, &status, 0);
	if (status)
		fprintf(stderr, "fuse_rig: the injector ended with status 0x%x\n", status);
	deliver_queue_free(rig->queue);
	if (rig->path[0]) {
		umount2(rig->path, MNT_DETACH);
		umount2("/mnt", MNT_DETACH);
	}
	fd_close(rig->channel);
	fd_close(rig->quit[0]);
	fd_close(rig->quit[1]);
	pthread_cond_destroy(&rig->idle);
	pthread_mutex_destroy(&rig->lock);
	free(rig);
	return NULL;
}

const char *rig_path(const struct rig *rig)
{
	return rig->path;
}

pid_t rig_injector(const struct rig *rig)
{
	return rig->injector;
}

void rig_stats(struct rig *rig, struct rig_stats *ret)
{
	pthread_mutex_lock(&rig->lock);
	while (rig->under_way)
		pthread_cond_wait(&rig->idle, &rig->lock);
	*ret = rig->stats;
	pthread_mutex_unlock(&rig->lock);
}
