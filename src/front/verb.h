/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs of the dispatcher, a file each: verb_<name>.c. A call that was decoded is theirs until
 * call_end(), which must come exactly once.
 */
#ifndef FRONT_VERB_H
#define FRONT_VERB_H

#include "front/call.h"

void verb_alloc(struct call *call);	     /* with a file, or with a handle */
void verb_alloc_dma_heap(struct call *call); /* with a file */
void verb_free(struct call *call);
void verb_share(struct call *call);
void verb_import(struct call *call);
void verb_sync(struct call *call);
void verb_query(struct call *call);
void verb_version(struct call *call);

/* the end of some: the caller is given @fd, consumed, of @file; its number goes to @offset of the
 * caller's struct */
void verb_give(struct call *call, struct file *file, int fd, size_t offset);

#endif
