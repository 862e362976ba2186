// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Deaths: clients, the injector and the worker are killed, at random and at every stop point, while
 * another client goes on. Run by tests/cases/75-deaths-*.sh beside a service that runs here.
 *
 *	deaths -d NODE [-b BOARD] [-e N] [-n COUNT] [-s SEED] [-m] MODE
 *
 *	storm		COUNT clients are killed at random moments
 *	clients		a client is killed at each stop point
 *	stopped		COUNT clients are stopped by SIGSTOP in mid-delivery, and continued
 *	injector	the injector is killed at each of its points
 *	worker		the worker is killed at each of its points
 *
 * After each death: nobody hangs, the others go on, `cusion check` is clean; at the end all memory
 * is back (-e: at every N-th point only; -m: also as the kernel counts it, where nothing else runs
 *on the machine).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/tap.h"
#include "deaths/board.h"
#include "deaths/life.h"

enum {
	POINTS_MAX = 120,
	STORM_LIVES = 6,
	HOLD_MS = 20000, /* these are for emulated machines */
	END_MS = 20000,
	SLACK_KB = 4096,
	FAILURES_MAX = 3, /* each may have taken its whole time limit */
};

struct test {
	const char *node, *board_path, *mode;
	unsigned int count, seed, every;
	bool memory;
	struct stop_board *board;
	struct life *victim, *other;
	int role_of[POINTS_MAX]; /* who passes a point, or -1 */
	unsigned int held, served, refused, killed;
};

/* ---- what must hold after each death ---- */

static bool other_goes_on(struct test *t)
{
	uint32_t before = t->other->done;

	for (int ms = END_MS; ms > 0; ms -= 5) {
		if (t->other->wrong)
			return false;
		if (t->other->done != before)
			return true;
		/* it may have died with the injector that held it */
		if (waitpid(t->other->pid, NULL, WNOHANG) == t->other->pid)
			life_begin_busy(t->other);
		life_pause(5);
	}
	return false;
}

static bool settled(struct test *t)
{
	bool stuck = !life_nobody_stuck(END_MS), on = other_goes_on(t);
	int status = system("cusion check >/dev/null");

	if (stuck)
		tap_diag("a thread stays in state D");
	if (!on)
		tap_diag("the other client does not go on: %u done, %u failed, the last by %s",
			 t->other->done, t->other->failed, strerrorname_np(t->other->error));
	if (status) {
		tap_diag("cusion check ended with 0x%x", status);
		if (system("cusion check | sed 's/^/# /'"))
			tap_diag("it can't be shown");
	}
	if (tap_failed >= FAILURES_MAX)
		tap_bail("that is enough");
	return !stuck && on && !status;
}

static long shmem_kb(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kb = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Shmem: %ld", &kb) == 1)
			break;
	if (file)
		fclose(file);
	return kb;
}

static bool nothing_is_left(void)
{
	char line[128] = "";

	for (int ms = END_MS; ms > 0; ms -= 100) {
		FILE *check = popen("cusion check", "re");

		if (!fgets(line, sizeof(line), check))
			line[0] = '\0';
		pclose(check);
		if (!strcmp(line, "clean: 0 clients, 0 buffers, 0 bytes\n"))
			return true;
		life_pause(100);
	}
	tap_diag("cusion check says: %s", line);
	return false;
}

/* ---- one client at one point ---- */

static void count_end(struct test *t, int status)
{
	t->held++;
	if (WIFSIGNALED(status))
		t->killed++;
	else if (WEXITSTATUS(status))
		t->refused++;
	else
		t->served++;
}

/* Return: who holds a new client at @point, or 0 */
static pid_t hold(struct test *t, size_t point)
{
	life_begin(t->victim, t->role_of[point]);
	board_arm(t->board, point, t->victim->pid);
	life_go(t->victim);
	return board_wait(t->board, HOLD_MS);
}

