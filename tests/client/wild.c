// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What programs of the wild were seen to do, on every heap and by both generations of the ABI:
 * graphics allocators that give a handle back as soon as they have shared it, codecs that map parts
 * and ask with their vendor's flags, players that send a buffer to who never opened ION.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "either.h"
#include "old.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SYSTEM	 (1u << ION_ID_SYSTEM)
#define FRAME	 (1920ull * 1080 * 3 / 2) /* of NV12: whole in pages, but no huge ones */
#define ODD	 ((2ull << 20) + 2 * PAGE + 100)

static size_t pages(uint64_t len)
{
	return (len + PAGE - 1) / PAGE * PAGE;
}

static int open_node(const struct options *o, int flags)
{
	int ion = open(o->node, flags);

	if (ion < 0)
		tap_bail("%s: %s", o->node, strerror(errno));
	return ion;
}

/* a buffer that has to be there, mapped whole and stamped */
static char *need(int ion, bool old, struct either *e, uint64_t seed)
{
	int r = either_get(ion, old, e);
	char *p = r < 0 ? NULL : probe_map(e->fd, pages(e->len), 0);

	if (!p)
		tap_bail("no buffer of %llu bytes: %s", (unsigned long long)e->len,
			 strerror(r < 0 ? -r : errno));
	probe_stamp(p, pages(e->len), seed);
	return p;
}

/* ---- vendors' flags ---- */

static int try_flags(int ion, bool old, const struct ion_heap *heap, uint32_t flags)
{
	struct either e = { .len = PAGE, .mask = 1u << heap->id, .flags = flags };
	char *p = either_get(ion, old, &e) < 0 ? NULL : probe_map(e.fd, PAGE, 0);
	bool good = p && probe_zero(p, PAGE);

	if (p)
		munmap(p, PAGE);
	return either_put(ion, &e) < 0 || !good;
}

static void check_flags(int ion, bool old, const struct ion_heap *heap)
{
	uint32_t flags;
	int bit, failed = 0;

	for (flags = 0; flags < 4; flags++)
		failed += try_flags(ion, old, heap, flags);
	for (bit = 16; bit < 32; bit++)
		failed += try_flags(ion, old, heap, 1u << bit | 1);
	failed += try_flags(ion, old, heap, 0xffff0000);
	tap_equal(failed, 0, "%s: %s takes flags 0 to 3 and the vendors' bits 16 to 31",
		  either_names[old], heap->name);
}

/* ---- parts of a buffer ---- */

static bool part_is_right(const struct either *e, const char *whole, size_t offset, size_t size)
{
	char *p = probe_map(e->fd, size, offset);
	bool right = p && !memcmp(p, whole + offset, size);

	if (right) {
		p[size - 1] ^= 0xff;
		right = p[size - 1] == whole[offset + size - 1];
		p[size - 1] ^= 0xff;
	}
	if (p)
		munmap(p, size);
	return right;
}

static void check_parts(int ion, bool old, const struct ion_heap *heap, uint64_t len)
{
	struct either e = { .len = len, .mask = 1u << heap->id };
	size_t size = pages(len), half = size / PAGE / 2 * PAGE;
	char *p = need(ion, old, &e, 7);
	const char *name = either_names[old];

	tap_equal(probe_seek(e.fd, 0, SEEK_END), size, "%s: %s: the end of %llu bytes", name,
		  heap->name, (unsigned long long)len);
	tap_equal(probe_seek(e.fd, 0, SEEK_SET), 0, "and back to the start");
	tap_ok(part_is_right(&e, p, PAGE, PAGE), "the page at 4096");
	tap_ok(part_is_right(&e, p, PAGE, size - PAGE), "all from 4096 on");
	tap_ok(part_is_right(&e, p, half, size - half), "the second half");
	tap_ok(part_is_right(&e, p, size - PAGE, PAGE), "the last page");
	tap_ok(!munmap(p, half), "munmap of the first half");
	tap_ok(part_is_right(&e, p, half, size - half), "the second half stays");
	tap_ok(!munmap(p + size - PAGE, PAGE), "munmap of the last page");
	tap_ok(!mprotect(p + half, PAGE, PROT_READ), "mprotect of one page");
	tap_ok(!munmap(p + half, size - half - PAGE), "munmap of the rest");
	tap_errno(either_put(ion, &e), 0, "it is given back");
}

