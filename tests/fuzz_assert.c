// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ck_assert() outside of libcheck: a fuzz target is no test of a suite, and libFuzzer wants an
 * abort() with the stack as it is. The fakes assert by libcheck's macros; these are its two
 * functions behind them.
 */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void _mark_point(const char *file, int line)
{
}

void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: %s", file, line, expr);
	va_start(args, msg);
	if (msg) {
		fputs(": ", stderr);
		vfprintf(stderr, msg, args);
	}
	va_end(args);
	fputc('\n', stderr);
	abort();
}
