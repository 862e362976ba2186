// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Small buffers of two processes lie side by side in the same huge pages. Each process marks every
 * byte that it can reach from its fds and mappings, by whatever call there is; what should be
 * refused is, and in the end each finds its own mark in its own buffers and no other.
 *
 * The two go in step: the parent says a letter, does the same itself, and waits for the answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "abi.h"
#include "door.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define BUFFERS 48
#define BEYOND	(4u << 20) /* two huge pages further */

struct buffer {
	int fd;
	size_t size; /* whole pages */
	uint8_t *map;
};

struct side {
	const struct options *o;
	int ion;
	uint8_t mark;
	struct buffer buffers[BUFFERS];
	char wrong[160]; /* what was reached that shouldn't be; "": nothing */
};

static const size_t sizes[] = { 4096, 70000, 12288, 20000, 4096, 45000, 8192, 65536 };

static sigjmp_buf faulted;

static void on_fault(int signo)
{
	siglongjmp(faulted, signo);
}

__attribute__((format(printf, 2, 3))) static void wrong(struct side *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!s->wrong[0])
		vsnprintf(s->wrong, sizeof(s->wrong), format, args);
	va_end(args);
}

/* marks what is mapped, up to where it can't be touched */
static void mark(const struct side *s, uint8_t *p, size_t size)
{
	volatile uint8_t *byte = p;

	if (sigsetjmp(faulted, 1))
		return;
	for (size_t i = 0; i < size; i++)
		byte[i] = s->mark;
}

/* ---- the ways to reach further ---- */

/* every window onto the buffer's pages and a few more, and windows far beyond */
static void try_windows(struct side *s, const struct buffer *b, int fd)
{
	static const int64_t far[] = { 2 << 20, BEYOND, 1ll << 30, 1ll << 40, 1ll << 62, -4096 };
	size_t offset, size, end = b->size + 3 * PAGE;
	uint8_t *p;

	for (offset = 0; offset < end; offset += PAGE) {
		for (size = PAGE; size <= end; size += PAGE) {
			p = probe_map(fd, size, offset);
			if (!p)
				continue;
			if (offset + size > b->size)
				wrong(s, "mmap of %zu bytes at %zu of %zu", size, offset, b->size);
			mark(s, p, size);
			munmap(p, size);
		}
	}
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		p = probe_map(fd, PAGE, far[i]);
		if (p)
			wrong(s, "mmap at %lld of %zu", (long long)far[i], b->size);
		p = far[i] > 0 && far[i] <= BEYOND ? probe_map(fd, far[i], 0) : NULL;
		if (p)
			wrong(s, "mmap of %lld of %zu bytes", (long long)far[i], b->size);
		if (p)
			mark(s, p, far[i]);
	}
}

/* growing a mapping, with old size or (which makes a second mapping) without */
static void try_growth(struct side *s, const struct buffer *b)
{
	static const size_t more[] = { PAGE, 3 * PAGE, 2 << 20, BEYOND };
	uint8_t *p, *q;

	for (size_t i = 0; i < 2 * sizeof(more) / sizeof(more[0]); i++) {
		size_t old = i % 2 ? b->size : 0, size = b->size + more[i / 2];

		p = probe_map(b->fd, b->size, 0);
		q = p ? mremap(p, old, size, MREMAP_MAYMOVE) : MAP_FAILED;
		if (q != MAP_FAILED) {
			wrong(s, "mremap from %zu to %zu bytes", old, size);
			mark(s, q, size);
			munmap(q, size);
		}
		if (p && (q == MAP_FAILED || !old))
			munmap(p, b->size);
	}
}

/* a mapping that is turned to other pages of its file */
static void try_turn(struct side *s, const struct buffer *b)
{
	uint8_t *p = probe_map(b->fd, b->size, 0);
	size_t pages = b->size / PAGE;

	for (size_t page = 1; p && page < pages + 3; page++) {
		if (remap_file_pages(p, PAGE, 0, page, 0))
			continue;
		if (page >= pages)
			wrong(s, "remap_file_pages to page %zu of %zu", page, pages);
		mark(s, p, PAGE);
	}
	if (p)
		munmap(p, b->size);
}

/* what would change the file, not a page of it */
static void try_file(struct side *s, const struct buffer *b, int fd)
{
	char bytes[64];

	memset(bytes, s->mark, sizeof(bytes));
	if (!ftruncate(fd, 0) || !ftruncate(fd, b->size + PAGE) || !ftruncate(fd, BEYOND))
		wrong(s, "ftruncate");
	if (!fallocate(fd, 0, 0, BEYOND) ||
	    !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE) ||
	    !fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, BEYOND))
		wrong(s, "fallocate");
	if (pwrite(fd, bytes, sizeof(bytes), 0) > 0 ||
	    pwrite(fd, bytes, sizeof(bytes), b->size) > 0 || write(fd, bytes, sizeof(bytes)) > 0)
		wrong(s, "write");
	if (pread(fd, bytes, sizeof(bytes), 0) > 0 || pread(fd, bytes, sizeof(bytes), b->size) > 0)
		wrong(s, "read");
	if (!madvise(b->map, b->size, MADV_REMOVE))
		wrong(s, "MADV_REMOVE");
}

