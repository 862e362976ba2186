// SPDX-License-Identifier: LGPL-2.1-or-later
#include "doors_rig.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct doors_rig rig;

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void rig_serves(void *user)
{
	rig.serves = true;
}

static void rig_gone(void *user)
{
	rig.gone = true;
}

static const struct node nodes[] = {
	{ .name = "ion", .mode = 0640, .gid = 42 },
	{ .name = "dma_heap/system", .heaps = 1u << 0, .mode = 0600, .gid = 43 },
	{ .name = "dma_heap/linux,cma", .heaps = 1u << 4, .mode = 0600, .gid = 43 },
	{ .name = "dma_heap/none", .heaps = 1u << 9, .mode = 0600, .gid = 43 },
};

static void rig_open_door(enum fake_kind kind, size_t node)
{
	const struct cuse_config cuse = {
		.node = &nodes[node],
		.serves = rig_serves,
		.gone = rig_gone,
	};
	const struct fusefile_config fusefile = {
		.nodes = nodes,
		.n_nodes = ARRAY_SIZE(nodes),
		.serves = rig_serves,
		.gone = rig_gone,
	};
	int r;

	fake_kernel_open(&rig.kernel, kind, rig.loop);
	if (kind == FAKE_CUSE)
		r = cuse_door_new_consume_fd(&rig.cuse, rig.loop, rig.state, &rig.dispatch, &cuse,
					     rig.kernel.channel);
	else
		r = fusefile_door_new_consume_fd(&rig.fusefile, rig.loop, rig.state, &rig.dispatch,
						 &fusefile, rig.kernel.channel);
	ck_assert_int_eq(r, 0);
	if (kind == FAKE_FUSE)
		rig.kernel.node += node;
}

void rig_up(int way)
{
	rig_up_node(way, RIG_ION);
}

void rig_up_node(int way, enum rig_node node)
{
	struct dispatch_config config;

	memset(&rig, 0, sizeof(rig));
	rig.fds = count_fds();
	ck_assert_int_eq(loop_new(&rig.loop, way & 1 ? LOOP_POLL : LOOP_URING), 0);
	ck_assert_int_eq(loop_jobs_new(&rig.jobs, rig.loop, 1), 0);
	ck_assert_int_eq(state_create(&rig.state_fd), 0);
	ck_assert_int_eq(state_attach(&rig.state, rig.state_fd), 0);
	memory_start(&rig.memory, rig.state, rig.loop);
	fake_deliver_init(&rig.deliver);
	config = (struct dispatch_config){
		.loop = rig.loop,
		.jobs = rig.jobs,
		.service = rig.memory.service,
		.deliver = &rig.deliver.deliver,
		.per_user = PER_USER,
	};
	dispatch_init(&rig.dispatch, &config);
	rig_open_door(way & 2 ? FAKE_FUSE : FAKE_CUSE, node);
}

void rig_down(void)
{
	dispatch_stop(&rig.dispatch);
	rig.jobs = loop_jobs_free(rig.jobs);
	while (!list_is_empty(&rig.deliver.jobs))
		fake_deliver_end(&rig.deliver, -EIO, false, NULL);
	rig.cuse = cuse_door_free(rig.cuse);
	rig.fusefile = fusefile_door_free(rig.fusefile);
	dispatch_deinit(&rig.dispatch);
	ck_assert_uint_eq(state_count(rig.state, STATE_REQUEST), 0);
	memory_deinit(&rig.memory);
	fake_kernel_close(&rig.kernel);
	state_free(rig.state);
	close(rig.state_fd);
	loop_free(rig.loop);
	ck_assert_int_eq(count_fds(), rig.fds);
}

uint64_t rig_client(void)
{
	struct fake_answer answer;
	uint64_t fh;

	fake_init(&rig.kernel, &answer);
	ck_assert_int_eq(answer.error, 0);
	ck_assert_int_eq(fake_open(&rig.kernel, &fh), 0);
	return fh;
}

struct service_totals rig_totals(void)
{
	struct service_totals totals;

	service_look(rig.memory.service);
	service_totals(rig.memory.service, &totals);
	return totals;
}

struct deliver_job *wait_job(void)
{
	while (list_is_empty(&rig.deliver.jobs))
		ck_assert_int_gt(loop_step(rig.loop, 2000), 0);
	return fake_deliver_job(&rig.deliver);
}
