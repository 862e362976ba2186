/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The layout of the state's memfd (core/state.h). Nothing of it changes without another version:
 * fields of fixed width, no pointers, the same on every architecture.
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include <stdatomic.h>
#include <stdint.h>

#define STATE_MAGIC	  0x6e6f697375630a1aull /* "cusion", and two bytes that text files lack */
#define STATE_VERSION	  1
#define STATE_CHANNELS	  64
#define STATE_SLOT_SIZE	  ((1u << 20) + 4096) /* what a read() of a channel must have room for */
#define STATE_HEAD_MAX	  512		      /* of a request: headers and the ioctl's own bytes */
#define STATE_INIT_MAX	  256
#define STATE_WATCHES_MAX 16

enum state_kind {
	STATE_CLIENT,
	STATE_HANDLE,
	STATE_BUFFER,
	STATE_REQUEST,
	_STATE_KIND_N,
};

/* first member of every record. The id is serial << 32 | place, places from 1: an id is not used
 * again for another thing. */
struct state_record {
	_Atomic uint32_t valid;
	uint32_t serial;
	uint64_t reserved;
};

struct state_client {
	struct state_record record;
	uint32_t uid, gid, tid;
	uint32_t channel;
	uint32_t uses_handles; /* it has called so: it is told that there are handles */
	uint32_t heaps;	       /* of a dma-heap's node: its ids, which it allocates by; else 0 */
	uint64_t reserved[11];
};

struct state_handle {
	struct state_record record;
	uint64_t client, buffer; /* ids */
	uint32_t number;	 /* as the client knows it */
	uint32_t references;
	uint64_t reserved[3];
};

struct state_buffer {
	struct state_record record;
	uint64_t size;
	uint64_t client;    /* who asked for it; 0: gone */
	uint64_t unique;    /* of the request it was made for: a second run of that finds it */
	uint64_t memory_of; /* a further file of that buffer; 0: this is the buffer, and a file */
	uint64_t ino;	    /* of the exported file */
	uint32_t heap, flags;
	uint32_t uid, tid;
	uint32_t exporter;    /* enum exporter_kind */
	_Atomic uint32_t end; /* enum export_end; none: there is no file. Stored last. */
	int32_t memfd;	      /* numbers in the table that keeper and worker share, or -1 */
	int32_t look_fd;
	int32_t watch, watch_wd; /* where its mark is set: state_header.watch_fds; or -1 */
	uint32_t delivered;	 /* the end rule decides */
	uint32_t reserved0;
	uint64_t reserved[19];
};

struct state_request {
	struct state_record record;
	uint64_t unique;
	uint64_t client, buffer; /* ids, or 0 */
	uint32_t channel, tid;
	uint32_t takeovers;
	uint32_t head_size;
	uint8_t head[STATE_HEAD_MAX];
	uint64_t reserved[57];
};

enum state_slot_state { STATE_SLOT_FREE = 0, STATE_SLOT_ARMED = 1, STATE_SLOT_TAKEN = 2 };

/* a channel, and what its slot holds */
struct state_channel {
	_Atomic uint32_t slot; /* enum state_slot_state; its owner's */
	int32_t fd;	       /* number in the shared table, or -1 */
	uint32_t takeovers;    /* of the request in the slot */
	uint32_t init_size;
	uint8_t init[STATE_INIT_MAX]; /* the INIT that the kernel sent, for a new session */
	uint64_t reserved[30];
};

struct state_table {
	uint64_t offset;
	uint32_t size; /* of a record */
	uint32_t capacity;
	_Atomic uint32_t used; /* places above were never taken */
	uint32_t reserved;
};

struct state_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_size;
	uint64_t size; /* of the file */
	uint64_t slots_offset;
	uint32_t slot_size;
	uint32_t n_channels;
	struct state_table tables[_STATE_KIND_N];
	int32_t ring_fd; /* of the loop that runs on this state, or -1: the next one closes it */
	int32_t watch_fd;
	int32_t watch_fds[STATE_WATCHES_MAX];
	uint64_t reserved[102];
	struct state_channel channels[STATE_CHANNELS];
};

#endif