/* ---- the file of a buffer ---- */

static void check_protections(const struct either *e)
{
	static const int protections[] = { PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE,
					   PROT_READ | PROT_EXEC };
	size_t i;
	void *p;

	for (i = 0; i < COUNT(protections); i++) {
		p = mmap(NULL, e->len, protections[i], MAP_SHARED, e->fd, 0);
		tap_ok(p != MAP_FAILED, "mmap with protection %d", protections[i]);
		if (p != MAP_FAILED)
			munmap(p, e->len);
	}
}

static void check_names(const struct options *o, const struct either *e)
{
	char name[80] = "a name", longer[80] = "this name has 32 bytes: too many";
	int none = o->exporter == EXPORTER_MEMFD ? ENOTTY : 0;
	bool dmabuf = o->exporter == EXPORTER_DMABUF;

	tap_errno(probe_ioctl(e->fd, BUF_SET_NAME_64, name), none, "SET_NAME");
	tap_errno(probe_ioctl(e->fd, BUF_SET_NAME_32, name), none, "SET_NAME's other number");
	if (dmabuf)
		tap_errno(probe_ioctl(e->fd, BUF_SET_NAME_64, longer), EINVAL,
			  "SET_NAME of 32 bytes");
	if (o->exporter != EXPORTER_MEMFD)
		tap_errno(probe_ioctl(e->fd, BUF_SET_NAME_64, NULL), EFAULT, "SET_NAME of NULL");
}

static void check_file(const struct options *o, bool old)
{
	struct either e = { .len = 3 * PAGE, .mask = SYSTEM };
	int ion = open_node(o, O_RDONLY | O_CLOEXEC);
	int want = o->exporter == EXPORTER_MEMFD ? ENOTTY : 0;
	struct stat st = { 0 };
	char *p = need(ion, old, &e, 3);

	tap_ok(!fstat(e.fd, &st) && st.st_size == (off_t)e.len, "%s: fstat tells the size",
	       either_names[old]);
	check_protections(&e);
	/* a udmabuf knows its memory from the first start on */
	tap_errno(probe_sync(e.fd, BUF_SYNC_RW | BUF_SYNC_END),
		  o->exporter == EXPORTER_DMABUF ? EINVAL : want, "SYNC: an end before any start");
	tap_errno(probe_sync(e.fd, BUF_SYNC_READ), want, "SYNC: a start");
	tap_errno(probe_sync(e.fd, BUF_SYNC_WRITE), want, "SYNC: a further start");
	tap_errno(probe_sync(e.fd, BUF_SYNC_RW | BUF_SYNC_END), want, "SYNC: an end");
	tap_errno(probe_sync(e.fd, BUF_SYNC_RW | BUF_SYNC_END), want, "SYNC: a further end");
	check_names(o, &e);
	munmap(p, e.len);
	either_put(ion, &e);
	close(ion);
}

/* ---- who outlives whom ---- */

enum end { END_FD, END_HANDLE, END_NODE };

static void end_one(enum end what, int *ion, struct either *e)
{
	if (what == END_NODE) {
		e->handle = 0;
		close(*ion);
		*ion = -1;
	} else if (what == END_FD) {
		close(e->fd);
		e->fd = -1;
	} else if (e->handle) {
		tap_errno(old_free(*ion, e->handle), 0, "FREE");
		e->handle = 0;
	}
}

static void check_order(const struct options *o, bool old, const struct ion_heap *heap,
			const enum end *order)
{
	static const char *const names[] = { "fd", "handle", "node" };
	struct either e = { .len = 3 * PAGE, .mask = 1u << heap->id };
	int ion = open_node(o, O_RDONLY | O_CLOEXEC), i;
	char *p = need(ion, old, &e, 11), *q;
	bool alive = true;

	for (i = 0; i < 3; i++) {
		end_one(order[i], &ion, &e);
		alive &= probe_stamped(p, e.len, 11 + i);
		q = e.fd < 0 ? p : probe_map(e.fd, e.len, 0);
		alive &= q && probe_stamped(q, e.len, 11 + i);
		if (q && q != p)
			munmap(q, e.len);
		probe_stamp(p, e.len, 12 + i);
	}
	tap_ok(alive && probe_stamped(p, e.len, 14),
	       "%s: %s: a mapping is alive after %s, %s and %s", either_names[old], heap->name,
	       names[order[0]], names[order[1]], names[order[2]]);
	munmap(p, e.len);
}

