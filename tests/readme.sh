#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# readme.sh: what README.md shows is what there is: its pictures are those that tools/fsmdump prints,
# its first program is examples/minimal.c, and prints what is said.
: "${srcdir:=.}" "${top_builddir:=$srcdir}"
fsmdump=$top_builddir/tools/fsmdump minimal=$top_builddir/examples/minimal
dir=readme.$$
for program in "$fsmdump" "$minimal"; do
  [ -x "$program" ] || { echo "there is no $program" && exit 1; }
done
mkdir "$dir" || exit 1
trap 'rm -rf "$dir"' EXIT

# blocks FILE KIND: each fenced block of this kind, with @ for its line ends
blocks()
{
  awk -v start="\`\`\`$2" '$0 == start { on = 1; next }
    on && /^```/ { on = 0; print ""; next }
    on { printf "%s@", $0 }' "$1"
}

"$fsmdump" > "$dir/states.md" || exit 1
blocks "$dir/states.md" mermaid > "$dir/printed"
blocks "$srcdir/README.md" mermaid > "$dir/shown"
blocks "$srcdir/README.md" c | head -n 1 | tr @ '\n' > "$dir/minimal"
sed '/^$/d' "$srcdir/examples/minimal.c" > "$dir/minimal.c"
if ! [ -s "$dir/shown" ] || grep -vxFf "$dir/printed" "$dir/shown"; then
  echo 'README.md: a picture that tools/fsmdump does not print' && exit 1
fi
if ! sed '/^$/d' "$dir/minimal" | diff -u "$dir/minimal.c" -; then
  echo 'README.md: not examples/minimal.c' && exit 1
fi
"$minimal" > "$dir/said" || exit 1
awk '/^It prints:$/ { due = 1 } /^```$/ && due { if (on) exit; on = 1; next } on' \
  "$srcdir/README.md" > "$dir/told"
diff -u "$dir/said" "$dir/told" || { echo 'README.md: examples/minimal prints otherwise' && exit 1; }
