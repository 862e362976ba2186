// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/people.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

const char *user_name(char text[PEOPLE_NAME_SIZE], uint32_t uid)
{
	const struct passwd *user = getpwuid(uid);

	if (user && strlen(user->pw_name) < PEOPLE_NAME_SIZE)
		strcpy(text, user->pw_name);
	else
		snprintf(text, PEOPLE_NAME_SIZE, "%u", uid);
	return text;
}

const char *thread_name(char text[PEOPLE_NAME_SIZE], uint32_t tid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/comm", tid);
	if (!tid || file_read_text(path, text, PEOPLE_NAME_SIZE) < 0 || !text[0])
		strcpy(text, "-");
	text[strcspn(text, "\n")] = '\0';
	return text;
}