static bool is_named(pid_t pid, const char *name)
{
	char path[64], comm[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(comm, sizeof(comm), file))
			comm[0] = '\0';
		fclose(file);
	}
	comm[strcspn(comm, "\n")] = '\0';
	return !strcmp(comm, name);
}

/* the client held at @point is killed: it is dead, or had all it wanted */
static void client_dies(struct test *t, size_t point)
{
	pid_t held = hold(t, point);
	bool good;
	int status;

	life_kill(t->victim);
	board_free(t->board);
	status = life_wait(t->victim, false, END_MS);
	count_end(t, status);
	good = held && (status == 0 || status == SIGKILL) && !t->victim->wrong && settled(t);
	tap_ok(good, "%s: client killed: %s", board_name(t->board, point),
	       life_said(t->victim, status));
}

/* the client held at @point by the injector is stopped: its parent sees that, and it ends well */
static bool client_stops(struct test *t, size_t point)
{
	pid_t held = hold(t, point);
	int status;

	if (!held || !is_named(held, "cusion-injector")) {
		board_free(t->board);
		life_wait(t->victim, false, END_MS);
		return false;
	}
	kill(t->victim->pid, SIGSTOP);
	board_free(t->board);
	status = life_wait(t->victim, true, END_MS);
	if (status >= 0 && WIFSTOPPED(status)) {
		t->held++;
		kill(t->victim->pid, SIGCONT);
		status = life_wait(t->victim, false, END_MS);
	}
	tap_ok(status == 0 && !t->victim->wrong && settled(t), "%s: client stopped: %s",
	       board_name(t->board, point), life_said(t->victim, status));
	return true;
}

/* a process of the service is killed where it holds a client at @point */
static void server_dies(struct test *t, size_t point, const char *name)
{
	pid_t held = hold(t, point);
	bool good;
	int status;

	if (!held || !is_named(held, name)) {
		board_free(t->board);
		life_wait(t->victim, false, END_MS);
		return;
	}
	kill(held, SIGKILL);
	board_free(t->board);
	status = life_wait(t->victim, false, END_MS);
	count_end(t, status);
	good = status >= 0 && !t->victim->wrong &&
	       (WIFEXITED(status) || WTERMSIG(status) == SIGKILL) && settled(t);
	tap_ok(good, "%s: %s killed, its client: %s", board_name(t->board, point), name,
	       life_said(t->victim, status));
}

/* ---- the modes ---- */

/* run each role once and see what it passes */
static void learn(struct test *t)
{
	uint32_t before[POINTS_MAX];
	size_t n = board_points(t->board);
	int unknown = 0;

	for (size_t i = 0; i < n; i++)
		t->role_of[i] = -1;
	for (int role = 0; role < ROLES; role++) {
		for (size_t i = 0; i < n; i++)
			before[i] = board_passed(t->board, i);
		life_begin(t->victim, role);
		life_go(t->victim);
		if (life_wait(t->victim, false, END_MS) || t->victim->wrong)
			tap_bail("role %d is not served: %s", role,
				 strerrorname_np(t->victim->error));
		for (size_t i = 0; i < n; i++)
			if (t->role_of[i] < 0 && board_passed(t->board, i) != before[i])
				t->role_of[i] = role;
	}
	for (size_t i = 0; i < n; i++) {
		/* what reads a caller's memory is for calls that ION itself has not */
		if (t->role_of[i] >= 0 || !strncmp(board_name(t->board, i), "peek.", 5))
			continue;
		tap_diag("nobody passes %s", board_name(t->board, i));
		unknown++;
	}
	tap_equal(unknown, 0, "each of %zu stop points is passed by some client", n);
}

static void at_each_point(struct test *t)
{
	size_t n = board_points(t->board);

	for (size_t i = 0; i < n; i += t->every) {
		if (t->role_of[i] < 0)
			continue;
		if (!strcmp(t->mode, "clients"))
			client_dies(t, i);
		else if (!strcmp(t->mode, "injector"))
			server_dies(t, i, "cusion-injector");
		else
			server_dies(t, i, "cusion-worker");
	}
	tap_ok(t->held > 0, "%u deaths: clients served %u, refused %u, killed %u", t->held,
	       t->served, t->refused, t->killed);
}

