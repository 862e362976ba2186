# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm fuse
# limit: 200
#
# Callers that attack the service: each for a while, beside a bystander of another user, who must be served
# all the time and gets nobody else's buffer. After each the service is as before.
#
# No call takes an fd of the caller's yet. Those that will (IMPORT, SYNC) belong here, given fds of the
# caller's own hanging file server: swap_fuse has that server.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

# an emulated machine is some twenty times slower
case $WHERE in
fuse) run=400 bound=3000 ;;
*) run=600 bound=15000 ;;
esac
[ -z "$CUSION_LONG" ] || run=10000

if start_service; then
	pids=$(service_processes | paste -s -d , -)
	"$TESTS/odd" -u 2001 plain | comment
	same "the service's fds and threads are counted" 0 "$("$TESTS/calm" -p "$pids" -s "$scratch/before"; echo $?)"
	for name in swap_pipe swap_fuse swap_socket swap_device close_socket shut_socket steal_message limits \
		code_rewritten code_loops code_unmapped code_hidden stack_unmapped struct_hidden \
		struct_unmapped scratch_unmapped forged_pointers query_userfault query_fuse \
		struct_userfault flood starve sigstop signals exec_leader exec_thread exit_group exit_leader \
		kill_self vfork_exec; do
		check "hostile: $name" "$TESTS/hostile" -t "$run" -l "$bound" "$name"
		check "hostile: $name: the service is calm" "$TESTS/calm" -p "$pids" -s "$scratch/before"
	done
	check "hostile: a flood slows another user down by less than 9 times" \
		"$TESTS/hostile" -f -t $((run * 2)) -l "$bound"
	check "hostile: fairness: the service is calm" "$TESTS/calm" -p "$pids" -s "$scratch/before"
	same "the service's processes are the same" "$pids" "$(service_processes | paste -s -d , -)"
	log_lines=$(wc -l <"$scratch/log")
	echo "the service's log has $log_lines lines" | comment
	check "they did not fill the log" [ "$log_lines" -lt 500 ]
	tail -n 60 "$scratch/log" >"$scratch/tail" && mv "$scratch/tail" "$scratch/log"
fi
finish
