/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Intrusive, circular, doubly linked lists. A link that is on no list points at itself, so
 * list_remove() may be called at any time.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/attr.h"

struct list {
	struct list *prev, *next;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* the first link taken off @head, or NULL */
static inline struct list *list_pop(struct list *head)
{
	struct list *link = head->next;

	if (link == head)
		return NULL;
	list_remove(link);
	return link;
}

/* all links of @from, in their order, to @to, which need not be initialized; @from is empty after
 * it */
static inline void list_take(struct list *to, struct list *from)
{
	list_init(to);
	list_append(from, to);
	list_remove(from);
}

#define list_entry(link, type, member) container_of(link, type, member)

#define list_for_each(i, head)	       for (struct list *i = (head)->next; i != (head); i = i->next)

/* @i may be removed in the body, no other link */
#define list_for_each_safe(i, head)                                           \
	for (struct list *i = (head)->next, *i##_next = i->next; i != (head); \
	     i = i##_next, i##_next = i->next)

#endif
