/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verb that tells where a buffer lies in physical memory. What is known there can be attacked
 * by a device, so each heap has a rule who may know (heap.physical).
 */
#ifndef CORE_PLACE_H
#define CORE_PLACE_H

#include <stdint.h>

#include "core/who.h"
#include "heap/heap.h"

struct service;

/**
 * service_place() - where a buffer lies
 * @service:	the service
 * @id:		of the buffer, any number
 * @who:	wants to know
 * @ret:	where; untouched on failure
 *
 * Return: 0; -ENOENT: no such buffer; -ENODEV: its memory may be anywhere and move, whoever asks;
 * -EPERM: @who may not know.
 */
int service_place(struct service *service, uint64_t id, const struct who *who,
		  struct heap_place *ret);

#endif
