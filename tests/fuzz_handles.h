/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The model's handles: which numbers each open file has, what they name, and how often; and what an
 * answer to a call with handles may be. Numbers are given lowest first, and so the next is known.
 */
#ifndef TESTS_FUZZ_HANDLES_H
#define TESTS_FUZZ_HANDLES_H

#include "fuzz_model.h"

/* what an ioctl asks for; @in is its struct */
void handles_sent(const struct model *model, struct model_request *request, const void *in);

/* an ioctl was answered: @data is what goes back into its struct */
void handles_answered(struct model *model, const struct model_request *request, int result,
		      const void *data, size_t size);

/* a SHARE's file is delivered: it is of what the handle names */
void handles_shared(const struct model_request *request, uint64_t memory);

/* an open file is gone, and all of its handles */
void handles_released(struct model *model, uint64_t fh);

/* learn of files whose handles are not known what they have, and see that all others agree */
void handles_check(struct model *model);

#endif
