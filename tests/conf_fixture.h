/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A configuration file made of a text, and what conf_read() says of it.
 */
#ifndef TESTS_CONF_FIXTURE_H
#define TESTS_CONF_FIXTURE_H

#include "daemon/conf.h"

extern char conf_path[64];  /* the file that was read last */
extern char conf_said[512]; /* what was said on stderr then */

/* conf_read() of a file of @size bytes, on a machine of @memory bytes */
int conf_read_bytes(struct settings *settings, uint64_t memory, const char *text, size_t size);

/* of 1 GiB */
int conf_read_text(struct settings *settings, const char *text);

/* it said one line, which names the file, @line of it, and has @names in it */
void conf_assert_said(int line, const char *names);

#endif
