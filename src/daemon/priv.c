// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"

void priv_raise_nofile(void)
{
	struct rlimit limit;
	uint64_t most = 0;
	char text[32];

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (file_read_text("/proc/sys/fs/nr_open", text, sizeof(text)) == 0) {
		text[strcspn(text, "\n")] = '\0';
		if (parse_u64(&most, text) == 0 && most > limit.rlim_max) {
			struct rlimit wanted = { .rlim_cur = most, .rlim_max = most };

			if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
				return;
		}
	}
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warning("keeper", "can't raise the number of open files: %s", strerror(errno));
}

int priv_open_udmabuf(int *ret_fd)
{
	int fd;

	fd = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

void priv_wait_gone(const char *name, int limit_ms)
{
	uint64_t now = now_ns(), end = now + limit_ms * NS_PER_MS;
	_cleanup_(fd_closep) int notify = -1;
	struct pollfd wait = { .events = POLLIN };
	char path[64], dir[64], events[4096];

	snprintf(path, sizeof(path), "/dev/%s", name);
	strcpy(dir, path);
	notify = wait.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* its folder may go with it: that is told, too */
	if (notify < 0 || inotify_add_watch(notify, dirname(dir), IN_DELETE) < 0)
		return;
	for (; access(path, F_OK) == 0 && now < end; now = now_ns()) {
		poll(&wait, 1, (end - now) / NS_PER_MS + 1);
		while (read(notify, events, sizeof(events)) > 0)
			;
	}
}

int priv_open_cuse(int *ret_fd, const char *name)
{
	char path[64];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	if (lstat(path, &st) == 0) {
		log_error("keeper",
			  "%s exists already: a kernel driver or another service owns it; "
			  "remove that first, or serve elsewhere by --frontend fuse=DIR",
			  path);
		return -EEXIST;
	}
	fd = open("/dev/cuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}

	fd = -errno;
	if (fd == -EACCES || fd == -EPERM)
		log_error("keeper", "no permission to open /dev/cuse: start cusiond as root");
	else
		log_error("keeper",
			  "can't open /dev/cuse: %s: load the kernel's module (modprobe cuse), "
			  "or serve a file instead by --frontend fuse=DIR",
			  strerror(-fd));
	return fd;
}

int priv_mount_fuse(int *ret_fd, const char *dir)
{
	_cleanup_(fd_closep) int fd = -1;
	char options[160];
	int r;

	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		r = -errno;
		log_error("keeper",
			  "can't open /dev/fuse: %s: load the kernel's module (modprobe fuse)",
			  strerror(-r));
		return r;
	}
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other,default_permissions", fd,
		 getuid(), getgid());
	if (mount("cusion", dir, "fuse.cusion", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0) {
		r = -errno;
		log_error("keeper", "can't mount at %s: %s%s", dir, strerror(-r),
			  r == -EPERM ? ": start cusiond as root" : "");
		return r;
	}
	*ret_fd = fd_steal(&fd);
	return 0;
}

void priv_unmount_fuse(const char *dir)
{
	if (umount2(dir, MNT_DETACH) < 0 && errno != EINVAL)
		log_warning("keeper", "can't unmount %s: %s", dir, strerror(errno));
}

/* allow_other: buffers' files are for whoever is given one; nobody can reach a name here */
static int configure_buffers(int context, int channel)
{
	const char *options[][2] = {
		{ "source", "cusion" }, { "fd", NULL },	     { "rootmode", "40000" },
		{ "user_id", "0" },	{ "group_id", "0" },
	};
	char number[16];

	snprintf(number, sizeof(number), "%d", channel);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (fsconfig(context, FSCONFIG_SET_STRING, options[i][0], options[i][1] ?: number,
			     0) < 0)
			return -errno;
	if (fsconfig(context, FSCONFIG_SET_FLAG, "allow_other", NULL, 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	return 0;
}

int priv_mount_buffers(int *ret_channel, int *ret_root)
{
	_cleanup_(fd_closep) int channel = -1, context = -1;
	int r;

	channel = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (channel < 0)
		return -errno;
	context = fsopen("fuse", FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	r = configure_buffers(context, channel);
	if (r < 0)
		return r;
	r = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (r < 0)
		return -errno;
	*ret_root = r;
	*ret_channel = fd_steal(&channel);
	return 0;
}

int priv_give_node(const char *path, mode_t mode, gid_t gid)
{
	if (lchown(path, 0, gid) < 0 || chmod(path, mode) < 0) {
		int r = -errno;

		log_error("keeper", "can't set mode and group of %s: %s", path, strerror(-r));
		return r;
	}
	return 0;
}

/* whether somebody serves on the socket at @address */
static bool control_answers(const struct sockaddr_un *address)
{
	_cleanup_(fd_closep) int fd = -1;

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

static int control_bind(int fd, const struct sockaddr_un *address)
{
	char dir[sizeof(address->sun_path)];

	strcpy(dir, address->sun_path);
	if (mkdir(dirname(dir), 0755) < 0 && errno != EEXIST)
		return -errno;
	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
	    chmod(address->sun_path, 0666) < 0 || listen(fd, 16) < 0)
		return -errno;
	return 0;
}

int priv_listen_control(int *ret_fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(fd_closep) int fd = -1;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (control_answers(&address)) {
		log_error("keeper", "another cusiond serves already: it answers on %s", path);
		return -EADDRINUSE;
	}

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : control_bind(fd, &address);
	if (r < 0) {
		log_error("keeper", "can't make the control socket %s: %s", path, strerror(-r));
		return r;
	}
	*ret_fd = fd_steal(&fd);
	return 0;
}

int priv_keep_caps(const int *caps, size_t n)
{
	cap_t have = cap_get_proc(), want = cap_init();
	cap_flag_value_t set;
	int r = 0;

	if (!have || !want)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (cap_get_flag(have, caps[i], CAP_PERMITTED, &set) < 0 || set != CAP_SET)
			continue;
		cap_set_flag(want, CAP_PERMITTED, 1, &caps[i], CAP_SET);
		cap_set_flag(want, CAP_EFFECTIVE, 1, &caps[i], CAP_SET);
	}
	if (r == 0 && cap_set_proc(want) < 0)
		r = -errno;
	cap_free(have);
	cap_free(want);
	return err_origin(r);
}

int priv_become(uid_t uid, gid_t gid)
{
	/* from root, the change of user empties all capability sets */
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return err_origin(-errno);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_origin(-errno);
	return 0;
}
