/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ION interface of Linux 4.12 to 5.10, where an allocation yields a dma-buf fd at once. See
 * ion(4). The names are those that libion's users know it by: next to <linux/ion.h>, which has
 * ION_IOC_HEAP_QUERY too, so both can be used in one file.
 */
#ifndef _UAPI_LINUX_ION_NEW_H
#define _UAPI_LINUX_ION_NEW_H

#include <linux/ioctl.h>
#include <linux/ion.h>
#include <linux/types.h>

/* Heap types where ION_IOC_ABI_VERSION answers 2; there, type 2 is a CMA area. */
enum ion_heap_type_ext { ION_HEAP_TYPE_CUSTOM_EXT = 16, ION_HEAP_TYPE_MAX = 31 };

/* Bits of heap_id_mask where ION_IOC_ABI_VERSION answers 2, each range with its ends. */
enum ion_heap_id {
	ION_HEAP_SYSTEM = 1 << 0,
	ION_HEAP_DMA_START = 1 << 1,
	ION_HEAP_DMA_END = 1 << 8,
	ION_HEAP_CUSTOM_START = 1 << 9,
	ION_HEAP_CUSTOM_END = -0x7fffffff - 1 /* bit 31 */
};

#define ION_NUM_MAX_HEAPS 32

/* len, heap_id_mask and flags go in, fd comes out. The same 24 bytes for every program. */
struct ion_new_allocation_data {
	__u64 len;
	__u32 heap_id_mask;
	__u32 flags;
	__u32 fd;
	__u32 unused;
};

/* The number differs from ION_IOC_ALLOC's by the size of its struct alone. */
#define ION_IOC_NEW_ALLOC   _IOWR(ION_IOC_MAGIC, 0, struct ion_new_allocation_data)
#define ION_IOC_ABI_VERSION _IOR(ION_IOC_MAGIC, 9, __u32)

#endif
