// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The exporter `file` through the real kernel: a detached FUSE mount, the opener, the core, and
 * clients in processes of their own. Every case runs twice: with passthrough, where the kernel has
 * it, and through the page cache, as an opener without CAP_SYS_ADMIN brings about.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "core/alloc.h"
#include "core/buffer.h"
#include "core/client.h"
#include "core/file.h"
#include "daemon/files.h"
#include "daemon/opener.h"
#include "daemon/priv.h"
#include "daemon/spawn.h"
#include "fault.h"
#include "front/bufferfs.h"
#include "loop/jobs.h"
#include "mem/export.h"
#include "memory_fixture.h"

#define PAGE	    4096u
#define SKIPPED	    77
#define SET_NAME_32 _IOW('b', 1, uint32_t)
#define SET_NAME_64 _IOW('b', 1, uint64_t)

enum way { PASSTHROUGH, PAGE_CACHE };

static struct rig {
	enum way way;
	struct loop *loop;
	struct loop_jobs *jobs;
	struct state *state;
	int state_fd;
	struct opener_config opener;
	int socket; /* the worker's end */
	pid_t process;
	struct files *files;
	struct memory memory;
	struct loop_poll watch;
	struct client *client;
	unsigned int fds;
	int tried, gone;
} rig;

/* where a client failed; shared with it */
static int *failed_line;

/* ---- the rig ---- */

static int run_opener(void *user)
{
	if (rig.way == PAGE_CACHE && priv_keep_caps(NULL, 0) < 0)
		return 1;
	return opener_run(&rig.opener);
}

static void rig_tried(void *user, int result)
{
	rig.tried = result;
}

static void rig_gone(void *user)
{
	rig.gone++;
}

static void rig_watch(struct loop_poll *poll, short revents)
{
	service_look(rig.memory.service);
}

static void turn(void)
{
	ck_assert_int_ge(loop_step(rig.loop, 2000), 0);
}

