// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzz target: the dispatcher behind both FUSE doors, over the fake kernel.
 *
 * The input is a script: a digit each for policy, how ends of buffers are told, which doors have
 * their handshake, how the service ends; then acts, a letter each with their arguments (fuzz.h).
 * Blanks do nothing. The tables here and in fuzz_acts.c say what letters and digits
 * mean; tests/corpus/service has examples.
 *
 * Asserted: each request that wants an answer has exactly one, others none, and the answers are
 * what the kernel takes (fuzz_model.c); an ioctl is unanswered only while its job or its delivery
 * is under way, or while its user has as many of these as may be; records, charges and totals are
 * those of what is open and held, and nothing at the end, no fd either.
 */
#include "fuzz_service.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buffer.h"
#include "core/file.h"
#include "core/state.h"
#include "fault.h"

struct fuzz fuzz;

static const uint64_t errnos[] = { EIO, EBUSY, EACCES, ESRCH, EMFILE, EFAULT, ENOMEM, ENOTTY, 511 };

/* ---- doors ---- */

static void door_serves(void *user)
{
}

static void door_gone(void *user)
{
	((struct door *)user)->gone = true;
}

static void door_open(struct door *door, uint32_t index)
{
	struct fuzz_rig *rig = fuzz.rig;
	const struct cuse_config cuse = { "ion", index, door_serves, door_gone, door };
	const struct fusefile_config fusefile = {
		.index = index,
		.mode = 0660,
		.serves = door_serves,
		.gone = door_gone,
		.user = door,
	};
	int r;

	fake_kernel_open(&door->kernel, index ? FAKE_FUSE : FAKE_CUSE, rig->loop);
	if (door->kernel.kind == FAKE_CUSE)
		r = cuse_door_new_consume_fd(&door->cuse, rig->loop, rig->state, &rig->dispatch,
					     &cuse, door->kernel.channel);
	else
		r = fusefile_door_new_consume_fd(&door->fusefile, rig->loop, rig->state,
						 &rig->dispatch, &fusefile, door->kernel.channel);
	ck_assert_int_eq(r, 0);
}

static void door_close(struct door *door)
{
	door->cuse = cuse_door_free(door->cuse);
	door->fusefile = fusefile_door_free(door->fusefile);
	fake_kernel_close(&door->kernel);
}

/* ---- a caller that is killed: the kernel knows its request no more ---- */

static bool is_forgotten(int fd, const void *bytes)
{
	struct fuse_out_header header;

	for (uint32_t i = 0; i < RIG_CHANNELS; i++) {
		if (!fuzz.killed || fuzz.doors[i].kernel.channel != fd || fuzz.doors[i].dead)
			continue;
		memcpy(&header, bytes, sizeof(header));
		model_forgotten(&fuzz.model, i, header.unique);
		fuzz.killed = false;
		errno = ENOENT;
		return true;
	}
	return false;
}

ssize_t __real_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count)
{
	return is_forgotten(fd, iov[0].iov_base) ? -1 : __real_writev(fd, iov, count);
}

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	return is_forgotten(fd, bytes) ? -1 : __real_write(fd, bytes, size);
}

static void act_kill(struct fuzz_bytes *bytes)
{
	fuzz.killed = true;
}

/* ---- the books ---- */

static void take_answers(void)
{
	struct fake_answer answer;

	for (uint32_t i = 0; i < RIG_CHANNELS; i++) {
		while (!fuzz.doors[i].dead && fake_try(&fuzz.doors[i].kernel, &answer))
			model_answered(&fuzz.model, i, &answer);
	}
}

static size_t count_deliveries(bool all)
{
	size_t n = 0;

	list_for_each (link, &fuzz.rig->deliver.jobs)
		n += all || list_entry(link, struct deliver_job, link)->verb == DELIVER_GIVE_FD;
	return n;
}

/* what waits for an answer is being worked on, or for its turn behind that */
static void check_waiting(void)
{
	size_t under_way = fake_jobs_count(&fuzz.rig->jobs) + count_deliveries(true);

	ck_assert(!fuzz.rig->dispatch.turns.n_waiting || under_way >= RIG_PER_USER);
	under_way += fuzz.rig->dispatch.turns.n_waiting;
	for (size_t i = 0; i < fuzz.model.n_waiting; i++)
		ck_assert_uint_eq(fuzz.model.waiting[i].opcode, FUSE_IOCTL);
	ck_assert_uint_le(fuzz.model.n_waiting, under_way); /* others have hung up */
	if (!fuzz.doors[0].dead && !fuzz.doors[1].dead)
		ck_assert_uint_eq(fuzz.model.n_waiting, under_way);
	ck_assert_uint_eq(state_count(fuzz.rig->state, STATE_REQUEST), under_way);
}

