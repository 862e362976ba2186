# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What ./check, ./demo and the scripts of the test machine share: messages, the cache, packages.
# Sourced; needs bash.

# shellcheck disable=SC2034 # used by who sources this
top_srcdir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Where a user's own PATH may end before.
PATH=$PATH:/usr/sbin:/sbin

# What a build needs, and what the test machines need beyond that.
# shellcheck disable=SC2034 # used by who sources this
build_packages=(build-essential autoconf automake libtool autoconf-archive pkg-config git
	libfuse3-dev liburing-dev libudev-dev check libsubunit-dev libinih-dev libjson-c-dev
	libsystemd-dev libcap-dev libseccomp-dev gcc-multilib)
# Programs that cases run: on this machine, and copied into the test machine.
# shellcheck disable=SC2034
case_packages=(strace gdb apparmor)
# shellcheck disable=SC2034
vm_packages=(qemu-system-x86 busybox-static cpio kmod xz-utils)
# shellcheck disable=SC2034
systemd_packages=(mmdebstrap e2fsprogs)
# shellcheck disable=SC2034
lint_packages=(clang clang-format mandoc shellcheck)
# shellcheck disable=SC2034
fuzz_packages=(clang libclang-rt-14-dev)

say()
{
	printf '%s\n' "$*" >&2
}

die()
{
	say "${0##*/}: $*"
	exit 1
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -- "$@"
	fi
}

missing_packages()
{
	local p

	for p; do
		dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q '^install ok installed$' ||
			printf '%s\n' "$p"
	done
}

# Installs what is missing of the packages named; silent and without root where nothing is.
need_packages()
{
	local missing log

	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing ${missing[*]}"
	log=$(mktemp)
	if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null; then
		# Most often the lists of packages are old or were never fetched.
		if ! as_root apt-get update >"$log" 2>&1 </dev/null ||
		   ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
			"${missing[@]}" >>"$log" 2>&1 </dev/null; then
			cat "$log" >&2
			rm -f "$log"
			die "can't install ${missing[*]}"
		fi
	fi
	rm -f "$log"
}

# The folder for what is fetched once and used often: kernels, the systemd machine's Debian.
cache_dir()
{
	local dir=${CUSION_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cusion}

	if mkdir -p "$dir" 2>/dev/null && [ -w "$dir" ]; then
		printf '%s\n' "$dir"
		return
	fi
	dir=${TMPDIR:-/tmp}/cusion-cache-$(id -u)
	mkdir -m 0700 "$dir" 2>/dev/null || [ -O "$dir" ] || die "no folder for the cache: set CUSION_CACHE"
	printf '%s\n' "$dir"
}

# Runs a command while holding a lock of the cache: two users of it never fetch the same thing twice.
with_cache_lock()
{
	local cache

	cache=$(cache_dir)
	(
		flock 9
		"$@" 9>&-
	) 9>"$cache/lock"
}
