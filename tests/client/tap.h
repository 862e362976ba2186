/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TAP output for programs that check in one thread of one file. The plan comes last; tap_limit()
 * bounds the whole program in time and leaves SIGALRM to whoever needs an interval timer.
 */
#ifndef CLIENT_TAP_H
#define CLIENT_TAP_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int tap_count;
static int tap_failed;

__attribute__((format(printf, 1, 2))) static inline void tap_diag(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

static inline bool tap_line(bool good, const char *format, va_list args)
{
	tap_count++;
	tap_failed += !good;
	printf("%sok %d - ", good ? "" : "not ", tap_count);
	vprintf(format, args);
	printf("\n");
	return good;
}

__attribute__((format(printf, 2, 3))) static inline bool tap_ok(bool good, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tap_line(good, format, args);
	va_end(args);
	return good;
}

/* numbers that should be equal */
__attribute__((format(printf, 3, 4))) static inline bool tap_equal(long long got, long long want,
								   const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!tap_line(got == want, format, args))
		tap_diag("got %lld, expected %lld", got, want);
	va_end(args);
	return got == want;
}

/* a result as the kernel gives it: @got is >= 0 or -errno, @want is 0 or an errno */
__attribute__((format(printf, 3, 4))) static inline bool tap_errno(int got, int want,
								   const char *format, ...)
{
	bool good = want ? got == -want : got >= 0;
	va_list args;

	va_start(args, format);
	if (!tap_line(good, format, args))
		tap_diag("got %s, expected %s", got < 0 ? strerrorname_np(-got) : "success",
			 want ? strerrorname_np(want) : "success");
	va_end(args);
	return good;
}

__attribute__((format(printf, 2, 3))) static inline void tap_skip(const char *why,
								  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("ok %d - ", ++tap_count);
	vprintf(format, args);
	printf(" # SKIP %s\n", why);
	va_end(args);
}

/* Return: the program's exit status */
static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed || !tap_count;
}

__attribute__((noreturn, format(printf, 1, 2))) static inline void tap_bail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("Bail out! ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	exit(1);
}

static inline void tap_out_of_time(int signo)
{
	static const char text[] = "\nBail out! the program ran out of its time\n";

	(void)signo;
	_exit(write(1, text, sizeof(text) - 1) < 0 ? 2 : 1);
}

static inline void tap_limit(int seconds)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGXCPU };
	struct itimerspec when = { .it_value.tv_sec = seconds };
	timer_t timer;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGXCPU, tap_out_of_time);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &when, NULL))
		tap_bail("no timer");
}

#endif
