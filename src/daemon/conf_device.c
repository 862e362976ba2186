// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/conf_device.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "daemon/settings.h"

static int read_log_level(void *object, const char *value, const char **hint)
{
	struct settings *settings = object;

	*hint = "one of error, warning, notice, info, debug";
	return log_level_parse(&settings->log_level, value);
}

static int read_control(void *object, const char *value, const char **hint)
{
	struct settings *settings = object;

	*hint = "an absolute path of at most 107 bytes";
	if (value[0] != '/' || strlen(value) >= sizeof(settings->control))
		return -EINVAL;
	strcpy(settings->control, value);
	return 0;
}

static int read_mode(struct node_settings *node, const char *value, const char **hint)
{
	mode_t mode = 0;

	*hint = "an octal mode like 0660";
	if (strlen(value) < 3 || strlen(value) > 4)
		return -EINVAL;
	for (const char *p = value; *p; p++) {
		if (*p < '0' || *p > '7')
			return -EINVAL;
		mode = mode << 3 | (*p - '0');
	}
	if (mode > 0777)
		return -EINVAL;
	node->mode = mode;
	node->given = true;
	return 0;
}

static int read_group(struct node_settings *node, const char *value, const char **hint)
{
	*hint = "the name of a group";
	if (!value[0] || strlen(value) >= sizeof(node->group))
		return -EINVAL;
	strcpy(node->group, value);
	node->given = true;
	return 0;
}

static int read_ion_mode(void *object, const char *value, const char **hint)
{
	return read_mode(&((struct settings *)object)->ion, value, hint);
}

static int read_ion_group(void *object, const char *value, const char **hint)
{
	return read_group(&((struct settings *)object)->ion, value, hint);
}

static int read_dma_heap_mode(void *object, const char *value, const char **hint)
{
	return read_mode(&((struct settings *)object)->dma_heap.node, value, hint);
}

static int read_dma_heap_group(void *object, const char *value, const char **hint)
{
	return read_group(&((struct settings *)object)->dma_heap.node, value, hint);
}

static bool is_listed(const struct dma_heap_settings *dma_heap, const char *name)
{
	for (size_t i = 0; i < dma_heap->n_names; i++)
		if (!strcmp(dma_heap->names[i], name))
			return true;
	return false;
}

/* whether there are such heaps is seen when all of the file was read */
static int read_names(void *object, const char *value, const char **hint)
{
	struct dma_heap_settings *dma_heap = &((struct settings *)object)->dma_heap;
	char word[HEAP_NAME_SIZE];
	int r;

	*hint = "auto, none, or at most 32 different names of heaps, with blanks between them";
	dma_heap->listed = strcmp(value, "auto");
	if (!value[0])
		return -EINVAL;
	if (!dma_heap->listed || !strcmp(value, "none"))
		return 0;
	while ((r = parse_word(word, sizeof(word), &value)) > 0) {
		if (dma_heap->n_names == DMA_HEAPS_MAX || is_listed(dma_heap, word) ||
		    !conf_is_name(word, sizeof(word)))
			return -EINVAL;
		strcpy(dma_heap->names[dma_heap->n_names++], word);
	}
	return r;
}

static int read_abi(void *object, const char *value, const char **hint)
{
	static const struct {
		const char *name;
		enum wire_abi abi;
	} abis[] = {
		{ "auto", WIRE_ABI_AUTO },
		{ "legacy", WIRE_ABI_LEGACY },
		{ "modern", WIRE_ABI_MODERN },
	};
	struct settings *settings = object;

	*hint = "auto, legacy or modern";
	for (size_t i = 0; i < ARRAY_SIZE(abis); i++) {
		if (strcmp(abis[i].name, value))
			continue;
		settings->policy.abi = abis[i].abi;
		return 0;
	}
	return -EINVAL;
}

static int read_abi_version(void *object, const char *value, const char **hint)
{
	struct settings *settings = object;

	*hint = "none or 2";
	if (strcmp(value, "none") && strcmp(value, "2"))
		return -EINVAL;
	settings->policy.abi_version = value[0] == '2' ? 2 : 0;
	return 0;
}

static const struct conf_key cusiond_keys[] = {
	{ "log-level", read_log_level },
	{ "control", read_control },
};
const struct conf_keys conf_cusiond_keys = { cusiond_keys, ARRAY_SIZE(cusiond_keys) };

static const struct conf_key device_keys[] = {
	{ "mode", read_ion_mode },
	{ "group", read_ion_group },
	{ "abi", read_abi },
	{ "abi-version", read_abi_version },
};
const struct conf_keys conf_device_keys = { device_keys, ARRAY_SIZE(device_keys) };

static const struct conf_key dma_heap_keys[] = {
	[DMA_HEAP_KEY_NAMES] = { "names", read_names },
	{ "mode", read_dma_heap_mode },
	{ "group", read_dma_heap_group },
};
const struct conf_keys conf_dma_heap_keys = { dma_heap_keys, ARRAY_SIZE(dma_heap_keys) };
