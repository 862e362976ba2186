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

int cusion_ask(struct json_object **ret, const char *verb)
{
	const char *path = control_path();
	_cleanup_(fd_closep) int fd = -1;
	_cleanup_(freep) char *text = malloc(ANSWER_MAX + 1);
	struct json_object *answer, *error;
	char request[128];
	ssize_t n;
	int r;

	if (!text)
		return EXIT_FAILURE;
	r = control_connect(&fd, path);
	if (r < 0) {
		fprintf(stderr, "cusion: no service answers on %s: %s\n", path, strerror(-r));
		fprintf(stderr, "cusion: start it by 'systemctl start cusiond', or cusiond(8)\n");
		return EXIT_NO_SERVICE;
	}
	n = snprintf(request, sizeof(request), "{\"verb\":\"%s\"}", verb);
	if (send(fd, request, n, MSG_NOSIGNAL) < 0 || (n = recv(fd, text, ANSWER_MAX, 0)) <= 0) {
		fprintf(stderr, "cusion: the service does not answer\n");
		return EXIT_FAILURE;
	}
	text[n] = '\0';

	answer = json_tokener_parse(text);
	if (!answer || json_object_object_get_ex(answer, "error", &error)) {
		fprintf(stderr, "cusion: %s: %s\n", verb,
			answer ? json_object_get_string(error) : "an answer that is no JSON");
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
