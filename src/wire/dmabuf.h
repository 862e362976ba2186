/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ioctls of a dma-buf, for files of ours that stand in for one: which there are and what each
 * refuses, in the kernel's order (ABI.md section 5). Pure, as wire/ion.h is.
 */
#ifndef WIRE_DMABUF_H
#define WIRE_DMABUF_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_DMABUF_NAME_SIZE 32 /* with its NUL */

enum {
	_WIRE_DMABUF_OK,
	WIRE_DMABUF_E_NAME, /* a SET_NAME whose name goes on behind the bytes that came */
};

/**
 * wire_dmabuf_check() - may a caller do this?
 * @cmd:	the ioctl's number
 * @in:		what it brings; of a SET_NAME, whose argument is the name's own address, the first
 *		_IOC_SIZE bytes of the name
 * @in_size:	of it
 *
 * Return: 0; WIRE_DMABUF_E_NAME; or -EINVAL or -ENOTTY for the caller.
 */
int wire_dmabuf_check(uint32_t cmd, const void *in, size_t in_size);

#endif
