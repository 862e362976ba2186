/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The backend on poll(2), for hosts and containers that refuse io_uring.
 */
#ifndef LOOP_POLL_H
#define LOOP_POLL_H

#include "loop/backend.h"

/* Return: 0 or -ENOMEM */
int poll_backend_new(struct loop_backend **ret);

#endif
