# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# where: vm
# limit: 60
#
# What the service can't start without: one clear line that names cause and remedy, exit status 1, and
# nothing left behind.
# shellcheck source=tests/service.sh
. "$TESTS/service.sh"

# refused WHAT WORD COMMAND...
refused()
{
	what=$1
	word=$2
	shift 2
	"$@" >"$scratch/out" 2>&1 </dev/null
	same "$what: exit status" 1 $?
	same "$what: one line" 1 "$(wc -l <"$scratch/out" | tr -d ' ')"
	check "$what: it names $word" grep -q "$word" "$scratch/out"
	comment <"$scratch/out"
}

modprobe -r cuse
refused "no cuse module" "modprobe cuse" cusiond
check "no node is left" [ ! -e /dev/ion ]

modprobe cuse
refused "not root" root su outsider -c "$(command -v cusiond)"
check "no node is left" [ ! -e /dev/ion ]

: >/dev/ion
refused "the name is taken" /dev/ion cusiond
check "who has it keeps it" [ -f /dev/ion ]
rm /dev/ion

if start_service; then
	refused "a second service" "another cusiond" cusiond
	client classic
fi
finish
