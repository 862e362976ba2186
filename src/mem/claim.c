// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mem/claim.h"

#include <assert.h>

#include "base/attr.h"
#include "mem/clear.h"
#include "mem/pages.h"

#define STEP_FRAMES 64u /* 256 KiB: what a stop may have to wait for */

void claim_init(struct claim *claim)
{
	*claim = (struct claim){ .lock = PTHREAD_MUTEX_INITIALIZER };
}

void claim_deinit(struct claim *claim)
{
	assert(!claim->n_frames);
	pthread_mutex_destroy(&claim->lock);
}

void claim_start(struct claim *claim, uint64_t frame, uint64_t n_frames, char *memory)
{
	assert(!claim->n_frames && n_frames);
	claim->frame = frame;
	claim->n_frames = n_frames;
	claim->memory = memory;
	claim->is_void = false;
	claim->n_cleared = 0;
	claim->lost = false;
	pthread_mutex_lock(&claim->lock);
	claim->serial++;
	claim->stopped = false;
	pthread_mutex_unlock(&claim->lock);
}

void claim_end(struct claim *claim)
{
	assert(claim->n_frames);
	claim->n_frames = 0;
}

bool claim_overlaps(const struct claim *claim, uint64_t frame, uint64_t n_frames)
{
	return claim->n_frames && frame < claim->frame + claim->n_frames &&
	       claim->frame < frame + n_frames;
}

/* false: stopped, or done, or lost */
static bool claim_step(struct claim *claim)
{
	uint64_t n = MIN(claim->n_frames - claim->n_cleared, STEP_FRAMES);

	if (claim->stopped || !n)
		return false;
	if (clear_memory(claim->memory + claim->n_cleared * PAGES_SIZE, n * PAGES_SIZE) < 0) {
		claim->lost = true;
		return false;
	}
	claim->n_cleared += n;
	return true;
}

void claim_clear(struct claim *claim)
{
	bool more = true;

	while (more && !claim->n_stopping) {
		pthread_mutex_lock(&claim->lock);
		more = claim_step(claim);
		pthread_mutex_unlock(&claim->lock);
	}
}

void claim_stop(struct claim *claim, uint64_t serial)
{
	claim->n_stopping++;
	pthread_mutex_lock(&claim->lock);
	if (claim->serial == serial)
		claim->stopped = true;
	pthread_mutex_unlock(&claim->lock);
	claim->n_stopping--;
}
