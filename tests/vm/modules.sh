# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Kernel modules for a test machine: the ones asked for and what they depend on. Sourced.

# The paths of modules, in modules.dep's words, with those that they depend on. One that the kernel
# has built in, or doesn't have, is left out: the test that needs it says so.
resolve_modules()
{
	local dep=$1/modules.dep

	shift
	awk -v wanted="$*" '
	function name(path) {
		sub(/.*\//, "", path); sub(/\.ko.*/, "", path); gsub(/-/, "_", path)
		return path
	}
	BEGIN { n = split(wanted, w, " "); for (i = 1; i <= n; i++) { gsub(/-/, "_", w[i]); want[w[i]] } }
	{
		path = $1; sub(/:$/, "", path)
		if (name(path) in want) {
			print path
			for (i = 2; i <= NF; i++)
				print $i
		}
	}' "$dep" | sort -u
}

# Puts modules, unpacked, below a root, with the indexes that modprobe wants.
add_modules()
{
	local modules=$1 root=$2 release path to

	release=$(basename "$modules")
	shift 2
	to=$root/usr/lib/modules/$release
	mkdir -p "$to"
	resolve_modules "$modules" "$@" | while read -r path; do
		mkdir -p "$to/$(dirname "$path")"
		case $path in
		*.xz) xz -dc "$modules/$path" >"$to/${path%.xz}" ;;
		*) cp "$modules/$path" "$to/$path" ;;
		esac
	done
	for path in modules.order modules.builtin modules.builtin.modinfo; do
		[ ! -e "$modules/$path" ] || cp "$modules/$path" "$to/"
	done
	depmod -b "$root/usr" "$release" 2>/dev/null || depmod -b "$root" "$release"
}
