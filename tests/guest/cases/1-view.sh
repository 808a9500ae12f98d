# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../guest.sh disable=SC2154
# title: two controllers, shared namespaces: both paths, list, list-ns -a, UUIDs
# target: --nn 64 --ns 1=ram:64M,uuid=11111111-1111-4111-8111-111111111111 --ns 2=ram:128M
# target: --ns 3=ram:32M,private --ns 4=ram:32M,detached --ns 5=ram:64M,bs=4096 --ns 60=ram:16M
# limit: 240
U1=11111111-1111-4111-8111-111111111111
need "connect" connect2
# shellcheck disable=SC2046
set -- $(ctrls)
claim "two controllers" is $# 2
low=$(cntlid "$1") high=$(cntlid "$2")
if [ "$low" -gt "$high" ]; then
  low=$(cntlid "$2") high=$(cntlid "$1")
fi
claim "two CNTLIDs" [ "$low" != "$high" ]
claim "devices, sizes, UUID" see 10000 +1=$U1 +1:67108864 +2:134217728 +3:33554432 -4 \
  +5:67108864 +60:16777216
for n in 1 2 5 60; do claim "NSID $n has both paths" see 2000 "+$n@$low" "+$n@$high"; done
claim "the private one is with the lower CNTLID only" see 2000 "+3@$low" "-3@$high"
claim "every path is live" is "$(nsview paths | grep -v ' live$')" ''
claim "nvme list shows each device once" is "$(nvme list | grep -c '^/dev/nvme')" 5

for c in "$1" "$2"; do
  want='1 2 3 5 60 '
  [ "$(cntlid "$c")" = "$low" ] || want='1 2 5 60 '
  claim "$c: list-ns" is "$(nsids "/dev/$c")" "$want"
  claim "$c: list-ns -a" is "$(nsids "/dev/$c" -a)" '1 2 3 4 5 60 '
  claim "$c: list-ns from 3 on" is "$(nsids "/dev/$c" -n 3)" "${want#1 2 }"
  both=$(nvme list-ctrl "/dev/$c" -n 1 | sed -n 's/^\[.*]:\(0x\)\{0,1\}//p' | tr '\n' ' ')
  claim "$c: list-ctrl of NSID 1" is "$both" "$(printf '%x %x ' "$low" "$high")"
  claim "$c: ns-descs has the UUID" is "$(nvme ns-descs "/dev/$c" -n 1 | grep -ci $U1)" 1
  id=$(nvme id-ctrl "/dev/$c")
  field() { echo "$id" | sed -n "s/^$1 *: *//p"; }
  claim "$c: NN" is "$(field nn)" 64
  claim "$c: OAES has namespace attribute events" [ $(($(field oaes) & 0x100)) != 0 ]
  claim "$c: OACS has namespace management" [ $(($(field oacs) & 8)) != 0 ]
  claim "$c: CMIC has several controllers" [ $(($(field cmic) & 2)) != 0 ]
  claim "$c: at least four AERs" [ "$(field aerl)" -ge 3 ]
done

status
target_view devices | sort > /tmp/want
nsview list | awk '{ print $1, $2, $3 }' | sort > /tmp/have
claim "NSIDs, UUIDs and sizes are the target's" is "$(cat /tmp/have)" "$(cat /tmp/want)"
claim "all UUIDs differ" is "$(nsview list | awk '{ print $2 }' | sort -u | wc -l)" 5

load a 1 3 --verify=crc32c
load b 5 3 --verify=crc32c
load c 3 3
for l in a b c; do
  end_load $l
  claim "fio $l ends well" ended_well $l
done
end_case
