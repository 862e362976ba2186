// SPDX-License-Identifier: LGPL-2.1-or-later
/* what every attack's process does */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"
#include "probe.h"

long hostile_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000l + t.tv_nsec / 1000;
}

void hostile_pause(long us)
{
	const struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

void hostile_thread(void *(*run)(void *), void *user)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	hostile_require(!pthread_create(&thread, &attr, run, user));
}

void hostile_become(uid_t uid)
{
	hostile_require(setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 &&
			setresuid(uid, uid, uid) == 0);
}

int hostile_alloc(struct ion_alloc *alloc)
{
	int r;

	*alloc = (struct ion_alloc){ .len = HOSTILE_LEN, .mask = 1, .fd = UINT32_MAX };
	r = ioctl(hostile.device, ION_ALLOC, alloc) ? -errno : (int)alloc->fd;
	__atomic_fetch_add(r < 0 ? &hostile.counts->refused : &hostile.counts->given, 1,
			   __ATOMIC_RELAXED);
	return r;
}

/* a number may be anything by now; a buffer under it must be one of ours, and fresh */
void hostile_look_at(int fd)
{
	char link[64], path[64];
	int64_t size;
	ssize_t n;
	char *p;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = '\0';
	if (!strstr(link, "dmabuf:") && strncmp(link, "/memfd:", 7))
		return;
	p = probe_map(fd, HOSTILE_LEN, 0);
	size = probe_size(fd); /* an error where a sibling has closed the number meanwhile */
	if ((size >= 0 && size != HOSTILE_LEN) || (p && !probe_zero(p, HOSTILE_LEN)))
		__atomic_fetch_add(&hostile.counts->foreign, 1, __ATOMIC_RELAXED);
	if (p)
		munmap(p, HOSTILE_LEN);
}

void hostile_round(void)
{
	struct ion_alloc alloc;
	int fd = hostile_alloc(&alloc);

	if (fd < 0)
		return;
	hostile_look_at(fd);
	close(fd);
}
