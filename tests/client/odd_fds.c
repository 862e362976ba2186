// SPDX-License-Identifier: LGPL-2.1-or-later
/* callers whose table of fds is not as usual */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "odd.h"
#include "probe.h"

static void set_limit(rlim_t soft, rlim_t hard)
{
	struct rlimit limit = { soft, hard };

	odd_check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void expect_limit(rlim_t soft, rlim_t hard)
{
	struct rlimit limit;

	odd_check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	odd_check(limit.rlim_cur == soft && limit.rlim_max == hard);
}

static void fill(void)
{
	while (dup(odd_device) >= 0)
		;
	odd_check(errno == EMFILE);
}

/* EMFILE while it is full, and nothing is changed by that; the freed number comes next */
int odd_fds_full(void)
{
	int r;

	set_limit(64, 128);
	fill();
	r = odd_once();
	odd_check(r == -EMFILE);
	expect_limit(64, 128);
	close(50);
	odd_check(dup(odd_device) == 50);
	close(40);
	close(41);
	odd_check(odd_once() == 40);
	return r;
}

/* the last number is what the kernel would give, also to a caller without a higher hard limit */
int odd_fds_one_left(void)
{
	struct ion_alloc alloc = { .len = ODD_LEN, .mask = 1u << ION_ID_SYSTEM, .fd = UINT32_MAX };
	int fd;

	set_limit(64, 128);
	fill();
	close(63);
	odd_check(odd_once() == 63);
	expect_limit(64, 128);
	close(20);
	odd_check(odd_once() == 20);
	set_limit(64, 64);
	close(30);
	/* here the fd field may be written to and the call fail */
	fd = ioctl(odd_device, ION_ALLOC, &alloc) ? -errno : (int)alloc.fd;
	odd_check(fd == 30 || fd == -EMFILE);
	expect_limit(64, 64);
	if (fd == -EMFILE)
		odd_check(dup(odd_device) == 30);
	odd_check(dup(odd_device) < 0 && errno == EMFILE);
	return 63;
}

int odd_fds_lowered(void)
{
	int r;

	set_limit(64, 64);
	while (dup(odd_device) < 40)
		;
	set_limit(10, 64);
	r = odd_once();
	expect_limit(10, 64);
	set_limit(64, 64);
	odd_check(odd_once() == 41);
	return r;
}

static void *own_table(void *user)
{
	int *ret = user;

	odd_check(unshare(CLONE_FILES) == 0);
	close(0); /* so the two tables have different lowest numbers */
	for (int i = 0; i < ODD_ROUNDS; i++) {
		*ret = odd_once();
		odd_check(*ret < 0 || (*ret == 0 && probe_size(0) == ODD_LEN && close(0) == 0));
	}
	return NULL;
}

int odd_fds_own_table(void)
{
	int fds = probe_fd_count(), r;
	pthread_t id;

	odd_check(!pthread_create(&id, NULL, own_table, &r));
	pthread_join(id, NULL);
	odd_check(probe_fd_count() == fds);
	odd_check(odd_rounds() >= 0);
	return r;
}
