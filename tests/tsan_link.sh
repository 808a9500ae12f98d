#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# tsan_link.sh: a program that is built with the thread sanitizer does not link with a library that is not,
# nor the other way round: one of the two would make no barrier, and the other rely on it. The linker's
# message names the function that is missing, and with it the reason.
: "${srcdir:=.}" "${top_builddir:=.}" "${CC:=cc}" "${sanitizer:=no}"
case $sanitizer in
no | '') same='' other='-fsanitize=thread' missing=nvmens_gate_begin_tsan_ ;;
thread) same='-fsanitize=thread' other='' missing=nvmens_gate_begin_ ;;
*) echo "skipped: built with -fsanitize=$sanitizer" && exit 77 ;;
esac
for lib in "$top_builddir/.libs/libnvmens.so" "$top_builddir/.libs/libnvmens.a"; do
  [ ! -e "$lib" ] || break
done
[ -e "$lib" ] || { echo 'skipped: no library' && exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

echo 'int main(void) { return 0; }' > "$tmp/empty.c"
cat > "$tmp/program.c" << 'END'
#include <nvmens/gate.h>
int main(int argc, char **argv)
{
  nvmens_lane *lane = (nvmens_lane *)(void *)argv;
  nvmens_ticket ticket;
  void *user;
  if (argc > 1 && nvmens_io_begin(lane, 1, &ticket, &user).sf == 0)
    nvmens_io_end(lane, ticket);
  return 0;
}
END
# links FLAGS SOURCE LIBRARY...; compilers and flags are to be split
# shellcheck disable=SC2086
links()
{
  flags=$1
  shift
  $CC $flags -I"$srcdir/include" -I"$top_builddir/include" -o "$tmp/program" "$@" > "$tmp/said" 2>&1
}

links -fsanitize=thread "$tmp/empty.c" || { echo 'skipped: the compiler has no thread sanitizer' && exit 77; }
links "$same" "$tmp/program.c" "$lib" || { cat "$tmp/said"; echo 'built alike, and does not link' && exit 1; }
if links "$other" "$tmp/program.c" "$lib"; then
  echo "links, though only one of the two has the thread sanitizer" && exit 1
fi
grep -q "[^a-z_]$missing[^a-z_]" "$tmp/said" || { cat "$tmp/said"; echo "$missing is not named" && exit 1; }
