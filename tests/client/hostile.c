// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Callers that attack the service:
 *
 *	hostile [-d NODE] [-u UID] [-t MILLISECONDS] [-l MILLISECONDS] NAME
 *
 * The attack of that name goes on for -t; meanwhile each allocation of a bystander's has to come
 * within -l. The status is 0 if it did, all of the attack's processes could be reaped, and nobody
 * had a buffer of somebody else's. What became of the attack is told in one line.
 *
 *	hostile -f: the median of a bystander's allocations alone, and while 200 threads flood
 */
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

enum { BYSTANDER = 2002, KEPT = 8, SAMPLES_MIN = 15, SAMPLES_MAX = 20000, REAP_MS = 10000 };

/* what the bystander saw; shared memory */
struct bystander {
	unsigned int n, failed, spoilt;
	long longest_us, first_us;
	int32_t samples[SAMPLES_MAX];
};

struct hostile hostile = { .node = "/dev/ion", .uid = 2001, .run_ms = 500, .fuse_file = -1 };
static struct bystander *bystander;
static long end_us, limit_ms = 3000;

static bool find(const struct hostile_attack *list, const char *name,
		 const struct hostile_attack **ret)
{
	for (; list->name; list++) {
		if (strcmp(list->name, name))
			continue;
		*ret = list;
		return true;
	}
	return false;
}

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	hostile_require(p != MAP_FAILED);
	return p;
}

bool hostile_goes_on(void)
{
	return hostile_now_us() < end_us;
}

/* ---- the bystander ---- */

static void bystander_round(int device, char *kept[KEPT])
{
	struct ion_alloc alloc = { .len = BYSTANDER_LEN, .mask = 1, .fd = UINT32_MAX };
	long begin = hostile_now_us(), took;
	char *p;

	if (ioctl(device, ION_ALLOC, &alloc)) {
		bystander->failed++;
		printf("# the bystander got no buffer: %m\n");
		hostile_pause(10000);
		return;
	}
	took = hostile_now_us() - begin;
	if (took > bystander->longest_us)
		bystander->longest_us = took;
	bystander->samples[bystander->n++ % SAMPLES_MAX] = took;

	p = probe_map(alloc.fd, BYSTANDER_LEN, 0);
	if (!p || probe_size(alloc.fd) != BYSTANDER_LEN || !probe_zero(p, BYSTANDER_LEN)) {
		bystander->spoilt++;
	} else {
		char **place = &kept[bystander->n % KEPT];

		if (*place && !probe_stamped(*place, BYSTANDER_LEN, (uintptr_t)place))
			bystander->spoilt++;
		if (*place)
			munmap(*place, BYSTANDER_LEN);
		*place = p;
		probe_stamp(p, BYSTANDER_LEN, (uintptr_t)place);
	}
	close(alloc.fd);
}

/* until killed by who started it; it lets others run where it is @gentle */
static void bystander_run(bool gentle)
{
	int device = open(hostile.node, O_RDONLY | O_CLOEXEC);
	char *kept[KEPT] = { 0 };

	hostile_require(device >= 0);
	hostile_become(BYSTANDER);
	if (!gentle) {
		/* behind all that was asked for at once; what is measured comes after that */
		bystander_round(device, kept);
		bystander->first_us = bystander->longest_us;
		bystander->n = bystander->longest_us = 0;
		end_us = hostile_now_us() + hostile.run_ms * 1000;
	}
	while (hostile_goes_on() || (!gentle && bystander->n < SAMPLES_MIN)) {
		bystander_round(device, kept);
		if (gentle)
			hostile_pause(5000);
	}
	for (int i = 0; i < KEPT; i++)
		if (kept[i] && !probe_stamped(kept[i], BYSTANDER_LEN, (uintptr_t)&kept[i]))
			bystander->spoilt++;
	fflush(stdout);
	_exit(0);
}

static pid_t bystander_start(bool gentle)
{
	pid_t pid;

	memset(bystander, 0, sizeof(*bystander));
	fflush(stdout);
	pid = fork();
	if (!pid)
		bystander_run(gentle);
	return pid;
}

/* ---- the attack ---- */

static void attack_main(const struct hostile_attack *attack)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	hostile.device = open(hostile.node, O_RDONLY | O_CLOEXEC);
	hostile_require(hostile.device >= 0);
	hostile.slot = probe_lowest_fd();
	attack->run();
	_exit(0);
}

/* its end within @ms; killed then, it must be gone soon */
static bool reap(pid_t pid, long ms, int *ret_status)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd wait = { .fd = pidfd, .events = POLLIN };
	bool gone;

	if (poll(&wait, 1, ms) <= 0) {
		/* what hangs in its own file server hangs as long as that */
		if (hostile.fuse_file >= 0)
			hostile_fuse_stop();
		kill(pid, SIGKILL);
	}
	gone = poll(&wait, 1, REAP_MS) == 1;
	close(pidfd);
	if (gone)
		waitpid(pid, ret_status, 0);
	return gone;
}

