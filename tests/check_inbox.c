// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/deliver/inbox.c: what comes from the one that it is for, and from nobody else */
#include <check.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/inbox.h"

static struct sockaddr_nl address(uint32_t number)
{
	return (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = number };
}

static uint32_t theirs(const struct inbox *inbox)
{
	return inbox->word | 1u << inbox->bit;
}

static uint32_t ours(const struct inbox *inbox)
{
	return theirs(inbox) ^ 1u << inbox->other;
}

/* a caller's socket, of that number; 0: of any */
static int sender(uint32_t number)
{
	struct sockaddr_nl name = address(number);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

static int send_to(int fd, const struct inbox *inbox, const char *text)
{
	struct sockaddr_nl name = address(ours(inbox));

	return sendto(fd, text, strlen(text), MSG_DONTWAIT, (struct sockaddr *)&name,
		      sizeof(name)) < 0
		       ? -errno
		       : 0;
}

START_TEST(receive)
{
	struct inbox inbox = INBOX_INIT;
	char bytes[8] = { 0 };
	int right, wrong;

	ck_assert_int_eq(inbox_open(&inbox), 0);
	ck_assert_int_eq(inbox_receive(&inbox, bytes, sizeof(bytes)), -EAGAIN);
	wrong = sender(0);
	ck_assert_int_lt(send_to(wrong, &inbox, "forged"), 0);
	right = sender(theirs(&inbox));
	ck_assert_int_eq(send_to(right, &inbox, "right"), 0);
	ck_assert_int_lt(send_to(wrong, &inbox, "forged"), 0);
	ck_assert_int_eq(inbox_receive(&inbox, bytes, sizeof(bytes)), 5);
	ck_assert_str_eq(bytes, "right");
	ck_assert_int_eq(send_to(right, &inbox, "too long for it"), 0);
	ck_assert_int_eq(inbox_receive(&inbox, bytes, sizeof(bytes)), -EMSGSIZE);
	ck_assert_int_eq(inbox_receive(&inbox, bytes, sizeof(bytes)), -EAGAIN);
	close(right);
	close(wrong);
	ck_assert_ptr_null(inbox_close(&inbox));
	ck_assert_int_eq(inbox.fd, -1);
}
END_TEST

/* many at once are all different, and each number can be made as a caller makes it */
START_TEST(numbers)
{
	struct inbox many[200];

	for (int i = 0; i < 200; i++) {
		many[i] = (struct inbox)INBOX_INIT;
		ck_assert_int_eq(inbox_open(&many[i]), 0);
		ck_assert(many[i].word >= 1 && many[i].word <= 2047);
		ck_assert(many[i].bit >= 11 && many[i].bit <= 30);
		ck_assert(many[i].other >= 11 && many[i].other <= 30);
		ck_assert_uint_ne(many[i].bit, many[i].other);
	}
	for (int i = 0; i < 200; i++)
		inbox_close(&many[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inbox");
	TCase *tcase = tcase_create("inbox");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, receive);
	tcase_add_test(tcase, numbers);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
