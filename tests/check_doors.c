// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/front: both FUSE doors and the dispatcher, driven by a fake kernel over both backends of the
 * loop. Every case runs four times.
 */
#include <check.h>
#include <cuse_lowlevel.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/log.h"
#include "doors_rig.h"

static uint64_t send_alloc(uint64_t fh, uint64_t len, uint32_t mask, uint32_t flags)
{
	const struct wire_ion_alloc in = { .len = len, .heap_id_mask = mask, .flags = flags };

	return fake_send_ioctl(&rig.kernel, fh, WIRE_ION_ALLOC, ARG, &in);
}

START_TEST(handshake)
{
	struct fake_answer answer;

	rig_up(_i);
	ck_assert(!rig.serves);
	fake_init(&rig.kernel, &answer);
	ck_assert_int_eq(answer.error, 0);
	ck_assert(rig.serves);
	if (rig.kernel.kind == FAKE_CUSE) {
		const struct cuse_init_out *out = (const void *)answer.body;

		ck_assert_uint_eq(out->major, 7);
		ck_assert_uint_eq(out->flags & CUSE_UNRESTRICTED_IOCTL, 0);
		ck_assert_str_eq((const char *)(out + 1), "DEVNAME=ion");
	}
	ck_assert_uint_ne(state_channel(rig.state, 0)->init_size, 0);
	rig_down();
}
END_TEST

START_TEST(clients_come_and_go)
{
	uint64_t fh, second;

	rig_up(_i);
	fh = rig_client();
	ck_assert_int_eq(fake_open(&rig.kernel, &second), 0);
	ck_assert_uint_ne(fh, second);
	ck_assert_uint_eq(rig_totals().clients, 2);
	fake_release(&rig.kernel, fh);
	ck_assert_uint_eq(rig_totals().clients, 1);
	fake_release(&rig.kernel, second);
	ck_assert_uint_eq(rig_totals().clients, 0);
	rig_down();
}
END_TEST

/* the reply that a delivery carries: to this request, and no success yet. It may lie unaligned. */
static void check_not_yet(const struct deliver_job *job, uint64_t unique)
{
	struct fuse_out_header header;

	ck_assert_uint_eq(job->size, sizeof(header));
	memcpy(&header, job->bytes, sizeof(header));
	ck_assert_uint_eq(header.len, sizeof(header));
	ck_assert_uint_eq(header.unique, unique);
	ck_assert_int_eq(header.error, -DELIVER_NOT_YET);
}

static void alloc_and_close(uint64_t fh, uint64_t len, uint64_t size)
{
	uint64_t unique = send_alloc(fh, len, 1, 0);
	struct deliver_job *job = wait_job();
	int fd;

	ck_assert_int_eq(job->verb, DELIVER_GIVE_FD);
	ck_assert_uint_eq(job->call.unique, unique);
	ck_assert_uint_eq(job->call.tid, rig.kernel.pid);
	ck_assert_uint_eq(job->call.uid, rig.kernel.uid);
	ck_assert_uint_eq(job->call.cmd, WIRE_ION_ALLOC);
	ck_assert_uint_eq(job->call.arg, ARG);
	ck_assert_uint_eq(job->address, ARG + 16);
	ck_assert_int_eq(lseek(job->fd, 0, SEEK_END), size);

	/* the injector writes the answer that was caught, which is no success yet */
	ck_assert(fake_is_quiet(&rig.kernel));
	check_not_yet(job, unique);

	fake_deliver_end(&rig.deliver, 3, true, &fd);
	ck_assert(fake_is_quiet(&rig.kernel)); /* nobody answers it again */
	ck_assert_uint_eq(rig_totals().buffers, 1);
	ck_assert_uint_eq(rig_totals().bytes, size);
	close(fd);
	ck_assert_uint_eq(rig_totals().buffers, 0);
	ck_assert_uint_eq(rig_totals().bytes, 0);
}

START_TEST(alloc_at_once)
{
	uint64_t fh;

	rig_up(_i);
	fh = rig_client();
	alloc_and_close(fh, 1, 4096);
	alloc_and_close(fh, 4096, 4096);
	alloc_and_close(fh, 70000, 73728);
	rig_down();
}
END_TEST

START_TEST(alloc_by_a_helper)
{
	uint64_t fh;

	rig_up(_i);
	fh = rig_client();
	alloc_and_close(fh, 8 << 20, 8 << 20);
	rig_down();
}
END_TEST

