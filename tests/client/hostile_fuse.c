// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A file server that is up to no good: it lets its one file be opened, and from then on reads every
 * request and answers none: reads, flushes and looks at the file hang until it goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"

static int channel = -1;
static char folder[] = "/tmp/hostile-XXXXXX";

static void answer(uint64_t unique, int error, const void *data, size_t size)
{
	char bytes[512];
	struct fuse_out_header header = {
		.len = sizeof(header) + size,
		.error = error,
		.unique = unique,
	};

	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), data ?: "", size);
	if (write(channel, bytes, header.len) < 0 && errno != ENOENT)
		perror("# hostile file server");
}

static struct fuse_attr attr_of(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.size = 1 << 20,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0666,
		.nlink = 1,
	};
}

static void serve(const struct fuse_in_header *in)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = 31,
		.max_write = 4096,
		.max_readahead = 4096,
	};
	struct fuse_attr_out attr = { .attr_valid = 3600, .attr = attr_of(in->nodeid) };
	struct fuse_entry_out entry = {
		.nodeid = 2,
		.entry_valid = 3600,
		.attr_valid = 3600,
		.attr = attr_of(2),
	};
	struct fuse_open_out open = { .fh = 1 };

	switch (in->opcode) {
	case FUSE_INIT:
		answer(in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		if (in->nodeid == FUSE_ROOT_ID)
			answer(in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_LOOKUP:
		answer(in->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_OPEN:
		answer(in->unique, 0, &open, sizeof(open));
		break;
	}
}

static void *server(void *user)
{
	static char bytes[1 << 18];

	while (read(channel, bytes, sizeof(bytes)) > 0)
		serve((struct fuse_in_header *)bytes);
	return NULL;
}

int hostile_fuse_start(void)
{
	char options[128], path[64];
	pthread_t thread;
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	channel = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (channel < 0 || !mkdtemp(folder))
		return -errno;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 channel);
	if (mount("hostile", folder, "fuse", MS_NOSUID | MS_NODEV, options))
		return -errno;
	if (pthread_create(&thread, NULL, server, NULL))
		return -EAGAIN;
	pthread_detach(thread);
	snprintf(path, sizeof(path), "%s/file", folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void hostile_fuse_stop(void)
{
	umount2(folder, MNT_FORCE); /* aborts the connection */
	umount2(folder, MNT_DETACH);
	rmdir(folder);
}
