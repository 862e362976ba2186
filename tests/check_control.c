// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/front/control.c */
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attr.h"
#include "core/check.h"
#include "daemon/priv.h"
#include "fake_deliver.h"
#include "front/control.h"
#include "memory_fixture.h"

enum { MANY = 100 };

static struct rig {
	char dir[64], path[96];
	struct loop *loop;
	struct state *state;
	int state_fd, listener;
	struct memory memory;
	struct fake_deliver deliver;
	struct dispatch dispatch;
	struct control *control;
	struct fd_map standing;
} rig;

static const char *nodes[] = { "/dev/ion" };

/* as many as there were before the control socket was asked anything */
static void name_fds(struct check *check, void *user)
{
	for (size_t fd = 0; fd < rig.standing.n; fd++)
		if (fd_map_has(&rig.standing, fd))
			fd_map_remove(&check->unnamed, fd);
}

static void setup(void)
{
	struct dispatch_config dispatch;
	struct control_config config;

	strcpy(rig.dir, "/tmp/check_control.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig.dir));
	snprintf(rig.path, sizeof(rig.path), "%s/run/control", rig.dir);
	ck_assert_int_eq(loop_new(&rig.loop, LOOP_AUTO), 0);
	ck_assert_int_eq(state_create(&rig.state_fd), 0);
	ck_assert_int_eq(state_attach(&rig.state, rig.state_fd), 0);
	memory_start(&rig.memory, rig.state, rig.loop);
	fake_deliver_init(&rig.deliver);
	dispatch = (struct dispatch_config){
		.loop = rig.loop,
		.service = rig.memory.service,
		.deliver = &rig.deliver.deliver,
		.per_user = 4,
	};
	dispatch_init(&rig.dispatch, &dispatch);
	ck_assert_int_eq(priv_listen_control(&rig.listener, rig.path), 0);
	config = (struct control_config){
		.loop = rig.loop,
		.dispatch = &rig.dispatch,
		.listener = rig.listener,
		.nodes = nodes,
		.n_nodes = 1,
		.exporter = rig.memory.exporter_name,
		.name_fds = name_fds,
	};
	ck_assert_int_eq(control_new(&rig.control, &config), 0);
	ck_assert_int_eq(fd_map_read(&rig.standing), 0);
}

static void teardown(void)
{
	rig.control = control_free(rig.control);
	dispatch_deinit(&rig.dispatch);
	memory_deinit(&rig.memory);
	state_free(rig.state);
	close(rig.state_fd);
	close(rig.listener);
	loop_free(rig.loop);
	unlink(rig.path);
	*strrchr(rig.path, '/') = '\0';
	rmdir(rig.path);
	rmdir(rig.dir);
	fd_map_deinit(&rig.standing);
}

static int peer_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, rig.path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void turn(void)
{
	while (loop_step(rig.loop, 0) > 0)
		;
}

/* the answer to @request, or NULL where the service hung up */
static struct json_object *ask(int fd, const char *request, size_t size)
{
	char text[4096];
	ssize_t n;

	ck_assert_int_eq(send(fd, request, size, MSG_NOSIGNAL), size);
	turn();
	n = recv(fd, text, sizeof(text) - 1, 0);
	if (n == 0)
		return NULL;
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	return json_tokener_parse(text);
}

static int64_t number(struct json_object *object, const char *key)
{
	struct json_object *value;

	ck_assert(json_object_object_get_ex(object, key, &value));
	return json_object_get_int64(value);
}

START_TEST(status)
{
	static const char request[] = "{\"verb\":\"status\"}";
	const struct client_who who = { .uid = 1000, .tid = 1 };
	struct json_object *answer, *heaps;
	uint64_t fh;
	int fd = peer_connect();

	ck_assert_int_eq(dispatch_open(&rig.dispatch, &who, &fh), 0);
	answer = ask(fd, request, strlen(request));
	ck_assert_int_eq(number(answer, "clients"), 1);
	ck_assert_int_eq(number(answer, "buffers"), 0);
	ck_assert(json_object_object_get_ex(answer, "heaps", &heaps));
	ck_assert_uint_eq(json_object_array_length(heaps), 4);
	ck_assert_int_eq(number(json_object_array_get_idx(heaps, 0), "id"), 4);
	ck_assert_int_eq(number(json_object_array_get_idx(heaps, 3), "id"), 0);
	json_object_put(answer);

	dispatch_release(&rig.dispatch, fh);
	answer = ask(fd, request, strlen(request)); /* one connection, several questions */
	ck_assert_int_eq(number(answer, "clients"), 0);
	json_object_put(answer);
	close(fd);
	turn();
}
END_TEST

START_TEST(check)
{
	static const char request[] = "{\"verb\":\"check\"}";
	const struct client_who who = { .uid = 1000, .tid = 1 };
	struct json_object *answer;
	int fd = peer_connect(), stray;
	uint64_t fh;

	fd_map_deinit(&rig.standing);
	ck_assert_int_eq(fd_map_read(&rig.standing), 0); /* our end is in this process, too */
	ck_assert_int_eq(dispatch_open(&rig.dispatch, &who, &fh), 0);
	answer = ask(fd, request, strlen(request));
	ck_assert_int_eq(number(answer, "n-findings"), 0);
	ck_assert_int_eq(number(answer, "clients"), 1);
	json_object_put(answer);

	stray = dup(0);
	answer = ask(fd, request, strlen(request));
	ck_assert_int_eq(number(answer, "n-findings"), 1);
	json_object_put(answer);
	close(stray);
	dispatch_release(&rig.dispatch, fh);
	close(fd);
	turn();
}
END_TEST

static const char *const bad[] = {
	"",
	"{",
	"[]",
	"1",
	"{}",
	"{\"verb\":1}",
	"{\"verb\":\"no such\"}",
	"{\"verb\":\"status\",\"more\":1}",
	"{\"verb\":\"status\"} {}",
	"[[[[[[[[[[[[[[[[[[[[[[",
	"\xff\xfe",
};

START_TEST(bad_requests)
{
	struct json_object *answer, *error;
	int fd = peer_connect();

	/* an empty message is an end of file to its reader */
	answer = ask(fd, bad[_i], strlen(bad[_i]));
	if (!*bad[_i]) {
		ck_assert_ptr_null(answer);
	} else {
		ck_assert(json_object_object_get_ex(answer, "error", &error));
		json_object_put(answer);
	}
	close(fd);
	turn();
}
END_TEST

/* what stands behind a NUL is part of the request */
START_TEST(nul_byte)
{
	static const char request[] = "{\"verb\":\"status\"}\0 and more";
	struct json_object *answer, *error;
	int fd = peer_connect();

	answer = ask(fd, request, sizeof(request) - 1);
	ck_assert(json_object_object_get_ex(answer, "error", &error));
	json_object_put(answer);
	close(fd);
	turn();
}
END_TEST

START_TEST(too_large)
{
	char request[8192];
	int fd = peer_connect();

	memset(request, ' ', sizeof(request));
	ck_assert_ptr_null(ask(fd, request, sizeof(request)));
	close(fd);
}
END_TEST

/* a crowd of silent peers does not keep others out */
START_TEST(crowd)
{
	static const char request[] = "{\"verb\":\"status\"}";
	struct json_object *answer;
	int fds[MANY], fd;

	for (int i = 0; i < MANY; i++) {
		fds[i] = peer_connect();
		turn();
	}
	fd = peer_connect();
	answer = ask(fd, request, strlen(request));
	ck_assert_ptr_nonnull(answer);
	json_object_put(answer);
	close(fd);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	turn();
}
END_TEST

/* one that asks and never reads is let go, and costs nothing more */
START_TEST(deaf)
{
	static const char request[] = "{\"verb\":\"status\"}";
	int fd = peer_connect(), n = 0;

	while (send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 && n < 100000) {
		turn();
		n++;
	}
	ck_assert_int_eq(errno, EPIPE);
	close(fd);
}
END_TEST

START_TEST(two_services)
{
	int fd = -1;

	ck_assert_int_eq(priv_listen_control(&fd, rig.path), -EADDRINUSE);
	ck_assert_int_eq(fd, -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tcase = tcase_create("control");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, status);
	tcase_add_test(tcase, check);
	tcase_add_loop_test(tcase, bad_requests, 0, ARRAY_SIZE(bad));
	tcase_add_test(tcase, nul_byte);
	tcase_add_test(tcase, too_large);
	tcase_add_test(tcase, crowd);
	tcase_add_test(tcase, deaf);
	tcase_add_test(tcase, two_services);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
