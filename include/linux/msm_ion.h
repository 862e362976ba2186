/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Heap ids, names, flags and calls of Qualcomm's ION, as of its kernels 3.10 to 4.19. An id stands
 * for one bit: ION_HEAP(id) is what belongs into heap_id_mask.
 *
 * Ids are macros and ION_HEAP() is spelled as Qualcomm's header spells it, since programs define
 * the few that they need a second time.
 */
#ifndef _UAPI_MSM_ION_H
#define _UAPI_MSM_ION_H

#include <linux/ion.h>

#define ION_BIT(nr)		    (1U << (nr))
#define ION_HEAP(bit)		    (1 << (bit))

#define ION_CP_MM_HEAP_ID	    8
#define ION_SECURE_HEAP_ID	    9
#define ION_SECURE_DISPLAY_HEAP_ID  10
#define ION_CP_MFC_HEAP_ID	    12
#define ION_SPSS_HEAP_ID	    13
#define ION_SECURE_CARVEOUT_HEAP_ID 14
#define ION_CP_WB_HEAP_ID	    16
#define ION_QSECOM_TA_HEAP_ID	    19
#define ION_CAMERA_HEAP_ID	    20
#define ION_SYSTEM_CONTIG_HEAP_ID   21
#define ION_ADSP_HEAP_ID	    22
#define ION_PIL1_HEAP_ID	    23
#define ION_SF_HEAP_ID		    24
#define ION_SYSTEM_HEAP_ID	    25
#define ION_IOMMU_HEAP_ID	    ION_SYSTEM_HEAP_ID
#define ION_PIL2_HEAP_ID	    26
#define ION_USER_CONTIG_HEAP_ID	    26 /* 4.4 and later; PIL2's before */
#define ION_QSECOM_HEAP_ID	    27
#define ION_AUDIO_HEAP_ID	    28
#define ION_MM_FIRMWARE_HEAP_ID	    29
#define ION_HEAP_ID_RESERVED	    31 /* its bit is ION_FLAG_SECURE, in flags */

#define ION_SYSTEM_HEAP_NAME	    "system"
#define ION_VMALLOC_HEAP_NAME	    ION_SYSTEM_HEAP_NAME
#define ION_KMALLOC_HEAP_NAME	    "kmalloc"
#define ION_AUDIO_HEAP_NAME	    "audio"
#define ION_SF_HEAP_NAME	    "sf"
#define ION_MM_HEAP_NAME	    "mm"
#define ION_CAMERA_HEAP_NAME	    "camera_preview"
#define ION_QSECOM_HEAP_NAME	    "qsecom"
#define ION_ADSP_HEAP_NAME	    "adsp"
#define ION_MM_FIRMWARE_HEAP_NAME   "mm_fw"
#define ION_PIL1_HEAP_NAME	    "pil_1"
#define ION_PIL2_HEAP_NAME	    "pil_2"

/* Flags, beside ION_FLAG_CACHED. */
#define ION_FLAG_POOL_FORCE_ALLOC   ION_BIT(16)
#define ION_FLAG_CP_TOUCH	    ION_BIT(17)
#define ION_FLAG_CP_BITSTREAM	    ION_BIT(18)
#define ION_FLAG_CP_PIXEL	    ION_BIT(19)
#define ION_FLAG_CP_NON_PIXEL	    ION_BIT(20)
#define ION_FLAG_CP_CAMERA	    ION_BIT(21)
#define ION_FLAG_ALLOW_NON_CONTIG   ION_BIT(28)
#define ION_FLAG_FORCE_CONTIGUOUS   ION_BIT(30)
#define ION_FLAG_SECURE		    ION_BIT(31)
#define ION_FORCE_CONTIGUOUS	    ION_FLAG_FORCE_CONTIGUOUS
#define ION_SECURE		    ION_FLAG_SECURE

/* Cache maintenance, a call in ION_IOC_CUSTOM. The buffer is handle's, or fd's where handle is 0.
 */
struct ion_flush_data {
	ion_user_handle_t handle;
	int fd;
	void *vaddr;
	unsigned int offset;
	unsigned int length;
};

#define ION_IOC_MSM_MAGIC	 'M'

#define ION_IOC_CLEAN_CACHES	 _IOWR(ION_IOC_MSM_MAGIC, 0, struct ion_flush_data)
#define ION_IOC_INV_CACHES	 _IOWR(ION_IOC_MSM_MAGIC, 1, struct ion_flush_data)
#define ION_IOC_CLEAN_INV_CACHES _IOWR(ION_IOC_MSM_MAGIC, 2, struct ion_flush_data)

#endif
