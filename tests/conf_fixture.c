// SPDX-License-Identifier: LGPL-2.1-or-later
#include "conf_fixture.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"

char conf_path[64];
char conf_said[512];

int conf_read_bytes(struct settings *settings, uint64_t memory, const char *text, size_t size)
{
	int file, pipes[2], saved, r;
	ssize_t n;

	strcpy(conf_path, "/tmp/check_conf.XXXXXX");
	file = mkstemp(conf_path);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, text, size), size);
	close(file);

	ck_assert_int_eq(pipe2(pipes, O_NONBLOCK), 0);
	saved = dup(STDERR_FILENO);
	dup2(pipes[1], STDERR_FILENO);
	settings_init(settings, memory);
	r = conf_read(settings, conf_path);
	dup2(saved, STDERR_FILENO);
	n = read(pipes[0], conf_said, sizeof(conf_said) - 1);
	conf_said[MAX(n, (ssize_t)0)] = '\0';
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
	unlink(conf_path);
	return r;
}

int conf_read_text(struct settings *settings, const char *text)
{
	return conf_read_bytes(settings, (uint64_t)1 << 30, text, strlen(text));
}

void conf_assert_said(int line, const char *names)
{
	char where[96];

	snprintf(where, sizeof(where), "cusiond: %s:%d: ", conf_path, line);
	ck_assert_msg(!strncmp(conf_said, where, strlen(where)), "said '%s', not '%s'", conf_said,
		      where);
	ck_assert_msg(strstr(conf_said, names), "'%s' does not name %s", conf_said, names);
	ck_assert_ptr_eq(strchr(conf_said, '\n'), conf_said + strlen(conf_said) - 1);
}
