// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Every refusal of the modern ABI that can reach a server, what it leaves behind (nothing), and the
 * order in which a request that is wrong in two ways is judged.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "abi.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SYSTEM	 (1u << ION_ID_SYSTEM)
#define CONTIG	 (1u << 1)
#define CARVEOUT (1u << ION_ID_CARVEOUT)
#define DMA	 (1u << ION_ID_DMA)
#define UNKNOWN	 (1u << 5 | 1u << 15 | 1u << 31) /* ids that no default heap has, nor an alias */
#define TABLE	 64				 /* fd numbers, where they are to run out */

/* what the default configuration lists, highest id first */
static const struct ion_heap heaps[] = {
	{ .name = "linux,cma", .type = ION_TYPE_DMA, .id = ION_ID_DMA },
	{ .name = "carveout", .type = ION_TYPE_CARVEOUT, .id = ION_ID_CARVEOUT },
	{ .name = "ion_system_contig_heap", .type = ION_TYPE_SYSTEM_CONTIG, .id = 1 },
	{ .name = "ion_system_heap", .type = ION_TYPE_SYSTEM, .id = ION_ID_SYSTEM },
};

static const struct {
	const char *name;
	uint64_t len;
	uint32_t mask, flags;
	int want;
} allocs[] = {
	{ "len 1", 1, SYSTEM, 0, 0 },
	{ "len 0", 0, SYSTEM, 0, EINVAL },
	{ "len -1", UINT64_MAX, SYSTEM, 0, EINVAL },
	{ "len -4095, the least that overflows", -4095ull, SYSTEM, 0, EINVAL },
	{ "len -4096, the most that doesn't", -4096ull, SYSTEM, 0, ENOMEM },
	{ "len 2^63", 1ull << 63, SYSTEM, 0, ENOMEM },
	{ "len 2^40", 1ull << 40, SYSTEM, 0, ENOMEM },
	{ "len 2^32 times 2^12, 0 in 32 bits of pages", 1ull << 44, SYSTEM, 0, ENOMEM },
	{ "mask 0", PAGE, 0, 0, ENODEV },
	{ "mask of unknown ids", PAGE, UNKNOWN, 0, ENODEV },
	{ "unknown ids beside a known one", PAGE, SYSTEM | UNKNOWN, 0, 0 },
	{ "mask of all ids", PAGE, UINT32_MAX, 0, 0 },
	{ "contiguous", PAGE, CONTIG, 0, 0 },
	{ "carveout", PAGE, CARVEOUT, 0, 0 },
	{ "dma", PAGE, DMA, 0, 0 },
	{ "contiguous, 2^40", 1ull << 40, CONTIG, 0, ENOMEM },
	{ "carveout, 2^40", 1ull << 40, CARVEOUT, 0, ENOMEM },
	{ "dma, 2^40", 1ull << 40, DMA, 0, ENOMEM },
	{ "all heaps, 2^40", 1ull << 40, UINT32_MAX, 0, ENOMEM },
	{ "alias 21", PAGE, 1u << 21, 0, 0 },
	{ "alias 22", PAGE, 1u << 22, 0, 0 },
	{ "alias 25", PAGE, 1u << 25, 0, 0 },
	{ "alias 26", PAGE, 1u << 26, 0, 0 },
	{ "alias 27", PAGE, 1u << 27, 0, 0 },
	{ "alias 28", PAGE, 1u << 28, 0, 0 },
	{ "aliases and their heaps", PAGE, 1u << 25 | 1u << 27 | SYSTEM | DMA, 0, 0 },
	{ "alias beside unknown ids", PAGE, 1u << 27 | UNKNOWN, 0, 0 },
	{ "all flags", PAGE, SYSTEM, UINT32_MAX, 0 },
	{ "len 0 and mask 0", 0, 0, 0, EINVAL },
	{ "len -1 and unknown ids", UINT64_MAX, UNKNOWN, 0, EINVAL },
	{ "len 2^40 and mask 0", 1ull << 40, 0, 0, ENODEV },
	{ "len 0 and all flags", 0, SYSTEM, UINT32_MAX, EINVAL },
};

/* a handle ALLOC of len 0, if it is of the caller's own width */
#ifdef __LP64__
#define OLD_ALLOC_32_ERRNO ENOTTY
#define OLD_ALLOC_64_ERRNO EINVAL
#else
#define OLD_ALLOC_32_ERRNO EINVAL
#define OLD_ALLOC_64_ERRNO ENOTTY
#endif

