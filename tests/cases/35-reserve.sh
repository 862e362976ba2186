# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm
# kernels: 6.12
# limit: 300
#
# Huge pages and the limits of udmabuf: raised at the start beside what others have, put back at the end,
# also when the service was killed; with too little memory, or where /sys can't be written, it goes on.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

udmabuf=/sys/module/udmabuf/parameters
note=/run/cusion/reserved

# what the kernel has of them now
huge_pages()
{
	sed -n 's/^HugePages_Total: *//p' /proc/meminfo
}

limits()
{
	cat $udmabuf/size_limit_mb $udmabuf/list_limit | tr '\n' ' '
}

# The keeper dies and takes the others with it; returns when the node is gone, too.
kill_service()
{
	kill -KILL "$keeper"
	wait "$service"
	service=''
	while [ -e /dev/ion ]; do
		usleep 10000
	done
}

memory=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)
echo 24 >/proc/sys/vm/nr_hugepages
before=$(huge_pages)
same "others have huge pages" 24 "$before"
limits_before=$(limits)
# a quarter of the memory is lower than 512M here
with=$((before + memory / 4 / 2048))

if start_service; then
	same "the ceiling of the area beside them" "$with" "$(huge_pages)"
	check "it is on the note" grep -q '^pages .*hugepages-2048kB 24 ' $note
	same "the largest buffer of udmabuf, in MiB" 4095 "$(cat $udmabuf/size_limit_mb)"
	client classic
	stop_service
	same "what others have is there again" "$before" "$(huge_pages)"
	same "and the limits" "$limits_before" "$(limits)"
	check "the note is gone" [ ! -e $note ]
fi

for round in 1 2; do
	start_service || break
	same "round $round: not the same again" "$with" "$(huge_pages)"
	kill_service
	same "round $round: a service that was killed leaves them behind" "$with" "$(huge_pages)"
done
if start_service; then
	check "the next one says what it put back" grep -q 'that was killed had reserved' "$scratch/log"
	same "and has as many as the first" "$with" "$(huge_pages)"
	stop_service
	same "what others have is there again" "$before" "$(huge_pages)"
	same "and the limits" "$limits_before" "$(limits)"
fi

all=$((memory / 2048))
printf '[area main]\nceiling = %dM\nfloor = %dM\n' $((all * 2)) $((all * 2)) >"$scratch/conf"
daemon="cusiond --config $scratch/conf"
if start_service; then
	check "too little memory is said" grep -q "area main: .* of $all huge pages of 2M" "$scratch/log"
	same "nothing is held that is of no use" "$before" "$(huge_pages)"
	check "the service goes on" cusion status
	stop_service
	same "what others have is untouched" "$before" "$(huge_pages)"
fi

daemon=cusiond
mount -o remount,ro /sys
if start_service; then
	check "a /sys that can't be written is said" grep -q "can't reserve huge pages" "$scratch/log"
	same "the service goes on without" "$before" "$(huge_pages)"
	client classic
	stop_service
fi
mount -o remount,rw /sys
check "no note is left" [ ! -e $note ]
echo 0 >/proc/sys/vm/nr_hugepages
finish
