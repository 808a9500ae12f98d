#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# states-fresh.sh: docs/states.md is what tools/fsmdump prints from the tables that the library runs.
: "${srcdir:=.}" "${top_builddir:=$srcdir}"
fsmdump=$top_builddir/tools/fsmdump
[ -x "$fsmdump" ] || { echo "there is no $fsmdump" && exit 1; }
"$fsmdump" > states.$$ || exit 1
diff -u "$srcdir/docs/states.md" states.$$
same=$?
rm -f states.$$
[ $same = 0 ] || echo 'docs/states.md is old: tools/fsmdump > docs/states.md'
[ $same = 0 ]
