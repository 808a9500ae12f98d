#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# headers.sh: every public header compiles alone and strictly, as C11 and as C++11; their inline
# functions are C++ too.
: "${srcdir:=.}" "${top_builddir:=$srcdir}" "${CC:=cc}" "${CXX:=c++}"
failed=0

# compiles WHAT LANGUAGE STANDARD COMPILER...: what is on stdin
compiles()
{
  what=$1 language=$2 std=$3
  shift 3
  "$@" -x "$language" -std="$std" -fsyntax-only -Wall -Wextra -Wpedantic -Wundef -Wshadow \
    -Wcast-qual -Werror -I"$srcdir/include" -I"$top_builddir/include" - && return
  echo "$what is not $std"
  failed=1
}

have_cxx=no
# Compilers come with flags: they are to be split.
# shellcheck disable=SC2086
{
  $CXX --version > /dev/null 2>&1 && have_cxx=yes
  for path in "$srcdir"/include/nvmens/*.h version.h; do
    h=nvmens/${path##*/}
    printf '#include <%s>\nextern int nothing;\n' "$h" > headers.$$
    compiles "$h" c c11 $CC < headers.$$
    [ $have_cxx = no ] || compiles "$h" c++ c++11 $CXX < headers.$$
  done
  rm -f headers.$$
  [ $have_cxx = no ] ||
    compiles headers_cxx.cc c++ c++11 $CXX < "$srcdir/tests/headers_cxx.cc"
}
[ $failed = 0 ] || exit 1
[ $have_cxx = yes ] || { echo 'skipped: no C++ compiler' && exit 77; }
