/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Heaps: where a buffer's memory comes from. A block is taken in two steps: heap_reserve() decides
 * and accounts, heap_fill() does the slow part and may run in any thread; heap_release() undoes
 * both. A heap never sees a client.
 */
#ifndef HEAP_HEAP_H
#define HEAP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "mem/pages.h"

struct area;
struct exporter;
struct heap;

#define HEAP_IDS       32 /* ids are bits of a mask */
#define HEAP_NAME_SIZE 32 /* with the NUL */

enum heap_type { /* the numbers of the ABI */
		 HEAP_TYPE_SYSTEM = 0,
		 HEAP_TYPE_SYSTEM_CONTIG = 1,
		 HEAP_TYPE_CARVEOUT = 2,
		 HEAP_TYPE_CHUNK = 3,
		 HEAP_TYPE_DMA = 4,
		 HEAP_TYPE_CUSTOM = 5,
};

struct heap_want {
	uint64_t size; /* in whole pages, not 0 */
	uint32_t flags;
	uint64_t align; /* bytes, any number; 0: any. What may be asked for is the kind's own rule.
			 */
};

/* memory of one buffer; embedded in its owner's object */
struct heap_block {
	struct heap *heap; /* NULL: nothing taken */
	uint64_t size;
	uint32_t flags;
	uint64_t align;
	int memfd;	      /* of this block alone, or a dma-buf, owned; or -1 */
	struct slice *slices; /* where the memory is, in order; &one, or owned by the heap */
	size_t n_slices;
	struct slice one;
	void *own;    /* the heap's, or NULL */
	bool spare;   /* the heap could give something up, were there no memory for the block */
	bool starved; /* it is for this block that it is to do so */
};

#define HEAP_BLOCK_INIT                   \
	{                                 \
		.heap = NULL, .memfd = -1 \
	}

/* what a heap has beside what is taken, in bytes */
struct heap_stock {
	const char *area; /* that it is over; NULL: none */
	uint64_t size;	  /* of all it could hand out, taken or not; 0: no such bound */
	uint64_t clean, dirty, retired; /* of the area, whichever heap had it; or of the pool */
	uint64_t pooled;		/* kept for the next buffers, clean or dirty */
	uint64_t largest_run;		/* the longest free range */
	uint64_t largest; /* of a buffer that is to be had now, at most; 0: not known */
};

/* where a buffer lies, if that can be said */
struct heap_place {
	uint64_t address; /* physical, of its first byte */
	uint64_t length;  /* bytes from there on that are adjacent */
	bool contiguous;  /* these are all */
};

enum {
	_HEAP_OK,
	HEAP_E_AGAIN, /* release it, there may be memory then: some was lost, or can be given up */
};

struct heap_ops {
	uint32_t type;
	/* may this be, and is there room: -ENOMEM, -EINVAL. The block's size, flags and align are
	 * set. */
	int (*reserve)(struct heap *heap, struct heap_block *block);
	/* any thread; touches nothing but the block; 0, HEAP_E_AGAIN or a negative error */
	int (*fill)(struct heap_block *block);
	/* give back what reserve() and fill() took; fill() may not have been called, or have failed
	 */
	void (*release)(struct heap_block *block);
	/* NULL: it has nothing beside what is taken; @stock is zeroed */
	void (*stock)(const struct heap *heap, struct heap_stock *stock);
	/* NULL: that can't be said; the block is filled. 0, or -ENODEV */
	int (*place)(const struct heap_block *block, struct heap_place *place);
	/* heap_tend_begin() and so on; NULL: there is never anything to do */
	bool (*tend_begin)(struct heap *heap);
	void (*tend_run)(struct heap *heap);
	void (*tend_finish)(struct heap *heap);
	/* heap_age(); NULL: it keeps nothing */
	void (*age)(struct heap *heap, bool pressure);
	/* heap_name_fds(); NULL: it has none */
	void (*name_fds)(const struct heap *heap, void (*name)(int fd, void *user), void *user);
	struct heap *(*free)(struct heap *heap);
};

/* who may be told where a heap's buffers lie; root may always. The core sees to it. */
enum physical_rule {
	PHYSICAL_ROOT,
	PHYSICAL_GROUP,
	PHYSICAL_ALL,
};

