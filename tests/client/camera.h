/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's test camera (vivid) as a V4L2 program uses it: frames go into dma-bufs that come
 * from elsewhere. Results are 0 or -errno; what the tests are not about ends the program.
 */
#ifndef CLIENT_CAMERA_H
#define CLIENT_CAMERA_H

#include <stddef.h>
#include <stdint.h>

struct camera {
	int fd;
	uint32_t width, height;
	uint32_t stride; /* bytes a line */
	size_t size;	 /* bytes a frame */
};

void camera_open(struct camera *camera); /* the first vivid that captures; its text is off */
void camera_close(struct camera *camera);

/* YUYV frames of this size, to be put into @n buffers */
void camera_format(struct camera *camera, uint32_t width, uint32_t height, unsigned int n);
void camera_release(struct camera *camera); /* lets go of all buffers */
int camera_queue(struct camera *camera, unsigned int index, int fd);
int camera_start(struct camera *camera);
void camera_stop(struct camera *camera);
int camera_frame(struct camera *camera); /* the index of the next buffer that has a frame */

#endif
