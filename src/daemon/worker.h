/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker: the process that serves. It decodes, allocates, records and answers; it runs as its
 * own user without capabilities and never touches a caller. It shares the keeper's fd table, so
 * what it opens and closes is open and closed there too.
 */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <stdint.h>
#include <sys/types.h>

#include "daemon/doors.h"
#include "daemon/injector.h"
#include "daemon/options.h"

struct worker_config {
	const struct settings *settings;
	const struct doors *doors; /* by the index of the channel */
	int state;		   /* memfd, core/state.h */
	int udmabuf;		   /* or -1 */
	int buffers;		   /* channel of the file system of buffers' files, or -1 */
	int opener;		   /* SEQPACKET to who opens these, daemon/opener.h */
	int control;		   /* listening socket */
	int keeper;		   /* SEQPACKET: worker_message out, keeper_message in */
	int sockets[TRACERS_MAX];  /* to the tracers */
	size_t n_sockets;
	uid_t uid; /* to become, these two */
	gid_t gid;
};

enum worker_message {
	WORKER_SERVES = 1, /* every door has shaken hands with the kernel */
};

/* the injector died; its successor is at these sockets */
struct keeper_message {
	uint32_t n_sockets;
	int sockets[TRACERS_MAX];
};

/* runs until SIGTERM, or until the kernel has closed every channel. Return: the exit status. */
int worker_run(const struct worker_config *config);

#endif