static void rig_start_files(void)
{
	struct files_config config = {
		.loop = rig.loop,
		.jobs = rig.jobs,
		.state = rig.state,
		.tried = rig_tried,
		.gone = rig_gone,
	};
	int pair[2];

	ck_assert_int_eq(priv_mount_buffers(&rig.opener.channel, &rig.opener.root), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	rig.socket = config.opener = pair[0];
	rig.opener.socket = pair[1];
	ck_assert_int_eq(spawn(&rig.process, SPAWN_SHARED_TABLE, "opener", run_opener, NULL), 0);
	ck_assert_int_eq(loop_jobs_new(&rig.jobs, rig.loop, 2), 0);
	config.jobs = rig.jobs;
	rig.tried = 1;
	ck_assert_int_eq(files_new_consume_fd(&rig.files, &config, rig.opener.channel), 0);
	while (rig.tried > 0)
		turn();
	ck_assert_int_eq(rig.tried, 0);
	rig.memory.file = files_steal_exporter(rig.files);
}

static void rig_up(int way)
{
	const struct client_who who = { .uid = 1000 };
	uint64_t fh;

	rig = (struct rig){ .way = way, .fds = open_fds() };
	ck_assert_int_eq(loop_new(&rig.loop, LOOP_AUTO), 0);
	ck_assert_int_eq(state_create(&rig.state_fd), 0);
	ck_assert_int_eq(state_attach(&rig.state, rig.state_fd), 0);
	rig_start_files();
	memory_start(&rig.memory, rig.state, rig.loop);
	ck_assert_str_eq(rig.memory.exporter_name, "file");
	loop_poll_init(&rig.watch, rig_watch, NULL);
	ck_assert_int_eq(
		loop_poll_add(rig.loop, &rig.watch, service_watch_fd(rig.memory.service), POLLIN),
		0);
	ck_assert_int_eq(client_new(&rig.client, rig.memory.service, &who, &fh), 0);
}

static void reap(void)
{
	int status;

	ck_assert_int_eq(waitpid(rig.process, &status, 0), rig.process);
}

static void rig_down(void)
{
	files_stop(rig.files);
	rig.jobs = loop_jobs_free(rig.jobs);
	loop_poll_remove(&rig.watch);
	memory_deinit(&rig.memory);
	rig.files = files_free(rig.files);
	reap();
	close(rig.socket);
	close(rig.opener.socket);
	close(rig.opener.root);
	state_free(rig.state);
	close(rig.state_fd);
	loop_free(rig.loop);
	ck_assert_int_eq(rig.gone, 0);
	ck_assert_uint_eq(open_fds(), rig.fds);
}

static bool passes_through(void)
{
	return rig.way == PASSTHROUGH && bufferfs_has_passthrough(files_fs(rig.files));
}

static struct bufferfs_counters counters(void)
{
	struct bufferfs_counters counters;

	bufferfs_counters(files_fs(rig.files), &counters);
	return counters;
}

static uint64_t n_files(void)
{
	return bufferfiles_count(bufferfs_files(files_fs(rig.files)));
}

static uint64_t n_buffers(void)
{
	struct service_totals totals;

	service_totals(rig.memory.service, &totals);
	return totals.buffers;
}

/* ---- an allocation ---- */

struct making {
	struct loop_job job;
	struct alloc *alloc;
	bool done;
};

static void making_run(struct loop_job *job)
{
	alloc_run(container_of(job, struct making, job)->alloc);
}

static void making_done(struct loop_job *job)
{
	container_of(job, struct making, job)->done = true;
}

static void make(struct making *making, uint64_t len)
{
	const struct alloc_want want = { .len = len, .mask = 1 };

	*making = (struct making){ .job = { .run = making_run, .done = making_done } };
	ck_assert_int_eq(alloc_begin(&making->alloc, rig.client, &want), 0);
	ck_assert(alloc_is_slow(making->alloc));
	loop_jobs_submit(rig.jobs, &making->job);
}

static int new_buffer(uint64_t len)
{
	struct alloc_done done;
	struct making making;

	make(&making, len);
	while (!making.done)
		turn();
	ck_assert_int_eq(alloc_finish(making.alloc, &done), 0);
	ck_assert_int_eq(done.file->export.end,
			 passes_through() ? EXPORT_END_LOOK : EXPORT_END_TOLD);
	file_delivered(done.file);
	return done.fd;
}

/* ---- clients: processes, as whoever waits for the loop must not be the loop ---- */

#define CLIENT_CHECK(what)                       \
	do {                                     \
		if (!(what)) {                   \
			*failed_line = __LINE__; \
			return;                  \
		}                                \
	} while (0)

/* a process that has @fd and nothing else of ours */
static pid_t client_start(void (*run)(int fd), int fd)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		alarm(50);
		close_range(fd + 1, ~0u, 0);
		if (fd > 3)
			close_range(3, fd - 1, 0);
		run(fd);
		_exit(0);
	}
	return pid;
}

static void client_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0)
		ck_assert_int_ge(loop_step(rig.loop, 5), 0);
	ck_assert_int_eq(*failed_line, 0);
	ck_assert_int_eq(status, 0);
}

static void client(void (*run)(int fd), int fd)
{
	client_wait(client_start(run, fd));
}

/* the kernel tells of RELEASE and FORGET when it likes */
static void wait_ended(uint64_t n_left)
{
	while (n_buffers() > n_left || n_files() > n_left)
		turn();
	ck_assert_uint_eq(n_buffers(), n_left);
}

static char *map(int fd, size_t size, off_t offset)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	return p == MAP_FAILED ? NULL : p;
}

static int error_of(long r)
{
	return r < 0 ? errno : 0;
}

/* ---- cases ---- */

