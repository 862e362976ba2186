/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does what is known twice agree? The state's records with the objects, the charges with what they
 * are for, the totals with their parts, the fd table with what the objects hold. Nothing is mended.
 *
 * service_check() compares what the core has. Who holds further fds names them with
 * check_name_fd(); check_end() then finds those that nobody has named.
 */
#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include <stdint.h>

#include "base/attr.h"
#include "base/fd_map.h"

struct service;

#define CHECK_TEXTS	64
#define CHECK_TEXT_SIZE 160

struct check {
	uint64_t n_findings; /* all; the first CHECK_TEXTS are kept */
	char texts[CHECK_TEXTS][CHECK_TEXT_SIZE];
	struct fd_map unnamed; /* open fds */
	struct fd_map named;
};

/* a check that has found nothing yet, of the fd table as it is now; 0 or a negative error */
int check_init(struct check *check);
void check_deinit(struct check *check);

void check_found(struct check *check, const char *format, ...) _printf_(2, 3);

/* @fd is @whose (a word), who should be the only one; -1 is let be */
void check_name_fd(struct check *check, int fd, const char *whose);

/* compare all that the service has. Allocations and shares under way hold fds that have no name
 * yet: Return: their number. */
uint64_t service_check(struct service *service, struct check *check);

/* all were named: what is left belongs to nothing */
void check_end(struct check *check);

#endif
