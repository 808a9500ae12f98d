#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# symbols.sh: the shared library exports what the headers declare with NVMENS_API, all of it at one
# version node, and leans on libc alone.
: "${srcdir:=.}" "${top_builddir:=.}" "${NM:=nm}" "${sanitizer:=no}"
lib=$top_builddir/.libs/libnvmens.so
failed=0

[ -e "$lib" ] || { echo 'skipped: no shared library' && exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# A declaration is all from NVMENS_API to the semicolon; its name comes before the first parenthesis.
cat "$srcdir"/include/nvmens/*.h | tr '\n' ' ' | tr ';' '\n' |
  sed -n 's/.*NVMENS_API [^(]*[ *]\(nvmens_[a-z0-9_]*\) *(.*/\1/p' | LC_ALL=C sort > "$tmp/declared"
# So that the thread sanitizer is had by all or by none, gate.h gives these other names with it.
case $sanitizer in
*thread*)
  sed 's/^nvmens_gate_\(begin\|ended\)_$/&tsan_/' "$tmp/declared" | LC_ALL=C sort > "$tmp/renamed"
  mv "$tmp/renamed" "$tmp/declared"
  ;;
esac
# Sanitizers and gcov add names of their own, which begin with two underscores.
$NM -D --defined-only "$lib" | awk '$2 != "A" && $3 !~ /^__/ { print $3 }' | LC_ALL=C sort \
  > "$tmp/exported"
sed 's/@.*//' "$tmp/exported" > "$tmp/names"

if ! diff "$tmp/declared" "$tmp/names" > "$tmp/diff"; then
  echo 'NVMENS_API in the headers (<) and exports of the library (>) differ:'
  cat "$tmp/diff"
  failed=1
fi
[ -s "$tmp/declared" ] || { echo 'no declaration found in the headers' && failed=1; }

node=$(sed -n 's/^\(NVMENS_[0-9]*\) {.*/\1/p' "$srcdir/lib/nvmens.map")
if grep -q @ "$tmp/exported" && grep -v "@@$node\$" "$tmp/exported"; then
  echo "these are not at the node $node"
  failed=1
fi

# The design says: no I/O, no clock, no threads. So this is all that it may ask of libc, but for the
# assertions of debug builds.
if [ "$sanitizer" = no ]; then
  $NM -D --undefined-only "$lib" | awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' |
    grep -Ev '^(malloc|free|mem(cpy|move|set|cmp)|bcmp|str[a-z]*|syscall|__assert_fail|__stack_chk_fail|__mem.*_chk|__gcov.*)$' \
      > "$tmp/foreign"
  if [ -s "$tmp/foreign" ]; then
    echo 'the library needs what it should not:'
    cat "$tmp/foreign"
    failed=1
  fi
fi
exit $failed
