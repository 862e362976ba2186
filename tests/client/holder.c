// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A buffer belongs to whoever holds it: sent to a process that never opened ION, it outlives the
 * one that allocated it, which is killed; by fd or by mapping alone; and its memory comes back when
 * the last holder goes.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "abi.h"
#include "held.h"
#include "lender.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define BUFFERS 4
#define SEED	0x5eed0fb17e5ull

static const size_t sizes[] = { PAGE, 70000, 1 << 20, 4 << 20 };

static size_t rounded(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static void check_mapped(const int *fds, char **maps, size_t size)
{
	int whole = 0;

	for (int i = 0; i < BUFFERS; i++) {
		maps[i] = probe_map(fds[i], size, 0);
		whole += maps[i] && probe_stamped(maps[i], size, SEED + i);
	}
	tap_equal(whole, BUFFERS, "%d buffers of %zu bytes are intact when their allocator is gone",
		  BUFFERS, size);
}

/* the last holder is a child, which has nothing but what it inherited */
static void check_last_holder(const struct options *o, int fd, char *p, size_t size, int64_t before)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		close(fd);
		raise(SIGSTOP);
		_exit(!probe_stamped(p, size, SEED + BUFFERS));
	}
	waitpid(pid, &status, WUNTRACED);
	probe_stamp(p, size, SEED + BUFFERS);
	munmap(p, size);
	close(fd);
	tap_ok(held_becomes(o->held, before + rounded(size)), "a child's mapping holds a buffer");
	kill(pid, SIGCONT);
	tap_ok(waitpid(pid, &status, 0) == pid && status == 0, "its bytes are those written last");
}

static void check_size(const struct options *o, size_t size)
{
	int64_t before = held_bytes(o->held), each = rounded(size);
	char *maps[BUFFERS];
	int fds[BUFFERS];
	struct lender lender;

	lender_start(&lender, o, size, BUFFERS, SEED, fds);
	tap_ok(held_becomes(o->held, before + BUFFERS * each), "the service holds them");
	lender_kill(&lender);
	check_mapped(fds, maps, size);
	close(fds[0]);
	munmap(maps[1], size);
	munmap(maps[2], size);
	close(fds[2]);
	tap_ok(held_becomes(o->held, before + 3 * each),
	       "an fd or a mapping holds, neither doesn't");
	tap_ok(probe_stamped(maps[0], size, SEED), "what is held by its mapping is intact");
	maps[1] = probe_map(fds[1], size, 0);
	tap_ok(maps[1] && probe_stamped(maps[1], size, SEED + 1), "and what is held by its fd");
	munmap(maps[0], size);
	munmap(maps[1], size);
	close(fds[1]);
	check_last_holder(o, fds[3], maps[3], size, before);
	tap_ok(held_becomes(o->held, before), "nothing is held when the last holder is gone");
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	int fds;

	options_parse(&o, argc, argv, "d:T:M:c:");
	tap_limit(o.seconds);
	fds = probe_fd_count();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check_size(&o, sizes[i]);
	tap_equal(probe_fd_count(), fds, "as many fds as at the start");
	return tap_done();
}
