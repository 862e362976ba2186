// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzz target: the control socket. Peers connect, send messages of any content and hang up in any
 * order.
 *
 * The input is lines: 'c' connects a further peer, 'x' and a digit hang up, 'q' and a digit ask for
 * the status, 'l' and a digit ask for the buffers, page after page, 'k' for the clients; 'o' opens
 * a client of the service, 'b' makes a buffer of the newest one's, 'e' ends one; any other letter
 * and a digit send the rest of the line (a byte 1 stands for a newline); 'L' sends what is too
 * long. Asserted: each message that is neither empty nor too long has exactly one answer, which is
 * JSON with "error" or with what was asked for and as many as there are; the others are hung up on;
 * no fd is left.
 */
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "core/alloc.h"
#include "core/file.h"
#include "front/control.h"
#include "fuzz.h"
#include "fuzz_rig.h"

enum { PEERS_MAX = 40, CLIENTS_MAX = 4, BUFFERS_MAX = 32, REQUEST_MAX = 4095 };

/* what is known of a request: nothing, it must be answered, it must be refused */
enum request { REQUEST_ANY, REQUEST_GOOD, REQUEST_BAD };

struct peers {
	struct fuzz_rig *rig;
	struct sockaddr_un address;
	socklen_t address_size;
	int listener;
	int fds[PEERS_MAX];
	size_t n;
	uint64_t clients[CLIENTS_MAX];
	size_t n_clients;
	int buffers[BUFFERS_MAX]; /* their files */
	size_t n_buffers;
	char after[32]; /* of the last answer; "": it was the last page */
	size_t n_listed;
};

static const char *nodes[] = { "/dev/ion" };

static void name_no_fds(struct check *check, void *user)
{
}

static void peers_listen(struct peers *peers, struct control **control)
{
	const struct control_config config = {
		.loop = peers->rig->loop,
		.dispatch = &peers->rig->dispatch,
		.listener = peers->listener,
		.nodes = nodes,
		.n_nodes = ARRAY_SIZE(nodes),
		.exporter = "memfd",
		.name_fds = name_no_fds,
	};
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	/* a family without a name: the kernel picks one that is free */
	ck_assert_int_eq(bind(peers->listener, (void *)&any, sizeof(any.sun_family)), 0);
	ck_assert_int_eq(listen(peers->listener, PEERS_MAX), 0);
	peers->address_size = sizeof(peers->address);
	ck_assert_int_eq(
		getsockname(peers->listener, (void *)&peers->address, &peers->address_size), 0);
	ck_assert_int_eq(control_new(control, &config), 0);
}

static void peers_connect(struct peers *peers)
{
	int fd;

	if (peers->n == PEERS_MAX)
		return;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (void *)&peers->address, peers->address_size), 0);
	peers->fds[peers->n++] = fd;
	fuzz_rig_turn(peers->rig);
}

static void peers_close(struct peers *peers, size_t i)
{
	fd_close(peers->fds[i]);
	peers->fds[i] = peers->fds[--peers->n];
	fuzz_rig_turn(peers->rig);
}

/* ---- answers ---- */

static uint64_t answer_number(struct json_object *answer, const char *key)
{
	struct json_object *value;

	ck_assert(json_object_object_get_ex(answer, key, &value));
	ck_assert(json_object_is_type(value, json_type_int));
	return json_object_get_uint64(value);
}

static void check_page(struct peers *peers, struct json_object *answer, const char *key, size_t n)
{
	struct json_object *entries, *after;

	ck_assert(json_object_object_get_ex(answer, key, &entries));
	peers->n_listed = json_object_array_length(entries) + answer_number(answer, "others");
	ck_assert_uint_le(peers->n_listed, n);
	peers->after[0] = '\0';
	if (json_object_object_get_ex(answer, "after", &after))
		snprintf(peers->after, sizeof(peers->after), "%s", json_object_get_string(after));
}

static void check_good(struct peers *peers, struct json_object *answer)
{
	struct json_object *value;

	if (json_object_object_get_ex(answer, "others", NULL)) {
		if (json_object_object_get_ex(answer, "buffers", NULL))
			check_page(peers, answer, "buffers", peers->n_buffers);
		else
			check_page(peers, answer, "clients", peers->n_clients);
	} else if (json_object_object_get_ex(answer, "areas", NULL)) {
		ck_assert(json_object_object_get_ex(answer, "heaps", &value));
		ck_assert_uint_eq(json_object_array_length(value), RIG_HEAPS);
	} else {
		ck_assert_uint_eq(answer_number(answer, "clients"), peers->n_clients);
		ck_assert_uint_eq(answer_number(answer, "buffers"), peers->n_buffers);
	}
}

static void check_answer(struct peers *peers, const char *text, size_t size, enum request request)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *answer = json_tokener_parse_ex(tokener, text, size);
	struct json_object *error = NULL;

	ck_assert(json_object_is_type(answer, json_type_object));
	if (json_object_object_get_ex(answer, "error", &error)) {
		ck_assert_int_ne(request, REQUEST_GOOD);
		ck_assert_int_eq(json_object_object_length(answer), 1);
	} else {
		ck_assert_int_ne(request, REQUEST_BAD);
		check_good(peers, answer);
	}
	json_object_put(answer);
	json_tokener_free(tokener);
}

