#!/bin/sh
# A verifier of opsconsole's audit log, format 1, made of sed, sha256sum and jq alone: for whoever does not want to trust opsconsole with its own log.
# Slow (some hundred records a second) and less particular than `opsconsole --verify`, which also tells the kinds of change apart; see audit-format.md.
#
# usage: verify-audit.sh [--head SEQ:HASH] FILE...        (files in order: audit-000001.jsonl audit-000002.jsonl ..)
# exit status: 0 everything holds, 1 something does not, 2 usage, 3 cannot be read
set -u
LC_ALL=C
export LC_ALL

head=
if [ "${1-}" = --head ]; then
	head=${2-}
	shift 2 || exit 2
fi
if [ $# -eq 0 ]; then
	echo 'usage: verify-audit.sh [--head SEQ:HASH] FILE...' >&2
	exit 2
fi

wrong() {
	echo "$file, line $number: $1"
	exit 1
}

seq= prev=
zeros=0000000000000000000000000000000000000000000000000000000000000000
met_head=no
for file; do
	[ -r "$file" ] || { echo "$file: cannot be read" >&2; exit 3; }
	number=0
	while IFS= read -r line; do
		number=$((number + 1))
		# B is the line without its last member; the hash is over B's bytes.
		b=$(printf '%s' "$line" | sed 's/,"hash":"[0-9a-f]\{64\}"}$//')
		[ "$b" != "$line" ] || wrong 'malformed: it does not end in a hash'
		frame=$(printf '%s' "$line" | jq -r '"\(.seq) \(.prev) \(.hash)"' 2>/dev/null) || wrong 'malformed: no JSON'
		set -- $frame
		[ "$(printf '%s' "$b" | sha256sum | cut -c 1-64)" = "$3" ] || wrong 'edited: its hash does not hold'
		if [ -z "$seq" ]; then
			if [ "$1" = 1 ] && [ "$2" != "$zeros" ]; then
				wrong 'edited: record 1 names a record before it'
			fi
		else
			[ "$1" = $((seq + 1)) ] || wrong "record $1 stands behind $seq: deleted, inserted or reordered"
			[ "$2" = "$prev" ] || wrong "edited: record $seq was replaced, this one names another hash"
		fi
		seq=$1 prev=$3
		[ "$seq:$prev" != "$head" ] || met_head=yes
		line=
	done < "$file"
	[ -z "$line" ] || { number=$((number + 1)); wrong 'torn: it does not end in a line feed'; }
done
if [ -n "$head" ] && [ $met_head = no ]; then
	echo "the log ends with record ${seq:-0}, and the record that the head names (${head%%:*}) is not in it: truncated or edited"
	exit 1
fi
echo "good: ${seq:-0}:${prev:-$zeros}"
