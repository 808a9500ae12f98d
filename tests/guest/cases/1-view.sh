# SPDX-License-Identifier: BSD-3-Clause
# title: two controllers, shared namespaces: both paths, list, list-ns -a, UUIDs
# target: --ns 1=ram:64M,uuid=11111111-1111-4111-8111-111111111111 --ns 2=ram:128M --ns 3=ram:32M,private --ns 4=ram:32M,detached --ns 5=ram:64M,bs=4096 --ns 60=ram:16M --nn 64
# limit: 90
U1=11111111-1111-4111-8111-111111111111
need "connect" connect2
# shellcheck disable=SC2046
set -- $(ctrls)
claim "two controllers" is $# 2
c1=$(cntlid "$1") c2=$(cntlid "$2")
[ "$c1" -lt "$c2" ] || { low=$c2; c2=$c1; c1=$low; } # c1: the lower CNTLID
claim "two CNTLIDs" [ "$c1" != "$c2" ]
claim "devices, sizes, UUID" see 10000 +1 +1=$U1 +1:67108864 +2:134217728 +3:33554432 -4 +5:67108864 +60:16777216
for n in 1 2 5 60; do claim "NSID $n has both paths" see 2000 "+$n@$c1" "+$n@$c2"; done
claim "the private one is with the lower CNTLID only" see 2000 "+3@$c1" "-3@$c2"
claim "every path is live" [ -z "$(nsview paths | grep -v ' live$')" ]

claim "nvme list shows each device once" is "$(nvme list | awk '/^\/dev/ { print $1 }' | sort -u | wc -l)" 5
for c in "$1" "$2"; do
  nsids() { nvme list-ns "/dev/$c" "$@" | sed 's/.*0x//' | while read -r x; do echo $((0x$x)); done | tr '\n' ' '; }
  want='1 2 3 5 60 '; [ "$(cntlid "$c")" = "$c1" ] || want='1 2 5 60 '
  claim "$c: list-ns" is "$(nsids)" "$want"
  claim "$c: list-ns -a" is "$(nsids -a)" '1 2 3 4 5 60 '
  claim "$c: list-ns from 2 on" is "$(nsids -n 3)" "${want#1 2 }"
  claim "$c: list-ctrl of NSID 1" is "$(nvme list-ctrl "/dev/$c" -n 1 | sed 's/.*0x//' | tr '\n' ' ')" "$(printf '%x %x ' "$c1" "$c2")"
  claim "$c: ns-descs has the UUID" is "$(nvme ns-descs "/dev/$c" -n 1 | grep -ci $U1)" 1
  id=$(nvme id-ctrl "/dev/$c")
  field() { echo "$id" | sed -n "s/^$1 *: *//p"; }
  claim "$c: NN 64" is "$(field nn)" 64
  claim "$c: OAES says namespace attribute events" [ $(($(field oaes) & 0x100)) != 0 ]
  claim "$c: OACS says namespace management" [ $(($(field oacs) & 8)) != 0 ]
  claim "$c: CMIC says several controllers" [ $(($(field cmic) & 2)) != 0 ]
  claim "$c: at least four AERs" [ "$(field aerl)" -ge 3 ]
done
status
for n in 1 2 3 5 60; do
  claim "NSID $n: the guest's UUID is the target's" is "$(uuid_of $n)" "$(ns_uuid $n)"
done
claim "all UUIDs differ" is "$(nsview list | awk '{ print $2 }' | sort -u | wc -l)" 5

load a 1 3 --verify=crc32c; load b 5 3 --verify=crc32c; load c 3 3
for l in a b c; do
  end_load $l
  claim "fio $l ends without an error" ended_well $l
done
end_case