static void look(int fd)
{
	char path[32], link[64] = "";
	struct stat st;

	CLIENT_CHECK(lseek(fd, 0, SEEK_END) == 73728 && lseek(fd, 0, SEEK_SET) == 0);
	CLIENT_CHECK(fstat(fd, &st) == 0 && st.st_size == 73728 && S_ISREG(st.st_mode));
	CLIENT_CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	CLIENT_CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CLIENT_CHECK(readlink(path, link, sizeof(link) - 1) > 0);
	CLIENT_CHECK(strncmp(link, "/dmabuf:", 8) == 0);
}

START_TEST(seen)
{
	int fd;

	rig_up(_i);
	fd = new_buffer(70000);
	client(look, fd);
	close(fd);
	wait_ended(0);
	rig_down();
}
END_TEST

static void sync_it(int fd)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };

	CLIENT_CHECK(ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) == 0);
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
	CLIENT_CHECK(ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) == 0);
	sync.flags = DMA_BUF_SYNC_END;
	CLIENT_CHECK(error_of(ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync)) == EINVAL);
	sync.flags = 8 | DMA_BUF_SYNC_RW;
	CLIENT_CHECK(error_of(ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync)) == EINVAL);
	CLIENT_CHECK(error_of(ioctl(fd, DMA_BUF_IOCTL_SYNC, NULL)) == EFAULT);
	CLIENT_CHECK(ioctl(fd, SET_NAME_32, "name") == 0);
	CLIENT_CHECK(ioctl(fd, SET_NAME_64, "a longer name") == 0);
	CLIENT_CHECK(error_of(ioctl(fd, SET_NAME_64, NULL)) == EFAULT);
	CLIENT_CHECK(error_of(ioctl(fd, _IOWR('b', 2, uint64_t), &sync)) == ENOTTY);
	CLIENT_CHECK(error_of(ioctl(fd, 0x6263, 0)) == ENOTTY);
}

static void be_refused(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN | POLLOUT };
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CLIENT_CHECK(error_of(ftruncate(fd, 0)) == EINVAL);
	CLIENT_CHECK(error_of(ftruncate(fd, 1 << 20)) == EINVAL);
	CLIENT_CHECK(error_of(truncate(path, 0)) == EINVAL);
	CLIENT_CHECK(error_of(fallocate(fd, 0, 0, 1 << 20)) == ENODEV);
	CLIENT_CHECK(error_of(fallocate(fd, 3, 0, PAGE)) == ENODEV);
	CLIENT_CHECK(error_of(fsync(fd)) == EINVAL);
	CLIENT_CHECK(error_of(fchmod(fd, 0777)) == EINVAL);
	CLIENT_CHECK(error_of(fchown(fd, 1, 1)) == EINVAL);
	CLIENT_CHECK(error_of(fsetxattr(fd, "user.x", "y", 1, 0)) == EOPNOTSUPP);
	CLIENT_CHECK(error_of(open(path, O_RDWR)) == ENXIO);
	CLIENT_CHECK(error_of(open(path, O_RDONLY | O_TRUNC)) == ENXIO);
	CLIENT_CHECK(error_of(lseek(fd, 0, SEEK_HOLE)) == EINVAL);
	CLIENT_CHECK(error_of(write(fd, "x", 1)) == EINVAL);
	CLIENT_CHECK(poll(&ready, 1, 0) == 1 && ready.revents == (POLLIN | POLLOUT));
}

static void read_it(int fd)
{
	char bytes[PAGE];

	CLIENT_CHECK(error_of(read(fd, bytes, sizeof(bytes))) == EINVAL);
	CLIENT_CHECK(error_of(pread(fd, bytes, 1, 0)) == EINVAL);
}

START_TEST(calls)
{
	int fd;

	rig_up(_i);
	fd = new_buffer(8192);
	client(sync_it, fd);
	client(be_refused, fd);
	if (passes_through())
		client(read_it, fd); /* else the page cache answers it */
	close(fd);
	wait_ended(0);
	rig_down();
}
END_TEST