void fuzz_turn(void)
{
	if (fuzz.batch) {
		fuzz.batch--;
		return;
	}
	fuzz_rig_turn(fuzz.rig);
	take_answers();
	check_waiting();
	for (uint32_t i = 0; i < RIG_CHANNELS; i++)
		ck_assert(!fuzz.doors[i].dead || fuzz.doors[i].gone);
}

/* a buffer is there as long as it is made, delivered or held, and no longer */
static void check_totals(void)
{
	uint64_t bytes = 0, in_hand = fake_jobs_count(&fuzz.rig->jobs) + count_deliveries(false);
	struct service_totals totals;

	fuzz_rig_totals(fuzz.rig, &totals);
	ck_assert_uint_eq(totals.buffers, fuzz.model.n_held + in_hand);
	if (fake_jobs_count(&fuzz.rig->jobs))
		return;
	for (size_t i = 0; i < fuzz.model.n_held; i++)
		bytes += fuzz.model.held[i].size;
	list_for_each (link, &fuzz.rig->deliver.jobs) {
		struct deliver_job *job = list_entry(link, struct deliver_job, link);

		if (job->verb == DELIVER_GIVE_FD)
			bytes += container_of(job, struct call, delivery)->file->buffer->size;
	}
	ck_assert_uint_eq(totals.bytes, bytes);
}

/* ---- acts of who delivers, and of helper threads ---- */

static struct deliver_job *pick_delivery(struct fuzz_bytes *bytes)
{
	size_t n = count_deliveries(true), nth = fuzz_byte(bytes) - '0';
	struct list *link = fuzz.rig->deliver.jobs.next;

	if (!n)
		return NULL;
	for (nth %= n; nth; nth--)
		link = link->next;
	return list_entry(link, struct deliver_job, link);
}

static void end_put(struct deliver_job *job, int error, bool replied)
{
	const struct model_request *request = model_of_delivery(&fuzz.model, job);

	if (replied && request)
		model_replied(&fuzz.model, job);
	fake_deliver_end_job(job, error, replied, NULL);
}

static void end_give(struct deliver_job *job, int error, bool replied, bool keeps)
{
	struct model_request *request = model_of_delivery(&fuzz.model, job);
	const struct file *file = container_of(job, struct call, delivery)->file;
	uint64_t size = file->buffer->size;
	int fd = -1;

	if (request)
		ck_assert_uint_eq(size, pages_round(request->len));
	if (file->buffer->block.heap->id == 0)
		ck_assert_uint_eq(lseek(job->fd, 0, SEEK_END), size);
	if (keeps) /* before done(): the books are right at any time */
		model_hold(&fuzz.model, job->fd, size);
	if (replied && request)
		model_replied(&fuzz.model, job);
	fake_deliver_end_job(job, error ? error : 3, replied, keeps ? &fd : NULL);
}

static void act_deliver(struct fuzz_bytes *bytes)
{
	static const struct {
		bool ok, replied, keeps;
	} ways[] = {
		{ true, true, true }, /* as it should be */
		{ false, false, false }, { false, true, false },
		{ false, false, true }, /* its fd can't be taken back */
		{ false, true, true },
	};
	struct deliver_job *job = pick_delivery(bytes);
	size_t way = fuzz_pick(bytes, ARRAY_SIZE(ways));
	int error = ways[way].ok ? 0 : -(int)fuzz_number(bytes, errnos, ARRAY_SIZE(errnos)) % 512;

	if (!job)
		return;
	if (!ways[way].ok)
		error = error < 0 ? error : -EIO;
	if (job->verb == DELIVER_PUT)
		end_put(job, error, ways[way].replied);
	else
		end_give(job, error, ways[way].replied, ways[way].keeps);
	fuzz_turn();
}

static void act_run(struct fuzz_bytes *bytes)
{
	fake_jobs_run(&fuzz.rig->jobs, fuzz_pick(bytes, 256));
	if (fuzz_pick(bytes, 2))
		fake_jobs_done(&fuzz.rig->jobs, 0);
	fuzz_turn();
}

static void act_done(struct fuzz_bytes *bytes)
{
	fake_jobs_done(&fuzz.rig->jobs, fuzz_pick(bytes, 256));
	fuzz_turn();
}