START_TEST(buffer_outlives_client)
{
	uint64_t fh;
	int fd;

	rig_up(_i);
	fh = rig_client();
	send_alloc(fh, 4096, 1, 0);
	wait_job();
	fake_deliver_end(&rig.deliver, 3, true, &fd);
	fake_release(&rig.kernel, fh);
	ck_assert_uint_eq(rig_totals().clients, 0);
	ck_assert_uint_eq(rig_totals().buffers, 1);
	close(fd);
	ck_assert_uint_eq(rig_totals().buffers, 0);
	rig_down();
}
END_TEST

START_TEST(delivery_fails)
{
	uint64_t fh, unique;

	rig_up(_i);
	fh = rig_client();

	/* before the answer went out: the dispatcher answers */
	unique = send_alloc(fh, 4096, 1, 0);
	wait_job();
	fake_deliver_end(&rig.deliver, -EBUSY, false, NULL);
	ck_assert_int_eq(fake_ioctl_answer(&rig.kernel, unique, NULL, 24), -EBUSY);
	ck_assert_uint_eq(rig_totals().buffers, 0);

	/* after it: nobody does */
	send_alloc(fh, 4096, 1, 0);
	wait_job();
	fake_deliver_end(&rig.deliver, -EMFILE, true, NULL);
	ck_assert(fake_is_quiet(&rig.kernel));
	ck_assert_uint_eq(rig_totals().buffers, 0);
	ck_assert_uint_eq(rig.dispatch.counters.delivery_fails, 2);
	rig_down();
}
END_TEST

START_TEST(query)
{
	const struct wire_ion_heap *heap;
	struct wire_ion_query in = { 0 };
	struct deliver_job *job;
	uint64_t fh, unique;

	rig_up(_i);
	fh = rig_client();
	in.cnt = 77;
	ck_assert_int_eq(fake_ioctl(&rig.kernel, fh, WIRE_ION_HEAP_QUERY, ARG, &in), 0);
	ck_assert_uint_eq(in.cnt, 4);

	/* the array and the struct are put into the caller by who delivers */
	in.cnt = 5;
	in.heaps = 0x5000;
	unique = fake_send_ioctl(&rig.kernel, fh, WIRE_ION_HEAP_QUERY, ARG, &in);
	job = wait_job();
	ck_assert_int_eq(job->verb, DELIVER_PUT);
	check_not_yet(job, unique);
	ck_assert_uint_eq(job->pieces[0].address, 0x5000);
	ck_assert_uint_eq(job->pieces[0].size, 4 * sizeof(*heap));
	ck_assert_uint_eq(job->pieces[1].address, ARG);
	ck_assert_uint_eq(job->pieces[1].size, sizeof(in));
	heap = (const void *)(job->bytes + job->size);
	memcpy(&in, heap + 4, sizeof(in));
	ck_assert_uint_eq(in.cnt, 4);
	ck_assert_uint_eq(in.heaps, 0x5000);

	ck_assert_str_eq(heap[0].name, "linux,cma");
	ck_assert_uint_eq(heap[0].type, 4);
	ck_assert_uint_eq(heap[0].heap_id, 4);
	ck_assert_str_eq(heap[3].name, "ion_system_heap");
	ck_assert_uint_eq(heap[3].type, 0);
	ck_assert_uint_eq(heap[3].heap_id, 0);
	ck_assert(fake_is_quiet(&rig.kernel));
	fake_deliver_end(&rig.deliver, 0, true, NULL);
	ck_assert(fake_is_quiet(&rig.kernel));

	unique = fake_send_ioctl(&rig.kernel, fh, WIRE_ION_HEAP_QUERY, ARG, &in);
	wait_job();
	fake_deliver_end(&rig.deliver, -EFAULT, false, NULL);
	ck_assert_int_eq(fake_ioctl_answer(&rig.kernel, unique, NULL, sizeof(in)), -EFAULT);
	rig_down();
}
END_TEST