static void check_orders(const struct options *o, bool old, const struct ion_heap *heap)
{
	static const enum end orders[][3] = {
		{ END_FD, END_HANDLE, END_NODE }, { END_HANDLE, END_FD, END_NODE },
		{ END_HANDLE, END_NODE, END_FD }, { END_FD, END_NODE, END_HANDLE },
		{ END_NODE, END_FD, END_HANDLE },
	};
	size_t i;

	for (i = 0; i < COUNT(orders); i++)
		check_order(o, old, heap, orders[i]);
}

/* ---- ways to open ---- */

static void check_opens(const struct options *o, bool old)
{
	static const int accesses[] = { O_RDONLY, O_WRONLY, O_RDWR };
	static const int extras[] = { 0, O_NONBLOCK, O_CLOEXEC, O_NONBLOCK | O_CLOEXEC };
	size_t i;

	for (i = 0; i < COUNT(accesses) * COUNT(extras); i++) {
		int flags = accesses[i % COUNT(accesses)] | extras[i / COUNT(accesses)];
		int ion = open_node(o, flags);
		struct either e = { .len = 2 * PAGE, .mask = SYSTEM };
		char *p = need(ion, old, &e, 5);
		bool good = probe_stamped(p, 2 * PAGE, 5);

		good &= !old || (old_import(ion, e.fd) == e.handle && !old_sync(ion, e.fd) &&
				 !old_free(ion, e.handle));
		good &= fcntl(e.fd, F_GETFD) == FD_CLOEXEC;
		good &= (fcntl(e.fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == O_RDWR;
		good &= !either_put(ion, &e);
		tap_ok(good, "%s: the node opened with flags %#o", either_names[old], flags);
		munmap(p, 2 * PAGE);
		close(ion);
	}
}

/* ---- a buffer that is sent ---- */

static int send_and_end(const struct options *o, bool old, int socket)
{
	struct either e = { .len = FRAME, .mask = SYSTEM };
	int ion = open_node(o, O_RDWR);

	need(ion, old, &e, 21);
	if (probe_send_fd(socket, e.fd) < 0)
		return 1;
	return either_put(ion, &e) < 0; /* the sender's mapping, node and process go by exit */
}

/* before this process has opened ION: it only knows what it was sent */
static void check_sent(const struct options *o, bool old)
{
	int pair[2], status = -1, fd;
	size_t size = pages(FRAME);
	char *p;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		tap_bail("no socketpair");
	pid = fork();
	if (pid == 0)
		_exit(send_and_end(o, old, pair[1]));
	close(pair[1]);
	fd = probe_receive_fd(pair[0]);
	waitpid(pid, &status, 0);
	tap_equal(status, 0, "%s: a buffer was sent to who never opened ION", either_names[old]);
	tap_equal(probe_seek(fd, 0, SEEK_END), size, "its size is to be seen");
	p = probe_map(fd, size, 0);
	close(fd);
	tap_ok(p && probe_stamped(p, size, 21), "it can be mapped, and has the sender's bytes");
	if (p) {
		probe_stamp(p, size, 22);
		tap_ok(probe_stamped(p, size, 22), "and can be written");
		munmap(p, size);
	}
	close(pair[0]);
}

/* ---- all of it ---- */

static void check_heaps(const struct options *o, bool old)
{
	struct ion_heap heaps[EITHER_HEAPS];
	int ion = open_node(o, O_RDONLY | O_CLOEXEC), n = either_heaps(ion, heaps), i;

	tap_ok(n > 0, "%s: heaps are listed", either_names[old]);
	for (i = 0; i < n; i++) {
		check_flags(ion, old, &heaps[i]);
		check_parts(ion, old, &heaps[i], FRAME);
		check_parts(ion, old, &heaps[i], ODD);
		check_orders(o, old, &heaps[i]);
	}
	close(ion);
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	int fds, old;

	options_parse(&o, argc, argv, "d:x:T:");
	tap_limit(o.seconds);
	fds = probe_fd_count();
	for (old = 0; old < 2; old++)
		check_sent(&o, old);
	for (old = 0; old < 2; old++) {
		check_opens(&o, old);
		check_file(&o, old);
		check_heaps(&o, old);
	}
	tap_equal(probe_fd_count(), fds, "as many fds as at the start");
	return tap_done();
}
