/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The modern ION ABI and what a dma-buf answers, as a program of its own would have them in its
 * tree. The clients of the tests share no header with the service: what they prove is the ABI.
 */
#ifndef CLIENT_ABI_H
#define CLIENT_ABI_H

#include <stdint.h>
#include <sys/ioctl.h>

struct ion_alloc {
	uint64_t len;
	uint32_t mask;
	uint32_t flags;
	uint32_t fd;
	uint32_t unused;
};

struct ion_query {
	uint32_t cnt;
	uint32_t reserved0;
	uint64_t heaps;
	uint32_t reserved1;
	uint32_t reserved2;
};

struct ion_heap {
	char name[32];
	uint32_t type;
	uint32_t id;
	uint32_t reserved[3];
};

struct buf_sync {
	uint64_t flags;
};

#define ION_ALLOC	       0xC0184900u
#define ION_HEAP_QUERY	       0xC0184908u
#define ION_ABI_VERSION	       0x80044909u

/* the handle generation; one number each but for two, whose size is that of a pointer */
#define ION_OLD_ALLOC_64       0xC0204900u
#define ION_OLD_ALLOC_32       0xC0144900u
#define ION_OLD_FREE	       0xC0044901u
#define ION_OLD_MAP	       0xC0084902u
#define ION_OLD_SHARE	       0xC0084904u
#define ION_OLD_IMPORT	       0xC0084905u
#define ION_OLD_CUSTOM_64      0xC0104906u
#define ION_OLD_CUSTOM_32      0xC0084906u
#define ION_OLD_SYNC	       0xC0084907u

#define ION_TYPE_SYSTEM	       0u
#define ION_TYPE_SYSTEM_CONTIG 1u
#define ION_TYPE_CARVEOUT      2u
#define ION_TYPE_DMA	       4u
#define ION_ID_SYSTEM	       0u
#define ION_ID_CARVEOUT	       2u
#define ION_ID_DMA	       4u

#define BUF_SYNC	       0x40086200u
#define BUF_SYNC_READ	       1u
#define BUF_SYNC_WRITE	       2u
#define BUF_SYNC_RW	       3u
#define BUF_SYNC_START	       0u
#define BUF_SYNC_END	       4u

#define BUF_SET_NAME_64	       0x40086201u
#define BUF_SET_NAME_32	       0x40046201u

#define PAGE		       4096u

_Static_assert(sizeof(struct ion_alloc) == 24, "ALLOC is 24 bytes for every caller");
_Static_assert(sizeof(struct ion_query) == 24, "HEAP_QUERY is 24 bytes for every caller");
_Static_assert(sizeof(struct ion_heap) == 52, "the stride of the heap array is 52");
_Static_assert(_IOWR('I', 0, struct ion_alloc) == ION_ALLOC, "ALLOC's number");
_Static_assert(_IOWR('I', 8, struct ion_query) == ION_HEAP_QUERY, "HEAP_QUERY's number");
_Static_assert(_IOR('I', 9, uint32_t) == ION_ABI_VERSION, "ABI_VERSION's number");
_Static_assert(_IOW('b', 0, struct buf_sync) == BUF_SYNC, "SYNC's number");

#endif
