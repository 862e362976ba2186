// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A DRM driver as importer (vgem, by PRIME): the object sees the bytes of the buffer and the buffer
 * those of the object, and it holds the buffer when its allocator is dead and no fd is left. DRM
 * maps no imported object by itself: it is exported again, and that is mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "abi.h"
#include "held.h"
#include "lender.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define CARDS 16
#define SEED  0x93e3ull

struct drm_version {
	int major, minor, patch;
	size_t name_len;
	char *name;
	size_t date_len;
	char *date;
	size_t desc_len;
	char *desc;
};

struct drm_prime {
	uint32_t handle, flags;
	int32_t fd;
};

struct drm_map {
	uint32_t handle, pad;
	uint64_t offset;
};

struct drm_close {
	uint32_t handle, pad;
};

#define DRM_VERSION	 _IOWR('d', 0x00, struct drm_version)
#define DRM_GEM_CLOSE	 _IOW('d', 0x09, struct drm_close)
#define DRM_HANDLE_TO_FD _IOWR('d', 0x2d, struct drm_prime)
#define DRM_FD_TO_HANDLE _IOWR('d', 0x2e, struct drm_prime)
#define DRM_MAP_DUMB	 _IOWR('d', 0xb3, struct drm_map)

static const size_t sizes[] = { PAGE, 70000, 4 << 20 };

static bool is_vgem(int card)
{
	char name[32] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !ioctl(card, DRM_VERSION, &version) && !strcmp(name, "vgem");
}

static int open_vgem(void)
{
	char path[32];
	int card;

	for (int i = 0; i < CARDS; i++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		card = open(path, O_RDWR | O_CLOEXEC);
		if (card >= 0 && is_vgem(card))
			return card;
		if (card >= 0)
			close(card);
	}
	tap_bail("no /dev/dri/card* is a vgem");
}

/* Return: the handle, or -errno. */
static int64_t import(int card, int fd)
{
	struct drm_prime prime = { .fd = fd };

	return ioctl(card, DRM_FD_TO_HANDLE, &prime) ? -errno : (int64_t)prime.handle;
}

static int export(int card, uint32_t handle)
{
	struct drm_prime prime = { .handle = handle, .flags = O_CLOEXEC | O_RDWR };

	return ioctl(card, DRM_HANDLE_TO_FD, &prime) ? -errno : prime.fd;
}

/* the object's memory: mapped by the driver if it does that, else by the fd that it gives */
static void *map_object(int card, uint32_t handle, size_t size)
{
	struct drm_map map = { .handle = handle };
	void *p;
	int fd;

	if (!ioctl(card, DRM_MAP_DUMB, &map))
		return probe_map(card, size, map.offset);
	fd = export(card, handle);
	if (fd < 0)
		return NULL;
	p = probe_map(fd, size, 0);
	close(fd);
	return p;
}

static void drop_object(int card, uint32_t handle)
{
	struct drm_close object = { .handle = handle };

	tap_errno(ioctl(card, DRM_GEM_CLOSE, &object) ? -errno : 0, 0, "the object is closed");
}

static void check_bytes(int card, uint32_t handle, int fd, size_t size)
{
	void *mine = probe_map(fd, size, 0), *theirs = map_object(card, handle, size);

	if (!tap_ok(mine && theirs, "buffer and object are mapped"))
		return;
	tap_ok(probe_stamped(theirs, size, SEED), "the object has the bytes of the allocator");
	probe_stamp(mine, size, SEED + 1);
	tap_ok(probe_stamped(theirs, size, SEED + 1), "what is written to the buffer is in it");
	probe_stamp(theirs, size, SEED + 2);
	tap_ok(probe_stamped(mine, size, SEED + 2), "what is written to it is in the buffer");
	munmap(mine, size);
	munmap(theirs, size);
}

static void check_holder(const struct options *o, int card, uint32_t handle, size_t size,
			 int64_t before)
{
	void *p;

	tap_ok(held_becomes(o->held, before + (size + PAGE - 1) / PAGE * PAGE),
	       "the object alone holds the buffer");
	p = map_object(card, handle, size);
	tap_ok(p && probe_stamped(p, size, SEED + 2), "its bytes are intact");
	if (p)
		munmap(p, size);
	drop_object(card, handle);
	tap_ok(held_becomes(o->held, before), "the memory comes back when the object goes");
}

static void check_size(const struct options *o, int card, size_t size)
{
	int64_t before = held_bytes(o->held), handle, again;
	struct lender lender;
	int fd;

	lender_start(&lender, o, size, 1, SEED, &fd);
	handle = import(card, fd);
	if (!tap_ok(handle > 0, "a buffer of %zu bytes is imported", size))
		tap_bail("vgem: %s", strerror(-handle));
	again = import(card, fd);
	tap_equal(again, handle, "imported again, it is the same object");
	check_bytes(card, handle, fd, size);
	close(fd);
	lender_kill(&lender);
	check_holder(o, card, handle, size, before);
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	int card, fds;

	options_parse(&o, argc, argv, "d:T:M:c:");
	tap_limit(o.seconds);
	card = open_vgem();
	fds = probe_fd_count();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check_size(&o, card, sizes[i]);
	tap_equal(probe_fd_count(), fds, "as many fds as at the start");
	close(card);
	return tap_done();
}
