# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boots a machine whose first serial port is the console and whose second one carries the tests' output,
# and judges what came back. Sourced, behind tests/setup.sh, by tests/vm/run and tests/vm/systemd.
: "${top_srcdir:?}"

# What no kernel log of a good run holds. Our own service's crashes are there, too.
bad_kernel='BUG:|WARNING: CPU|Oops|Kernel panic|general protection fault|blocked for more than|soft lockup'
bad_kernel+='|hard LOCKUP|refcount_t:|possible circular|(cusion|cusiond)\[[0-9]+\]: segfault'

# The kernel's options in both machines: what is wrong ends the machine at once, but on an emulated
# processor that has to wait for a real one, neither a late timer nor a long turn is wrong.
kernel_options='console=ttyS0 quiet panic=-1 oops=panic hung_task_panic=1 no_timer_check watchdog_thresh=60'

# Takes the stream of the second serial port apart, as it comes, into one file per test, with a line
# "NAME STATUS MILLISECONDS" in `ended` for each that came to its end. What has a name with @ is no test
# but a log. $1: the folder.
split_stream()
{
	local line name='' rest blank=''

	: >"$1/ended"
	while IFS= read -r line; do
		line=${line%$'\r'}
		case $line in
		'@@begin '*)
			name=${line#@@begin }
			: >"$1/$name.log"
			;;
		'@@end '*)
			rest=${line#@@end }
			printf '%s\n' "$rest" >>"$1/ended"
			name=''
			[[ $rest = @* ]] || say "  $rest"
			;;
		@@done)
			: >"$1/done"
			;;
		'')
			# Each of our lines has an empty one before it, which isn't the test's.
			[ -z "$blank" ] || test_line "$1" ''
			blank=yes
			continue
			;;
		*)
			[ -z "$blank" ] || test_line "$1" ''
			test_line "$1" "$line"
			;;
		esac
		blank=''
	done
}

# One line of a test's output, in split_stream's name.
test_line()
{
	[ -n "$name" ] || return 0
	printf '%s\n' "$2" >>"$1/$name.log"
	[ -z "${verbose:-}" ] || [[ $name = @* ]] || printf '%s\n' "$2"
}

# Sets machine_options for a machine that isn't the usual one. "nodes": two of them; the first one's memory
# lies at both sides of the 4 GiB line, in two zones.
machine_options=()
set_machine()
{
	case $1 in
	'') ;;
	nodes)
		VM_MEMORY=2048
		machine_options=(-machine "pc,max-ram-below-4g=1G"
			-object "memory-backend-ram,id=ram0,size=1536M" -numa "node,nodeid=0,cpus=0,memdev=ram0"
			-object "memory-backend-ram,id=ram1,size=512M" -numa "node,nodeid=1,cpus=1,memdev=ram1")
		;;
	*) die "there is no machine $1" ;;
	esac
}

# boot_machine FOLDER SECONDS KERNEL-OPTIONS QEMU-OPTION...
boot_machine()
{
	local out=$1 seconds=$2 append=$3

	shift 3
	rm -f "$out/done"
	timeout -k 5 "$seconds" qemu-system-x86_64 -accel "${VM_ACCEL:-tcg,thread=multi}" -cpu max \
		-smp "${VM_CPUS:-2}" -nodefaults -display none -no-reboot -monitor none \
		-serial "file:$out/console.log" -chardev stdio,id=results,signal=off -serial chardev:results \
		-m "${VM_MEMORY:-1024}" -append "$kernel_options $append ${VM_APPEND:-}" "${machine_options[@]}" \
		"$@" </dev/null 2>"$out/qemu.log" | split_stream "$out" || true
	[ ! -s "$out/qemu.log" ] || cat "$out/qemu.log" >&2
}

# Turns what came back into tally's lines in FOLDER/results. $1: the folder, $2: the group's name.
judge_machine()
{
	local out=$1 group=$2 name status log bad

	sed 's/\x1b\[[0-9;?]*[A-Za-z]//g; s/\r$//' "$out/console.log" >"$out/kernel.log"
	: >"$out/results"
	while read -r name status _; do
		[[ $name != @* ]] || continue
		"$top_srcdir/tests/tally" "$group/$name" "$status" <"$out/$name.log" >>"$out/results"
	done <"$out/ended"
	for log in "$out"/*.log; do
		name=$(basename "$log" .log)
		case $name in
		kernel | console | qemu | @*) continue ;;
		esac
		grep -qF "$name " "$out/ended" ||
			printf 'F\t%s\t%s\n' "$group/$name" "the machine ended while it ran" >>"$out/results"
	done
	[ -e "$out/done" ] ||
		printf 'F\t%s\t%s\n' "$group" "the machine did not come to its end ($(tail -n 1 "$out/kernel.log"))" >>"$out/results"
	bad=$(cat "$out/kernel.log" "$out/@dmesg.log" 2>/dev/null | grep -E -m 1 "$bad_kernel" || true)
	[ -z "$bad" ] || printf 'F\t%s\t%s\n' "$group/kernel" "$bad" >>"$out/results"
	! grep -q '^F' "$out/results"
}
