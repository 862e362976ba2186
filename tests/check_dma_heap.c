// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/wire/dma_heap.c: flags, struct sizes and what of it comes in and goes out (dma_heap(4)) */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "wire/dma_heap.h"

#define RW(nr, size)  (0xc0004800u | (size) << 16 | (nr))

/* fd and fd_flags are one word of the struct */
#define FD(fd, flags) ((uint32_t)(fd) | (uint64_t)(uint32_t)(flags) << 32)

/* len, fd and fd_flags, heap_flags; then what a later header may have behind */
#define WORDS	      5

static const struct {
	uint32_t cmd;
	bool over_exec;
	int access;
	uint64_t in[WORDS];
} accepted[] = {
	{ RW(0, 24), false, O_RDWR, { 4096, FD(0, O_RDWR | O_CLOEXEC) } },
	{ RW(0, 24), true, O_RDWR, { 4096, FD(0, O_RDWR) } },
	{ RW(0, 24), true, O_RDONLY, { 4096 } },
	{ RW(0, 24), false, O_WRONLY, { 4096, FD(0, O_WRONLY | O_CLOEXEC) } },
	{ RW(0, 24), true, O_ACCMODE, { 4096, FD(0, O_ACCMODE) } },
	{ RW(0, 24), true, O_RDONLY, { 0 } }, /* its length is looked at later */
	{ RW(0, 24), true, O_RDONLY, { UINT64_MAX } },

	/* shorter: what is not there is 0 */
	{ RW(0, 16), true, O_RDWR, { 4096, FD(0, O_RDWR), 77 } },
	{ RW(0, 12), true, O_RDONLY, { 4096, FD(0, 0xffff), 77 } },
	{ RW(0, 20), true, O_RDWR, { 4096, FD(0, O_RDWR), 77ull << 32 } },
	/* longer: what is behind is not looked at */
	{ RW(0, 32), false, O_RDONLY, { 4096, FD(0, O_CLOEXEC), 0, 55 } },
	{ RW(0, 40), false, O_RDONLY, { 4096, FD(0, O_CLOEXEC), 0, 55, -1 } },

	/* by the number alone: another letter, which makes it ION's modern ALLOC */
	{ 0xc0184900, true, O_RDWR, { 4096, FD(0, O_RDWR) } },
	/* nothing comes in, so all is 0 */
	{ 0x80184800, true, O_RDONLY, { 4096, FD(1, 4) } },
};

static const struct {
	uint32_t cmd;
	uint64_t in[WORDS];
} refused[] = {
	/* what must be 0, and flags that there are not */
	{ RW(0, 24), { 4096, FD(1, O_RDWR) } },
	{ RW(0, 24), { 4096, FD(-1, O_RDWR) } },
	{ RW(0, 24), { 4096, FD(0, O_RDWR | O_NONBLOCK) } },
	{ RW(0, 24), { 4096, FD(0, 1u << 31) } },
	{ RW(0, 24), { 4096, FD(0, 4) } },
	{ RW(0, 24), { 4096, FD(0, O_RDWR), 1 } },
	{ RW(0, 24), { 4096, FD(0, O_RDWR), 1ull << 63 } },
	{ RW(0, 20), { 4096, FD(0, O_RDWR), 77 } },
	{ RW(0, 32), { 4096, FD(7, O_CLOEXEC) } },
	/* the fd must have room, and go out */
	{ RW(0, 8), { 4096 } },
	{ RW(0, 11), { 4096 } },
	{ RW(0, 0), { 4096 } },
	{ 0x40184800, { 4096, FD(0, O_RDWR) } },
	{ 0x00004800, { 0 } },
	/* another number is never ENOTTY */
	{ RW(1, 24), { 4096, FD(0, O_RDWR) } },
	{ RW(8, 24), { 4096, FD(0, O_RDWR) } },
	{ 0x00005401, { 0 } },
};

/* decodes out of a block as large as the number says, for the sanitizer's eyes */
static int decode(struct wire_dma_heap_call *call, uint32_t cmd, const uint64_t *words)
{
	size_t size = _IOC_DIR(cmd) & _IOC_WRITE ? _IOC_SIZE(cmd) : 0;
	uint8_t *in = malloc(size + !size);
	int r;

	memcpy(in, words, size);
	r = wire_dma_heap_decode(call, cmd, in, size);
	free(in);
	return r;
}

START_TEST(accept)
{
	struct wire_dma_heap_call call;

	ck_assert_int_eq(decode(&call, accepted[_i].cmd, accepted[_i].in), 0);
	ck_assert_uint_eq(call.len, accepted[_i].cmd >> 30 & 1 ? accepted[_i].in[0] : 0);
	ck_assert_int_eq(call.access, accepted[_i].access);
	ck_assert_int_eq(call.over_exec, accepted[_i].over_exec);
}
END_TEST

START_TEST(refuse)
{
	struct wire_dma_heap_call call = { .len = 5, .access = 77 };

	ck_assert_int_eq(decode(&call, refused[_i].cmd, refused[_i].in), -EINVAL);
	ck_assert_uint_eq(call.len, 5);
	ck_assert_int_eq(call.access, 77);
}
END_TEST

START_TEST(unreadable)
{
	struct wire_dma_heap_call call;
	uint8_t in[24] = { 0 };

	for (size_t size = 0; size < 24; size++) {
		ck_assert_int_eq(wire_dma_heap_decode(&call, RW(0, 24), in, size), -EFAULT);
		/* the number comes first */
		ck_assert_int_eq(wire_dma_heap_decode(&call, RW(1, 24), in, size), -EINVAL);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dma_heap");
	TCase *tcase = tcase_create("dma_heap");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, accept, 0, ARRAY_SIZE(accepted));
	tcase_add_loop_test(tcase, refuse, 0, ARRAY_SIZE(refused));
	tcase_add_test(tcase, unreadable);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
