// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/front/control.c */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "control_rig.h"
#include "daemon/priv.h"

enum { MANY = 100 };

START_TEST(status)
{
	static const char request[] = "{\"verb\":\"status\"}";
	const struct client_who who = { .uid = 1000, .tid = 1 };
	struct json_object *answer, *heaps;
	uint64_t fh;
	int fd = control_rig_connect();

	ck_assert_int_eq(dispatch_open(&control_rig.dispatch, &who, &fh), 0);
	answer = control_rig_ask(fd, request, strlen(request));
	ck_assert_int_eq(control_rig_number(answer, "clients"), 1);
	ck_assert_int_eq(control_rig_number(answer, "buffers"), 0);
	ck_assert(json_object_object_get_ex(answer, "heaps", &heaps));
	ck_assert_uint_eq(json_object_array_length(heaps), 4);
	ck_assert_int_eq(control_rig_number(json_object_array_get_idx(heaps, 0), "id"), 4);
	ck_assert_int_eq(control_rig_number(json_object_array_get_idx(heaps, 3), "id"), 0);
	json_object_put(answer);

	dispatch_release(&control_rig.dispatch, fh);
	answer = control_rig_ask(fd, request,
				 strlen(request)); /* one connection, several questions */
	ck_assert_int_eq(control_rig_number(answer, "clients"), 0);
	json_object_put(answer);
	close(fd);
	control_rig_turn();
}
END_TEST

START_TEST(check)
{
	static const char request[] = "{\"verb\":\"check\"}";
	const struct client_who who = { .uid = 1000, .tid = 1 };
	struct json_object *answer;
	int fd = control_rig_connect(), stray;
	uint64_t fh;

	fd_map_deinit(&control_rig.standing);
	ck_assert_int_eq(fd_map_read(&control_rig.standing),
			 0); /* our end is in this process, too */
	ck_assert_int_eq(dispatch_open(&control_rig.dispatch, &who, &fh), 0);
	answer = control_rig_ask(fd, request, strlen(request));
	ck_assert_int_eq(control_rig_number(answer, "n-findings"), 0);
	ck_assert_int_eq(control_rig_number(answer, "clients"), 1);
	json_object_put(answer);

	stray = dup(0);
	answer = control_rig_ask(fd, request, strlen(request));
	ck_assert_int_eq(control_rig_number(answer, "n-findings"), 1);
	json_object_put(answer);
	close(stray);
	dispatch_release(&control_rig.dispatch, fh);
	close(fd);
	control_rig_turn();
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
	"{\"verb\":\"status\\u0000\"}",
	"{\"verb\":\"status\",\"after\":\"1\"}",
	"{\"verb\":\"heaps\",\"after\":\"1\"}",
	"{\"verb\":\"clients\",\"physical\":true}",
	"{\"verb\":\"clients\",\"uid\":0}",
	"{\"verb\":\"clients\",\"after\":1}",
	"{\"verb\":\"clients\",\"after\":null}",
	"{\"verb\":\"buffers\",\"physical\":1}",
	"{\"verb\":\"buffers\",\"physical\":\"true\"}",
	"{\"verb\":\"buffers\",\"after\":\"\"}",
	"{\"verb\":\"buffers\",\"after\":\"0x1\"}",
	"{\"verb\":\"buffers\",\"after\":\"1 \"}",
	"{\"verb\":\"buffers\",\"after\":\"-1\"}",
	"{\"verb\":\"buffers\",\"after\":\"A\"}",
	"{\"verb\":\"buffers\",\"after\":\"1\\u0000\"}",
	"{\"verb\":\"buffers\",\"after\":\"11112222333344445\"}",
	"{\"verb\":\"buffers\",\"after\":[\"1\"]}",
};

START_TEST(bad_requests)
{
	struct json_object *answer, *error;
	int fd = control_rig_connect();

	/* an empty message is an end of file to its reader */
	answer = control_rig_ask(fd, bad[_i], strlen(bad[_i]));
	if (!*bad[_i]) {
		ck_assert_ptr_null(answer);
	} else {
		ck_assert(json_object_object_get_ex(answer, "error", &error));
		json_object_put(answer);
	}
	close(fd);
	control_rig_turn();
}
END_TEST

/* what stands behind a NUL is part of the request */
START_TEST(nul_byte)
{
	static const char request[] = "{\"verb\":\"status\"}\0 and more";
	struct json_object *answer, *error;
	int fd = control_rig_connect();

	answer = control_rig_ask(fd, request, sizeof(request) - 1);
	ck_assert(json_object_object_get_ex(answer, "error", &error));
	json_object_put(answer);
	close(fd);
	control_rig_turn();
}
END_TEST

START_TEST(too_large)
{
	char request[8192];
	int fd = control_rig_connect();

	memset(request, ' ', sizeof(request));
	ck_assert_ptr_null(control_rig_ask(fd, request, sizeof(request)));
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
		fds[i] = control_rig_connect();
		control_rig_turn();
	}
	fd = control_rig_connect();
	answer = control_rig_ask(fd, request, strlen(request));
	ck_assert_ptr_nonnull(answer);
	json_object_put(answer);
	close(fd);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	control_rig_turn();
}
END_TEST

/* one that asks and never reads is let go, and costs nothing more */
START_TEST(deaf)
{
	static const char request[] = "{\"verb\":\"status\"}";
	int fd = control_rig_connect(), n = 0;

	while (send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 && n < 100000) {
		control_rig_turn();
		n++;
	}
	ck_assert_int_eq(errno, EPIPE);
	close(fd);
}
END_TEST

START_TEST(two_services)
{
	int fd = -1;

	ck_assert_int_eq(priv_listen_control(&fd, control_rig.path), -EADDRINUSE);
	ck_assert_int_eq(fd, -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tcase = tcase_create("control");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, control_rig_up, control_rig_down);
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
