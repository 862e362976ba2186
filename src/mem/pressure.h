/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is the machine short of memory?
 */
#ifndef MEM_PRESSURE_H
#define MEM_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * No more than a sixteenth of memory is to be had, or, where the kernel measures it, tasks have
 * waited for memory for more than a tenth of the last ten seconds. Two small reads of /proc, some
 * 20 µs: for a timer. Where nothing can be read, it is not.
 */
bool pressure_is_high(void);

/* bytes that may be taken before it is; UINT64_MAX where nothing can be read */
uint64_t pressure_spare(void);

#endif