START_TEST(errnos)
{
	static const struct {
		uint64_t len;
		uint32_t mask;
		int result;
	} allocs[] = {
		{ 0, 1, -EINVAL },	     { UINT64_MAX, 1, -EINVAL }, { 4096, 0, -ENODEV },
		{ 4096, 1u << 30, -ENODEV }, { 1ull << 50, 1, -ENOMEM },
	};
	uint64_t fh, unique;
	uint8_t bytes[64] = { 0 };

	rig_up(_i);
	fh = rig_client();
	for (size_t i = 0; i < ARRAY_SIZE(allocs); i++) {
		unique = send_alloc(fh, allocs[i].len, allocs[i].mask, 0);
		ck_assert_int_eq(fake_ioctl_answer(&rig.kernel, unique, NULL, 24),
				 allocs[i].result);
	}
	/* FREE of handle 0: the word by which libion knows a modern node */
	ck_assert_int_eq(fake_ioctl(&rig.kernel, fh, _IOWR('I', 1, int), ARG, bytes), -ENOTTY);
	ck_assert_int_eq(fake_ioctl(&rig.kernel, fh, WIRE_ION_ABI_VERSION, ARG, bytes), -ENOTTY);
	ck_assert_int_eq(fake_ioctl(&rig.kernel, fh, _IO('I', 200), ARG, bytes), -ENOTTY);
	ck_assert_int_eq(fake_ioctl(&rig.kernel, fh, _IOC(3u, 'I', 0, 48), ARG, bytes), -EINVAL);
	ck_assert_uint_eq(rig_totals().buffers, 0);
	rig_down();
}
END_TEST

START_TEST(reads_and_writes)
{
	const struct fuse_read_in read = { .size = 10 };
	uint8_t write[sizeof(struct fuse_write_in) + 10] = { 0 };
	struct fake_answer answer;

	rig_up(_i);
	rig_client();
	((struct fuse_write_in *)write)->size = 10;
	fake_ask(&rig.kernel, &answer, FUSE_READ, 2, &read, sizeof(read));
	ck_assert_int_eq(answer.error, -EINVAL);
	fake_ask(&rig.kernel, &answer, FUSE_WRITE, 2, write, sizeof(write));
	ck_assert_int_eq(answer.error, -EINVAL);
	rig_down();
}
END_TEST

START_TEST(interrupts_are_dropped)
{
	struct fuse_interrupt_in in;
	uint64_t fh;

	rig_up(_i);
	fh = rig_client();
	in.unique = send_alloc(fh, 4096, 1, 0);
	wait_job();
	fake_send(&rig.kernel, FUSE_INTERRUPT, 0, &in, sizeof(in));
	ck_assert(fake_is_quiet(&rig.kernel));
	fake_deliver_end(&rig.deliver, 3, true, NULL);
	ck_assert(fake_is_quiet(&rig.kernel));
	/* and what comes after is answered once */
	alloc_and_close(fh, 4096, 4096);
	rig_down();
}
END_TEST

START_TEST(torn_frames)
{
	struct fuse_in_header header = { .len = 4000, .opcode = FUSE_IOCTL };
	uint64_t fh;

	rig_up(_i);
	fh = rig_client();
	log_set_level(LOG_LEVEL_ERROR);
	ck_assert_int_eq(send(rig.kernel.fd, &header, sizeof(header), 0), sizeof(header));
	ck_assert_int_eq(send(rig.kernel.fd, &header, 7, 0), 7);
	ck_assert(fake_is_quiet(&rig.kernel));
	log_set_level(LOG_LEVEL_INFO);
	alloc_and_close(fh, 4096, 4096);
	rig_down();
}
END_TEST

START_TEST(connection_closed)
{
	rig_up(_i);
	rig_client();
	ck_assert(!rig.gone);
	shutdown(rig.kernel.fd, SHUT_RDWR);
	while (!rig.gone)
		ck_assert_int_gt(loop_step(rig.loop, 2000), 0);
	rig_down();
}
END_TEST

/* the service ends with a call in a helper thread and one in delivery: rig_down() looks for leaks
 */
START_TEST(end_in_mid_call)
{
	uint64_t fh;

	rig_up(_i);
	fh = rig_client();
	send_alloc(fh, 4096, 1, 0);
	wait_job();
	send_alloc(fh, 64 << 20, 1, 0);
	while (loop_step(rig.loop, 0) > 0)
		;
	rig_down();
}
END_TEST

static void send_burst(uint64_t fh, uint64_t *uniques, int n)
{
	for (int i = 0; i < n; i++)
		uniques[i] = send_alloc(fh, 4096, 1, 0);
	ck_assert(fake_is_quiet(&rig.kernel));
}

static int count_jobs(void)
{
	int n = 0;

	list_for_each (i, &rig.deliver.jobs)
		n++;
	return n;
}