static void stop_many(struct test *t)
{
	unsigned int n = 0, i = 0, points = board_points(t->board);

	for (; n < t->count && i < t->count * points; i++)
		if (t->role_of[i % points] >= 0)
			n += client_stops(t, i % points);
	tap_ok(n == t->count && t->held > 0, "%u clients were stopped, %u of them in time", n,
	       t->held);
}

/* what clients had seen before they were killed */
struct seen {
	unsigned int hung, failed, wrong;
	int error; /* the last */
};

static void life_reap(struct life *life, struct seen *seen)
{
	life_kill(life);
	seen->hung += life_wait(life, false, END_MS) < 0;
	seen->failed += life->failed;
	seen->wrong += life->wrong;
	if (life->failed)
		seen->error = life->error;
}

static void storm(struct test *t)
{
	struct life *lives[STORM_LIVES];
	struct seen seen = { 0 };

	tap_diag("seed %u", t->seed);
	srandom(t->seed);
	for (size_t i = 0; i < STORM_LIVES; i++) {
		lives[i] = life_new(t->node);
		life_begin_busy(lives[i]);
	}
	for (unsigned int n = 0; n < t->count; n++) {
		struct life *life = lives[random() % STORM_LIVES];

		life_pause(random() % 8);
		life_reap(life, &seen);
		life_begin_busy(life);
	}
	for (size_t i = 0; i < STORM_LIVES; i++)
		life_reap(lives[i], &seen);
	tap_equal(seen.hung, 0, "%u clients were killed, each was reaped", t->count);
	tap_equal(seen.failed, 0, "none of them had seen an error (%s)",
		  strerrorname_np(seen.error));
	tap_equal(seen.wrong, 0, "nor a wrong success");
	tap_ok(settled(t), "all is settled behind the storm");
}

static void run(struct test *t)
{
	bool servers = !strcmp(t->mode, "injector") || !strcmp(t->mode, "worker");
	long before = shmem_kb(), after;

	if (strcmp(t->mode, "storm"))
		learn(t);
	life_begin_busy(t->other);
	if (!strcmp(t->mode, "storm"))
		storm(t);
	else if (!strcmp(t->mode, "stopped"))
		stop_many(t);
	else
		at_each_point(t);

	life_kill(t->other);
	tap_ok(life_wait(t->other, false, END_MS) >= 0, "the other client goes when it is told to");
	tap_ok(!t->other->wrong, "it has seen no wrong success");
	if (!servers)
		tap_equal(t->other->failed, 0, "nor an error, in %u rounds", t->other->done);
	tap_ok(nothing_is_left(), "no client and no buffer is left");
	after = shmem_kb();
	if (t->memory)
		tap_ok(after <= before + SLACK_KB, "memory: %ld KiB before, %ld after", before,
		       after);
}

static void parse(struct test *t, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "b:d:e:n:s:m")) != -1) {
		if (c == 'b')
			t->board_path = optarg;
		else if (c == 'd')
			t->node = optarg;
		else if (c == 'e')
			t->every = strtoul(optarg, NULL, 10) ?: 1;
		else if (c == 'n')
			t->count = strtoul(optarg, NULL, 10);
		else if (c == 's')
			t->seed = strtoul(optarg, NULL, 10);
		else if (c == 'm')
			t->memory = true;
		else
			exit(2);
	}
	if (optind != argc - 1)
		exit(2);
	t->mode = argv[optind];
}

int main(int argc, char **argv)
{
	struct test t = { .node = "/dev/ion", .count = 20, .seed = 1, .every = 1 };

	parse(&t, argc, argv);
	tap_limit(1200);
	t.victim = life_new(t.node);
	t.other = life_new(t.node);
	if (t.board_path)
		t.board = board_map(t.board_path);
	else if (strcmp(t.mode, "storm"))
		exit(2);
	run(&t);
	return tap_done();
}
