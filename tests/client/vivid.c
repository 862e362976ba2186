// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The kernel's own judge of contiguous memory: a camera that captures into our buffers. vivid with
 * allocators=1 (videobuf2's dma-contig) takes a buffer only if its frames are adjacent, all of
 *them; with allocators=0 any, and writes them by CPU. -e says what is to be shown:
 *
 *	accept	four buffers of each size are queued, and stream
 *	refuse	no buffer is queued: its frames are not adjacent
 *	picture	they stream, and each frame shows the test pattern in all its lines
 *	held	a queued buffer lives, though its allocator died and all fds of it are closed
 *
 * each at the sizes whose buffers are not above -m.
 */
#include <errno.h>
#include <sys/mman.h>

#include "abi.h"
#include "camera.h"
#include "door.h"
#include "held.h"
#include "lender.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

#define BUFFERS 4
#define FRAMES	8
#define SEED	0xca3e7aull

static const struct size {
	uint32_t width, height;
} sizes[] = { { 640, 360 }, { 1920, 1080 }, { 3840, 2160 } };

struct shot {
	const struct options *o;
	struct camera camera;
	const char *name; /* "640x360" */
	int fds[BUFFERS];
};

static void allocate(struct shot *s)
{
	int ion = door_open(s->o->node);

	for (int i = 0; i < BUFFERS; i++) {
		s->fds[i] = ion < 0 ? ion : door_alloc(ion, s->camera.size, s->o->mask);
		if (s->fds[i] < 0)
			tap_bail("a buffer of %zu bytes: %s", s->camera.size, strerror(-s->fds[i]));
	}
	door_close(ion);
}

static void close_fds(struct shot *s)
{
	for (int i = 0; i < BUFFERS; i++)
		close(s->fds[i]);
}

static int queue_all(struct shot *s)
{
	int r = 0;

	for (int i = 0; r == 0 && i < BUFFERS; i++)
		r = camera_queue(&s->camera, i, s->fds[i]);
	return r;
}

/* ---- the picture ---- */

/* 75 % colour bars in BT.601, limited range: Y, Cb, Cr */
static const uint8_t bars[][3] = {
	{ 180, 128, 128 }, { 162, 44, 142 }, { 131, 156, 44 }, { 112, 72, 58 },
	{ 84, 184, 198 },  { 65, 100, 212 }, { 35, 212, 114 }, { 16, 128, 128 },
};

#define BARS (sizeof(bars) / sizeof(bars[0]))

static bool near(const uint8_t *pair, const uint8_t *bar)
{
	const uint8_t want[4] = { bar[0], bar[1], bar[0], bar[2] };

	for (int i = 0; i < 4; i++)
		if (abs(pair[i] - want[i]) > 3)
			return false;
	return true;
}

/* the middle of each bar in each line */
static bool picture_right(const struct camera *camera, const uint8_t *p)
{
	for (uint32_t y = 0; y < camera->height; y++) {
		for (uint32_t b = 0; b < BARS; b++) {
			uint32_t x = camera->width * (2 * b + 1) / (2 * BARS) / 2 * 2;
			const uint8_t *pair = p + (size_t)y * camera->stride + 2 * x;

			if (near(pair, bars[b]))
				continue;
			tap_diag("line %u, pixel %u: %u %u %u %u", y, x, pair[0], pair[1], pair[2],
				 pair[3]);
			return false;
		}
	}
	return true;
}

static bool shows_picture(const struct shot *s, int index)
{
	int fd = s->fds[index];
	uint8_t *p = probe_map(fd, s->camera.size, 0);
	bool right;

	if (!p || probe_sync(fd, BUF_SYNC_RW | BUF_SYNC_START))
		return false;
	right = picture_right(&s->camera, p);
	memset(p, 0, s->camera.size); /* the next one isn't to be this one */
	probe_sync(fd, BUF_SYNC_RW | BUF_SYNC_END);
	munmap(p, s->camera.size);
	return right;
}

/* ---- the acts ---- */

/* how many frames came; with @picture those count that show it. The buffers go round. */
static int stream(struct shot *s, int frames, bool picture)
{
	int i, index, good = 0;

	for (i = 0; i < frames; i++) {
		index = camera_frame(&s->camera);
		if (index < 0) {
			tap_diag("frame %d: %s", i, strerror(-index));
			break;
		}
		good += !picture || shows_picture(s, index);
		if (camera_queue(&s->camera, index, s->fds[index]))
			break;
	}
	return good;
}

static void act_stream(struct shot *s, bool picture)
{
	allocate(s);
	if (tap_errno(queue_all(s), 0, "%s: %d buffers of %zu bytes are queued", s->name, BUFFERS,
		      s->camera.size) &&
	    tap_errno(camera_start(&s->camera), 0, "%s: it streams", s->name)) {
		tap_equal(stream(s, FRAMES, picture), FRAMES, "%s: %d frames%s", s->name, FRAMES,
			  picture ? " show the test pattern" : "");
		camera_stop(&s->camera);
	}
	close_fds(s);
}

static void act_accept(struct shot *s)
{
	act_stream(s, false);
}

static void act_picture(struct shot *s)
{
	act_stream(s, true);
}

/* The kernel of a machine that has just begun takes one page after the other out of large blocks:
 * what is allocated then is adjacent by chance. So there have to be enough single free pages, which
 * it prefers: every second one of ours, each with a neighbour that stays. */
static void scatter_free_pages(void)
{
	size_t size = 3 * BUFFERS * (size_t)(3840 * 2160 * 2);
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || madvise(p, size, MADV_NOHUGEPAGE))
		tap_bail("no memory to be scattered");
	for (size_t i = 0; i < size; i += PAGE)
		p[i] = 1;
	for (size_t i = 0; i < size; i += 2 * PAGE)
		madvise(p + i, PAGE, MADV_DONTNEED);
}