static void write_and_look_again(int fd)
{
	char *p = map(fd, 8 << 20, 0), *q;

	CLIENT_CHECK(p && !p[0] && !memcmp(p, p + 1, (8 << 20) - 1));
	memset(p, 0x5a, 8 << 20);
	CLIENT_CHECK(munmap(p, 8 << 20) == 0);
	p = map(fd, 8 << 20, 0);
	CLIENT_CHECK(p && p[0] == 0x5a && !memcmp(p, p + 1, (8 << 20) - 1));
	q = map(fd, PAGE, 3 * PAGE);
	CLIENT_CHECK(q && q[17] == 0x5a);
	q[17] = 'q';
	CLIENT_CHECK(p[3 * PAGE + 17] == 'q');
	CLIENT_CHECK(munmap(p, 4 << 20) == 0 && p[(8 << 20) - 1] == 0x5a);
	close(fd);
	q[18] = 'r';
}

static void look_after(int fd)
{
	char *p = map(fd, 8 << 20, 0);

	CLIENT_CHECK(p && p[3 * PAGE + 17] == 'q' && p[3 * PAGE + 18] == 'r');
	CLIENT_CHECK(p[0] == 0x5a && p[(8 << 20) - 1] == 0x5a);
}

START_TEST(bytes)
{
	struct bufferfs_counters before, after;
	int fd;

	rig_up(_i);
	fd = new_buffer(8 << 20);
	before = counters();
	client(write_and_look_again, fd);
	client(look_after, fd);
	after = counters();
	if (passes_through()) {
		ck_assert_uint_eq(after.reads, before.reads);
		ck_assert_uint_eq(after.writes, before.writes);
	} else {
		ck_assert_uint_gt(after.reads, before.reads);
		ck_assert_uint_gt(after.writes, before.writes);
	}
	close(fd);
	wait_ended(0);
	rig_down();
}
END_TEST

/* both have it mapped at once, and take turns by its bytes */
static void take_turns(int fd)
{
	volatile char *p = map(fd, PAGE, 0);
	pid_t pid;
	int status;

	CLIENT_CHECK(p);
	pid = fork();
	if (pid == 0) {
		volatile char *own = map(fd, PAGE, 0);

		for (int i = 0; i < 100; i += 2) {
			while (own[i / 2] != i)
				usleep(100);
			own[100 + i] = i + 1;
		}
		_exit(0);
	}
	for (int i = 0; i < 100; i += 2) {
		p[i / 2] = i;
		while (p[100 + i] != i + 1)
			usleep(100);
	}
	CLIENT_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

START_TEST(two_processes)
{
	int fd;

	rig_up(_i);
	fd = new_buffer(PAGE);
	client(take_turns, fd);
	close(fd);
	wait_ended(0);
	rig_down();
}
END_TEST

static int hold[2]; /* a client holds on until its end is closed */

static void keep_mapping(int fd)
{
	char *p = map(fd, PAGE, 0), byte;

	CLIENT_CHECK(p);
	*p = 'x';
	close(fd);
	kill(getppid(), SIGUSR1);
	CLIENT_CHECK(read(0, &byte, 1) == 0);
	CLIENT_CHECK(*p == 'x');
}

static volatile sig_atomic_t holds;

static void on_holds(int signo)
{
	holds = 1;
}

/* a client that has the buffer mapped and no fd of it any more */
static pid_t start_holder(int fd)
{
	pid_t pid;
	int in = dup(0);

	holds = 0;
	signal(SIGUSR1, on_holds);
	ck_assert_int_eq(pipe2(hold, O_CLOEXEC), 0);
	dup2(hold[0], 0);
	pid = client_start(keep_mapping, fd);
	dup2(in, 0);
	close(in);
	close(hold[0]);
	while (!holds)
		ck_assert_int_ge(loop_step(rig.loop, 5), 0);
	return pid;
}

START_TEST(ends_with_the_mapping)
{
	int fd, other;
	pid_t pid;

	rig_up(_i);
	other = new_buffer(PAGE);
	fd = new_buffer(PAGE);
	pid = start_holder(fd);
	close(fd);
	for (int i = 0; i < 20; i++)
		ck_assert_int_ge(loop_step(rig.loop, 5), 0);
	ck_assert_uint_eq(n_buffers(), 2);
	close(hold[1]);
	client_wait(pid);
	wait_ended(1);

	/* a holder that is killed */
	fd = new_buffer(PAGE);
	pid = start_holder(fd);
	close(fd);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, WNOHANG) == 0)
		ck_assert_int_ge(loop_step(rig.loop, 5), 0);
	close(hold[1]);
	wait_ended(1);
	close(other);
	wait_ended(0);
	rig_down();
}
END_TEST