/* the oldest delivery is for this request, and succeeds */
static void give(uint64_t unique)
{
	ck_assert_uint_eq(fake_deliver_job(&rig.deliver)->call.unique, unique);
	fake_deliver_end(&rig.deliver, 3, true, NULL);
	ck_assert(fake_is_quiet(&rig.kernel));
}

/* of a burst of one user's only so many are made at a time, in their order; another user's call
 * does not wait for it */
START_TEST(users_take_turns)
{
	uint64_t fh, burst[PER_USER + 3], other;

	rig_up(_i);
	fh = rig_client();
	send_burst(fh, burst, ARRAY_SIZE(burst));
	ck_assert_int_eq(count_jobs(), PER_USER);
	ck_assert_uint_eq(rig_totals().buffers, PER_USER);
	ck_assert_uint_eq(state_count(rig.state, STATE_REQUEST), ARRAY_SIZE(burst));

	rig.kernel.uid++;
	other = send_alloc(fh, 4096, 1, 0);
	ck_assert(fake_is_quiet(&rig.kernel));
	ck_assert_int_eq(count_jobs(), PER_USER + 1);

	give(burst[0]);
	give(burst[1]);
	give(other);
	for (size_t i = PER_USER; i < ARRAY_SIZE(burst); i++)
		give(burst[i]);
	ck_assert_int_eq(count_jobs(), 0);
	rig_down();
}
END_TEST

/* calls whose caller was killed meanwhile, or that are refused, are in nobody's way; what needs no
 * turn has none */
