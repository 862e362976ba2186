// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mem/scrub.h"

#include <assert.h>

#include "base/attr.h"
#include "mem/area.h"
#include "mem/claim.h"

#define PIECE_FRAMES 512u /* 2 MiB: some 100 µs */

bool scrub_begin(struct area *area)
{
	uint64_t frame, n;

	assert(!area_claim(area)->n_frames);
	if (!area_find_dirty(area, PIECE_FRAMES, &frame, &n))
		return false;
	claim_start(area_claim(area), frame, n, area_address(area, frame));
	return true;
}

void scrub_run(struct area *area)
{
	claim_clear(area_claim(area));
}

/* where somebody took some of the piece meanwhile, he may have dirtied it and given it back, too */
void scrub_finish(struct area *area)
{
	struct claim *claim = area_claim(area);

	if (!claim->is_void && claim->n_cleared)
		area_set_clean(area, claim->frame, claim->n_cleared);
	if (claim->lost)
		area_retire(area, claim->frame + claim->n_cleared);
	claim_end(claim);
}
