/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which file a number of a caller's stands for, without a hand on that file. */
#ifndef DELIVER_WHOSE_H
#define DELIVER_WHOSE_H

#include <sys/types.h>

#include "deliver/deliver.h"

/**
 * whose_fd() - which file is it?
 * @tid:	a thread that waits in a call, so that it can't be another one's number meanwhile
 * @number:	in that thread's own table
 * @ret:	the file; ino 0 where it is open, but can't be one of ours
 *
 * Return: 0, -EBADF (not open), -EACCES (looking is forbidden), -ESRCH (the thread is gone).
 */
int whose_fd(pid_t tid, int32_t number, struct deliver_file *ret);

#endif
