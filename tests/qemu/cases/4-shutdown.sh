# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../../guest/guest.sh disable=SC2154
# title: the guest shuts down under load while drives are swapped without a pause
# devices: nvme-subsys,id=subsys0,nqn=nvmens nvme,id=nvme0,serial=s,subsys=subsys0
# devices: nvme,id=nvme1,serial=s,subsys=subsys0
# devices: nvme-ns,id=a,drive=d1,bus=nvme0,nsid=1,uuid=00000001-0000-4000-8000-000000000001
# devices: nvme-ns,id=x,drive=d4,bus=nvme0,nsid=3
# limit: 150
# allow: .
need "namespaces" see 15000 +1@0 +1@1 +3
load a 1 3000 --iodepth=64
load x 3 3000 --iodepth=128 --numjobs=2
sleep 1
claim "swaps begin" quiet ctl "storm x 3 $SEED"
sleep 3
finish
