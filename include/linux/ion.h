/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ION interface of Linux 3.10 to 4.11, where an allocation yields a handle and a second call
 * turns the handle into a dma-buf fd. See ion(4); for the interface that came after, without
 * handles, see <linux/ion_4.19.h>.
 *
 * The include guard is the kernel's own, so that a program that brings a copy of the same header
 * along compiles beside this one.
 */
#ifndef _UAPI_LINUX_ION_H
#define _UAPI_LINUX_ION_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <stddef.h>

/* A client's name for a buffer: 1 and up, valid on the open file that it was given out on. */
typedef int ion_user_handle_t;

/* What kind of memory a heap has. A heap's id is another number: the id selects, in heap_id_mask.
 */
enum ion_heap_type {
	ION_HEAP_TYPE_SYSTEM = 0,	 /* scattered pages */
	ION_HEAP_TYPE_SYSTEM_CONTIG = 1, /* adjacent pages, from the page allocator */
	ION_HEAP_TYPE_CARVEOUT = 2,	 /* a range set aside at boot */
	ION_HEAP_TYPE_CHUNK = 3,	 /* pieces of one size out of such a range */
	ION_HEAP_TYPE_DMA = 4,		 /* adjacent pages, from CMA */
	ION_HEAP_TYPE_CUSTOM = 5,	 /* the first number that is a vendor's */
	ION_NUM_HEAPS = 16
};

/* Masks for devices that number their heaps by type. */
#define ION_HEAP_SYSTEM_MASK	    (1 << ION_HEAP_TYPE_SYSTEM)
#define ION_HEAP_SYSTEM_CONTIG_MASK (1 << ION_HEAP_TYPE_SYSTEM_CONTIG)
#define ION_HEAP_CARVEOUT_MASK	    (1 << ION_HEAP_TYPE_CARVEOUT)
#define ION_HEAP_TYPE_DMA_MASK	    (1 << ION_HEAP_TYPE_DMA)

#define ION_NUM_HEAP_IDS	    (sizeof(unsigned int) * 8)

/* ion_allocation_data.flags; bits 16 to 31 are the vendors'. */
#define ION_FLAG_CACHED		    1 /* map it cached */
#define ION_FLAG_CACHED_NEEDS_SYNC  2 /* ... and leave cache maintenance to ION_IOC_SYNC */

/* len, align, heap_id_mask and flags go in, handle comes out. 32 bytes, 20 for a 32-bit program. */
struct ion_allocation_data {
	size_t len;
	size_t align;
	unsigned int heap_id_mask;
	unsigned int flags;
	ion_user_handle_t handle;
};

/* A handle and the fd that it was exported as or imported from. */
struct ion_fd_data {
	ion_user_handle_t handle;
	int fd;
};

struct ion_handle_data {
	ion_user_handle_t handle;
};

/* A vendor's own call; arg is most often a pointer. 16 bytes, 8 for a 32-bit program. */
struct ion_custom_data {
	unsigned int cmd;
	unsigned long arg;
};

#define MAX_HEAP_NAME 32

/* One heap, as ION_IOC_HEAP_QUERY lists it. */
struct ion_heap_data {
	char name[MAX_HEAP_NAME];
	__u32 type;
	__u32 heap_id;
	__u32 reserved0;
	__u32 reserved1;
	__u32 reserved2;
};

/* heaps is the address of cnt struct ion_heap_data, or 0 to ask for their number alone. */
struct ion_heap_query {
	__u32 cnt;
	__u32 reserved0;
	__u64 heaps;
	__u32 reserved1;
	__u32 reserved2;
};

#define ION_IOC_MAGIC	   'I'

#define ION_IOC_ALLOC	   _IOWR(ION_IOC_MAGIC, 0, struct ion_allocation_data)
#define ION_IOC_FREE	   _IOWR(ION_IOC_MAGIC, 1, struct ion_handle_data)
#define ION_IOC_MAP	   _IOWR(ION_IOC_MAGIC, 2, struct ion_fd_data)
#define ION_IOC_SHARE	   _IOWR(ION_IOC_MAGIC, 4, struct ion_fd_data)
#define ION_IOC_IMPORT	   _IOWR(ION_IOC_MAGIC, 5, struct ion_fd_data)
#define ION_IOC_CUSTOM	   _IOWR(ION_IOC_MAGIC, 6, struct ion_custom_data)
#define ION_IOC_SYNC	   _IOWR(ION_IOC_MAGIC, 7, struct ion_fd_data)
#define ION_IOC_HEAP_QUERY _IOWR(ION_IOC_MAGIC, 8, struct ion_heap_query) /* 4.9 and later */

#endif