static int attack_run(const struct hostile_attack *attack)
{
	int status = 0;
	pid_t pid;

	do {
		pid = fork();
		if (!pid)
			attack_main(attack);
		hostile.counts->rounds++;
		if (!reap(pid, (end_us - hostile_now_us()) / 1000 + 500, &status)) {
			printf("# a process of the attack can't be reaped\n");
			return 1;
		}
		hostile.counts->killed += WIFSIGNALED(status);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
			return 1; /* the attack itself is at fault: it said why */
	} while (hostile_goes_on() && !attack->once);
	return 0;
}

static int judge(const char *name, int r)
{
	const struct hostile_counts *counts = hostile.counts;

	printf("# %s: %u given, %u refused; %u processes, %u killed; bystander: %u, longest %ld "
	       "us\n",
	       name, counts->given, counts->refused, counts->rounds, counts->killed, bystander->n,
	       bystander->longest_us);
	if (counts->foreign)
		printf("# %u buffers of others reached the attack\n", counts->foreign);
	if (bystander->failed || bystander->spoilt || !bystander->n)
		printf("# the bystander: %u refused, %u spoilt\n", bystander->failed,
		       bystander->spoilt);
	return r || counts->foreign || bystander->failed || bystander->spoilt || !bystander->n ||
	       bystander->longest_us > limit_ms * 1000;
}

static int attack(const char *name)
{
	const struct hostile_attack *attack;
	int status = -1, r;
	pid_t by;

	if (!find(hostile_files, name, &attack) && !find(hostile_memory, name, &attack) &&
	    !find(hostile_life, name, &attack))
		return 2;
	if (attack->needs_fuse) {
		hostile.fuse_file = hostile_fuse_start();
		hostile_require(hostile.fuse_file >= 0);
	}
	end_us = hostile_now_us() + hostile.run_ms * 1000;
	by = bystander_start(true);
	r = attack_run(attack);
	if (!reap(by, limit_ms * 2, &status) || status)
		r = 1;
	if (attack->needs_fuse)
		hostile_fuse_stop();
	return judge(name, r);
}

/* ---- fairness ---- */

static int by_size(const void *a, const void *b)
{
	return *(const int32_t *)a - *(const int32_t *)b;
}

static long median(void)
{
	unsigned int n = bystander->n < SAMPLES_MAX ? bystander->n : SAMPLES_MAX;

	qsort(bystander->samples, n, sizeof(bystander->samples[0]), by_size);
	return n ? bystander->samples[n / 2] : 0;
}

static long measure(void)
{
	int status;
	pid_t pid;

	end_us = hostile_now_us() + hostile.run_ms * 1000;
	pid = bystander_start(false);
	if (!reap(pid, hostile.run_ms + 2 * limit_ms, &status) || status)
		return -1;
	return median();
}

static int fairness(void)
{
	const struct hostile_attack *flood;
	long alone, flooded, again;
	int status;
	pid_t pid;

	alone = measure();
	find(hostile_life, "flood", &flood);
	end_us = hostile_now_us() + (hostile.run_ms * 3 + limit_ms * 2) * 1000; /* killed before */
	pid = fork();
	if (!pid)
		attack_main(flood);
	hostile_pause(hostile.run_ms * 500); /* until all of its threads are there */
	flooded = measure();
	printf("# while flooded: the first, behind the burst, %ld us; then %u, longest %ld us\n",
	       bystander->first_us, bystander->n, bystander->longest_us);
	kill(pid, SIGKILL);
	if (!reap(pid, 1, &status))
		return 1;
	again = measure();
	if (alone <= 0 || flooded <= 0 || again <= 0 || bystander->failed)
		return 1;
	alone = (alone + again) / 2;
	printf("# figure: ALLOC median alone %ld us, flooded by 200 threads %ld us: %ld.%ld "
	       "times\n",
	       alone, flooded, flooded / alone, flooded * 10 / alone % 10);
	return flooded > alone * 9;
}

int main(int argc, char **argv)
{
	bool fair = false;
	int letter;

	while ((letter = getopt(argc, argv, "d:fl:t:u:")) >= 0) {
		if (letter == 'd')
			hostile.node = optarg;
		else if (letter == 'f')
			fair = true;
		else if (letter == 'l')
			limit_ms = atol(optarg);
		else if (letter == 't')
			hostile.run_ms = atol(optarg);
		else if (letter == 'u')
			hostile.uid = atoi(optarg);
		else
			return 2;
	}
	if (optind + !fair != argc)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	hostile.counts = shared(sizeof(*hostile.counts));
	bystander = shared(sizeof(*bystander));
	return fair ? fairness() : attack(argv[optind]);
}
