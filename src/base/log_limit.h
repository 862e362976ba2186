/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * So many lines per user and interval: a caller can make a daemon say things, but not fill the
 * journal with them. What is held back is counted, and told when the next line of that user, or of
 * one who takes its place, may be written.
 *
 * May be used by several threads. Users beyond LOG_LIMIT_USERS within an interval share one limit.
 */
#ifndef BASE_LOG_LIMIT_H
#define BASE_LOG_LIMIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

enum { LOG_LIMIT_USERS = 32 };

struct log_limit {
	pthread_mutex_t lock;
	uint64_t (*now)(void); /* in the unit of the interval */
	uint64_t interval;
	unsigned int most;
	struct log_account {
		uint32_t uid;
		uint64_t since;
		unsigned int written, held_back;
	} accounts[LOG_LIMIT_USERS + 1]; /* the last one is of all others */
};

void log_limit_init(struct log_limit *limit, unsigned int most, uint64_t interval,
		    uint64_t (*now)(void));
void log_limit_deinit(struct log_limit *limit);

/* on whose account a line is; @limit may be NULL: there is no limit */
struct log_about {
	struct log_limit *limit; /* borrowed */
	uint32_t uid;
};

/* may one more line about this user be written? First tells, by a line, of those held back. */
bool log_about_may(const struct log_about *about, const char *topic);

#define log_about(about, level, topic, ...)                            \
	({                                                             \
		if (log_wants(level) && log_about_may((about), topic)) \
			log_line(level, topic, __VA_ARGS__);           \
	})

#endif