struct heap_config {
	uint32_t id;
	const char *name;
	struct exporter *exporter; /* borrowed; makes the files of this heap's buffers */
	uint32_t stands_for;	   /* for the kind system: a further type that it may be listed as,
				    * where there is none of that kind; 0: its own */
	uint64_t maximum;	   /* bytes of one buffer; 0: the kind's own limit */
	enum physical_rule physical;
	gid_t physical_gid; /* for PHYSICAL_GROUP */
};

/* first member of every kind of heap */
struct heap {
	const struct heap_ops *ops;
	uint32_t id, type; /* as listed */
	char name[HEAP_NAME_SIZE];
	struct exporter *exporter;
	enum physical_rule physical;
	gid_t physical_gid;
	uint64_t bytes, buffers;  /* taken at the moment */
	void (*work)(void *user); /* heaps_on_work() */
	void *work_user;
};

/* a heap as it is listed */
struct heap_info {
	char name[HEAP_NAME_SIZE];
	uint32_t type, id;
};

/* memory that need not be contiguous: a memfd per buffer. A buffer of more than half of @totalram
 * is refused. It may stand for a heap of contiguous memory, where there can be none: programs that
 * ask for that one by habit are served, and no driver can tell. */
int heap_system_new(struct heap **ret, const struct heap_config *config, uint64_t totalram);

/* heaps over an area: contiguous memory */
struct heap_area_config {
	struct area *area; /* borrowed; outlives the heap; others may be over it too */
	uint64_t align;	   /* what each buffer is aligned to at least, a power of two; 0: any */
	uint64_t chunk;	   /* for the kind chunk: its size, a power of two */
};

/* -EINVAL too where the exporter hands out the memory's memfd, which is all of the area */
int heap_carveout_new(struct heap **ret, const struct heap_config *config,
		      const struct heap_area_config *area);
int heap_chunk_new(struct heap **ret, const struct heap_config *config,
		   const struct heap_area_config *area);
int heap_custom_new(struct heap **ret, const struct heap_config *config,
		    const struct heap_area_config *area);
int heap_dma_new(struct heap **ret, const struct heap_config *config,
		 const struct heap_area_config *area);
int heap_system_contig_new(struct heap **ret, const struct heap_config *config,
			   const struct heap_area_config *area);

/**
 * heap_dma_heap_new_consume_fd() - a heap of the kernel's, by its name there, behind ours
 * @ret:	the heap: of type DMA, or SYSTEM where its name begins so; untouched on failure
 * @config:	its exporter is of exporter_dmabuf_new()
 * @device:	an open /dev/dma_heap/NAME, consumed on success only
 *
 * One page is taken of it, and given back.
 *
 * Return: 0; -EOPNOTSUPP: nothing tells whether anyone has a buffer of it; or another negative
 * error: it does not work.
 */
int heap_dma_heap_new_consume_fd(struct heap **ret, const struct heap_config *config, int device);

struct heap *heap_free(struct heap *heap); /* nothing of it may be taken */
DEFINE_CLEANUP(struct heap *, heap_free);

/* for constructors of kinds: -EINVAL where the id or the name is none */
int heap_init(struct heap *heap, const struct heap_ops *ops, const struct heap_config *config);

void heap_block_init(struct heap_block *block);
int heap_reserve(struct heap *heap, struct heap_block *block, const struct heap_want *want);
int heap_fill(struct heap_block *block); /* 0, HEAP_E_AGAIN or a negative error */
void heap_release(struct heap_block *block);

void heap_stock(const struct heap *heap, struct heap_stock *ret);
int heap_place(const struct heap_block *block, struct heap_place *ret); /* 0 or -ENODEV */

/*
 * Background work, a piece at a time, for a heap that keeps what buffers left: what is to be used
 * again is cleared, what is not is given back. There may be some after a release and after
 * heap_age(), when heaps_on_work() is called, and after heap_tend_finish().
 *
 * begin() in the heap's thread: is there a piece? Then
 * run() is due, in any thread, while all else may be done with the heap but heap_free(); then
 * finish(), in the heap's thread. One piece of a heap is in hand at a time.
 */
bool heap_tend_begin(struct heap *heap);
void heap_tend_run(struct heap *heap);
void heap_tend_finish(struct heap *heap);

/*
 * Time goes by: to be called from time to time while heap_stock() says that anything is pooled.
 * What was not used since the last call but one is given up, all of it under @pressure: where
 * memory is short.
 */
void heap_age(struct heap *heap, bool pressure);

/* calls @name for each fd that the heap holds beside its blocks' */
void heap_name_fds(const struct heap *heap, void (*name)(int fd, void *user), void *user);

#endif
