/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Faults on purpose: the tests are linked with --wrap, so that the n-th call of any of the
 * functions in fault.c fails, whichever it is. And what is counted to see that nothing leaks.
 */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <stdbool.h>

/* from now on, let the @nth call (from 1) of a wrapped function fail */
void fault_arm(unsigned int nth);

/* no more faults. Return: whether one was made. */
bool fault_disarm(void);

/* for wrappers of a test's own: is it this call's turn? errno is set then. */
bool fault_now(int error);

/* called, where it is set, right after a lease was had by fcntl() */
extern void (*fault_leased)(int fd);

/* this process's open fds */
unsigned int open_fds(void);

#endif
