/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much memory the service holds for its clients, by the word of a command (option -c): a client
 * of the tests knows nothing of the service. A buffer's end is noticed asynchronously, so that what
 * is to come back is waited for, within a bound.
 */
#ifndef CLIENT_HELD_H
#define CLIENT_HELD_H

#include <stdbool.h>
#include <stdint.h>

int64_t held_bytes(const char *command);	       /* ends the program if there is no number */
bool held_becomes(const char *command, int64_t bytes); /* false, and told, if it doesn't */

#endif