/* the arguments are zeros: handle 0, and fd 0, which is no buffer */
static const struct {
	const char *name;
	uint32_t cmd;
	int modern, both; /* the errno where the node knows no handles, and where it has both */
} numbers[] = {
	{ "FREE of handle 0, as libion asks", ION_OLD_FREE, ENOTTY, ENOTTY },
	{ "MAP", ION_OLD_MAP, ENOTTY, EINVAL },
	{ "SHARE", ION_OLD_SHARE, ENOTTY, EINVAL },
	{ "IMPORT", ION_OLD_IMPORT, ENOTTY, EINVAL },
	{ "SYNC", ION_OLD_SYNC, ENOTTY, EINVAL },
	{ "CUSTOM", ION_OLD_CUSTOM_64, ENOTTY, ENOTTY },
	{ "CUSTOM of 32 bits", ION_OLD_CUSTOM_32, ENOTTY, ENOTTY },
	{ "the handle ALLOC of 32 bits, 20 bytes", ION_OLD_ALLOC_32, ENOTTY, OLD_ALLOC_32_ERRNO },
	{ "the handle ALLOC of 64 bits, 32 bytes", ION_OLD_ALLOC_64, EINVAL, OLD_ALLOC_64_ERRNO },
	{ "number 1 with 24 bytes", _IOWR('I', 1, struct ion_alloc), ENOTTY, ENOTTY },
	{ "number 3", _IOWR('I', 3, uint32_t), ENOTTY, ENOTTY },
	{ "number 10", _IOWR('I', 10, uint32_t), ENOTTY, ENOTTY },
	{ "number 255", _IOWR('I', 255, struct ion_alloc), ENOTTY, ENOTTY },
	{ "ALLOC that only writes", _IOW('I', 0, struct ion_alloc), ENOTTY, ENOTTY },
	{ "ALLOC that only reads", _IOR('I', 0, struct ion_alloc), ENOTTY, ENOTTY },
	{ "ALLOC of another letter", _IOWR('J', 0, struct ion_alloc), ENOTTY, ENOTTY },
	{ "HEAP_QUERY of 20 bytes", _IOC(_IOC_READ | _IOC_WRITE, 'I', 8, 20), ENOTTY, ENOTTY },
	{ "ABI_VERSION of both directions", _IOWR('I', 9, uint32_t), ENOTTY, ENOTTY },
	{ "a number of no letter", _IO(0, 77), ENOTTY, ENOTTY },
	{ "ALLOC of 33 bytes", _IOC(_IOC_READ | _IOC_WRITE, 'I', 0, 33), EINVAL, EINVAL },
	{ "ALLOC of 16383 bytes", _IOC(_IOC_READ | _IOC_WRITE, 'I', 0, 16383), EINVAL, EINVAL },
	{ "an unknown number of 64 bytes", _IOC(_IOC_READ, 'I', 77, 64), EINVAL, EINVAL },
	{ "another letter with 64 bytes", _IOC(_IOC_WRITE, 'Z', 0, 64), EINVAL, EINVAL },
	{ "64 bytes in no direction", _IOC(_IOC_NONE, 'I', 0, 64), EINVAL, EINVAL },
};

/* where a struct can't be, or can't be whole: the first 4 bytes of it, or 16 of an ALLOC, can */
struct bad_pages {
	char *none, *crossing, *read_only, *read_only_tail;
};

static int call(int ion, uint32_t cmd, void *arg)
{
	int r = probe_ioctl(ion, cmd, arg);

	return r > 0 ? -EPROTO : r; /* none of these has a result but 0 */
}

/* one ALLOC: its result, that nothing of the struct but the fd changed, that no fd is left */
static void check_alloc(int ion, struct ion_alloc *data, int want, const char *name)
{
	struct ion_alloc was;
	int low = probe_lowest_fd(), r;

	data->fd = 0xdeadbeef;
	data->unused = 0xfeedface;
	was = *data;
	r = call(ion, ION_ALLOC, data);
	tap_errno(r, want, "ALLOC: %s", name);
	if (!r) {
		tap_equal(data->fd, low, "the fd is the lowest free one");
		close(data->fd);
		was.fd = data->fd;
	}
	tap_ok(!memcmp(data, &was, sizeof(was)), "the struct is as it was%s", r ? "" : " but fd");
	tap_equal(probe_lowest_fd(), low, "no fd is left");
}

static void check_allocs(int ion)
{
	struct ion_alloc data;
	size_t i;

	for (i = 0; i < COUNT(allocs); i++) {
		data = (struct ion_alloc){ allocs[i].len, allocs[i].mask, allocs[i].flags, 0, 0 };
		check_alloc(ion, &data, allocs[i].want, allocs[i].name);
	}
}

