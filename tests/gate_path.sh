#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# gate_path.sh: with membarrier a command begins and ends without a fence and without a locked
# instruction (G4): none is in what a backend has inlined, whatever way is taken there, and none is
# gone through; with fences there is one. Begin, end, their call and its frame take 60 instructions at
# most by gcc, 75 by clang, which saves more registers for the paths that are not taken.
: "${top_builddir:=.}" "${OBJDUMP:=objdump}"
program=$top_builddir/tests/gate_pair
[ -z "$sanitizer" ] || [ "$sanitizer" = no ] || { echo "SKIP: built with -fsanitize=$sanitizer"; exit 77; }
case $(uname -m) in
x86_64 | amd64) ;;
*) echo "SKIP: $(uname -m) has other instructions" && exit 77 ;;
esac
command -v "$OBJDUMP" > /dev/null 2>&1 || { echo "SKIP: no $OBJDUMP" && exit 77; }
"$OBJDUMP" -f "$program" | grep -q x86-64 || { echo 'SKIP: built for another machine' && exit 77; }

"$program" auto > /dev/null
[ $? != 77 ] || { echo 'SKIP: not optimised, no membarrier, or no single steps' && exit 77; }

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
"$OBJDUMP" -d --no-show-raw-insn "$program" > "$tmp/code" || exit 1
# Of these, xchg with memory is locked without saying so.
heavy='^(lock|[lms]fence|mfence|cpuid|serialize|iret|xchg.*\(|sys(call|enter)|int )'
awk '/^[0-9a-f]+ <gate_pair(\.[a-z.0-9]+)?>:/ { on = 1; next } /^$/ { on = 0 }
  on { sub(/^ *[0-9a-f]+:[ \t]*/, ""); print }' "$tmp/code" > "$tmp/inlined"
[ "$(grep -c . "$tmp/inlined")" -gt 20 ] || { echo 'gate_pair is not there' && exit 1; }
if grep -E "$heavy" "$tmp/inlined"; then
  echo 'is inlined into a backend' && exit 1
fi

# gone_through MODE: the instructions in their order, with the library's slow paths
gone_through()
{
  "$program" "$1" > "$tmp/addresses" || { echo "gate_pair $1 fails" && exit 1; }
  awk '
    function number(hex,   n, i) {
      for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
      return n }
    FNR == NR {
      if ($2 == "<gate_pair>:") base = number(tolower($1))
      if (match($0, /^ *[0-9a-f]+:/)) {
        at = substr($0, 1, RLENGTH - 1); gsub(/ /, "", at); text = substr($0, RLENGTH + 1)
        sub(/^[ \t]*/, "", text); code[number(at)] = text }
      next }
    length($1) < 12 && (base + number($1)) in code { print code[base + number($1)] }
  ' "$tmp/code" "$tmp/addresses" > "$tmp/$1"
}

gone_through auto
gone_through fence
steps=$(grep -c . "$tmp/auto")
echo "$steps instructions with membarrier, $(grep -c . "$tmp/fence") with fences"
if grep -E "$heavy" "$tmp/auto"; then
  echo 'was gone through with membarrier' && exit 1
fi
grep -qE "$heavy" "$tmp/fence" || { echo 'with fences, and there is none' && exit 1; }
[ "$steps" -ge 25 ] || { echo 'that is not all of them' && exit 1; }
most=60
readelf -p .comment "$program" | grep -q clang && most=75
[ "$steps" -le $most ]