/* the same file by another open of it */
static void try_reopen(struct side *s, const struct buffer *b)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", b->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	wrong(s, "open of %s", path);
	try_windows(s, b, fd);
	try_file(s, b, fd);
	close(fd);
}

/* ---- the steps ---- */

static bool whole(const struct side *s, const struct buffer *b)
{
	return b->map[0] == s->mark && !memcmp(b->map, b->map + 1, b->size - 1);
}

/* takes the next buffer; the other side's next one lies behind it */
static bool step_take(struct side *s, unsigned int i)
{
	size_t size = sizes[(i + s->mark) % (sizeof(sizes) / sizeof(sizes[0]))];
	struct buffer *b = &s->buffers[i];

	*b = (struct buffer){ .size = (size + PAGE - 1) / PAGE * PAGE };
	b->fd = door_alloc(s->ion, size, s->o->mask);
	b->map = b->fd < 0 ? NULL : probe_map(b->fd, b->size, 0);
	if (!b->map) {
		wrong(s, "buffer %u: %s", i, strerror(b->fd < 0 ? -b->fd : errno));
		return false;
	}
	if (!probe_zero(b->map, b->size))
		wrong(s, "buffer %u isn't zero", i);
	mark(s, b->map, b->size);
	return true;
}

static bool step_reach(struct side *s, unsigned int i)
{
	struct buffer *b = &s->buffers[i];

	try_windows(s, b, b->fd);
	try_growth(s, b);
	try_turn(s, b);
	try_file(s, b, b->fd);
	try_reopen(s, b);
	return true;
}

static bool step_look(struct side *s, unsigned int i)
{
	const struct buffer *b = &s->buffers[i];

	if (!whole(s, b))
		wrong(s, "buffer %u of %zu bytes was written by somebody else", i, b->size);
	return true;
}

/* by its mapping alone a buffer is as much one's own */
static bool step_close(struct side *s, unsigned int i)
{
	struct buffer *b = &s->buffers[i];

	if (i % 3)
		return true;
	if (!whole(s, b) || close(b->fd))
		return false;
	if (i % 2) { /* goes, and makes room for the other's next */
		munmap(b->map, b->size);
		return step_take(s, i);
	}
	mark(s, b->map, b->size);
	return true;
}

static const struct step {
	const char *what;
	bool (*run)(struct side *s, unsigned int i);
	bool in_turn; /* one buffer each, again and again; else all of one side's at once */
} steps[] = {
	{ "two processes take small buffers in turn, all of them zero", step_take, true },
	{ "each reaches its own pages and nothing else", step_reach, false },
	{ "each finds its own mark in its own", step_look, false },
	{ "fds and buffers are given up and taken anew", step_close, true },
	{ "each finds its own mark in its own, again", step_look, false },
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

static bool run_all(struct side *s, const struct step *step)
{
	for (unsigned int i = 0; i < BUFFERS; i++)
		if (!step->run(s, i))
			return false;
	return true;
}

static void side_init(struct side *s, const struct options *o, uint8_t own_mark)
{
	*s = (struct side){ .o = o, .mark = own_mark, .ion = door_open(o->node) };
	if (s->ion < 0)
		tap_bail("%s: %s", o->node, strerror(-s->ion));
	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
}

/* ---- the two ---- */

struct order {
	uint8_t step, i;
};

static void neighbour_run(const struct options *o, int socket)
{
	struct order order;
	struct side s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	side_init(&s, o, 0xb1);
	while (read(socket, &order, sizeof(order)) == sizeof(order)) {
		const struct step *step = &steps[order.step];

		if (step->in_turn ? !step->run(&s, order.i) : !run_all(&s, step))
			wrong(&s, "it stopped");
		if (write(socket, s.wrong, sizeof(s.wrong)) != sizeof(s.wrong))
			_exit(1);
	}
	_exit(0);
}

static bool tell_neighbour(int socket, size_t step, unsigned int i)
{
	struct order order = { .step = step, .i = i };
	char answer[sizeof(((struct side *)0)->wrong)] = "it is gone";

	if (write(socket, &order, sizeof(order)) != sizeof(order) ||
	    read(socket, answer, sizeof(answer)) != sizeof(answer) || answer[0]) {
		tap_diag("the neighbour: %s", answer);
		return false;
	}
	return true;
}

static bool both(struct side *s, int socket, size_t n)
{
	const struct step *step = &steps[n];
	bool good = true;

	for (unsigned int i = 0; good && i < (step->in_turn ? BUFFERS : 1); i++) {
		good = step->in_turn ? step->run(s, i) : run_all(s, step);
		good = tell_neighbour(socket, n, i) && good;
	}
	if (s->wrong[0])
		tap_diag("here: %s", s->wrong);
	return good && !s->wrong[0];
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	struct side s;
	int pair[2], status;
	pid_t pid;

	options_parse(&o, argc, argv, "d:T:M:");
	tap_limit(o.seconds);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		tap_bail("no socketpair");
	pid = fork();
	if (!pid) {
		close(pair[0]);
		neighbour_run(&o, pair[1]);
	}
	close(pair[1]);
	side_init(&s, &o, 0xa0);
	for (size_t n = 0; n < STEPS; n++)
		if (!tap_ok(both(&s, pair[0], n), "%s", steps[n].what))
			break;
	close(pair[0]);
	tap_ok(waitpid(pid, &status, 0) == pid && status == 0, "the neighbour ends well");
	return tap_done();
}