static void check_half_of_memory(int ion)
{
	struct ion_alloc data = { .mask = SYSTEM };
	struct sysinfo info;

	sysinfo(&info);
	data.len = (uint64_t)info.totalram * info.mem_unit / 2 + PAGE;
	check_alloc(ion, &data, ENOMEM, "more than half of the memory");
}

static void check_flags(int ion)
{
	int bit, failed = 0;

	for (bit = 0; bit < 32; bit++) {
		struct ion_alloc data = { .len = PAGE, .mask = SYSTEM, .flags = 1u << bit };
		int r = call(ion, ION_ALLOC, &data);

		failed += r || data.flags != 1u << bit;
		if (!r)
			close(data.fd);
	}
	tap_equal(failed, 0, "each of the 32 flags is accepted");
}

static void check_unaligned(int ion)
{
	char bytes[64];
	struct ion_alloc *data = (void *)(bytes + 3), copy = { .len = PAGE, .mask = SYSTEM };

	memcpy(data, &copy, sizeof(copy));
	tap_errno(call(ion, ION_ALLOC, data), 0, "ALLOC: a struct at an odd address");
	memcpy(&copy, data, sizeof(copy));
	tap_errno(close(copy.fd) ? -errno : 0, 0, "its fd is one");
}

static void check_numbers(int ion, bool modern)
{
	static char arg[16384], was[16384];
	size_t i;

	memset(was, 0, sizeof(was));
	for (i = 0; i < COUNT(numbers); i++) {
		tap_errno(call(ion, numbers[i].cmd, arg),
			  modern ? numbers[i].modern : numbers[i].both, "%s", numbers[i].name);
		tap_ok(!memcmp(arg, was, sizeof(was)), "its argument is as it was");
	}
}

/* libion passes its requests as int: the upper half of the register is then all ones */
static void check_sign_extended(int ion)
{
	unsigned long cmd = (unsigned long)(long)(int)ION_HEAP_QUERY;
	struct ion_query query = { 0 };

	tap_equal(ioctl(ion, cmd, &query), 0, "a request that was sign-extended");
	tap_equal(query.cnt, COUNT(heaps), "it is answered");
}

static void check_version(int ion, unsigned int version)
{
	uint32_t value = 0xabcdef;

	tap_errno(call(ion, ION_ABI_VERSION, &value), version ? 0 : ENOTTY, "ABI_VERSION");
	tap_equal(value, version ? version : 0xabcdef, "its value");
}

static struct bad_pages make_bad_pages(void)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		tap_bail("no memory");
	mprotect(p + PAGE, PAGE, PROT_NONE);
	return (struct bad_pages){ p + PAGE, p + PAGE - 4, p + 3 * PAGE, p + 3 * PAGE - 16 };
}

static void check_bad_pointers(int ion, const struct bad_pages *bad)
{
	void *const pointers[] = { NULL, (void *)1, (void *)-(long)PAGE, bad->none, bad->crossing };
	static const char *const names[] = { "NULL", "1", "-4096", "no access", "part of it" };
	int low = probe_lowest_fd();
	size_t i;

	for (i = 0; i < COUNT(pointers); i++) {
		tap_errno(call(ion, ION_ALLOC, pointers[i]), EFAULT, "ALLOC: at %s", names[i]);
		tap_errno(call(ion, ION_HEAP_QUERY, pointers[i]), EFAULT, "HEAP_QUERY: at %s",
			  names[i]);
		tap_errno(call(ion, ION_OLD_SHARE, pointers[i]), EFAULT, "SHARE: at %s", names[i]);
		tap_errno(call(ion, _IOWR('I', 77, struct ion_alloc), pointers[i]), EFAULT,
			  "an unknown number: at %s", names[i]);
	}
	tap_equal(probe_lowest_fd(), low, "no fd is left");
}

