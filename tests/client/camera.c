// SPDX-License-Identifier: LGPL-2.1-or-later
#include "camera.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tap.h"

#define NODES 64
#define TYPE  V4L2_BUF_TYPE_VIDEO_CAPTURE

static int call(const struct camera *camera, unsigned long request, void *arg)
{
	return ioctl(camera->fd, request, arg) < 0 ? -errno : 0;
}

static void need(int result, const char *what)
{
	if (result < 0)
		tap_bail("the camera: %s: %s", what, strerror(-result));
}

static bool is_vivid(const struct camera *camera)
{
	const uint32_t wanted = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	struct v4l2_capability cap = { 0 };

	return !call(camera, VIDIOC_QUERYCAP, &cap) && !strcmp((char *)cap.driver, "vivid") &&
	       (cap.device_caps & wanted) == wanted;
}

/* a menu of the driver's own: its number is nowhere promised, its name is */
static void set_control(const struct camera *camera, const char *name, int value)
{
	struct v4l2_queryctrl query = { .id = V4L2_CTRL_FLAG_NEXT_CTRL };
	struct v4l2_control control = { .value = value };

	for (; !call(camera, VIDIOC_QUERYCTRL, &query); query.id |= V4L2_CTRL_FLAG_NEXT_CTRL) {
		if (strcmp((char *)query.name, name) != 0)
			continue;
		control.id = query.id;
		need(call(camera, VIDIOC_S_CTRL, &control), name);
		return;
	}
	need(-ENOENT, name);
}

void camera_open(struct camera *camera)
{
	int input = 0; /* a webcam, which has the large formats */
	char path[32];

	for (int i = 0; i < NODES; i++) {
		snprintf(path, sizeof(path), "/dev/video%d", i);
		*camera = (struct camera){ .fd = open(path, O_RDWR | O_CLOEXEC) };
		if (camera->fd < 0)
			continue;
		if (is_vivid(camera)) {
			need(call(camera, VIDIOC_S_INPUT, &input), "its webcam");
			set_control(camera, "Test Pattern", 0);
			set_control(camera, "OSD Text Mode", 2);
			return;
		}
		close(camera->fd);
	}
	tap_bail("no /dev/video* is a vivid that captures");
}

void camera_close(struct camera *camera)
{
	close(camera->fd);
	camera->fd = -1;
}

static void request(struct camera *camera, unsigned int n)
{
	struct v4l2_requestbuffers req = { .count = n, .type = TYPE, .memory = V4L2_MEMORY_DMABUF };

	need(call(camera, VIDIOC_REQBUFS, &req), "REQBUFS");
	if (req.count != n)
		tap_bail("the camera wants %u buffers, not %u", req.count, n);
}

void camera_format(struct camera *camera, uint32_t width, uint32_t height, unsigned int n)
{
	struct v4l2_format format = {
		.type = TYPE,
		.fmt.pix = { .width = width, .height = height, .pixelformat = V4L2_PIX_FMT_YUYV },
	};
	const struct v4l2_pix_format *pix = &format.fmt.pix;

	need(call(camera, VIDIOC_S_FMT, &format), "S_FMT");
	if (pix->width != width || pix->height != height || pix->pixelformat != V4L2_PIX_FMT_YUYV)
		tap_bail("the camera has no %ux%u", width, height);
	camera->width = width;
	camera->height = height;
	camera->stride = pix->bytesperline;
	camera->size = pix->sizeimage;
	request(camera, n);
}

void camera_release(struct camera *camera)
{
	request(camera, 0);
}

int camera_queue(struct camera *camera, unsigned int index, int fd)
{
	struct v4l2_buffer buffer = {
		.index = index, .type = TYPE, .memory = V4L2_MEMORY_DMABUF, .m.fd = fd
	};

	return call(camera, VIDIOC_QBUF, &buffer);
}

int camera_start(struct camera *camera)
{
	int type = TYPE;

	return call(camera, VIDIOC_STREAMON, &type);
}

void camera_stop(struct camera *camera)
{
	int type = TYPE;

	need(call(camera, VIDIOC_STREAMOFF, &type), "STREAMOFF");
}

int camera_frame(struct camera *camera)
{
	struct v4l2_buffer buffer = { .type = TYPE, .memory = V4L2_MEMORY_DMABUF };
	int r = call(camera, VIDIOC_DQBUF, &buffer);

	if (r < 0)
		return r;
	if (buffer.flags & V4L2_BUF_FLAG_ERROR || buffer.bytesused != camera->size)
		return -EIO;
	return buffer.index;
}
