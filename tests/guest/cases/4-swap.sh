# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154
# title: swap of an NSID to another UUID, 20 times, no pause: the guest ends with the new disk
# target: --ns 1=ram:64M --ns 3=ram:64M --nn 32
# limit: 500
# allow: identifiers changed for nsid 3|IDs don't match|Identify Descriptors failed|I/O Cmd.0x2.|async page read
# (the kernel still looks for partitions on a disk that is removed at once)
# remove and add in one write: the target has the second line before it has done the first
swap() { printf 'remove 3\nadd 3 ram:64M uuid=%s' "$(uuid "$1")"; }

swaps() # FROM TO WHAT CNTLID...: there must be a path to the new disk by each
{
  from=$1 to=$2 name=$3
  shift 3
  rm -f /tmp/swaps
  for i in $(seq "$from" "$to"); do
    paths=$(for c in "$@"; do echo "+3=$(uuid "$i")@$c"; done)
    # shellcheck disable=SC2086
    if timed 15000 "$(swap "$i")" "+3=$(uuid "$i")" $paths; then
      echo "$view" >> /tmp/swaps
      continue
    fi
    fail "$name: swap $i"
    nsview list
    nsview paths
    ctl status
    ctl 'remove 3' && see 10000 -3 && timed 10000 'add 3 ram:64M' +3
  done
  stats "$name: new disk by all paths" < /tmp/swaps
}

need "connect" connect -w 10.0.2.15
# shellcheck disable=SC2046
set -- $(ctrls)
c1=$(cntlid "$1")
need "NSID 3" see 10000 "+3@$c1"
swaps 1 20 "swap, one controller" "$c1"

need "connect again" connect -w 10.0.2.16 --duplicate-connect
# shellcheck disable=SC2046
set -- $(ctrls)
c1=$(cntlid "$1") c2=$(cntlid "$2")
need "both paths" see 10000 "+3@$c1" "+3@$c2"
swaps 21 40 "swap, two controllers" "$c1" "$c2"

load other 1 1000 --verify=crc32c
swaps 41 50 "swap, two controllers, fio on a neighbour" "$c1" "$c2"

note "swaps at odd moments, 30 rounds of up to three: the last one counts"
seed=$SEED
random() # N: $r is less than it
{
  seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
  r=$(((seed >> 8) % $1))
}
k=60
for round in $(seq 30); do
  random 3
  for _ in $(seq $r); do
    k=$((k + 1))
    ctl "$(swap $k)" > /tmp/ctl || fail "round $round: $(cat /tmp/ctl)"
    random 45
    usleep $((r * 10000))
  done
  k=$((k + 1))
  timed 10000 "$(swap $k)" "+3=$(uuid $k)" "+3=$(uuid $k)@$c1" "+3=$(uuid $k)@$c2" && continue
  fail "round $round"
  nsview paths
  timed 10000 'resize 3 32M' "+3=$(uuid $k)@$c1" "+3=$(uuid $k)@$c2" # an event more brings it
done

note "five swaps in one go: the last one counts"
for r in 16 17 18; do
  all=$(for k in 1 2 3 4 5; do swap ${r}$k && echo; done)
  claim "burst $r" timed 15000 "$all" "+3=$(uuid ${r}5)" "+3=$(uuid ${r}5)@$c1" \
    "+3=$(uuid ${r}5)@$c2"
done
stop_load other
claim "fio on the neighbour had no error" ended_well other
end_case
