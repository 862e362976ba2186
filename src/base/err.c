// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/err.h"

#include <string.h>

#include "base/log.h"

/**
 * err_born() - say at debug level where an error came up; use err_origin()
 * @r:		the error, or anything not negative
 * @function:	where
 * @file:	where
 * @line:	where
 *
 * Return: @r.
 */
int err_born(int r, const char *function, const char *file, int line)
{
	if (r < 0)
		log_debug("error", "%s() %s:%d: %s", function, file, line, strerror(-r));
	return r;
}
