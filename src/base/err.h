/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two kinds of result: 0 or a negative errno, passed up unchanged; and small positive results of
 * one module (`AREA_E_FULL`), which its caller must meet.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* where a negative error was born: printed at debug level; costs nothing where @r is not negative
 */
#define err_origin(r) err_born((r), __func__, __FILE__, __LINE__)

/* a positive result that this caller can't meet: a bug, passed up as ENOTRECOVERABLE */
#define err_fold(r)                                         \
	({                                                  \
		int _r = (r);                               \
		_r > 0 ? err_origin(-ENOTRECOVERABLE) : _r; \
	})

int err_born(int r, const char *function, const char *file, int line);

#endif
