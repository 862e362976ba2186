/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line per message on stderr, with a topic. Under a service manager each line starts with the
 * `<N>` prefix of sd-daemon(3), else with the program's name. The level is the only state.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/attr.h"

enum log_level {
	LOG_LEVEL_ERROR = 3, /* the numbers of syslog(3) */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

void log_set_level(enum log_level level);
bool log_wants(enum log_level level);

/* the name as the configuration has it ("warning"); 0 or -EINVAL */
int log_level_parse(enum log_level *ret, const char *name);

void log_line(enum log_level level, const char *topic, const char *format, ...) _printf_(3, 4);

#define log_at(level, topic, ...)                            \
	({                                                   \
		if (log_wants(level))                        \
			log_line(level, topic, __VA_ARGS__); \
	})
#define log_error(topic, ...)	log_at(LOG_LEVEL_ERROR, topic, __VA_ARGS__)
#define log_warning(topic, ...) log_at(LOG_LEVEL_WARNING, topic, __VA_ARGS__)
#define log_notice(topic, ...)	log_at(LOG_LEVEL_NOTICE, topic, __VA_ARGS__)
#define log_info(topic, ...)	log_at(LOG_LEVEL_INFO, topic, __VA_ARGS__)
#define log_debug(topic, ...)	log_at(LOG_LEVEL_DEBUG, topic, __VA_ARGS__)

#endif
