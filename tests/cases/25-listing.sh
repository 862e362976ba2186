# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 240
#
# cusion heaps, buffers, clients and alloc: what root, a member of the group and an outsider are shown,
# and who is told where buffers lie.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

chmod 755 "$scratch"
group=$(sed -n 's/^cusion:[^:]*:\([0-9]*\):.*/\1/p' /etc/group)

# as USER COMMAND...: root, "member" (of the group) or "outsider"
as()
{
	user=$1
	shift
	case $WHERE$user in
	*root) "$@" ;;
	fusemember) setpriv --reuid 1002 --regid 1002 --groups "$group" "$@" ;;
	fuse*) setpriv --reuid 1001 --regid 1001 --clear-groups "$@" ;;
	*) su "$user" -c "$*" ;;
	esac
}

# The command that buffers are held by: says so, and waits.
cat >"$scratch/held" <<'END'
#!/bin/sh
echo "held $CUSION_FD" >"$1/said"
read -r _ <"$1/end"
END
chmod 755 "$scratch/held"

# hold USER OPTION...: buffers that are there until let_go; $fds are their fds in the command
hold()
{
	user=$1
	shift
	rm -f "$scratch/said" "$scratch/end"
	mkfifo "$scratch/said" "$scratch/end"
	chmod 666 "$scratch/said" "$scratch/end"
	as "$user" cusion alloc "$@" -- "$scratch/held" "$scratch" >"$scratch/allocated" 2>&1 &
	holder=$!
	read -r held fds <"$scratch/said"
	same "$user holds buffers" held "$held"
	comment <"$scratch/allocated"
}

let_go()
{
	echo >"$scratch/end"
	wait "$holder"
	same "what held them ends well" 0 $?
}

# json WORD...: the last JSON is one, and has it
json()
{
	"$TESTS/json" "$@" <"$scratch/json" >"$scratch/value"
}

# shows WHAT N USER COMMAND...: that JSON has N entries
shows()
{
	what=$1
	n=$2
	shift 2
	as "$@" --json >"$scratch/json" 2>"$scratch/err"
	same "$what: exit status" 0 $?
	check "$what: it is JSON" json "$3"
	same "$what: entries" "$n" "$(grep -c '"uid":' "$scratch/json")"
	comment <"$scratch/err"
}

# others N: so many were left out of the last one
others()
{
	same "of others" "$1" "$("$TESTS/json" others <"$scratch/json")"
}

# text WHAT WORD COMMAND...: it says so to people; without a terminal, in black and white
text()
{
	what=$1
	word=$2
	shift 2
	"$@" >"$scratch/text" 2>&1
	check "$what: it says '$word'" grep -q -e "$word" "$scratch/text"
	same "$what: no colour" 0 "$(tr -dc '\033' <"$scratch/text" | wc -c | tr -d ' ')"
	comment <"$scratch/text"
}

# fails WHAT STATUS WORD USER COMMAND...
fails()
{
	what=$1
	status=$2
	word=$3
	shift 3
	as "$@" >"$scratch/out" 2>"$scratch/err"
	same "$what: exit status" "$status" $?
	check "$what: it says '$word'" grep -q -e "$word" "$scratch/err"
	comment <"$scratch/err"
}

# Each of the last buffers: its address and its length.
places()
{
	sed -n 's/.*"address": *\([0-9]*\).*/\1/p; s/.*"length": *\([0-9]*\).*/\1/p' "$scratch/json" |
		paste -d ' ' - - | sort -n
}

# places_are_sound N: so many, in whole pages, and none in another
places_are_sound()
{
	places | awk -v n="$1" '
		$1 % 4096 || $2 % 4096 || !$2 || $1 < end { bad = 1 }
		{ end = $1 + $2; seen++ }
		END { exit bad || seen != n }'
}

contiguous=''
[ "$WHERE" = fuse ] || [ ! -c /dev/udmabuf ] || contiguous=yes

fails "no service: heaps" 69 'systemctl start cusiond' root cusion heaps
fails "no service: alloc" 69 'cusiond' root cusion alloc --device /dev/no-such
start_service || { finish; exit; }

# ---- what there is ----

text "heaps" ion_system_heap as outsider cusion heaps
cusion heaps --json >"$scratch/json"
same "heaps: kind of the system heap" system "$("$TESTS/json" heaps ion_system_heap kind <"$scratch/json")"
if [ -n "$contiguous" ]; then
	size=$("$TESTS/json" areas main size <"$scratch/json")
	check "the area has memory" [ "$size" -gt 0 ]
	same "all of it is free" 0 "$("$TESTS/json" areas main used <"$scratch/json")"
fi
text "no buffers" '^$' sh -c 'cusion buffers; echo'
shows "no clients" 0 root cusion clients

# ---- whose it is ----

