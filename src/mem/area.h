/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Areas: memory that is contiguous as far as the machine allows, out of which ranges of frames are
 * taken by first fit. What is free is clean (zero) or dirty; clean frames are handed out first, and
 * dirty ones are cleared in the background (mem/scrub.h) or, where nothing else is left, by who
 * takes them. A block that the hardware lost retires: none of it is handed out again.
 *
 * Single-threaded, but for area_range_clear().
 */
#ifndef MEM_AREA_H
#define MEM_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "mem/layout.h"

struct area;
struct claim;
struct frames;
struct slice;
struct zones;

#define AREA_NAME_SIZE 32

enum {
	_AREA_OK,
	AREA_E_FULL,	/* no free range is long enough */
	AREA_E_OUTSIDE, /* not a range of this area */
	AREA_E_FREE,	/* some of it isn't taken */
};

struct area_config {
	const char *name;
	unsigned int order_per_bit; /* frames are accounted for by 1 << order_per_bit */
	uint64_t floor;		    /* bytes that it must have to be one; 0: a block */
	struct layout_rules rules;  /* borrowed for the call */
	/* there may be something new for the scrubber: called at the end of a release; or NULL */
	void (*dirtied)(void *user);
	void *user;
};

/* how the activation went, for who tells people */
struct area_report {
	uint32_t n_asked, n_taken, n_left_out;		   /* blocks */
	char text[AREA_NAME_SIZE + LAYOUT_WHY_SIZE + 128]; /* why not, or not all; or "" */
};

struct area_totals {
	uint64_t size, used, clean, dirty, retired; /* bytes; the four make up the first */
	uint64_t largest;			    /* the longest free range */
	uint32_t n_runs;			    /* unbroken in physical memory */
};

/* what was taken; embedded in its owner's object */
struct area_range {
	struct area *area; /* NULL: nothing */
	uint64_t frame, n_frames;
	struct slice *slices; /* in frame order */
	size_t n_slices;
	/* for area_range_clear() */
	uint64_t dirty, n_dirty; /* frames, the first and last of them dirty */
	uint64_t claim;		 /* serial of what the scrubber has of it; 0: nothing */
	bool lost;		 /* frame `dirty` or one near it is gone */
};

#define AREA_RANGE_INIT      \
	{                    \
		.area = NULL \
	}

/**
 * area_new() - take all that @frames gives, and activate it
 * @ret:	the area; untouched on failure
 * @config:	its name and rules
 * @frames:	consumed on success only; what was taken of it is given back on failure
 * @report:	filled in any case
 *
 * Return: 0; -EINVAL: against the rules ("could not be activated"); -ENOMEM: less than its floor
 * was to be had, or there is no memory for its bitmap; or a negative error.
 */
int area_new(struct area **ret, const struct area_config *config, struct frames *frames,
	     struct area_report *report);
struct area *area_free(struct area *area); /* nothing of it may be taken */
DEFINE_CLEANUP(struct area *, area_free);

const char *area_name(const struct area *area);
void area_totals(const struct area *area, struct area_totals *ret);

/**
 * area_take() - the first fit among clean ranges, else among all free ones
 * @area:	the area
 * @range:	AREA_RANGE_INIT; filled on success
 * @n_frames:	wanted, not 0
 * @align:	the frame number is to be a multiple of 1 << align
 *
 * Return: 0, AREA_E_FULL, or -ENOMEM.
 */
int area_take(struct area *area, struct area_range *range, uint64_t n_frames, unsigned int align);

/* must area_range_clear() be called before anybody sees the memory? */
static inline bool area_range_is_dirty(const struct area_range *range)
{
	return range->n_dirty;
}

/* any thread; touches nothing but the range. Return: 0, or -EIO where its memory is lost; the
 * block retires when the range is released. */
int area_range_clear(struct area_range *range);

/* all of it back; a range that holds nothing is let be */
void area_range_release(struct area_range *range);

/* the same by number: 0, AREA_E_OUTSIDE or AREA_E_FREE, and nothing was done then */
int area_release(struct area *area, uint64_t frame, uint64_t n_frames);

/* the block that @frame lies in is lost: what is free of it now, and what is released later, is
 * not handed out. A frame outside the area is let be. */
void area_retire(struct area *area, uint64_t frame);

/* ---- for mem/scrub.c ---- */

struct claim *area_claim(struct area *area);

/* the first dirty frames that lie in one block, at most @max or what one bit stands for: false
 * where there are none */
bool area_find_dirty(const struct area *area, uint64_t max, uint64_t *ret_frame, uint64_t *ret_n);
char *area_address(const struct area *area, uint64_t frame); /* up to the end of its block */

/* free frames, from the first on, were cleared: those of whole bits count */
void area_set_clean(struct area *area, uint64_t frame, uint64_t n_frames);

#endif
