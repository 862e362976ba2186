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
 * is under way, or while its user has as many of these as may be; handles have the lowest
 * numbers, name what they should, and as often; records, charges and totals are those of what is
 * open, named and held, and nothing at the end, no fd and no frame of the area either.
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
#include "fuzz_handles.h"

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
	static const struct node node = { .name = "ion", .mode = 0660 };
	const struct cuse_config cuse = { &node, index, door_serves, door_gone, door };
	const struct fusefile_config fusefile = {
		.index = index,
		.nodes = &node,
		.n_nodes = 1,
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

/* ---- what doors write ---- */

/* the door that answers by @fd, as long as anybody hears; or NULL */
static struct door *door_of(int fd)
{
	for (uint32_t i = 0; i < RIG_CHANNELS; i++) {
		if (fuzz.rig && fuzz.doors[i].kernel.channel == fd && !fuzz.doors[i].dead)
			return &fuzz.doors[i];
	}
	return NULL;
}

/* an answer, as the kernel takes it: in the order in which they were written, of all doors */
static void read_answer(struct fake_answer *ret, const struct iovec *iov, int count)
{
	uint8_t bytes[sizeof(struct fuse_out_header) + sizeof(ret->body)];
	struct fuse_out_header header;
	size_t size = 0;

	for (int i = 0; i < count; i++) {
		ck_assert_uint_le(size + iov[i].iov_len, sizeof(bytes));
		memcpy(bytes + size, iov[i].iov_base, iov[i].iov_len);
		size += iov[i].iov_len;
	}
	memcpy(&header, bytes, sizeof(header));
	ck_assert_uint_eq(header.len, size);
	ret->unique = header.unique;
	ret->error = header.error;
	ret->size = size - sizeof(header);
	memcpy(ret->body, bytes + sizeof(header), ret->size);
}

/* Return: whether the caller lives. One that was killed is one whose request the kernel knows no
 * more. */
static bool take_answer(struct door *door, const struct iovec *iov, int count)
{
	uint32_t channel = door - fuzz.doors;
	struct fake_answer answer;

	read_answer(&answer, iov, count);
	if (!fuzz.killed) {
		model_answered(&fuzz.model, channel, &answer);
		door->n_answers++;
		return true;
	}
	model_forgotten(&fuzz.model, channel, &answer);
	fuzz.killed = false;
	errno = ENOENT;
	return false;
}

ssize_t __real_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count)
{
	struct door *door = door_of(fd);

	return door && !take_answer(door, iov, count) ? -1 : __real_writev(fd, iov, count);
}

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	const struct iovec iov = { (void *)bytes, size };
	struct door *door = door_of(fd);

	return door && !take_answer(door, &iov, 1) ? -1 : __real_write(fd, bytes, size);
}

static void act_kill(struct fuzz_bytes *bytes)
{
	fuzz.killed = true;
}

/* ---- the books ---- */

/* what was written has come, and nothing else */
static void take_answers(void)
{
	struct fake_answer answer;

	for (uint32_t i = 0; i < RIG_CHANNELS; i++) {
		struct door *door = &fuzz.doors[i];

		while (!door->dead && fake_try(&door->kernel, &answer))
			door->n_answers--;
		ck_assert(door->dead || !door->n_answers);
	}
}

static size_t count_deliveries(void)
{
	size_t n = 0;

	list_for_each (link, &fuzz.rig->deliver.jobs)
		n++;
	return n;
}

/* what waits for an answer is being worked on, or for its turn behind that */
static void check_waiting(void)
{
	size_t under_way = fake_jobs_count(&fuzz.rig->jobs) + count_deliveries();

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
	handles_check(&fuzz.model);
	check_waiting();
	for (uint32_t i = 0; i < RIG_CHANNELS; i++)
		ck_assert(!fuzz.doors[i].dead || fuzz.doors[i].gone);
}

/* memory that is held, named or delivered, each once */
struct memories {
	uint64_t ids[MODEL_HELD_MAX + MODEL_HANDLES_MAX + MODEL_WAITING_MAX];
	size_t n;
	uint64_t bytes;
};

