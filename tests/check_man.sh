#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The man pages, by mandoc's judgement: no warning, and a SPDX line each. cusiond.conf(5) has the keys that
# the service reads, no others, and examples that it takes.
set -u
: "${top_srcdir:=$(dirname "$0")/..}" "${top_builddir:=.}"
command -v mandoc > /dev/null || { echo "skipped: no mandoc"; exit 77; }
failed=0
for page in "$top_srcdir"/man/*.[1-8]; do
	mandoc -T lint -W warning "$page" || failed=1
	head -n 1 "$page" | grep -q 'SPDX-License-Identifier: LGPL-2.1-or-later' ||
		{ failed=1; echo "$page: no SPDX line"; }
done

conf=$top_srcdir/man/cusiond.conf.5
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat "$top_srcdir"/src/daemon/conf_*.c | sed -n 's/.*{ "\([a-z-]*\)", read_.*/\1/p' | sort >"$scratch/read"
sed -n 's/^\.It Cm \([a-z-]*\)$/\1/p' "$conf" | sort >"$scratch/told"
if ! [ -s "$scratch/read" ] || ! diff "$scratch/read" "$scratch/told"; then
	failed=1
	echo "$conf: the keys are not those of src/daemon/conf_*.c"
fi
awk -v out="$scratch/example" '
	/^\.Sh / { examples = $2 == "EXAMPLES" }
	/^\.Ed/ { inside = 0 }
	inside { print >out n }
	examples && /^\.Bd -literal/ { inside = 1; n++ }' "$conf"
for example in "$scratch"/example*; do
	"$top_builddir/cusiond" --config "$example" --check-config >"$scratch/said" 2>&1 ||
		{ failed=1; echo "$conf: a bad example:"; cat "$scratch/said" "$example"; }
done
exit $failed
