# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154
# title: swaps under deep queues: nothing that was written to a disk is in the next one
# target: --ns 1=ram:64M --nn 32
# limit: 900
# allow: I/O Cmd|I/O error|identifiers changed|IDs don't match|Identify Descriptors failed
# ("identifiers changed" and the like are counted here)
k=1 last=0 total=0
odd() { dmesg | grep -cE "identifiers changed|IDs don't match"; }

look_back() # disk `last` has gone, and its writer: how much of it is somebody else's?
{
  counts $last
  machine "remove $last" # they fill the machine's disk otherwise
  total=$((total + foreign))
  [ "$own" -gt 0 ] || fail "$about: nothing was written to disk $last"
  [ "$foreign" = 0 ] || fail "$about: disk $last: $foreign blocks of another, $own of its own"
}
follow() # its writer begins as soon as the disk is there; the one of the disk before has ended
{
  write_to $k
  writing $k || fail "$about: the writer of disk $k"
  echo $(($(ms) - t)) >> /tmp/usable
  [ $last -gt 0 ] || return
  end_load w$last
  [ "$fio_rc" = 1 ] || fail "$about: the writer of disk $last ended with $fio_rc"
  look_back
}
add() # K, plainly
{
  ctl "add 2 $(disk "$1")" && see 5000 "+2=$(uuid "$1")"
}
swaps() # COUNT WHAT CNTLID...: each time there must be a path to the new disk by each
{
  left=$1 about=$2 wrong=0
  shift 2
  rm -f /tmp/there /tmp/usable
  while [ "$left" -gt 0 ]; do
    last=$k k=$((k + 1)) left=$((left - 1))
    paths=$(for c in "$@"; do echo "+2=$(uuid $k)@$c"; done)
    t=$(ms)
    # shellcheck disable=SC2086
    if timed 5000 "$(swap $k)" "+2=$(uuid $k)" $paths; then
      echo "$view" >> /tmp/there
    else
      fail "$about: no path to disk $k by each of $*"
      nsview paths
      wrong=$((wrong + 1))
      [ $wrong -lt 5 ] || finish # it takes too long
      ctl 'remove 2' && see 5000 -2 && need "disk $k, added plainly" add $k
    fi
    follow
  done
  stats "$about: new disk by all paths" < /tmp/there
  stats "$about: new disk is written to" < /tmp/usable
}

need "connect" connect -w 10.0.2.15
# shellcheck disable=SC2046
set -- $(ctrls)
c1=$(cntlid "$1")
need "files" disks $((2 * SWAPS + 1))
t=$(ms)
need "disk 1" add 1
follow
swaps "$SWAPS" "swap, one controller" "$c1"
echo "COUNT swap, one controller: $total foreign blocks of 4 KiB in $SWAPS disks"
one=$total

need "connect again" connect -w 10.0.2.16 --duplicate-connect
# shellcheck disable=SC2046
set -- $(ctrls)
c1=$(cntlid "$1") c2=$(cntlid "$2")
need "both paths" see 10000 "+2@$c1" "+2@$c2"
swaps "$SWAPS" "swap, two controllers" "$c1" "$c2"
echo "COUNT swap, two controllers: $((total - one)) foreign blocks of 4 KiB in $SWAPS disks"

note "the last one"
claim "the guest has it by both paths" see 5000 "+2=$(uuid $k)" "+2=$(uuid $k)@$c1" \
  "+2=$(uuid $k)@$c2"
claim "its writer runs" running w$k
claim "and ends when told to" stop_writer $k
last=$k
look_back
claim "foreign blocks" is "$total" 0
claim "the guest never met a disk that had become another" is "$(odd)" 0
end_case
