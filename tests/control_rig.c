// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control_rig.h"

#include <check.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/state.h"
#include "daemon/priv.h"
#include "memory_fixture.h"

struct control_rig control_rig;

static const char *nodes[] = { "/dev/ion" };
static const struct listing_missing missing[] = { { "gone", 9, "nobody knows" } };

static void name_fds(struct check *check, void *user)
{
	for (size_t fd = 0; fd < control_rig.standing.n; fd++)
		if (fd_map_has(&control_rig.standing, fd))
			fd_map_remove(&check->unnamed, fd);
}

static void make_folder(struct control_rig *rig)
{
	strcpy(rig->dir, "/tmp/check_control.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig->dir));
	ck_assert_int_eq(chmod(rig->dir, 0755), 0);
	snprintf(rig->path, sizeof(rig->path), "%s/run/control", rig->dir);
}

static void make_service(struct control_rig *rig)
{
	struct dispatch_config dispatch;

	ck_assert_int_eq(loop_new(&rig->loop, LOOP_AUTO), 0);
	ck_assert_int_eq(state_create(&rig->state_fd), 0);
	ck_assert_int_eq(state_attach(&rig->state, rig->state_fd), 0);
	memory_start(&rig->memory, rig->state, rig->loop);
	fake_deliver_init(&rig->deliver);
	dispatch = (struct dispatch_config){
		.loop = rig->loop,
		.service = rig->memory.service,
		.deliver = &rig->deliver.deliver,
		.per_user = 4,
	};
	dispatch_init(&rig->dispatch, &dispatch);
}

void control_rig_up(void)
{
	struct control_rig *rig = &control_rig;
	struct control_config config;

	make_folder(rig);
	make_service(rig);
	ck_assert_int_eq(priv_listen_control(&rig->listener, rig->path), 0);
	config = (struct control_config){
		.loop = rig->loop,
		.dispatch = &rig->dispatch,
		.listener = rig->listener,
		.nodes = nodes,
		.n_nodes = 1,
		.exporter = rig->memory.exporter_name,
		.group = CONTROL_RIG_GROUP,
		.missing = missing,
		.n_missing = 1,
		.name_fds = name_fds,
	};
	ck_assert_int_eq(control_new(&rig->control, &config), 0);
	ck_assert_int_eq(fd_map_read(&rig->standing), 0);
}

void control_rig_down(void)
{
	struct control_rig *rig = &control_rig;

	rig->control = control_free(rig->control);
	dispatch_deinit(&rig->dispatch);
	memory_deinit(&rig->memory);
	state_free(rig->state);
	close(rig->state_fd);
	close(rig->listener);
	loop_free(rig->loop);
	unlink(rig->path);
	*strrchr(rig->path, '/') = '\0';
	rmdir(rig->path);
	rmdir(rig->dir);
	fd_map_deinit(&rig->standing);
}

void control_rig_turn(void)
{
	while (loop_step(control_rig.loop, 0) > 0)
		;
}

int control_rig_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, control_rig.path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* the kernel notes who connects, by effective ids */
int control_rig_connect_as(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups)
{
	gid_t own[64];
	int n_own = getgroups(64, own), fd;

	ck_assert_int_ge(n_own, 0);
	ck_assert_int_eq(setgroups(n_groups, groups), 0);
	ck_assert_int_eq(setegid(gid), 0);
	ck_assert_int_eq(seteuid(uid), 0);
	fd = control_rig_connect();
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(setegid(0), 0);
	ck_assert_int_eq(setgroups(n_own, own), 0);
	return fd;
}

struct json_object *control_rig_ask(int fd, const char *request, size_t size)
{
	static char text[CONTROL_MESSAGE_MAX + 1];
	ssize_t n;

	ck_assert_int_eq(send(fd, request, size, MSG_NOSIGNAL), size);
	control_rig_turn();
	n = recv(fd, text, sizeof(text) - 1, 0);
	if (n == 0)
		return NULL;
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	return json_tokener_parse(text);
}

struct json_object *control_rig_member(struct json_object *object, const char *key)
{
	struct json_object *value;

	ck_assert_msg(json_object_object_get_ex(object, key, &value), "no %s", key);
	return value;
}

uint64_t control_rig_number(struct json_object *object, const char *key)
{
	struct json_object *value = control_rig_member(object, key);

	ck_assert(json_object_is_type(value, json_type_int));
	return json_object_get_uint64(value);
}
