# SPDX-License-Identifier: BSD-3-Clause
# lib.sh: what the scripts on the machine's side share. Sourced, with $here set.
# shellcheck shell=sh disable=SC2154,SC2034

say() { echo "guest: $*" >&2; }
die() { say "$*"; exit 1; }

# runs a command silently; what it said is shown only if it failed
quietly()
{
  log=$(mktemp)
  if "$@" > "$log" 2>&1; then rm -f "$log"; return 0; fi
  tail -n 30 "$log" >&2
  rm -f "$log"
  say "failed: $*"
  return 1
}

# the build directory: as told (make sets top_builddir), or where we are if that is one, or build/ of
# the source tree
build=${BUILD:-${top_builddir:-}}
if [ -n "$build" ]; then build=$(cd "$build" && pwd)
elif [ -e config.status ]; then build=$PWD
else build=$(cd "$here/../.." && pwd)/build
fi
if [ -n "${GUEST_CACHE:-}" ]; then cache=$GUEST_CACHE
elif [ -n "${XDG_CACHE_HOME:-}" ]; then cache=$XDG_CACHE_HOME/libnvmens-guest
else cache=$build/guest-cache
fi
case $cache in /*) ;; *) cache=$PWD/$cache ;; esac
kernel=${GUEST_KERNEL:-stable}
case $kernel in stable | backports) ;; *) die "GUEST_KERNEL is stable or backports" ;; esac
kdir=$cache/kernel-$kernel
