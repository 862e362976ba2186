/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of a FUSE mount of the caller's own, whose server answers as little as it can. */
#ifndef TESTS_HANG_FILE_H
#define TESTS_HANG_FILE_H

/* an fd, or -1: reads, polls and the close of it hang until the server is killed: by
 * hang_file_end(), or with our process group. One at a time. */
int hang_file_open(void);
void hang_file_end(void);

#endif