static void act_odd(struct fuzz_bytes *bytes)
{
	static const int results[] = { 0, -ENOMEM, -EINVAL, -EIO };

	fuzz.rig->odd_reserve = results[fuzz_pick(bytes, ARRAY_SIZE(results))];
	fuzz.rig->odd_fill = results[fuzz_pick(bytes, ARRAY_SIZE(results))];
}

/* ---- acts of who holds buffers, and of time ---- */

static void act_close(struct fuzz_bytes *bytes)
{
	size_t i = fuzz_byte(bytes) - '0';

	if (fuzz.model.n_held)
		model_drop(&fuzz.model, i % fuzz.model.n_held);
	if (fuzz_pick(bytes, 2))
		fuzz_turn();
}

static void act_look(struct fuzz_bytes *bytes)
{
	check_totals();
}

/* ---- the script ---- */

/* letters by their place in the alphabet; the others are in fuzz_acts.c, `v` is below */
static act *const acts[32] = {
	['c' % 32] = act_close, ['e' % 32] = act_deliver, ['j' % 32] = act_run,
	['l' % 32] = act_look,	['m' % 32] = act_odd,	  ['p' % 32] = act_done,
	['x' % 32] = act_kill,
};

static void run_act(struct fuzz_bytes *bytes)
{
	uint8_t what = fuzz_byte(bytes);
	unsigned int nth = 0;

	if (what == '\n')
		return;
	if (what % 32 == 'v' % 32) { /* one of the calls that the next act causes will fail */
		nth = 1 + fuzz_pick(bytes, 64);
		what = fuzz_byte(bytes);
		fuzz.model.faulty = true;
	}
	fault_arm(nth);
	if (acts[what % 32])
		acts[what % 32](bytes);
	else if (fuzz_acts[what % 32])
		fuzz_acts[what % 32](bytes);
	fault_disarm();
}

/* what is under way ends, one way or the other */
static void end_work(unsigned int how)
{
	fuzz.batch = 0;
	fuzz_turn();
	fuzz.model.ending = true;
	dispatch_stop(&fuzz.rig->dispatch);
	while (!how && fake_jobs_count(&fuzz.rig->jobs)) {
		fake_jobs_run(&fuzz.rig->jobs, 0);
		fake_jobs_done(&fuzz.rig->jobs, 0);
	}
	fake_jobs_end(&fuzz.rig->jobs);
	while (!list_is_empty(&fuzz.rig->deliver.jobs))
		fake_deliver_end(&fuzz.rig->deliver, -EIO, false, NULL);
	fuzz_turn();
	ck_assert_uint_eq(fuzz.model.n_waiting, 0);
	check_totals();
}

/* clients go by their doors where these stand */
static void end_clients(void)
{
	uint32_t place = 0;
	uint64_t fh;

	for (size_t i = fuzz.model.n_files; i-- > 0;) {
		const struct fuse_release_in in = { .fh = fuzz.model.files[i].fh };

		fuzz.current = fuzz.model.files[i].channel;
		if (fuzz.model.shaken[fuzz.current])
			fuzz_send(FUSE_RELEASE, 2, &in, sizeof(in));
	}
	while (state_next(fuzz.rig->state, STATE_CLIENT, &place, &fh))
		dispatch_release(&fuzz.rig->dispatch, fh);
	while (fuzz.model.n_held)
		model_drop(&fuzz.model, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = { data, data + size };
	const unsigned int abi = fuzz_pick(&bytes, 6), ends = fuzz_pick(&bytes, 8);
	const unsigned int shaken = fuzz_pick(&bytes, 4), how = fuzz_pick(&bytes, 2);
	const struct wire_policy policy = { .abi = abi / 2, .abi_version = abi % 2 * 2 };

	memset(&fuzz, 0, sizeof(fuzz));
	fuzz.rig = fuzz_rig_up(&policy, ends);
	for (uint32_t i = 0; i < RIG_CHANNELS; i++)
		door_open(&fuzz.doors[i], i);
	for (uint32_t i = 0; i < RIG_CHANNELS; i++) {
		fuzz.current = i;
		if (!(shaken & 1u << i))
			fuzz_acts['z' % 32](&bytes);
	}
	fuzz.current = 0;
	while (fuzz_left(&bytes))
		run_act(&bytes);

	fuzz.killed = false;
	end_work(how);
	end_clients();
	for (size_t i = 0; i < RIG_CHANNELS; i++)
		door_close(&fuzz.doors[i]);
	fuzz_rig_down(fuzz.rig);
	return 0;
}
