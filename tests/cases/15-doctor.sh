# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse systemd
# limit: 60
#
# cusion doctor, by root and by others, with a service and without one: what it says of this machine is
# so, and its exit status follows.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

# as USER COMMAND...: an ordinary one, "member" (of the group) or "outsider"
as()
{
	user=$1
	shift
	case $WHERE in
	vm) su "$user" -c "$*" ;;
	fuse) setpriv --reuid 1001 --regid 1001 --clear-groups "$@" ;;
	systemd) setpriv --reuid "$user" --regid "$user" --init-groups "$@" ;;
	esac
}

# examine WHAT STATUS [as USER]: its JSON is in $scratch/json
examine()
{
	what=$1
	status=$2
	shift 2
	"$@" cusion doctor --json >"$scratch/json" 2>"$scratch/err"
	same "$what: exit status" "$status" $?
	same "$what: nothing on stderr" '' "$(cat "$scratch/err")"
	check "$what: it is JSON" [ -n "$("$TESTS/json" version <"$scratch/json")" ]
}

# says VALUE WORD...: the last JSON has it there
says()
{
	value=$1
	shift
	same "$*: $value" "$value" "$("$TESTS/json" "$@" <"$scratch/json")"
}

state()
{
	says "$2" findings "$1" state
}

# What each of the reference kernels has and lacks.
kernel_findings()
{
	case $(uname -r) in
	6.1.*)
		state udmabuf lack
		check "udmabuf: its cost" grep -q "drivers can't import them" "$scratch/json"
		state fuse-passthrough lack
		says false contiguous
		;;
	6.12.*)
		state udmabuf ok
		state udmabuf-limits ok
		state udmabuf-vmap fault
		state udmabuf-direct-io note
		state fuse-passthrough ok
		state area ok
		says true contiguous
		;;
	esac
	state cuse ok
	state fuse ok
	state huge-pages ok
	state ptrace-scope ok
	state capabilities ok
	state seccomp ok
	state io-uring ok
	state node ok
}

[ "$WHERE" = fuse ] || modprobe cuse
examine "no service" 0
state service note
says false serves
says true can-serve
cusion status >/dev/null 2>"$scratch/err"
same "cusion status: exit status" 69 $?
check "cusion status names the doctor" grep -q 'cusion doctor' "$scratch/err"

if [ "$WHERE" = systemd ]; then
	systemctl start cusiond
	same "systemctl start" 0 $?
else
	start_service
fi
examine "a service" 0
state service ok
says true serves
[ "$WHERE" = fuse ] || kernel_findings
[ "$WHERE" != fuse ] || state node ok
state node-access ok
examine "by another user" 0 as outsider
state service ok
state node-access lack
says "usermod -aG cusion \$USER, as root; then log in anew" findings node-access mend
if [ "$WHERE" != fuse ]; then
	examine "by a member of the group" 0 as member
	state node-access ok
	says "this user may" without-root
fi

cusion doctor >"$scratch/text"
same "as text: exit status" 0 $?
comment <"$scratch/text"
same "as text: no colour where no terminal is" 0 "$(tr -dc '\033' <"$scratch/text" | wc -c | tr -d ' ')"
check "as text: its last line is the verdict" sh -c "tail -n 1 '$scratch/text' | \
	grep -q '^The service can run here: yes, it does; contiguous memory: .*; without root: .*\.\$'"
cusion doctor --help >"$scratch/text"
same "--help: exit status" 0 $?
cusion doctor nurse 2>/dev/null
same "wrong usage: exit status" 2 $?
[ "$WHERE" != systemd ] || systemctl stop cusiond
finish