static void peers_send(struct peers *peers, size_t i, const void *text, size_t size,
		       enum request request)
{
	static char answer[CONTROL_MESSAGE_MAX + 1];
	ssize_t n;

	if (send(peers->fds[i], text, size, MSG_NOSIGNAL) < 0) {
		ck_assert_int_eq(errno, EPIPE); /* it had to make way for others */
		peers_close(peers, i);
		return;
	}
	fuzz_rig_turn(peers->rig);
	n = recv(peers->fds[i], answer, sizeof(answer) - 1, 0);
	if (!size || size > REQUEST_MAX) {
		ck_assert_int_le(n, 0);
		ck_assert(n == 0 || errno == ECONNRESET);
		peers_close(peers, i);
		return;
	}
	ck_assert_int_gt(n, 0);
	check_answer(peers, answer, n, request);
	ck_assert_int_eq(recv(peers->fds[i], answer, sizeof(answer), 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

static void peers_send_long(struct peers *peers, size_t i)
{
	static const char text[REQUEST_MAX + 1] = "{\"verb\":\"status\"}";

	peers_send(peers, i, text, sizeof(text), REQUEST_BAD);
}

/* ---- the script ---- */

static void open_client(struct peers *peers)
{
	const struct client_who who = { .uid = 1000 + peers->n_clients, .tid = 1 };

	if (peers->n_clients < CLIENTS_MAX &&
	    dispatch_open(&peers->rig->dispatch, &who, &peers->clients[peers->n_clients]) == 0)
		peers->n_clients++;
}

static void make_buffer(struct peers *peers)
{
	const struct alloc_want want = { .len = 4096, .mask = 1 };
	struct service *service = peers->rig->service;
	struct alloc_done done;
	struct alloc *alloc;

	if (!peers->n_clients || peers->n_buffers == BUFFERS_MAX ||
	    alloc_begin(&alloc, service_client(service, peers->clients[peers->n_clients - 1]),
			&want) < 0)
		return;
	alloc_run(alloc);
	ck_assert_int_eq(alloc_finish(alloc, &done), 0);
	peers->buffers[peers->n_buffers++] = done.fd;
	file_delivered(done.file);
}

static void end_buffer(struct peers *peers)
{
	if (peers->n_buffers)
		fd_close(peers->buffers[--peers->n_buffers]);
}

/* a peer may have to make way for another while it asks: @i is out of date then */
static void list_all(struct peers *peers, size_t i, const char *verb, size_t n)
{
	size_t listed = 0, n_peers = peers->n;
	char request[96];
	int size;

	size = snprintf(request, sizeof(request), "{\"verb\":\"%s\"}", verb);
	for (;;) {
		peers_send(peers, i, request, size, REQUEST_GOOD);
		if (peers->n != n_peers)
			return;
		listed += peers->n_listed;
		if (!peers->after[0])
			break;
		size = snprintf(request, sizeof(request), "{\"verb\":\"%s\",\"after\":\"%s\"}",
				verb, peers->after);
	}
	ck_assert_uint_eq(listed, n);
}

static void run_line(struct peers *peers, uint8_t *line, size_t size)
{
	static const char status[] = "{\"verb\":\"status\"}";
	struct fuzz_bytes bytes = { line, line + size };
	uint8_t what = fuzz_byte(&bytes);
	size_t i;

	if (what == 'c' || !peers->n)
		peers_connect(peers);
	i = fuzz_pick(&bytes, peers->n);
	for (uint8_t *at = line; at < line + size; at++)
		*at = *at == 1 ? '\n' : *at;
	switch (what) {
	case 'c':
		break;
	case 'o':
		open_client(peers);
		break;
	case 'x':
		peers_close(peers, i);
		break;
	case 'q':
		peers_send(peers, i, status, strlen(status), REQUEST_GOOD);
		break;
	case 'l':
		list_all(peers, i, "buffers", peers->n_buffers);
		break;
	case 'k':
		list_all(peers, i, "clients", peers->n_clients);
		break;
	case 'b':
		make_buffer(peers);
		break;
	case 'e':
		end_buffer(peers);
		break;
	case 'L':
		peers_send_long(peers, i);
		break;
	default:
		peers_send(peers, i, bytes.at, fuzz_left(&bytes),
			   memchr(bytes.at, '\0', fuzz_left(&bytes)) ? REQUEST_BAD : REQUEST_ANY);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peers peers = { .rig = fuzz_rig_up(&(struct wire_policy){ 0 }, 0) };
	uint8_t *text = malloc(size + 1), *at = text, *newline;
	struct control *control;

	peers.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	peers_listen(&peers, &control);
	memcpy(text, data, size);
	text[size] = '\n';
	while (at <= text + size) {
		newline = memchr(at, '\n', text + size + 1 - at);
		run_line(&peers, at, newline - at);
		at = newline + 1;
	}
	free(text);

	while (peers.n)
		peers_close(&peers, 0);
	control_free(control);
	fd_close(peers.listener);
	while (peers.n_buffers)
		end_buffer(&peers);
	while (peers.n_clients)
		dispatch_release(&peers.rig->dispatch, peers.clients[--peers.n_clients]);
	fuzz_rig_down(peers.rig);
	return 0;
}