hold member --count 3 --size 64K
same "three fds for the command" 3 "$(echo "$fds" | wc -w | tr -d ' ')"
shows "buffers, to root" 3 root cusion buffers
others 0
shows "buffers, to a member" 3 member cusion buffers
shows "buffers, to an outsider" 0 outsider cusion buffers
others 3
shows "clients, to root" 1 root cusion clients
shows "clients, to an outsider" 0 outsider cusion clients
others 1
text "buffers, to root" 64.KiB cusion buffers
text "buffers, to an outsider" '3 of others not shown' as outsider cusion buffers
text "clients, to a member" '192 KiB of' as member cusion clients
text "clients, to an outsider" '1 of others not shown' as outsider cusion clients
let_go

# a root who has given up all groups but his own is root; one's own are one's own
hold root --count 2
shows "root's buffers, to a member" 2 member cusion buffers
shows "root's buffers, to an outsider" 0 outsider cusion buffers
others 2
let_go

# more than fit into an answer
hold root --count 500 --size 4K
shows "a long list" 500 root cusion buffers
same "each once" 500 "$(sed -n 's/.*"id": *"\(.*\)".*/\1/p' "$scratch/json" | sort -u | wc -l | tr -d ' ')"
shows "a long list of others" 0 outsider cusion buffers
others 500
let_go

# ---- alloc ----

fails "an outsider" 1 "group 'cusion'" outsider cusion alloc
fails "no such heap" 1 ion_system_heap root cusion alloc --heap no-such
fails "no such id" 1 ion_system_heap root cusion alloc --heap 19
fails "too large" 1 "the largest\|limits" root cusion alloc --size 1T
fails "no memory" 1 'Invalid argument' root cusion alloc --size 0
fails "bad size" 2 64K root cusion alloc --size 64Kb
fails "bad count" 2 count root cusion alloc --count 0
fails "bad flags" 2 flags root cusion alloc --flags -1
fails "bad option" 2 no-such root cusion alloc --no-such
fails "hold and a command" 2 'or a command' root cusion alloc --hold -- true
fails "no such command" 127 no-such root cusion alloc -- no-such-command
fails "a device of another kind" 1 "ION's" root cusion alloc --device /dev/null
cusion alloc -- sh -c 'exit 7'
same "the command's exit status" 7 $?
# shellcheck disable=SC2016 # words of that shell
cusion alloc --count 2 --json -- sh -c 'for fd in $CUSION_FD; do [ -e /proc/self/fd/$fd ] || exit 1; done' \
	>"$scratch/json"
same "the command has them" 0 $?
same "alloc --json" ion_system_heap "$("$TESTS/json" heap <"$scratch/json")"
mkfifo "$scratch/hold"
cusion alloc --hold >"$scratch/text" 2>"$scratch/hold" &
holder=$!
read -r line <"$scratch/hold"
same "--hold" 'cusion: held until Ctrl-C' "$line"
check "it has told what it got before" grep -q '1 MiB of heap 0, ion_system_heap' "$scratch/text"
shows "held" 1 root cusion buffers
kill -TERM "$holder"
wait "$holder"
same "until a signal" 0 $?
shows "and not longer" 0 root cusion buffers

# ---- where they lie ----

hold member --heap 0
shows "physical, of the system heap" 1 root cusion buffers --physical
same "it has none" ENODEV "$(sed -n 's/.*"refused": *"\(.*\)".*/\1/p' "$scratch/json")"
let_go
if [ -n "$contiguous" ]; then
	hold member --heap linux,cma --size 3M --count 4
	shows "physical, to root" 4 root cusion buffers --physical
	check "in whole pages, apart" places_are_sound 4
	same "contiguous" 4 "$(grep -c '"contiguous": *true' "$scratch/json")"
	text "physical, to root" 0x cusion buffers --physical
	shows "physical, to who has them" 4 member cusion buffers --physical
	same "it is not for him" 4 "$(grep -c '"refused": *"EPERM"' "$scratch/json")"
	text "physical, to who has them" 'physical-address' as member cusion buffers --physical
	text "the heap" '12 MiB' cusion heaps
	fails "more than it has" 1 'the largest buffer' root cusion alloc --heap linux,cma --size 1T
	let_go
fi
stop_service

# ---- and to whom the settings tell it ----

if [ -n "$contiguous" ]; then
	cat >"$scratch/conf" <<-END
	[heap linux,cma]
	physical-address = group:cusion

	[heap carveout]
	physical-address = all

	[heap ion_system_contig_heap]
	physical-address = group:no-such-group
	END
	daemon="cusiond --config $scratch/conf"
	start_service || { finish; exit; }
	check "a group that isn't there is said" grep -q no-such-group "$scratch/log"
	hold member --heap linux,cma --size 1M --count 2
	shows "by the group" 2 member cusion buffers --physical
	check "in whole pages, apart" places_are_sound 2
	let_go
	hold member --heap ion_system_contig_heap --size 1M
	shows "by a group that isn't there" 1 member cusion buffers --physical
	same "it is for root alone" 1 "$(grep -c '"refused": *"EPERM"' "$scratch/json")"
	let_go
	hold member --heap carveout --size 12K --count 3
	shows "for all: his own" 3 member cusion buffers --physical
	check "in whole pages, apart" places_are_sound 3
	shows "for all: but an outsider has none" 0 outsider cusion buffers --physical
	let_go
	stop_service
fi
finish
