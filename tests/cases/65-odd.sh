# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 150
# programs: strace apparmor_parser
#
# Callers that are unusual and mean no harm: each allocates, or gets the errno that is documented, and the
# service's log says why. After each the service is as before and serves others.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

# odd NAME EXPECTED WORDS COMMAND...: COMMAND's last line is EXPECTED; if it isn't "allocated", the log has
# got WORDS by it.
odd()
{
	name=$1
	expected=$2
	words=$3
	shift 3
	before=$(wc -l <"$scratch/log")
	seen=$("$@" 2>"$scratch/err" </dev/null | tee "$scratch/out" | tail -n 1)
	if [ "$seen" = ENOSYS ] && [ "$name" = x32 ]; then
		skip "odd: $name" "this kernel has no x32"
		return
	fi
	same "odd: $name: $expected" "$expected" "$seen"
	[ "$expected" = "$seen" ] || cat "$scratch/out" "$scratch/err" | comment
	if [ "$expected" != allocated ]; then
		tail -n "+$((before + 1))" "$scratch/log" >"$scratch/new"
		check "odd: $name: the log says why" grep -q "$words" "$scratch/new"
		comment <"$scratch/new"
	fi
	check "odd: $name: the service is calm" "$TESTS/calm" -p "$pids" -s "$scratch/before"
}

# one NAME [EXPECTED WORDS]: one of the program's
one()
{
	odd "$1" "${2:-allocated}" "${3:-}" "$TESTS/odd" -u 2001 "$1"
}

# by an ordinary user, started with the bit
setuid_caller()
{
	cp "$TESTS/odd" "$scratch/odd"
	chmod 4755 "$scratch/odd"
	chmod 755 "$scratch"
	odd setuid allocated '' "$TESTS/odd" -u 2001 setuid "$scratch/odd"
}

# tracer NAME PROGRAM ARGUMENT...
tracer()
{
	name=$1
	shift
	if ! command -v "$1" >/dev/null; then
		skip "odd: $name" "there is no $1 here"
		return
	fi
	# the tracer's own words go elsewhere
	odd "$name" EBUSY 'traces it already' sh -c '"$@" | grep -x "[A-Z]*\|allocated"' sh "$@" \
		"$TESTS/odd" -u 2001 once
}

yama=/proc/sys/kernel/yama/ptrace_scope
# Scope 3 can't be taken back: 99-yama.sh has it.
yama_scopes()
{
	if [ ! -e "$yama" ]; then
		skip "odd: yama" "this kernel has no Yama"
		return
	fi
	was=$(cat "$yama")
	for scope in 1 2; do
		echo "$scope" >"$yama"
		odd "yama_$scope" allocated '' "$TESTS/odd" -u 2001 once
	done
	echo "$was" >"$yama"
}

# confined NAME EXPECTED WORDS RULES: under a profile of those rules
confined()
{
	profile="cusion_test_$1"
	{
		echo "profile $profile {"
		echo "	$4"
		echo "	/** mrwlkix,"
		echo "	capability,"
		echo "}"
	} >"$scratch/profile"
	if ! apparmor_parser --skip-cache --replace \
		--policy-features /sys/kernel/security/apparmor/features "$scratch/profile" 2>"$scratch/err"; then
		point 'not ok' "odd: apparmor_$1: the profile is loaded"
		comment <"$scratch/err"
		return
	fi
	# shellcheck disable=SC2016 # for the inner shell to expand
	odd "apparmor_$1" "$2" "$3" sh -c \
		'echo "exec $0" >/proc/self/attr/exec && exec "$@"' "$profile" "$TESTS/odd" -u 2001 once
	apparmor_parser --skip-cache --remove "$scratch/profile"
}

apparmor_profiles()
{
	[ -d /sys/kernel/security/apparmor ] || mount -t securityfs none /sys/kernel/security 2>/dev/null
	if [ ! -d /sys/kernel/security/apparmor ] || ! command -v apparmor_parser >/dev/null; then
		skip "odd: apparmor" "no AppArmor in this kernel, or no apparmor_parser"
		return
	fi
	confined no_ptrace allocated '' 'network unix,
	unix,'
	confined no_socket EACCES 'socket' ''
}

if start_service; then
	pids=$(service_processes | paste -s -d , -)
	"$TESTS/odd" -u 2001 plain | comment
	same "the service's fds and threads are counted" 0 "$("$TESTS/calm" -p "$pids" -s "$scratch/before"; echo $?)"
	for name in plain seccomp_errno seccomp_kill seccomp_all non_dumpable blocked tiny_stack goroutine \
		pid_namespace mount_namespace net_namespace all_namespaces int80 sigtrap_ignored \
		sigtrap_handled own_table; do
		one "$name"
	done
	# root's: another user's limit needs CAP_SYS_RESOURCE, which not every machine's root has
	odd fds_one_left allocated '' "$TESTS/odd" fds_one_left
	setuid_caller
	one fds_full EMFILE 'Too many open files'
	one fds_lowered EMFILE 'Too many open files'
	one x32 ENOTTY 'x32'
	one traced EBUSY 'traces it already'
	tracer strace strace -f -o /dev/null
	tracer gdb gdb -nx -batch -ex run --args
	yama_scopes
	apparmor_profiles
fi
finish
