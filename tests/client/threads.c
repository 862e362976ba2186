// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Eight threads allocate through one open file while an interval timer interrupts them all the
 * time. Nobody may see EINTR, get a number that is another's, or a buffer that is another's.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "abi.h"
#include "door.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define THREADS	 8
#define HELD	 8 /* buffers that each thread has at a time */
#define PERIOD	 700
#define FD_TABLE 4096

enum fault {
	FAULT_EINTR,
	FAULT_ERROR,
	FAULT_NUMBER,  /* the fd was given to two at once */
	FAULT_INODE,   /* the buffer was given to two at once */
	FAULT_SIZE,    /* not the buffer that was asked for */
	FAULT_DIRTY,   /* a new buffer that isn't zero */
	FAULT_FOREIGN, /* somebody else wrote into it */
	FAULT_GONE,    /* the fd was closed by somebody else */
	_FAULT_N,
};

static const char *const fault_names[] = {
	"EINTR",       "other errors",	"fds given twice", "buffers given twice",
	"wrong sizes", "dirty buffers", "foreign writes",  "fds gone",
};

struct storm {
	int ion;
	uint32_t mask;
	unsigned long count;
	pthread_mutex_t lock; /* of fds and inodes */
	bool fds[FD_TABLE];
	uint64_t inodes[THREADS * HELD]; /* of the buffers held; 0: free */
	atomic_ulong faults[_FAULT_N];
	atomic_int error; /* one of the other errors */
};

struct held {
	int fd;
	size_t size;
	void *map;
	uint64_t *inode; /* its place in storm.inodes */
	uint64_t stamp;
};

struct worker {
	struct storm *storm;
	unsigned int number;
	struct held held[HELD];
	pthread_t thread;
};

static atomic_ulong alarms;

static void on_alarm(int signo)
{
	(void)signo;
	atomic_fetch_add(&alarms, 1);
}

static void fault(struct storm *s, enum fault what)
{
	atomic_fetch_add(&s->faults[what], 1);
}

static void failed(struct storm *s, int error)
{
	fault(s, error == -EINTR ? FAULT_EINTR : FAULT_ERROR);
	atomic_store(&s->error, -error);
}

/* writes down that the buffer is held, by number and by inode; both must be nobody's */
static void enter(struct storm *s, struct held *h)
{
	struct stat st;
	int i;

	if (fstat(h->fd, &st)) {
		fault(s, FAULT_GONE);
		return;
	}
	pthread_mutex_lock(&s->lock);
	if (h->fd >= FD_TABLE || s->fds[h->fd])
		fault(s, FAULT_NUMBER);
	else
		s->fds[h->fd] = true;
	for (i = 0; i < THREADS * HELD; i++) {
		if (s->inodes[i] == st.st_ino)
			fault(s, FAULT_INODE);
		else if (!s->inodes[i] && !h->inode)
			h->inode = &s->inodes[i];
	}
	if (h->inode)
		*h->inode = st.st_ino;
	pthread_mutex_unlock(&s->lock);
}

static void leave(struct storm *s, struct held *h)
{
	pthread_mutex_lock(&s->lock);
	if (h->fd < FD_TABLE)
		s->fds[h->fd] = false;
	if (h->inode)
		*h->inode = 0;
	if (close(h->fd))
		fault(s, FAULT_GONE);
	pthread_mutex_unlock(&s->lock);
}

static void put(struct storm *s, struct held *h)
{
	if (h->fd < 0)
		return;
	if (h->map && !probe_stamped(h->map, h->size, h->stamp))
		fault(s, FAULT_FOREIGN);
	if (h->map)
		munmap(h->map, h->size);
	leave(s, h);
	h->fd = -1;
}

static void get(struct storm *s, struct held *h, size_t size, uint64_t stamp)
{
	*h = (struct held){ .fd = door_alloc(s->ion, size, s->mask), .size = size };
	if (h->fd < 0) {
		failed(s, h->fd);
		return;
	}
	enter(s, h);
	if (probe_size(h->fd) != (int64_t)size) {
		fault(s, FAULT_SIZE);
		return;
	}
	h->map = probe_map(h->fd, size, 0);
	if (!h->map) {
		failed(s, -errno);
		return;
	}
	if (!probe_zero(h->map, size))
		fault(s, FAULT_DIRTY);
	h->stamp = stamp;
	probe_stamp(h->map, size, stamp);
}

/* a size that tells the thread, a stamp that tells the buffer */
static void *work(void *arg)
{
	struct worker *w = arg;
	size_t size = (w->number + 1) * PAGE;
	unsigned long i;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	for (i = 0; i < HELD; i++)
		w->held[i].fd = -1;
	for (i = 0; i < w->storm->count; i++) {
		struct held *h = &w->held[i % HELD];

		put(w->storm, h);
		get(w->storm, h, size, (uint64_t)(w->number + 1) << 48 | i << 16);
	}
	for (i = 0; i < HELD; i++)
		put(w->storm, &w->held[i]);
	return NULL;
}

static void run(struct storm *s)
{
	static struct worker workers[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .storm = s, .number = i };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			tap_bail("no thread");
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

/* the main thread blocks SIGALRM, so that the kernel spreads it over the others */
static void set_timer(int flags, long period)
{
	struct itimerval timer = { { 0, period }, { 0, period } };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void check_storm(const struct options *o, int ion, int flags, const char *name)
{
	static struct storm s;
	int i, fds = probe_fd_count();

	memset(&s, 0, sizeof(s));
	pthread_mutex_init(&s.lock, NULL);
	s.ion = ion;
	s.mask = o->mask;
	s.count = o->count;
	atomic_store(&alarms, 0);
	set_timer(flags, PERIOD);
	run(&s);
	set_timer(flags, 0);
	tap_diag("%s: %lu interruptions in %lu allocations", name, alarms, THREADS * o->count);
	tap_ok(alarms > 0, "%s: the timer struck", name);
	for (i = 0; i < _FAULT_N; i++)
		tap_equal(s.faults[i], 0, "%s: no %s", name, fault_names[i]);
	if (s.error)
		tap_diag("the last error was %s", strerror(s.error));
	tap_equal(probe_fd_count(), fds, "%s: as many fds as before", name);
	pthread_mutex_destroy(&s.lock);
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	int ion;

	o.count = 1000;
	o.seconds = 600;
	options_parse(&o, argc, argv, "d:n:T:M:");
	tap_limit(o.seconds);
	ion = door_open(o.node);
	if (ion < 0)
		tap_bail("%s: %s", o.node, strerror(-ion));
	check_storm(&o, ion, SA_RESTART, "with SA_RESTART");
	check_storm(&o, ion, 0, "without SA_RESTART");
	door_close(ion);
	return tap_done();
}
