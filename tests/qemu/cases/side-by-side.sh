# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../../guest/guest.sh disable=SC2154
# title: the same job on both: lines `SIDE KEY VALUE` for the table
# devices: nvme-subsys,id=subsys0,nqn=nvmens nvme,id=nvme0,serial=s,subsys=subsys0
# devices: nvme,id=nvme1,serial=s,subsys=subsys0
# devices: nvme-ns,id=a,drive=d1,bus=nvme0,nsid=1,uuid=00000001-0000-4000-8000-000000000001
# devices: nvme-ns,id=x,drive=d3,bus=nvme0,nsid=3,uuid=00000003-0000-4000-8000-000000000003
# limit: 240
# allow: .
need "namespaces" see 20000 +1@0 +1@1 +3@0 +3@1 +3
A=/dev/nvme0 B=/dev/nvme1
[ "$(cntlid nvme0)" = 0 ] || { A=/dev/nvme1 B=/dev/nvme0; }
side() { echo "SIDE $*"; }
median() # KEY: of a file of milliseconds
{
  sort -n "/tmp/$1" | awk -v k="$1" '{ v[NR] = $1 }
    END { printf "SIDE %s median %d ms, most %d ms\n", k, v[int((NR + 1) / 2)], v[NR] }'
}
load a 1 3000 --iodepth=16 $verify
for _ in 1 2 3 4 5 6 7 8 9 10; do
  load x 3 3000 --size=64m --offset=1m --iodepth=64
  sleep 0.5
  t=$(ms)
  quiet nvme detach-ns "$A" -n 3 -c 0,1
  echo $(($(ms) - t)) >> /tmp/detach-answered
  see 20000 -3 && echo $(($(ms) - t)) >> /tmp/detach-gone
  end_load x
  t=$(ms)
  quiet nvme attach-ns "$A" -n 3 -c 0,1
  echo $(($(ms) - t)) >> /tmp/attach-answered
  see 20000 +3 +3@0 +3@1 && echo $(($(ms) - t)) >> /tmp/attach-back
done
for k in detach-answered detach-gone attach-answered attach-back; do
  median $k
  side "$k-rounds" "$(wc -l < /tmp/$k) of 10"
done
stop_load a
if ended_well a; then side neighbour "no error"; else side neighbour "errors"; fi
for c in nvme0 nvme1; do
  nvme set-feature /dev/$c -f 0x0b -v 0 > /dev/null
  nvme get-log /dev/$c -i 4 -l 4096 > /dev/null
done
list() { nvme changed-ns-list-log "$A" | sed -n 's/^\[ *[0-9]*\]: *\(0x\)\{0,1\}//p' | tr '\n' ' '; }
# by the other one: after a command of its own Linux looks anyway
quiet nvme detach-ns "$B" -n 3 -c 0
sleep 2
# the driver has looked if the path by this controller has gone
if see 100 +3@0; then side unasked "none"; else side unasked "sent all the same (P7)"; fi
one=$(list) two=$(list)
case "$one/$two" in
/*) side rae "empty: the driver has read it" ;;
"$two/$one") side rae "kept" ;;
*) side rae "first '$one', then '$two' (P4)" ;;
esac
quiet nvme attach-ns "$A" -n 3 -c 0
for c in nvme0 nvme1; do nvme set-feature /dev/$c -f 0x0b -v 0x100 > /dev/null; done
if nvme admin-passthru "$A" --opcode=6 --namespace-id=0xffffffff --cdw10=0 --data-len=4096 --read \
  > /dev/null 2>&1; then
  side identify-all "answered"
else
  side identify-all "fails (P14)"
fi
side create "$(nvme create-ns "$A" -s 64 -c 64 -f 0 2>&1 | tail -n 1 | cut -c 1-70)"
said=$(ctl 'swap x d4 nsid=3 uuid=00000004-0000-4000-8000-000000000004' | cut -c 1-70)
side device-del "${said:-done}"
finish
