/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clears memory that the hardware may have lost: a page that has gone bad raises SIGBUS when it is
 * touched, and that must cost the page and not the process.
 */
#ifndef MEM_CLEAR_H
#define MEM_CLEAR_H

#include <stddef.h>

/*
 * From now on clear_memory() survives SIGBUS; one that comes from elsewhere ends the process as
 * before. The handler is the process's: to be called once, before threads are. Return: 0, or a
 * negative error.
 */
int clear_catch_sigbus(void);

/*
 * Zero @size bytes at @memory, both multiples of 64, by non-temporal stores. Any thread, also one
 * that blocks all signals. Return: 0, or -EIO where some of it can't be touched.
 */
int clear_memory(void *memory, size_t size);

#endif
