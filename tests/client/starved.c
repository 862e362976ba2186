// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A caller that gets hardly any CPU: idle priority, on a CPU where others never rest. A delivery
 * has many steps, each of which waits for the caller to run, so it takes long; but it is no less
 * whole than another: the lowest number, nothing beside it, no errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>

#include "abi.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define ENOUGH 15 /* seconds, after which no further allocation is begun */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* the last CPU that we may run on, and only that one from now on */
static void take_cpu(void)
{
	cpu_set_t set;
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(set), &set))
		tap_bail("sched_getaffinity: %m");
	while (!CPU_ISSET(cpu, &set))
		cpu--;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		tap_bail("sched_setaffinity: %m");
}

static void start_hog(void)
{
	pid_t pid = fork();

	if (pid < 0)
		tap_bail("fork: %m");
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		;
}

/* who starts them isn't idle yet: it would take its time for that, too */
static void starve(unsigned long hogs)
{
	const struct sched_param param = { 0 };

	take_cpu();
	for (unsigned long i = 0; i < hogs; i++)
		start_hog();
	if (sched_setscheduler(0, SCHED_IDLE, &param))
		tap_bail("sched_setscheduler: %m");
}

static bool allocate(int device, int lowest, int fds)
{
	struct ion_alloc alloc = { .len = PAGE, .mask = 1, .fd = UINT32_MAX };
	int r = probe_ioctl(device, ION_ALLOC, &alloc), n = probe_fd_count();

	if (r == 0 && (int)alloc.fd == lowest && n == fds + 1) {
		close(alloc.fd);
		return true;
	}
	tap_diag("ALLOC: %s; fd %d, the lowest was %d; %d fds, were %d",
		 r < 0 ? strerrorname_np(-r) : "success", (int)alloc.fd, lowest, n, fds);
	return false;
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	double begin, took, longest = 0;
	int device, lowest, fds;
	unsigned long done = 0;
	bool good = true;

	o.count = 20;
	o.others = 24;
	options_parse(&o, argc, argv, "d:n:o:T:");
	tap_limit(o.seconds);
	device = open(o.node, O_RDONLY | O_CLOEXEC);
	if (device < 0)
		tap_bail("%s: %m", o.node);
	lowest = probe_lowest_fd();
	fds = probe_fd_count();
	starve(o.others);
	for (begin = now(); done < o.count && good && now() - begin < ENOUGH; done++) {
		took = now();
		good = allocate(device, lowest, fds);
		took = now() - took;
		longest = took > longest ? took : longest;
	}
	tap_diag("%lu allocations in %.1f s, the longest took %.2f s", done, now() - begin,
		 longest);
	tap_ok(good, "a caller that gets hardly any CPU gets its fds, and nothing beside them");
	return tap_done();
}
