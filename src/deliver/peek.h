/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes of a held caller's memory, read by nobody but itself. */
#ifndef DELIVER_PEEK_H
#define DELIVER_PEEK_H

#include "deliver/hand.h"
#include "deliver/message.h"
#include "deliver/net.h"

/**
 * peek_held() - have a caller tell what is in its memory
 * @hand:	held; its socket and its page are left for the one who holds it to remove
 * @net:	our network namespace
 * @request:	the PEEK
 * @bytes:	DELIVER_PEEK_MAX bytes, get it
 *
 * Return: bytes read; or a negative error as hand_run().
 */
int peek_held(struct hand *hand, const struct net *net, const struct deliver_request *request,
	      uint8_t *bytes);

#endif
