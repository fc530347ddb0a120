#!/bin/sh
# A verifier of opsconsole's audit log, format 1, made of sed, sha256sum and jq alone (and tar, for packed files): for whoever does not want to trust opsconsole with
# its own log. Slow (some hundred records a second) and less particular than `opsconsole --verify`, which also tells the kinds of change apart; see audit-format.md.
#
# usage: verify-audit.sh [--head SEQ:HASH] [--recordings DIR] FILE...        (files in order: audit-000001.jsonl audit-000002.jsonl ..)
#        verify-audit.sh PACKEDFILE
# With --recordings the chunks that the log vouches for are compared with DIR/ENVIRONMENT/RECORDING/FILE; those of a packed file always are.
# exit status: 0 everything holds, 1 something does not, 2 usage, 3 cannot be read
set -u
LC_ALL=C
export LC_ALL

head= recordings= pack=
while [ $# -gt 1 ]; do
	case $1 in
	--head) head=$2 ;;
	--recordings) recordings=$2 ;;
	*) break ;;
	esac
	shift 2
done
if [ $# -eq 0 ]; then
	echo 'usage: verify-audit.sh [--head SEQ:HASH] [--recordings DIR] FILE... | PACKEDFILE' >&2
	exit 2
fi

zeros=0000000000000000000000000000000000000000000000000000000000000000
# seq, prev and hash; of a chunk also what it is, if these are plain words.
frame='"\(.seq) \(.prev) \(.hash)" + if .type == "chunk" and ([.env, .recording, .file, .sha256] | all(type == "string" and test("^[A-Za-z0-9_][A-Za-z0-9._-]*$")))
	then " \(.env) \(.recording) \(.number) \(.file) \(.sha256) \(.from) \(.to)" else "" end'
wrong_chunks=0

wrong() {
	echo "$file, line $number: $1"
	exit 1
}

# ENV RECORDING NUMBER FILE SHA256 FROM TO of a chunk, which the chain vouches for once its record holds
check_chunk() {
	if [ -n "$pack" ]; then
		chunk=$(jq -r --arg r "$2" --argjson n "$3" '.chunks[] | select(.recording == $r and .number == $n) | .member' "$pack/manifest.json")
		# Times of one form and one length are in order as texts are.
		if [ -z "$chunk" ]; then
			jq -e --arg from "$6" --arg to "$7" '.from[:19] > $to[:19] or .to[:19] < $from[:19]' "$pack/manifest.json" >/dev/null && return
		fi
		chunk=$pack/${chunk:-missing}
	elif [ -n "$recordings" ] && [ -d "$recordings/$1/$2" ]; then
		chunk=$recordings/$1/$2/$4
	else
		return
	fi
	if [ ! -f "$chunk" ]; then
		echo "chunk missing: $3 of recording $2"
		wrong_chunks=1
	elif [ "$(sha256sum < "$chunk" | cut -c 1-64)" != "$5" ]; then
		echo "chunk edited: $3 of recording $2"
		wrong_chunks=1
	fi
}

# files of one chain in order; $head may hold a head
check_chain() {
	seq= prev=
	met_head=no
	for file; do
		[ -r "$file" ] || { echo "$file: cannot be read" >&2; exit 3; }
		number=0
		while IFS= read -r line; do
			number=$((number + 1))
			# B is the line without its last member; the hash is over B's bytes.
			b=$(printf '%s' "$line" | sed 's/,"hash":"[0-9a-f]\{64\}"}$//')
			[ "$b" != "$line" ] || wrong 'malformed: it does not end in a hash'
			words=$(printf '%s' "$line" | jq -r "$frame" 2>/dev/null) || wrong 'malformed: no JSON'
			set -- $words
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
			if [ $# -gt 3 ]; then
				shift 3
				check_chunk "$@"
			fi
			line=
		done < "$file"
		[ -z "$line" ] || { number=$((number + 1)); wrong 'torn: it does not end in a line feed'; }
	done
	if [ -n "$head" ] && [ $met_head = no ]; then
		echo "the log ends with record ${seq:-0}, and the record that the head names (${head%%:*}) is not in it: truncated or edited"
		exit 1
	fi
	echo "good: ${seq:-0}:${prev:-$zeros}"
}

# A packed file is a tar whose first member is its manifest; nothing in it may have a folder.
if [ $# -eq 1 ] && [ "$(tar tf "$1" 2>/dev/null | head -n 1)" = manifest.json ]; then
	if tar tf "$1" | grep -q '/\|^-'; then
		echo "$1: its members are not plain files" >&2
		exit 1
	fi
	pack=$(mktemp -d) || exit 3
	trap 'rm -rf "$pack"' EXIT
	trap 'exit 3' INT TERM HUP
	tar xf "$1" -C "$pack" || exit 1
	if ! jq -e '.slices | length > 0' "$pack/manifest.json" >/dev/null; then
		echo "$1: it holds no part of an audit log: nothing vouches for its chunks"
		exit 1
	fi
	# Words of our own making: a member's name has no blanks, a head neither.
	for slice in $(jq -r '.slices[] | "\(.member)=\(.head)"' "$pack/manifest.json"); do
		head=${slice##*=}
		check_chain "$pack/${slice%=*}"
	done
else
	check_chain "$@"
fi
exit $wrong_chunks
