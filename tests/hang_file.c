// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hang_file.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pid_t server;

static void answer(int channel, uint64_t unique, const void *data, size_t size)
{
	struct fuse_out_header header = { .len = sizeof(header) + size, .unique = unique };
	struct iovec iov[2] = { { &header, sizeof(header) }, { (void *)data, size } };

	if (writev(channel, iov, 2) < 0)
		return;
}

/* a process of its own, or the close of a dying caller would wait for itself */
static void serve(int channel)
{
	static uint8_t buffer[1 << 20];
	const struct fuse_in_header *header = (void *)buffer;
	struct fuse_init_out init = { .major = 7, .minor = 31, .max_write = 4096 };
	struct fuse_attr_out attr = {
		.attr = { .ino = 1, .mode = S_IFREG | 0666, .nlink = 1, .size = 1 << 20 },
		.attr_valid = 3600,
	};
	struct fuse_open_out out = { .fh = 1 };

	while (read(channel, buffer, sizeof(buffer)) > 0) {
		if (header->opcode == FUSE_INIT)
			answer(channel, header->unique, &init, sizeof(init));
		else if (header->opcode == FUSE_GETATTR)
			answer(channel, header->unique, &attr, sizeof(attr));
		else if (header->opcode == FUSE_OPEN)
			answer(channel, header->unique, &out, sizeof(out));
	}
	_exit(0);
}

static int mount_file(int channel)
{
	char options[128];

	snprintf(options, sizeof(options), "fd=%d,rootmode=100000,user_id=0,group_id=0,allow_other",
		 channel);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0 ||
	    mount("hang", "/srv", "tmpfs", 0, NULL) < 0)
		return -1;
	close(open("/srv/file", O_CREAT | O_RDWR, 0666));
	return mount("hang", "/srv/file", "fuse.hang", 0, options);
}

int hang_file_open(void)
{
	int channel = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (channel < 0 || mount_file(channel) < 0)
		return -1;
	server = fork();
	if (!server)
		serve(channel);
	close(channel);
	return open("/srv/file", O_RDWR);
}

void hang_file_end(void)
{
	if (server > 0)
		kill(server, SIGKILL);
}