static void count_memory(struct memories *memories, uint64_t id, uint64_t size)
{
	for (size_t i = 0; i < memories->n; i++) {
		if (memories->ids[i] == id)
			return;
	}
	ck_assert_uint_lt(memories->n, ARRAY_SIZE(memories->ids));
	memories->ids[memories->n++] = id;
	memories->bytes += size;
}

static void count_memories(struct memories *memories)
{
	for (size_t i = 0; i < fuzz.model.n_held; i++)
		count_memory(memories, fuzz.model.held[i].memory, fuzz.model.held[i].size);
	for (size_t i = 0; i < fuzz.model.n_handles; i++)
		count_memory(memories, fuzz.model.handles[i].memory, fuzz.model.handles[i].size);
	list_for_each (link, &fuzz.rig->deliver.jobs) {
		struct deliver_job *job = list_entry(link, struct deliver_job, link);
		const struct buffer *buffer;

		if (job->verb != DELIVER_GIVE_FD)
			continue;
		buffer = container_of(job, struct call, delivery)->file->buffer;
		count_memory(memories, buffer->id, buffer->size);
	}
}

/* a buffer is there as long as it is made, delivered, named or held, and no longer */
static void check_totals(void)
{
	size_t in_hand = fake_jobs_count(&fuzz.rig->jobs);
	struct memories memories = { .n = 0 };
	struct service_totals totals;

	fault_disarm();
	fuzz_rig_totals(fuzz.rig, &totals);
	handles_check(&fuzz.model);
	count_memories(&memories);
	ck_assert_uint_ge(totals.buffers, memories.n);
	ck_assert_uint_le(totals.buffers, memories.n + in_hand);
	if (!in_hand)
		ck_assert_uint_eq(totals.bytes, memories.bytes);
}

/* ---- acts of who delivers, and of helper threads ---- */

static struct deliver_job *pick_delivery(struct fuzz_bytes *bytes)
{
	size_t n = count_deliveries(), nth = fuzz_byte(bytes) - '0';
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

/* before done(): the books are right at any time */
static void hold(const struct deliver_job *job, const struct file *file)
{
	const struct model_held held = {
		.fd = job->fd,
		.memory = file->buffer->id,
		.size = file->buffer->size,
		.mount = file->export.exporter->mount,
		.ino = file->export.ino,
	};

	model_hold(&fuzz.model, &held);
}

static void check_given(const struct model_request *request, const struct deliver_job *job,
			const struct file *file)
{
	uint64_t size = file->buffer->size;

	if (request && request->verb == MODEL_SHARE)
		handles_shared(request, file->buffer->id);
	else if (request)
		ck_assert_uint_eq(size, pages_round(request->len));
	if (file->buffer->block.heap->id == 0)
		ck_assert_uint_eq(lseek(job->fd, 0, SEEK_END), size);
}

static void end_give(struct deliver_job *job, int error, bool replied, bool keeps)
{
	struct model_request *request = model_of_delivery(&fuzz.model, job);
	const struct file *file = container_of(job, struct call, delivery)->file;
	int fd = -1;

	check_given(request, job, file);
	if (keeps)
		hold(job, file);
	if (replied && request)
		model_replied(&fuzz.model, job);
	fake_deliver_end_job(job, error ? error : 3, replied, keeps ? &fd : NULL);
}

/* what a number in the caller's table is: nothing that can be seen, what somebody holds, or what is
 * none of ours */
static void end_look(struct deliver_job *job, int error, size_t which)
{
	struct model_request *request = model_of_delivery(&fuzz.model, job);
	struct deliver_result seen = { .result = error };

	if (!error && which < fuzz.model.n_held) {
		seen.file.mount = fuzz.model.held[which].mount;
		seen.file.ino = fuzz.model.held[which].ino;
	} else if (!error) {
		seen.file.ino = which;
	}
	if (request) {
		request->looked = error;
		if (seen.file.ino && which < fuzz.model.n_held)
			request->imported = fuzz.model.held[which].memory;
	}
	fake_deliver_end_seen(job, &seen);
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
	else if (job->verb == DELIVER_WHOSE_FD)
		end_look(job, error, fuzz_pick(bytes, 256));
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
	fuzz.model.n_files = fuzz.model.n_handles = 0;
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
	fuzz.model.service = fuzz.rig->service;
	fuzz.model.modern = policy.abi == WIRE_ABI_MODERN;
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