static void act_refuse(struct shot *s)
{
	static bool scattered;

	if (!scattered)
		scatter_free_pages();
	scattered = true;
	allocate(s);
	for (int i = 0; i < BUFFERS; i++)
		tap_errno(camera_queue(&s->camera, i, s->fds[i]), EFAULT,
			  "%s: buffer %d is refused", s->name, i);
	close_fds(s);
}

static void act_held(struct shot *s)
{
	int64_t before = held_bytes(s->o->held), all;
	struct lender lender;
	int frames;

	lender_start(&lender, s->o, s->camera.size, BUFFERS, SEED, s->fds);
	all = before + BUFFERS * ((s->camera.size + PAGE - 1) / PAGE * PAGE);
	if (!tap_errno(queue_all(s), 0, "%s: another process's buffers are queued", s->name))
		tap_bail("nothing is held");
	close_fds(s);
	lender_kill(&lender);
	tap_ok(held_becomes(s->o->held, all), "%s: all of them are held by the camera", s->name);
	if (!tap_errno(camera_start(&s->camera), 0, "%s: it streams", s->name))
		tap_bail("no frames");
	for (frames = 0; frames < BUFFERS && camera_frame(&s->camera) >= 0; frames++)
		continue;
	tap_equal(frames, BUFFERS, "%s: a frame in each of them", s->name);
	camera_stop(&s->camera);
	tap_ok(held_bytes(s->o->held) == all, "%s: they are held yet", s->name);
	camera_release(&s->camera);
	tap_ok(held_becomes(s->o->held, before), "%s: they come back when it lets go", s->name);
}

static const struct act {
	const char *name;
	void (*run)(struct shot *s);
} acts[] = {
	{ "accept", act_accept },
	{ "held", act_held },
	{ "picture", act_picture },
	{ "refuse", act_refuse },
};

static const struct act *find_act(const char *name)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (name && !strcmp(name, acts[i].name))
			return &acts[i];
	tap_bail("-e is accept, held, picture or refuse");
}

int main(int argc, char **argv)
{
	struct options o = OPTIONS_INIT;
	struct shot s = { .o = &o };
	const struct act *act;
	char name[32];

	options_parse(&o, argc, argv, "d:T:M:e:c:m:");
	tap_limit(o.seconds);
	act = find_act(o.act);
	camera_open(&s.camera);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(name, sizeof(name), "%ux%u", sizes[i].width, sizes[i].height);
		s.name = name;
		camera_format(&s.camera, sizes[i].width, sizes[i].height, BUFFERS);
		if (s.camera.size <= o.max)
			act->run(&s);
		camera_release(&s.camera);
	}
	camera_close(&s.camera);
	return tap_done();
}
