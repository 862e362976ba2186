// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/fd.h"
#include "cli/cusion.h"

#define ANSWER_MAX (64 << 10)

static const char *control_path(void)
{
	const char *path = getenv("CUSION_CONTROL");

	return path ? path : CUSION_RUNDIR "/control";
}

static int control_connect(int *ret_fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = 5 };
	_cleanup_(fd_closep) int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*ret_fd = fd_steal(&fd);
	return 0;
}

int control_ask(struct json_object **ret, const char *verb)
{
	_cleanup_(fd_closep) int fd = -1;
	_cleanup_(freep) char *text = malloc(ANSWER_MAX + 1);
	char request[128];
	ssize_t n;
	int r;

	if (!text)
		return -ENOMEM;
	r = control_connect(&fd, control_path());
	if (r < 0)
		return r;
	n = snprintf(request, sizeof(request), "{\"verb\":\"%s\"}", verb);
	if (send(fd, request, n, MSG_NOSIGNAL) < 0 || (n = recv(fd, text, ANSWER_MAX, 0)) <= 0)
		return -ETIMEDOUT;
	text[n] = '\0';
	*ret = json_tokener_parse(text);
	return *ret ? 0 : -EBADMSG;
}

int cusion_ask(struct json_object **ret, const char *verb)
{
	struct json_object *answer, *error;
	int r;

	r = control_ask(&answer, verb);
	if (r == -ETIMEDOUT || r == -EBADMSG) {
		fprintf(stderr, "cusion: the service %s\n",
			r == -ETIMEDOUT ? "does not answer" : "answers what is no JSON");
		return EXIT_FAILURE;
	}
	if (r < 0) {
		fprintf(stderr, "cusion: no service answers on %s: %s\n", control_path(),
			strerror(-r));
		fprintf(stderr, "cusion: start it by 'systemctl start cusiond', or cusiond(8); "
				"'cusion doctor' says what it lacks\n");
		return EXIT_NO_SERVICE;
	}
	if (json_object_object_get_ex(answer, "error", &error)) {
		fprintf(stderr, "cusion: %s: %s\n", verb, json_object_get_string(error));
		json_object_put(answer);
		return EXIT_FAILURE;
	}
	*ret = answer;
	return 0;
}

uint64_t answer_u64(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_uint64(value) : 0;
}

const char *answer_text(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}
