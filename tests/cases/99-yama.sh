# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm
# limit: 60
#
# Yama's scope 3, by which nobody traces anybody. It can't be taken back before the next boot: so this is
# the machine's last case.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

yama=/proc/sys/kernel/yama/ptrace_scope
if [ ! -e "$yama" ]; then
	skip "odd: yama_3" "this kernel has no Yama"
elif start_service; then
	same "before, odd: once" allocated "$("$TESTS/odd" -u 2001 once)"
	echo 3 >"$yama"
	same "odd: yama_3: EACCES" EACCES "$("$TESTS/odd" -u 2001 once)"
	check "odd: yama_3: the log says why" grep -q 'tracing it is forbidden (Yama' "$scratch/log"
	cusion doctor --json >"$scratch/json"
	same "the doctor's exit status, although the service runs" 1 $?
	same "the doctor says so" lack "$("$TESTS/json" findings ptrace-scope state <"$scratch/json")"
fi
finish
