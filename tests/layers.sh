#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The layers of src/: each folder includes only what its row below names, and no module (x.c with x.h)
# includes itself by way of others. Before it looks at the tree, the test plants faults in a copy of it
# and finds each: a test that can't fail shows nothing.
set -eu
LC_ALL=C
export LC_ALL

tree=${top_srcdir:-$(dirname "$0")/..}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# prints what is wrong in the tree $1; succeeds where nothing is
check_tree()
{
	(cd "$1" && find src include -name '*.[ch]') >"$scratch/files"
	(cd "$1" && grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' src) >"$scratch/includes"
	awk -v edges="$scratch/edges" '
	BEGIN {
		row["base"] = ""
		row["loop"] = "base"
		row["wire"] = "base include"
		row["mem"] = "base"
		row["heap"] = "base mem"
		row["core"] = "base mem heap"
		row["deliver"] = "base"
		row["front"] = "base loop wire core deliver"
		row["daemon"] = "base loop wire mem heap core deliver front include"
		row["cli"] = "base include"
		row["libion"] = "include"
		printf "" >edges
	}
	function wrong(what) {
		print where ": " what
		n_wrong++
	}
	function module(path) {
		sub(/\.[ch]$/, "", path)
		return path
	}
	FNR == NR {
		file[$0] = 1
		next
	}
	{
		split($0, part, ":")
		where = part[1] ":" part[2]
		split(part[1], from, "/")
		quoted = $0 ~ /include[ \t]*"/
		target = $0
		sub(/^[^"<]*["<]/, "", target)
		sub(/[">].*/, "", target)
	}
	!(from[2] in row) {
		wrong("no row for src/" from[2])
		next
	}
	target ~ /^liburing/ && from[2] != "loop" {
		wrong("io_uring is for src/loop alone")
	}
	("src/" target) in file {
		split(target, to, "/")
		print module(part[1]), module("src/" target) >edges
		if (to[1] != from[2] && index(" " row[from[2]] " ", " " to[1] " ") == 0)
			wrong(from[2] " may not include " to[1] ": " target)
		next
	}
	("include/" target) in file {
		if (index(" " row[from[2]] " ", " include ") == 0)
			wrong(from[2] " may not include include/" target)
		next
	}
	quoted {
		wrong("no such file in src/ or include/: " target)
	}
	END {
		exit n_wrong > 0
	}' "$scratch/files" "$scratch/includes" || return 1
	tsort "$scratch/edges" >/dev/null
}

# one fault: the line $3 in the file $2 of a copy; the check has to answer with $4
plant()
{
	rm -rf "$scratch/copy"
	mkdir "$scratch/copy"
	cp -R "$tree/src" "$tree/include" "$scratch/copy"
	chmod -R u+w "$scratch/copy" # a distributed tree is read-only
	mkdir -p "$(dirname "$scratch/copy/$2")"
	echo "$3" >>"$scratch/copy/$2"
	if answer=$(check_tree "$scratch/copy" 2>&1) || ! echo "$answer" | grep -q "$4"; then
		echo "planted $1 was not found: $answer"
		exit 1
	fi
}

plant 'upward include' src/base/fd.c '#include "loop/loop.h"' 'base may not include loop'
plant 'upward include in <>' src/base/fd.c '#include <loop/loop.h>' 'base may not include loop'
plant 'sideways include' src/mem/planted.c '# include "loop/loop.h"' 'mem may not include loop'
plant 'public header' src/loop/poll.c '#include <linux/ion.h>' 'loop may not include include/linux'
plant 'ring elsewhere' src/core/planted.h '#include <liburing.h>' 'for src/loop alone'
plant 'file of no folder' src/base/fd.c '#include "fd.h"' 'no such file'
plant 'folder of no row' src/planted/planted.c '#include "base/fd.h"' 'no row for src/planted'
plant 'cycle' src/base/log.h '#include "base/fd.h"' 'contains a loop'

check_tree "$tree"
