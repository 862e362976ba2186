/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verb ALLOC, in three calls, as its middle may be slow:
 *
 *	alloc_begin()	checks, charges, reserves; in the service's thread
 *	alloc_run()	fills and exports; in any thread
 *	alloc_finish()	publishes or undoes; in the service's thread
 */
#ifndef CORE_ALLOC_H
#define CORE_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"

struct alloc;
struct client;
struct file;

enum {
	_ALLOC_OK,
	ALLOC_E_AGAIN, /* that heap could not: run it again, for the next one */
};

#define ALLOC_SLOW_BYTES (256u << 10)

struct alloc_want {
	uint64_t unique; /* of the request */
	uint64_t len;	 /* as asked for, not rounded */
	uint32_t mask;	 /* of heap ids, aliases too */
	uint32_t flags;
	uint64_t align; /* bytes, any number; 0: any */
	uint32_t tid;	/* of the caller */
	bool handle;	/* no file is made of it, but a handle */
};

/* what an allocation came to */
struct alloc_done {
	uint32_t handle;   /* where one was wanted; else: */
	struct file *file; /* alive at least until file_delivered(), which must be called */
	int fd;		   /* the file, owned by the caller, to be handed to the client */
};

/*
 * Return: 0; -EINVAL: no such length; -ENODEV: no heap in the mask; -ENOMEM: no heap has room, or
 * the user or the client may have no more; or another negative error.
 */
int alloc_begin(struct alloc **ret, struct client *client, const struct alloc_want *want);

/* give it up instead of finishing it, while alloc_run() isn't running */
struct alloc *alloc_free(struct alloc *alloc);
DEFINE_CLEANUP(struct alloc *, alloc_free);

/* worth a thread of its own, or not to be run in the service's */
bool alloc_is_slow(const struct alloc *alloc);

/* touches no object of the core but @alloc's own, which nobody else may touch meanwhile; the client
 * may go */
void alloc_run(struct alloc *alloc);

/**
 * alloc_finish() - publish what alloc_run() made, or undo it
 * @alloc:	consumed, unless the result is ALLOC_E_AGAIN
 * @ret:	what it came to; untouched on failure
 *
 * Return: 0, ALLOC_E_AGAIN, the errno of the last heap tried, or -ECANCELED: the client is gone.
 */
int alloc_finish(struct alloc *alloc, struct alloc_done *ret);

#endif