START_TEST(turns_that_fail)
{
	uint64_t fh, burst[PER_USER], refused[3], version, last;
	struct wire_ion_query counted = { 0 };

	rig_up(_i);
	fh = rig_client();
	send_burst(fh, burst, PER_USER);
	for (int i = 0; i < 3; i++)
		refused[i] = send_alloc(fh, 4096, 0, 0);
	last = send_alloc(fh, 4096, 1, 0);
	ck_assert(fake_is_quiet(&rig.kernel));
	ck_assert_int_eq(fake_ioctl(&rig.kernel, fh, WIRE_ION_HEAP_QUERY, ARG, &counted), 0);
	version = fake_send_ioctl(&rig.kernel, fh, WIRE_ION_ABI_VERSION, ARG, &counted);
	ck_assert_int_eq(fake_ioctl_answer(&rig.kernel, version, NULL, 4), -ENOTTY);

	/* the caller is gone: the reply found nobody */
	fake_deliver_end(&rig.deliver, -ESRCH, true, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(fake_ioctl_answer(&rig.kernel, refused[i], NULL, 24), -ENODEV);
	ck_assert(fake_is_quiet(&rig.kernel));
	ck_assert_int_eq(count_jobs(), PER_USER);
	for (size_t i = 1; i < PER_USER; i++)
		give(burst[i]);
	give(last);
	rig_down();
}
END_TEST

/* the service ends: what waits for a turn is answered, and what comes then too */
START_TEST(end_with_turns)
{
	uint64_t fh, burst[PER_USER + 3], late;

	rig_up(_i);
	fh = rig_client();
	send_burst(fh, burst, ARRAY_SIZE(burst));
	fake_deliver_end(&rig.deliver, 3, true, NULL); /* one is ready now */
	dispatch_stop(&rig.dispatch);
	for (size_t i = PER_USER; i < ARRAY_SIZE(burst); i++)
		ck_assert_int_eq(fake_ioctl_answer(&rig.kernel, burst[i], NULL, 24), -EIO);
	late = send_alloc(fh, 4096, 1, 0);
	ck_assert_int_eq(fake_ioctl_answer(&rig.kernel, late, NULL, 24), -EIO);
	give(burst[1]);
	ck_assert_uint_eq(state_count(rig.state, STATE_REQUEST), 0);
	rig_down();
}
END_TEST

START_TEST(tree)
{
	const struct fuse_getattr_in getattr = { 0 };
	struct fuse_read_in readdir = { .size = 4096 };
	struct fake_answer answer;
	struct fuse_entry_out entry;
	struct fuse_attr_out attr;

	rig_up(_i | 2);
	rig_client();
	fake_ask(&rig.kernel, &answer, FUSE_LOOKUP, 1, "ion", 4);
	ck_assert_int_eq(answer.error, 0);
	memcpy(&entry, answer.body, sizeof(entry));
	ck_assert_uint_eq(entry.nodeid, 2);
	ck_assert_uint_eq(entry.attr.mode, S_IFREG | 0640);
	ck_assert_uint_eq(entry.attr.gid, 42);
	fake_ask(&rig.kernel, &answer, FUSE_LOOKUP, 1, "iom", 4);
	memcpy(&entry, answer.body, sizeof(entry));
	ck_assert(answer.error == -ENOENT || entry.nodeid == 0);
	fake_ask(&rig.kernel, &answer, FUSE_GETATTR, 1, &getattr, sizeof(getattr));
	memcpy(&attr, answer.body, sizeof(attr));
	ck_assert_uint_eq(attr.attr.mode, S_IFDIR | 0755);
	fake_ask(&rig.kernel, &answer, FUSE_READDIR, 1, &readdir, sizeof(readdir));
	ck_assert_int_eq(answer.error, 0);
	ck_assert_ptr_nonnull(memmem(answer.body, answer.size, "ion", 3));
	ck_assert_ptr_nonnull(memmem(answer.body, answer.size, "dma_heap", 8));
	ck_assert_ptr_null(memmem(answer.body, answer.size, "system", 6));
	readdir.offset = 4;
	fake_ask(&rig.kernel, &answer, FUSE_READDIR, 1, &readdir, sizeof(readdir));
	ck_assert_uint_eq(answer.size, 0);
	rig_down();
}
END_TEST

static uint64_t look_up(uint64_t folder, const char *name, struct fuse_attr *attr)
{
	struct fuse_entry_out entry = { 0 };
	struct fake_answer answer;

	fake_ask(&rig.kernel, &answer, FUSE_LOOKUP, folder, name, strlen(name) + 1);
	ck_assert(answer.error == 0 || answer.error == -ENOENT);
	memcpy(&entry, answer.body, answer.size);
	*attr = entry.attr;
	return entry.nodeid;
}

START_TEST(folder)
{
	struct fuse_read_in readdir = { .size = 4096 };
	const struct fuse_open_in open = { 0 };
	struct fake_answer answer;
	struct fuse_attr attr;
	uint64_t dir;

	rig_up(_i | 2);
	rig_client();
	dir = look_up(1, "dma_heap", &attr);
	ck_assert_uint_ne(dir, 0);
	ck_assert_uint_eq(attr.mode, S_IFDIR | 0755);
	ck_assert_uint_eq(look_up(dir, "system", &attr), 3);
	ck_assert_uint_eq(attr.mode, S_IFREG | 0600);
	ck_assert_uint_eq(attr.gid, 43);
	ck_assert_uint_eq(look_up(dir, "linux,cma", &attr), 4);
	ck_assert_uint_eq(look_up(dir, "ion", &attr), 0);
	ck_assert_uint_eq(look_up(1, "system", &attr), 0);
	ck_assert_uint_eq(look_up(2, "system", &attr), 0);

	fake_ask(&rig.kernel, &answer, FUSE_READDIR, dir, &readdir, sizeof(readdir));
	ck_assert_ptr_nonnull(memmem(answer.body, answer.size, "system", 6));
	ck_assert_ptr_nonnull(memmem(answer.body, answer.size, "linux,cma", 9));
	ck_assert_ptr_null(memmem(answer.body, answer.size, "ion", 3));
	readdir.offset = 5;
	fake_ask(&rig.kernel, &answer, FUSE_READDIR, dir, &readdir, sizeof(readdir));
	ck_assert_uint_eq(answer.size, 0);
	fake_ask(&rig.kernel, &answer, FUSE_OPEN, dir, &open, sizeof(open));
	ck_assert_int_eq(answer.error, -EISDIR);
	rig_down();
}
END_TEST

int main(void)
{
	const TTest *const cases[] = {
		handshake,
		clients_come_and_go,
		alloc_at_once,
		alloc_by_a_helper,
		buffer_outlives_client,
		delivery_fails,
		query,
		errnos,
		reads_and_writes,
		interrupts_are_dropped,
		torn_frames,
		connection_closed,
		end_in_mid_call,
		users_take_turns,
		turns_that_fail,
		end_with_turns,
	};
	Suite *suite = suite_create("doors");
	TCase *tcase = tcase_create("doors");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 20);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		tcase_add_loop_test(tcase, cases[i], 0, WAYS);
	tcase_add_loop_test(tcase, tree, 0, 2);
	tcase_add_loop_test(tcase, folder, 0, 2);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
