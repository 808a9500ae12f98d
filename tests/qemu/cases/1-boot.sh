# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash source=../../guest/guest.sh disable=SC2154
# title: attached at boot as configured; private namespaces on their own controller only (P12)
# devices: nvme-subsys,id=subsys0,nqn=nvmens nvme,id=nvme0,serial=s,subsys=subsys0
# devices: nvme,id=nvme1,serial=s,subsys=subsys0
# devices: nvme-ns,id=a,drive=d1,bus=nvme0,nsid=1,uuid=00000001-0000-4000-8000-000000000001
# devices: nvme-ns,id=b,drive=d2,bus=nvme0,nsid=2,shared=off
# devices: nvme-ns,id=c,drive=d3,bus=nvme1,nsid=3,shared=off
# devices: nvme-ns,id=d,drive=d4,bus=nvme0,nsid=4,detached=on
# devices: nvme-ns,id=e,drive=d5,bus=nvme0
# devices: nvme,id=nvme2,serial=t nvme-ns,id=f,drive=d6,bus=nvme2
# devices: nvme,id=nvme3,serial=u,drive=d7
# limit: 120
need "namespaces" see 15000 +1@0 +1@1 +2@0 +3@1 +5@0 +5@1
paths() { nsview paths | cut -d ' ' -f 1,2 | sort | tr '\n' ';'; }
# those of the controllers without a subsystem are among them
claim "and no other paths" is "$(paths)" '0 1;0 1;0 1;0 2;0 5;1 1;1 3;1 5;'
by_serial() # SERIAL: the controller of a subsystem of its own
{
  for c in /sys/class/nvme/nvme*; do
    case $(cat "$c/serial") in "$1" | "$1 "*) echo "/dev/${c##*/}" ;; esac
  done | head -n 1
}
A=$(by_serial s) T=$(by_serial t) U=$(by_serial u)
claim "allocated" is "$(nsids "$A" -a)" '1 2 3 4 5 '
claim "the detached one is attached nowhere" is "$(nsids "$A")" '1 2 5 '
claim "a controller without a subsystem" is "$(nsids "$T")" '1 '
claim "the property drive" is "$(nsids "$U")" '1 '
first() { head -c 8 "$1" 2>&1; }
claim "d1" is "$(first "/dev/$(nsview list | awk '$2 ~ /^00000001/ { print $4 }')")" 'drive d1'
claim "d6" is "$(first "${T}n1")" 'drive d6'
claim "d7" is "$(first "${U}n1")" 'drive d7'
claim "hot-plug on a controller's bus" quiet ctl 'add g d8 bus=nvme2'
claim "seen" is "$(sleep 2; nsids "$T")" '1 2 '
claim "d8" is "$(first "${T}n2")" 'drive d8'
claim "unplug" quiet ctl 'del g'
claim "the drive is free" quiet ctl 'free d8'
claim "gone" is "$(sleep 2; nsids "$T")" '1 '
claim "hot-plug with an NSID in use" refused ctl 'add h d8 nsid=3'
claim "private, hot-plugged" quiet ctl 'add i d8 nsid=9 shared=off bus=nvme1'
claim "is on its own controller only" see 5000 +9@1 -9@0
claim "no process hangs" no_hung_process
finish
