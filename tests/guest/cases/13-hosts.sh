# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154
# title: two hosts, one silent: the other's swaps take no longer; true view, no foreign block
# target: --ns 1=ram:64M --nn 300
# guests: 2
# limit: 400
# allow: I/O Cmd|I/O error|Identify Descriptors failed
# The first guest swaps and writes nothing; the second writes, and is silent at times.
# Swaps in each part. No multiple of four: the writer of the last disk must not write over what a
# host wrote to it that was EACH disks behind.
EACH=7
# NSIDs from here on, allocated and attached to nobody, are signs from the first guest to the second
SIGN=200

swaps() # WHAT: EACH of them, as the first guest sees them
{
  rm -f /tmp/there
  for _ in $(seq $EACH); do
    k=$((k + 1))
    timed 5000 "$(swap $k)" "+2=$(uuid $k)" "+2=$(uuid $k)@$c1" "+2=$(uuid $k)@$c2" ||
      fail "$1: disk $k"
    echo "$view" >> /tmp/there
  done
  stats "$1: new disk by all paths of this one" < /tmp/there
  mean=$(awk '{ n += $1 } END { printf "%d", n / NR }' /tmp/there)
}
foreign_in() # WHAT FROM TO: claims that there is none in these disks
{
  sum=0
  for i in $(seq "$2" "$3"); do
    counts "$i"
    sum=$((sum + foreign))
  done
  echo "COUNT $1: $sum foreign blocks of 4 KiB"
  claim "$1: no foreign block" [ $sum = 0 ]
}
written() # the second guest writes to disk k: it has found it. Half a minute, as it may be slow
{
  for _ in $(seq 60); do
    counts "$k"
    [ "$own" = 0 ] || return 0
    sleep 0.5
  done
  return 1
}
sign() { ctl "add $((SIGN + $1)) ram:1M detached" > /tmp/ctl || fail "sign: $(cat /tmp/ctl)"; }
three_controllers() { grep -q '^\.controllers\[2\]\.cntlid' /tmp/status; }
deaf() { grep -q '^\.controllers\[.*\.aec 0$' /tmp/status; }
two_controllers() { ! grep -q '^\.controllers\[2\]' /tmp/status; }

first()
{
  need "connect" connect2
  # shellcheck disable=SC2046
  set -- $(ctrls)
  c1=$(cntlid "$1") c2=$(cntlid "$2")
  k=1
  need "files" disks $((3 * EACH + 1))
  need "disk 1" ctl "add 2 $(disk 1)"
  need "the second guest is there" see_status 60 three_controllers
  claim "and writes" written
  swaps "both alive"
  alive=$mean
  claim "the second writes to the last disk" written

  last=$k
  claim "the second is frozen" quiet machine freeze 2
  swaps "the other frozen"
  claim "no slower ($mean ms, $alive ms)" [ "$mean" -lt $((alive * 2 + 500)) ]
  claim "thaw" quiet machine thaw 2
  sign 1
  claim "the second writes to the last disk" written
  foreign_in "frozen" $((last + 1)) $k

  last=$k
  sign 2
  need "the second asks for no events" see_status 10 deaf
  swaps "the other asks for no events"
  claim "no slower ($mean ms, $alive ms)" [ "$mean" -lt $((alive * 2 + 500)) ]
  sleep 2
  foreign_in "no events" $((last + 1)) $k
  sign 3
  claim "the second writes to the last disk" written
  foreign_in "in all" 1 $k
  sign 4
  need "the second has gone" see_status 20 two_controllers
  end_case
}

# ---- the second: writes to NSID 2 what belongs on the disk that it believes to be there ----
disk_of() { echo $((0x${1#????????-????-????-????-?????????})); } # UUID: K
follow()
{
  u=$(uuid_of 2)
  [ -n "$u" ] || return 0
  now=$(disk_of "$u")
  if [ "$now" != "$k" ] || ! running "w$k"; then
    k=$now
    write_to "$k"
  fi
}
await_sign() # N
{
  until nsids "/dev/$C" -a | grep -q " $((SIGN + $1)) "; do
    follow
    sleep 0.1
  done
}
has_disk() { see 5000 "+2=$(uuid "$1")" "+2=$(uuid "$1")@$(cntlid "$C")"; }
second()
{
  need "connect" connect
  C=$(ctrls)
  k=0
  await_sign 1
  claim "after the thaw: the last disk" has_disk $((2 * EACH + 1))
  await_sign 2
  claim "events off" quiet nvme set-feature "/dev/$C" -f 0x0b -v 0
  await_sign 3
  claim "events on" quiet nvme set-feature "/dev/$C" -f 0x0b -v 0x100
  claim "the last disk" has_disk $((3 * EACH + 1))
  await_sign 4
  claim "the writer ends when told to" stop_writer "$k"
  claim "no process hangs" no_hung_process
  claim "disconnect" disconnect
  finish
}
if [ "$GUEST" = 1 ]; then first; else second; fi
