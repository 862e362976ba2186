/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of users and threads, as people know them. */
#ifndef CLI_PEOPLE_H
#define CLI_PEOPLE_H

#include <stddef.h>
#include <stdint.h>

enum { PEOPLE_NAME_SIZE = 64 };

/* the user's name, or his number. Return: @text. */
const char *user_name(char text[PEOPLE_NAME_SIZE], uint32_t uid);

/* what the thread calls itself, or "-" where it is gone or not to be seen; it may be another one
 * that has its number by now. Return: @text. */
const char *thread_name(char text[PEOPLE_NAME_SIZE], uint32_t tid);

#endif
