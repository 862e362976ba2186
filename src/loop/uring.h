/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The backend on io_uring: one system call ends a turn and waits for the next.
 */
#ifndef LOOP_URING_H
#define LOOP_URING_H

#include "loop/backend.h"

/* Return: 0, -EOPNOTSUPP (a kernel before 5.11) or the error of io_uring_setup(2) */
int uring_backend_new(struct loop_backend **ret);

#endif