START_TEST(rounds)
{
	unsigned int fds;

	rig_up(_i);
	close(new_buffer(PAGE));
	wait_ended(0);
	fds = open_fds();
	for (int i = 0; i < 100; i++) {
		int a = new_buffer(PAGE), b = new_buffer(1 << 20);

		close(a);
		close(b);
	}
	wait_ended(0);
	ck_assert_uint_eq(open_fds(), fds);
	rig_down();
}
END_TEST

/* the service ends with a file half made, and with one in a client's hands */
START_TEST(stopped)
{
	struct making making;
	int fd;

	rig_up(_i);
	fd = new_buffer(PAGE);
	make(&making, PAGE); /* whoever makes it waits for a loop that does not turn */
	files_stop(rig.files);
	rig.jobs = loop_jobs_free(rig.jobs);
	ck_assert(making.done);
	alloc_free(making.alloc);
	close(fd);
	rig_down();
}
END_TEST

START_TEST(opener_dies)
{
	struct alloc_done done;
	struct making making;
	char byte;

	rig_up(_i);
	kill(rig.process, SIGKILL);
	reap();
	make(&making, PAGE);
	/* somebody is asking */
	ck_assert_int_gt(recv(rig.opener.socket, &byte, 1, MSG_PEEK), 0);
	opener_excuse(rig.opener.socket);
	/* its successor is asked, so that nobody hears of it */
	ck_assert_int_eq(spawn(&rig.process, SPAWN_SHARED_TABLE, "opener", run_opener, NULL), 0);
	while (!making.done)
		turn();
	ck_assert_int_eq(alloc_finish(making.alloc, &done), 0);
	file_delivered(done.file);
	close(done.fd);
	wait_ended(0);
	rig_down();
}
END_TEST

/* why the kernel can't be had here, or NULL */
static const char *lacks(void)
{
	static char why[128];
	int channel, root, r;

	if (geteuid() != 0)
		return "needs root";
	r = priv_mount_buffers(&channel, &root);
	if (r == -ENOENT && system("modprobe fuse 2>/dev/null") == 0)
		r = priv_mount_buffers(&channel, &root);
	if (r < 0) {
		snprintf(why, sizeof(why), "no FUSE mount here: %s", strerror(-r));
		return why;
	}
	close(root);
	close(channel);
	return NULL;
}

int main(void)
{
	Suite *suite = suite_create("file_export");
	TCase *tcase = tcase_create("file_export");
	SRunner *runner = srunner_create(suite);
	const char *lack = lacks();
	int failed;

	if (lack) {
		printf("SKIP: %s\n", lack);
		return SKIPPED;
	}
	failed_line =
		mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, seen, 0, 2);
	tcase_add_loop_test(tcase, calls, 0, 2);
	tcase_add_loop_test(tcase, bytes, 0, 2);
	tcase_add_loop_test(tcase, two_processes, 0, 2);
	tcase_add_loop_test(tcase, ends_with_the_mapping, 0, 2);
	tcase_add_loop_test(tcase, rounds, 0, 2);
	tcase_add_loop_test(tcase, stopped, 0, 2);
	tcase_add_loop_test(tcase, opener_dies, 0, 2);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
