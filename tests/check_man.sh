#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The man pages, by mandoc's judgement: no warning, and a SPDX line each.
set -u
: "${top_srcdir:=$(dirname "$0")/..}"
command -v mandoc > /dev/null || { echo "skipped: no mandoc"; exit 77; }
failed=0
for page in "$top_srcdir"/man/*.[1-8]; do
	mandoc -T lint -W warning "$page" || failed=1
	head -n 1 "$page" | grep -q 'SPDX-License-Identifier: LGPL-2.1-or-later' ||
		{ failed=1; echo "$page: no SPDX line"; }
done
exit $failed
