/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layouts and numbers of the installed headers, as ABI.md has them. Compiled by check_headers.sh as
 * C89 and later, as C++, for 64 and 32 bits; never run.
 */
#include <ion/ion.h>
#include <linux/ion.h>
#include <linux/ion_4.19.h>
#include <linux/msm_ion.h>
#include <stddef.h>

#define BY_WORD(at_64, at_32) (sizeof(long) == 8 ? (at_64) : (at_32))

/* a name next to ## is not expanded: each macro pastes for itself */
#define ASSERT(name, what)    typedef char assert_##name[(what) ? 1 : -1]
#define SIZE(s, n)	      typedef char size_##s[sizeof(struct s) == (n) ? 1 : -1]
#define OFFSET(s, f, n)	      typedef char offset_##s##_##f[offsetof(struct s, f) == (n) ? 1 : -1]
#define NUMBER(ioc, n)	      typedef char number_##ioc[(ioc) == (n) ? 1 : -1]
#define NUMBERS(ioc, m, n)    typedef char numbers_##ioc[(ioc) == BY_WORD(m, n) ? 1 : -1]

SIZE(ion_allocation_data, BY_WORD(32, 20));
OFFSET(ion_allocation_data, len, 0);
OFFSET(ion_allocation_data, align, BY_WORD(8, 4));
OFFSET(ion_allocation_data, heap_id_mask, BY_WORD(16, 8));
OFFSET(ion_allocation_data, flags, BY_WORD(20, 12));
OFFSET(ion_allocation_data, handle, BY_WORD(24, 16));
SIZE(ion_handle_data, 4);
SIZE(ion_fd_data, 8);
OFFSET(ion_fd_data, handle, 0);
OFFSET(ion_fd_data, fd, 4);
SIZE(ion_custom_data, BY_WORD(16, 8));
OFFSET(ion_custom_data, cmd, 0);
OFFSET(ion_custom_data, arg, BY_WORD(8, 4));

SIZE(ion_new_allocation_data, 24);
OFFSET(ion_new_allocation_data, len, 0);
OFFSET(ion_new_allocation_data, heap_id_mask, 8);
OFFSET(ion_new_allocation_data, flags, 12);
OFFSET(ion_new_allocation_data, fd, 16);
OFFSET(ion_new_allocation_data, unused, 20);

SIZE(ion_heap_query, 24);
OFFSET(ion_heap_query, cnt, 0);
OFFSET(ion_heap_query, reserved0, 4);
OFFSET(ion_heap_query, heaps, 8);
OFFSET(ion_heap_query, reserved1, 16);
OFFSET(ion_heap_query, reserved2, 20);
SIZE(ion_heap_data, 52);
OFFSET(ion_heap_data, name, 0);
OFFSET(ion_heap_data, type, 32);
OFFSET(ion_heap_data, heap_id, 36);
OFFSET(ion_heap_data, reserved0, 40);
OFFSET(ion_heap_data, reserved1, 44);
OFFSET(ion_heap_data, reserved2, 48);

SIZE(ion_flush_data, BY_WORD(24, 20));
OFFSET(ion_flush_data, fd, 4);
OFFSET(ion_flush_data, vaddr, 8);
OFFSET(ion_flush_data, offset, BY_WORD(16, 12));
OFFSET(ion_flush_data, length, BY_WORD(20, 16));

NUMBERS(ION_IOC_ALLOC, 0xC0204900u, 0xC0144900u);
NUMBER(ION_IOC_FREE, 0xC0044901u);
NUMBER(ION_IOC_MAP, 0xC0084902u);
NUMBER(ION_IOC_SHARE, 0xC0084904u);
NUMBER(ION_IOC_IMPORT, 0xC0084905u);
NUMBERS(ION_IOC_CUSTOM, 0xC0104906u, 0xC0084906u);
NUMBER(ION_IOC_SYNC, 0xC0084907u);
NUMBER(ION_IOC_NEW_ALLOC, 0xC0184900u);
NUMBER(ION_IOC_HEAP_QUERY, 0xC0184908u);
NUMBER(ION_IOC_ABI_VERSION, 0x80044909u);
NUMBERS(ION_IOC_CLEAN_CACHES, 0xC0184D00u, 0xC0144D00u);
NUMBERS(ION_IOC_INV_CACHES, 0xC0184D01u, 0xC0144D01u);
NUMBERS(ION_IOC_CLEAN_INV_CACHES, 0xC0184D02u, 0xC0144D02u);

ASSERT(handle_is_int, sizeof(ion_user_handle_t) == 4 && (ion_user_handle_t)-1 < 0);
ASSERT(heap_ids, ION_NUM_HEAP_IDS == 32 && ION_NUM_MAX_HEAPS == 32 && ION_NUM_HEAPS == 16);
ASSERT(types, ION_HEAP_TYPE_SYSTEM == 0 && ION_HEAP_TYPE_SYSTEM_CONTIG == 1 &&
		      ION_HEAP_TYPE_CARVEOUT == 2 && ION_HEAP_TYPE_CHUNK == 3 &&
		      ION_HEAP_TYPE_DMA == 4 && ION_HEAP_TYPE_CUSTOM == 5);
ASSERT(modular_types, ION_HEAP_TYPE_CUSTOM_EXT == 16 && ION_HEAP_TYPE_MAX == 31);
ASSERT(modular_ids, ION_HEAP_SYSTEM == 1 && ION_HEAP_DMA_START == 2 && ION_HEAP_DMA_END == 256 &&
			    ION_HEAP_CUSTOM_START == 512 &&
			    (unsigned int)ION_HEAP_CUSTOM_END == 1u << 31);
ASSERT(masks, ION_HEAP_SYSTEM_MASK == 1 && ION_HEAP_SYSTEM_CONTIG_MASK == 2 &&
		      ION_HEAP_CARVEOUT_MASK == 4 && ION_HEAP_TYPE_DMA_MASK == 16);
ASSERT(flags, ION_FLAG_CACHED == 1 && ION_FLAG_CACHED_NEEDS_SYNC == 2);
ASSERT(msm_ids, ION_HEAP(ION_QSECOM_HEAP_ID) == 0x08000000 &&
			ION_HEAP(ION_IOMMU_HEAP_ID) == 0x02000000 && ION_FLAG_SECURE == 1u << 31);

/* what programs define once more, in the spelling that they use */
#define ION_HEAP(bit)	   (1 << (bit))
#define ION_QSECOM_HEAP_ID 27
#define ION_FLAG_CACHED	   1
