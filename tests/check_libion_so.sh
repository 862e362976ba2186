#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# libion as a program's build meets it: installed into a scratch directory, found by pkg-config, linked
# and run; what it exports is what its map and its header name; its headers hide none of the system's.
# shellcheck disable=SC2086 # $CC and its like are commands with arguments
set -u
: "${top_srcdir:=$(dirname "$0")/..}" "${top_builddir:=.}" "${CC:=cc}" "${SANITIZE_CFLAGS=}"
: "${MAKE:=make}"
map=$top_srcdir/src/libion/libion.sym
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

check()
{
	what=$1
	shift
	if "$@" > "$tmp/log" 2>&1; then
		echo "ok: $what"
	else
		failed=1
		echo "failed: $what"
		head -n 20 "$tmp/log"
	fi
}

# make check's own make must not be taken for this one's parent
unset MAKEFLAGS MAKELEVEL MFLAGS
check "install" $MAKE -C "$top_builddir" DESTDIR="$tmp/root" install-libLTLIBRARIES \
	install-pkgconfigDATA install-ionincludeHEADERS install-linuxincludeHEADERS
pc=$(find "$tmp/root" -name libion.pc)
[ -n "$pc" ] || { echo "failed: no libion.pc"; exit 1; }
# with /usr as prefix the library's folder would be left out as one of the system's
PKG_CONFIG_SYSROOT_DIR=$tmp/root PKG_CONFIG_LIBDIR=$(dirname "$pc") PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR PKG_CONFIG_ALLOW_SYSTEM_LIBS
cflags=$(pkg-config --cflags libion) || failed=1
libs=$(pkg-config --libs libion) || failed=1
include=${cflags#-I}
include=${include%% *}
libdir=${libs#-L}
libdir=${libdir%% *}
so=$libdir/libion.so

# exports: the map's, which are the header's
nm -D --defined-only "$so" | awk '$2 == "T" { sub("@.*", "", $3); print $3 }' | sort > "$tmp/exported"
nm -D --defined-only "$so" | awk '$2 != "T" && $2 != "A"' > "$tmp/not-code"
sed -n 's/^\t\(ion_[a-z_]*\);$/\1/p' "$map" | sort > "$tmp/map"
sed -n 's/^int \(ion_[a-z_]*\)(.*/\1/p' "$include/ion/ion.h" | sort > "$tmp/header"
check "13 functions in the map" [ "$(wc -l < "$tmp/map")" -eq 13 ]
check "exports are the map's" diff "$tmp/map" "$tmp/exported"
check "exports are the header's" diff "$tmp/header" "$tmp/exported"
check "nothing but functions exported" [ ! -s "$tmp/not-code" ]
readelf -d "$so" > "$tmp/dynamic"
check "soname" grep -q 'SONAME.*\[libion\.so\.0\]' "$tmp/dynamic"

# headers: a folder of their own, with no name that the system's have
(cd "$include" && find . -type f | sort) > "$tmp/names"
printf '%s\n' ./ion/ion.h ./linux/ion.h ./linux/ion_4.19.h ./linux/msm_ion.h > "$tmp/expected"
check "headers installed" diff "$tmp/expected" "$tmp/names"
: > "$tmp/hidden"
while read -r name; do
	printf '#include <%s>\n' "${name#./}" > "$tmp/probe.c"
	if $CC -E "$tmp/probe.c" > /dev/null 2>&1; then
		echo "$name" >> "$tmp/hidden"
	fi
done < "$tmp/names"
check "no system header hidden" diff /dev/null "$tmp/hidden"

# a program, as one is built
cat > "$tmp/program.c" <<'END'
#include <errno.h>
#include <ion/ion.h>
#include <linux/dma-buf.h>
#include <linux/ion.h>
#include <linux/ion_4.19.h>
#include <linux/msm_ion.h>
#include <stdio.h>

typedef void (*function)(void);

int main(void)
{
	static const function all[] = {
		(function)ion_open, (function)ion_close, (function)ion_alloc,
		(function)ion_alloc_fd, (function)ion_sync_fd, (function)ion_free,
		(function)ion_map, (function)ion_share, (function)ion_import,
		(function)ion_query_heap_cnt, (function)ion_query_get_heaps,
		(function)ion_is_legacy, (function)ion_is_using_modular_heaps
	};
	struct ion_allocation_data data = { 0 };
	unsigned int i;

	data.heap_id_mask = ION_HEAP(ION_QSECOM_HEAP_ID);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!all[i])
			return 1;
	return ion_close(-1) == -EBADF && ion_free(-1, data.handle) == -EBADF ? 0 : 2;
}
END
check "program builds" $CC $SANITIZE_CFLAGS -o "$tmp/program" "$tmp/program.c" $cflags $libs
check "program runs" env LD_LIBRARY_PATH="$libdir" "$tmp/program"

# one that was linked elsewhere, with a library that has no versions and no number in its name
sed 's/.*/int &(void) { return 0; }/' "$tmp/map" > "$tmp/stub.c"
check "stub builds" $CC -shared -fPIC -w -Wl,-soname,libion.so -o "$tmp/libion.so" "$tmp/stub.c"
check "foreign program builds" $CC $SANITIZE_CFLAGS -o "$tmp/foreign" "$tmp/program.c" $cflags \
	-L"$tmp" -lion
check "foreign program runs" env LD_LIBRARY_PATH="$libdir" "$tmp/foreign"

exit $failed
