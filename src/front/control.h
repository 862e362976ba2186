/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The control socket: one JSON object per SEQPACKET message, one answer each (cusion(1), PROTOCOL).
 * Who asks is told by SO_PEERCRED at the accept.
 */
#ifndef FRONT_CONTROL_H
#define FRONT_CONTROL_H

#include "base/attr.h"
#include "front/dispatch.h"
#include "front/listing.h"

struct check;
struct control;

enum { CONTROL_MESSAGE_MAX = 64 << 10 };

struct control_config {
	struct loop *loop;
	struct dispatch *dispatch;
	int listener;	    /* borrowed, listening, O_NONBLOCK */
	const char **nodes; /* paths that are served */
	size_t n_nodes;
	const char *exporter; /* what buffers are exported by */
	gid_t group;	      /* its members see what is of all users; 0: there is none */
	const struct listing_missing *missing; /* heaps that can't be */
	size_t n_missing;
	void (*name_fds)(struct check *check, void *user); /* for `check`: those of the daemon */
	void *user;
};

/* @config is copied, what it names is borrowed. Return: 0 or a negative error. */
int control_new(struct control **ret, const struct control_config *config);
struct control *control_free(struct control *control);
DEFINE_CLEANUP(struct control *, control_free);

#endif
