// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Many rounds of allocate and close, and what they leave in the service: its fds, memory and
 * threads at the end are those after the first rounds. The ends of buffers are noticed
 * asynchronously, so both samples wait, with a bound, until nothing moves any more.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/mman.h>

#include "abi.h"
#include "door.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define WARM_UP	   100
#define PROCESSES  16
#define TICK	   20000 /* µs between two looks */
#define STILL	   25	 /* looks without a change are stillness */
#define LOOKS	   1000	 /* and this is enough in any case */
#define MARK_EVERY 1000

struct sample {
	long fds, threads, rss; /* the last in KiB */
};

struct service {
	int pids[PROCESSES];
	struct sample first[PROCESSES];
	int n;
};

static long count_entries(int pid, const char *what)
{
	char path[64];
	long n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	dir = opendir(path);
	if (!dir)
		tap_bail("%s: %s", path, strerror(errno));
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static long resident(int pid)
{
	char path[64], line[128];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	if (kib < 0)
		tap_bail("%s: no VmRSS", path);
	return kib;
}

static struct sample look(int pid)
{
	return (struct sample){ count_entries(pid, "fd"), count_entries(pid, "task"),
				resident(pid) };
}

static struct service parse_pids(const char *text)
{
	struct service s = { .n = 0 };
	char *end;

	while (text && *text && s.n < PROCESSES) {
		s.pids[s.n++] = strtol(text, &end, 10);
		if (end == text || (*end && *end != ','))
			tap_bail("%s: not a list of process ids", text);
		text = *end ? end + 1 : end;
	}
	return s;
}

/* the first sample: taken when it has been the same for some time */
static void settle(struct service *s)
{
	int still = 0, looks, i;

	for (looks = 0; looks < LOOKS && still < STILL; looks++, still++) {
		for (i = 0; i < s->n; i++) {
			struct sample now = look(s->pids[i]);

			if (memcmp(&now, &s->first[i], sizeof(now)))
				still = 0;
			s->first[i] = now;
		}
		usleep(TICK);
	}
}

/* the last one: taken when it is no more than the first */
static struct sample wait_for(int pid, const struct sample *first, long slack)
{
	struct sample now = look(pid);
	int looks;

	for (looks = 0; looks < LOOKS; looks++) {
		if (now.fds <= first->fds && now.threads <= first->threads &&
		    now.rss <= first->rss + slack)
			break;
		usleep(TICK);
		now = look(pid);
	}
	return now;
}

static void check_service(const struct service *s, long slack)
{
	int i;

	for (i = 0; i < s->n; i++) {
		const struct sample *first = &s->first[i];
		struct sample last = wait_for(s->pids[i], first, slack);

		tap_diag("process %d: fds %ld, %ld; threads %ld, %ld; KiB %ld, %ld", s->pids[i],
			 first->fds, last.fds, first->threads, last.threads, first->rss, last.rss);
		tap_ok(last.fds <= first->fds, "process %d has no more fds", i + 1);
		tap_ok(last.threads <= first->threads, "process %d has no more threads", i + 1);
		tap_ok(last.rss <= first->rss + slack, "process %d has no more memory", i + 1);
	}
}

static bool one_round(int ion, uint32_t mask, unsigned long i)
{
	size_t size = (i % 16 + 1) * PAGE;
	int fd = door_alloc(ion, size, mask);
	char *p;

	if (fd < 0) {
		tap_diag("round %lu: %s", i, strerror(-fd));
		return false;
	}
	p = i % 4 ? NULL : probe_map(fd, size, 0);
	if (p) {
		p[size - 1] = 1;
		munmap(p, size);
	}
	return !close(fd) && (p || i % 4);
}

/* an open file serves MARK_EVERY rounds, then the next one does */
static unsigned long do_rounds(const struct options *o, unsigned long from, unsigned long to)
{
	unsigned long i, good = 0;
	int ion = door_open(o->node);

	if (ion < 0)
		tap_bail("%s: %s", o->node, strerror(-ion));
	for (i = from; i < to; i++) {
		good += one_round(ion, o->mask, i);
		if ((i + 1) % MARK_EVERY)
			continue;
		tap_diag("round %lu", i + 1);
		door_close(ion);
		ion = door_open(o->node);
	}
	door_close(ion);
	return good;
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	struct service service;
	int fds;

	o.count = 10000;
	o.seconds = 900;
	o.slack = 1024;
	options_parse(&o, argc, argv, "d:n:p:t:T:M:");
	if (o.count <= WARM_UP)
		tap_bail("%lu rounds are none after the first %d", o.count, WARM_UP);
	tap_limit(o.seconds);
	service = parse_pids(o.pids);
	fds = probe_fd_count();
	tap_equal(do_rounds(&o, 0, WARM_UP), WARM_UP, "the first %d rounds", WARM_UP);
	settle(&service);
	tap_diag("round %d", WARM_UP);
	tap_equal(do_rounds(&o, WARM_UP, o.count), o.count - WARM_UP, "the rounds up to %lu",
		  o.count);
	tap_equal(probe_fd_count(), fds, "as many fds here as at the start");
	if (service.n)
		check_service(&service, o.slack);
	else
		tap_skip("no -p", "the service has no more than after the first rounds");
	return tap_done();
}