/* the request can be read, its answer can't be written; @at is put back to be written by us */
static void check_read_only(int ion, char *at, char *page, const char *name)
{
	const struct ion_alloc data = { PAGE, SYSTEM, 0, 0xdeadbeef, 0 };
	const struct ion_query query = { .cnt = 77 };
	int fds = probe_fd_count(), low = probe_lowest_fd();

	memcpy(at, &data, sizeof(data));
	mprotect(page, PAGE, PROT_READ);
	tap_errno(call(ion, ION_ALLOC, at), EFAULT, "ALLOC: %s", name);
	tap_ok(!memcmp(at, &data, sizeof(data)), "the struct is as it was");
	tap_equal(probe_fd_count(), fds, "no fd is left");
	tap_equal(probe_lowest_fd(), low, "the lowest free fd is as it was");
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	memcpy(at, &query, sizeof(query));
	mprotect(page, PAGE, PROT_READ);
	tap_errno(call(ion, ION_HEAP_QUERY, at), EFAULT, "HEAP_QUERY: %s", name);
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

/* one HEAP_QUERY: its result, and that of the struct only cnt changed, to @cnt */
static void check_query(int ion, struct ion_query query, int want, uint32_t cnt, const char *name)
{
	struct ion_query was = query;

	tap_errno(call(ion, ION_HEAP_QUERY, &query), want, "HEAP_QUERY: %s", name);
	was.cnt = cnt;
	tap_ok(!memcmp(&query, &was, sizeof(was)), "the struct is as it was%s",
	       want ? "" : " but cnt");
	if (query.cnt != cnt)
		tap_diag("cnt is %u, expected %u", query.cnt, cnt);
}

static void check_listing(int ion, uint32_t room, const char *name)
{
	uint32_t n = room < COUNT(heaps) ? room : COUNT(heaps);
	struct ion_heap list[COUNT(heaps) + 2], untouched[COUNT(heaps) + 2];

	memset(list, 0xa5, sizeof(list));
	memset(untouched, 0xa5, sizeof(untouched));
	check_query(ion, (struct ion_query){ .cnt = room, .heaps = (uintptr_t)list }, 0, n, name);
	tap_ok(!memcmp(list, heaps, n * sizeof(list[0])), "%u heaps as they are by default", n);
	tap_ok(!memcmp(list + n, untouched + n, sizeof(list) - n * sizeof(list[0])),
	       "nothing behind them is touched");
}

static void check_queries(int ion, const struct bad_pages *bad)
{
	const uint32_t n = COUNT(heaps);
	struct ion_heap list[COUNT(heaps)];
	const uint64_t array = (uintptr_t)list, none = (uintptr_t)bad->none;
	const uint64_t crossing = (uintptr_t)bad->crossing;

	check_query(ion, (struct ion_query){ .cnt = 0 }, 0, n, "the count");
	check_query(ion, (struct ion_query){ .cnt = UINT32_MAX }, 0, n, "the count, cnt ignored");
	check_query(ion, (struct ion_query){ .heaps = array }, EINVAL, 0, "cnt 0 with an array");
	check_query(ion, (struct ion_query){ .heaps = none }, EINVAL, 0, "cnt 0, bad array");
	check_query(ion, (struct ion_query){ .cnt = n, .heaps = none }, EFAULT, n, "bad array");
	check_query(ion, (struct ion_query){ .cnt = n, .heaps = 1 }, EFAULT, n, "array at 1");
	check_query(ion, (struct ion_query){ .cnt = n, .heaps = crossing }, EFAULT, n,
		    "an array of which a part is not there");
	check_query(ion, (struct ion_query){ .reserved0 = 1 }, EINVAL, 0, "reserved0");
	check_query(ion, (struct ion_query){ .reserved1 = 1 }, EINVAL, 0, "reserved1");
	check_query(ion, (struct ion_query){ .reserved2 = 1u << 31 }, EINVAL, 0, "reserved2");
	check_query(ion, (struct ion_query){ .cnt = n, .heaps = none, .reserved2 = 1 }, EINVAL, n,
		    "reserved2 and a bad array");
	mprotect(bad->read_only, PAGE, PROT_READ);
	check_query(ion, (struct ion_query){ .cnt = n, .heaps = (uintptr_t)bad->read_only }, EFAULT,
		    n, "read-only array");
	mprotect(bad->read_only, PAGE, PROT_READ | PROT_WRITE);
	check_listing(ion, n, "as much room as heaps");
	check_listing(ion, n + 2, "more room than heaps");
	check_listing(ion, n - 1 ? n - 1 : n, "less room than heaps, where there are two");
}

static void set_fd_limit(rlim_t soft, rlim_t hard)
{
	struct rlimit limit = { soft, hard };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		tap_bail("no such fd limit");
}

/* an fd table with no number free, then one */
static void check_full_table(int ion)
{
	struct ion_alloc data = { .len = PAGE, .mask = SYSTEM };
	int base = probe_lowest_fd();
	struct rlimit was, limit;

	getrlimit(RLIMIT_NOFILE, &was);
	tap_equal(probe_fd_limit(TABLE), TABLE - 1, "the fd table is full");
	tap_errno(call(ion, ION_ALLOC, &data), EMFILE, "ALLOC: full fd table");
	tap_equal(data.fd, 0, "fd is as it was");
	data.len = 0;
	tap_errno(call(ion, ION_ALLOC, &data), EINVAL, "ALLOC: full fd table and len 0");
	data = (struct ion_alloc){ .len = PAGE, .mask = UNKNOWN };
	tap_errno(call(ion, ION_ALLOC, &data), ENODEV, "ALLOC: full fd table and unknown ids");
	data = (struct ion_alloc){ .len = 1ull << 40, .mask = SYSTEM };
	tap_errno(call(ion, ION_ALLOC, &data), ENOMEM, "ALLOC: full fd table and 2^40 bytes");
	close(base + 3);
	data.len = PAGE;
	tap_errno(call(ion, ION_ALLOC, &data), 0, "ALLOC: one fd free");
	tap_equal(data.fd, base + 3, "it is the one");
	tap_equal(probe_size(data.fd), PAGE, "it is a buffer");
	tap_errno(call(ion, ION_ALLOC, &data), EMFILE, "ALLOC: none free again");
	getrlimit(RLIMIT_NOFILE, &limit);
	tap_ok(limit.rlim_cur == TABLE && limit.rlim_max == was.rlim_max, "the limits stay");
	close_range(base, ~0u, 0);
	set_fd_limit(was.rlim_cur, was.rlim_max);
}

/* one number free where not even the hard limit has room; last of all, it can't be put back */
static void check_hard_limit(int ion)
{
	struct ion_alloc data = { .len = PAGE, .mask = SYSTEM };
	int base = probe_lowest_fd(), r;

	probe_fd_limit(TABLE);
	set_fd_limit(TABLE, TABLE);
	tap_errno(call(ion, ION_ALLOC, &data), EMFILE, "ALLOC: full fd table at the hard limit");
	close(base + 2);
	r = call(ion, ION_ALLOC, &data);
	tap_ok(r == -EMFILE || (!r && data.fd == (uint32_t)base + 2),
	       "ALLOC: one fd free at the hard limit: it, or EMFILE");
	tap_diag("it was %s", r ? "EMFILE" : "given");
	close(base + 2);
	close(base + 1);
	tap_errno(call(ion, ION_ALLOC, &data), 0, "ALLOC: two fds free at the hard limit");
	tap_equal(data.fd, base + 1, "it is the lower one");
	close_range(base, ~0u, 0);
}

static int alloc_and_map(int ion, char *at)
{
	struct ion_alloc data = { .len = PAGE, .mask = SYSTEM };
	int r = call(ion, ION_ALLOC, &data);
	void *p;

	if (r)
		return r;
	p = mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, data.fd, 0);
	r = p == MAP_FAILED ? -errno : 0;
	close(data.fd);
	return r;
}

