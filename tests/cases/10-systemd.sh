# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: systemd
# limit: 120
#
# The unit: started, /dev/ion serves members of its group at once and nobody else; stopped, it is gone.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

# as USER COMMAND...
as()
{
	user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --init-groups "$@"
}

pages=$(cat /proc/sys/vm/nr_hugepages)
systemctl start cusiond
same "systemctl start" 0 $?
# At once: no waiting between the start and the client.
as member "$TESTS/classic"
same "a member of the group runs the classic flow" 0 $?
same "mode and group of the node" "660 root:cusion" "$(stat -c '%a %U:%G' /dev/ion)"
as member "$TESTS/classic_open"
same "and opens it by its path" 0 $?
as outsider cat /dev/ion 2>"$scratch/denied"
check "an outsider is refused" grep -q 'Permission denied' "$scratch/denied"
check "who may ask for the status" as outsider cusion status
check "the unit is active" systemctl is-active --quiet cusiond
systemctl status --no-pager cusiond 2>&1 | comment
main=$(systemctl show -p MainPID --value cusiond)
same "it is not to be chosen when memory is short" -1000 "$(cat "/proc/$main/oom_score_adj")"
grep -l '^Seccomp:.*[12]' "/proc/$main/status"
same "no filter is on it" 1 $?

systemctl stop cusiond
same "systemctl stop" 0 $?
check "the node is gone" [ ! -e /dev/ion ]
check "no process is left" [ -z "$(pgrep -x cusiond)" ]
same "nor a huge page" "$pages" "$(cat /proc/sys/vm/nr_hugepages)"
same "it ended well" "success" "$(systemctl show -p Result --value cusiond)"

systemctl start cusiond && as member "$TESTS/classic"
same "it starts again" 0 $?
# What it leaves behind when it is killed is on a note, which systemd must not remove.
systemctl kill -s KILL cusiond
systemctl stop cusiond
systemctl reset-failed cusiond
systemctl start cusiond
systemctl stop cusiond
same "no huge page is left of both" "$pages" "$(cat /proc/sys/vm/nr_hugepages)"
finish