/* a client's share of buffers: held by mappings alone, as that takes no fd numbers */
static void check_share(int ion, const char *node, unsigned long buffers)
{
	size_t size = (buffers + 1) * PAGE;
	char *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long n = 0;
	int other;

	while (n < buffers && !alloc_and_map(ion, p + n * PAGE))
		n++;
	tap_equal(n, buffers, "a client may hold so many buffers");
	tap_errno(alloc_and_map(ion, p + n * PAGE), ENOMEM, "ALLOC: one more");
	other = open(node, O_RDONLY | O_CLOEXEC);
	tap_errno(alloc_and_map(other, p + n * PAGE), 0, "ALLOC: by another client");
	close(other);
	munmap(p, PAGE);
	tap_errno(alloc_and_map(ion, p), 0, "ALLOC: at once after one was given back");
	tap_errno(alloc_and_map(ion, p + n * PAGE), ENOMEM, "ALLOC: one more");
	munmap(p, size);
	tap_errno(alloc_and_map(ion, p), 0, "ALLOC: at once after all were given back");
	munmap(p, PAGE);
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	struct bad_pages bad;
	int ion;

	o.buffers = 4096;
	options_parse(&o, argc, argv, "d:v:a:b:T:");
	tap_limit(o.seconds);
	bad = make_bad_pages();
	ion = open(o.node, O_RDONLY | O_CLOEXEC);
	if (ion < 0)
		tap_bail("%s: %s", o.node, strerror(errno));
	check_allocs(ion);
	check_half_of_memory(ion);
	check_flags(ion);
	check_unaligned(ion);
	check_numbers(ion, o.modern);
	check_sign_extended(ion);
	check_version(ion, o.version);
	check_bad_pointers(ion, &bad);
	check_read_only(ion, bad.read_only, bad.read_only, "a read-only struct");
	check_read_only(ion, bad.read_only_tail, bad.read_only, "a struct with a read-only tail");
	check_queries(ion, &bad);
	check_full_table(ion);
	if (o.buffers)
		check_share(ion, o.node, o.buffers);
	check_hard_limit(ion);
	return tap_done();
}
