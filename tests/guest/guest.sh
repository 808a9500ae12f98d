# SPDX-License-Identifier: BSD-3-Clause
# guest.sh: helpers for jobs inside the guest, sourced before /job. /env has set PORT and NQN.
# Who waits for a condition waits long, as the machine may be busy: a wait that ends late proves less
# about time, but no less about what came.
# shellcheck shell=sh disable=SC2154,SC2034,SC3045
ADDR=10.0.2.2

# ---- verdict ----
# A case is a list of claims. It goes on after one that fails, if it can: the log then shows more.
failed=0
note() { echo "# $*"; }
fail()
{
  echo "FAIL: $*"
  failed=$((failed + 1))
}
claim() # WHAT COMMAND...
{
  what=$1
  shift
  if "$@"; then echo "  - $what"; else fail "$what"; fi
}
need() # a claim without which the rest makes no sense
{
  what=$1
  shift
  "$@" && return
  fail "$what"
  finish
}
finish() { exit $((failed > 0)); }
end_guest() # STATUS, for the machine; QEMU ends with a reboot
{
  dmesg > /results/dmesg 2> /dev/null
  [ ! -e /dev/virtio-ports/results ] || tar -c -C /results . > /dev/virtio-ports/results
  echo "GUEST-EXIT $1"
  sleep 0.2
  reboot -f
}
# A job that hangs: what every task waits for goes to the kernel's log, and the guest ends. A process
# that waits in the kernel cannot be killed, so whoever waits for it cannot do this.
stuck() # WHAT
{
  echo "watchdog: $1" > /dev/kmsg
  echo w > /proc/sysrq-trigger
  echo t > /proc/sysrq-trigger
  sleep 3
  echo "FAIL: $1"
  cp /tmp/status /tmp/op /tmp/quiet /results/ 2> /dev/null
  end_guest 1
}
watch_time() # SECONDS for the job
{
  sleep "$1"
  stuck "not done after $1 s"
}
watch_steps() # FILE SECONDS: it must grow so often
{
  was=''
  while now=$(wc -c < "$1") && [ "$now" != "$was" ]; do
    was=$now
    sleep "$2"
  done
  stuck "no step for $2 s: $(tail -n 1 "$1")"
}
is() { [ "$1" = "$2" ] || ! echo "  '$1', not '$2'"; }
quiet() { "$@" > /tmp/quiet 2>&1 || ! cat /tmp/quiet; }
refused() { ! "$@" > /tmp/refused 2>&1 || ! cat /tmp/refused; }
ms() # since the start
{
  read -r up _ < /proc/uptime
  echo "${up%.*}${up#*.}0"
}
stats() # WHAT: numbers of milliseconds on stdin, for the results
{
  awk -v what="$1" '{ sum += $1; if ($1 > max) max = $1 }
    END { if (NR) printf "TIME %s: n=%d mean=%.0f ms max=%.0f ms\n", what, NR, sum / NR, max }'
}

# The end of each case: target and guest at rest, then disconnected without a trace.
end_case()
{
  claim "the target is at rest" at_rest
  claim "the library's invariants hold" quiet ctl check
  claim "no process hangs" no_hung_process
  claim "disconnect" disconnect
  claim "no controller is left" see_status 10 no_controllers
  finish
}

# a process that is in D state at three looks, a second apart
no_hung_process()
{
  for look in 1 2 3; do
    for p in /proc/[0-9]*; do
      # the command's name may hold blanks; it ends with the last parenthesis
      case $(sed 's/.*) //' "$p/stat" 2> /dev/null) in D*) echo "${p#/proc/}" ;; esac
    done > /tmp/hung.$look
    [ -s /tmp/hung.$look ] || return 0
    [ $look = 3 ] || sleep 1
  done
  hung=$(sort /tmp/hung.[123] | uniq -c | awk '$1 == 3 { print $2 }')
  for p in $hung; do
    echo "  process $p ($(cat "/proc/$p/comm")) hangs:"
    cat "/proc/$p/stack"
  done
  [ -z "$hung" ]
}

# ---- the target's control socket: a connection each on fd 7 and fd 8 ----
[ ! -e /dev/virtio-ports/ctl0 ] || exec 7<> /dev/virtio-ports/ctl0
[ ! -e /dev/virtio-ports/ctl1 ] || exec 8<> /dev/virtio-ports/ctl1

# ctl COMMAND: prints the answer's lines without the final ok; false after "error: REASON" (printed).
# COMMAND may be several lines, written at once; then each has its answer.
ctl() { ctl_on 7 "$*"; }
ctl2() { ctl_on 8 "$*"; } # for use while ctl waits in another process
# machine VERB ...: what the machine does for a case (run, "what a case may ask of the machine"): it
# makes and reads files, cuts links, stops and starts the target, freezes guests. Answers as ctl does.
[ ! -e /dev/virtio-ports/machine ] || exec 9<> /dev/virtio-ports/machine
machine() { ctl_on 9 "$*"; }
ctl_on()
{
  ctl_rc=0
  todo=$(printf '%s\n' "$2" | grep -c .)
  printf '%s\n' "$2" >&"$1"
  # every command of the target has its answer by then, or never
  while read -r -t 120 line <&"$1"; do
    case $line in
    ok | 'ok '*) ;;
    error*)
      echo "$line"
      ctl_rc=1
      ;;
    *)
      echo "$line"
      continue
      ;;
    esac
    todo=$((todo - 1))
    [ $todo -gt 0 ] || return $ctl_rc
  done
  echo 'error: no answer, or the control connection ended'
  return 1
}

# timed MS COMMAND COND...: the command, until it is answered and the guest sees what COND say
# (nsview.c), within MS; leaves $answer and $view in milliseconds. MS are those of an idle machine:
# four times that is waited for.
timed()
{
  limit=$(($1 * 4))
  shift
  out=$(nsview 'do' "$limit" 7 "$@")
  rc=$?
  answer=$(echo "$out" | sed -n 's/^answer=\([^ ]*\).*/\1/p')
  view=$(echo "$out" | sed -n 's/.* view=\([^ ]*\) .*/\1/p')
  [ $rc = 0 ] || echo "  '$1' until $(shift && echo "$*"): $out"
  return $rc
}
see() # MS COND...: the guest sees it within MS, as above
{
  limit=$(($1 * 4))
  shift
  nsview wait "$limit" "$@" > /tmp/see || ! echo "  not within $limit ms: $*"
}

# ---- the target's status ----
status() { ctl status | awk -f /json.awk > /tmp/status; } # flattened: lines "PATH VALUE"
see_status() # SECONDS FUNCTION: until FUNCTION is content with /tmp/status; SECONDS as above
{
  tries=$(($1 * 20))
  until status && "$2"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.2
  done
}
at_rest() { see_status 10 rest || ! ctl status; }
rest() { ! grep -qE '\.state (draining|aborting|deleting)$|\.(draining|owed) [1-9]' /tmp/status; }
no_controllers() { ! grep -q '^\.controllers\[0\]' /tmp/status; }
has_ns() { grep -qE "^\.namespaces\[[0-9]*\]\.nsid $1\$" /tmp/status; }
target_view() # devices | paths: as `nsview list` and `nsview paths` say it, but for their last column
{
  awk -v what="$1" '
    { split($1, at, /[][]/); key = $1; sub(/.*\./, "", key); i = at[2] }
    at[1] != ".namespaces" { next }
    at[3] ~ /attachments/ && key == "cntlid" { cntlid = $2 }
    at[3] ~ /attachments/ && key == "state" && $2 == "attached" {
      on[i]++
      if (what == "paths") print cntlid, nsid[i], uuid[i]
    }
    at[3] ~ /attachments/ { next }
    { if (key == "nsid") nsid[i] = $2
      if (key == "uuid") uuid[i] = $2
      if (key == "blocks") blocks[i] = $2
      if (key == "bs") bs[i] = $2 }
    END {
      for (i in on) if (what == "devices") print nsid[i], uuid[i], blocks[i] * bs[i]
    }' /tmp/status
}

# ---- disks that tell whose data they have ----
# Disk K (1, 2 ...) of NSID 2 is a file of the machine that began as zeroes. It has a UUID of its own
# and a stamp, with which all that is written to it is filled. Each has one of four parts of the file
# for its writer, so that what was written for the disk before it is not written over.
uuid() { printf '%08x-0000-4000-8000-000000000%03x' $(($1 * 7919)) "$1"; }
stamp() { printf 'disk-%011d' "$1"; }
disks() # COUNT: makes the files
{
  # shellcheck disable=SC2046
  machine files 32M $(seq "$1")
}
disk() { echo "file:$FILES/$1 uuid=$(uuid "$1")"; } # K: for add
swap() # K: remove and add in one write: the target has the second line before it has done the first
{
  printf 'remove 2\nadd 2 %s' "$(disk "$1")"
}
write_to() # K: in the background, with deep queues, what is NSID 2 now; its end: end_load wK, $fio_rc
{
  : > "/tmp/w$1"
  writer "$(dev 2)" "$(stamp "$1")" $(($1 % 4 << 23)) 8388608 > "/tmp/w$1" 2>&1 &
  eval "pid_w$1=$!"
}
writing() # K: it does; false after half a minute without
{
  n=0
  until grep -q writing "/tmp/w$1"; do
    n=$((n + 1))
    if [ $n -gt 1500 ] || ! running "w$1"; then
      cat "/tmp/w$1"
      return 1
    fi
    sleep 0.02
  done
}
stop_writer() # K; false if it had an error
{
  eval "kill \$pid_w$1" 2> /dev/null
  end_load "w$1"
  [ "$fio_rc" = 0 ] || ! cat "/tmp/w$1"
}
# counts K: leaves in $own and $foreign how many blocks the file of disk K holds that were written for
# it, and for any other
counts()
{
  own=0 foreign=0
  machine "stamps $1 $(stamp "$1")" > /tmp/counts || fail "stamps of disk $1: $(cat /tmp/counts)"
  read -r own foreign < /tmp/counts
}

# ---- nvme ----
# connect [OPTIONS]: nvme-cli 2.3 refuses a second connection unless the guest's address differs. A keep
# alive of 5 s, as usual, is too short for a guest on a busy machine.
connect()
{
  quiet nvme connect -t tcp -a "$ADDR" -s "$PORT" -n "$NQN" -i "${QUEUES:-$(queues)}" -k 20 "$@"
}
# I/O queues: one where Linux loses readers of a disk's SRCU with more (README.md, "What is not ours")
queues()
{
  case $(uname -r) in
  5.1[7-9].* | 6.[01].*) echo 1 ;;
  *) echo 2 ;;
  esac
}
connect2() # two controllers
{
  connect -w 10.0.2.15 && connect -w 10.0.2.16 --duplicate-connect
}
disconnect() { quiet timeout 90 nvme disconnect -n "$NQN"; }
live() { ! cat /sys/class/nvme/nvme*/state | grep -qvx live; } # every controller is
ctrls() # names, in order
{
  for c in /sys/class/nvme/nvme*; do [ ! -e "$c" ] || echo "${c##*/}"; done
}
cntlid() { cat "/sys/class/nvme/$1/cntlid"; }
dev() { nsview list | awk -v n="$1" '$1 == n { print "/dev/" $4; exit }'; } # of an NSID
uuid_of() { nsview list | awk -v n="$1" '$1 == n { print $2; exit }'; }
nsids() # list-ns's arguments: decimal, in a line
{
  nvme list-ns "$@" | sed 's/.*0x//' | while read -r x; do printf '%d ' $((0x$x)); done
}

# code STATUS COMMAND...: the command ends with this NVMe status (hex; SCT and SC only; 0: success)
code()
{
  want=$1
  shift
  got=$("$@" 2>&1)
  rc=$?
  st=$(echo "$got" | sed -n 's/.*(0x\([0-9a-fA-F]*\)).*/\1/p' | tail -n 1)
  [ $rc != 0 ] || st=0
  [ -n "$st" ] && [ $((0x$st & 0x7ff)) = $((0x$want)) ] || ! echo "  $got"
}

# ---- fio ----
# for load: writes, and reads back what was written, all the time; the first difference ends it
verify='--size=8m --rw=randwrite --verify=crc32c --verify_backlog=32 --verify_fatal=1'

# load NAME NSID SECONDS [OPTIONS]: fio in the background; end_load NAME waits and leaves $fio_rc,
# and the rest in /results/NAME.json. force_async: io_uring's first try is a no-wait one, and Linux
# answers EAGAIN to those that it moves to another path while that one is being changed.
load()
{
  name=$1 on=$(dev "$2") seconds=$3
  shift 3
  if [ ! -b "$on" ]; then
    fail "no device for load $name"
    on=/dev/null/none
  fi
  fio --name="$name" --filename="$on" --size=32m --rw=randrw --bs=4k --ioengine=io_uring \
    --force_async=1 --iodepth=8 --direct=1 --time_based --runtime="$seconds" --eta=never \
    --output-format=json --output="/results/$name.json" "$@" > "/results/$name.out" 2>&1 &
  eval "pid_$name=$! on_$name=$on was_$name='$(excuses "$on")' did_$name=$(did_on "$on")"
}
did_on() # DEVICE: commands that its paths have done
{
  cat /sys/block/nvme*c*n"${1##*n}"/stat 2> /dev/null | awk '{ n += $1 + $5 } END { print n + 0 }'
}
busy() # NAME: it does I/O; false after half a minute without
{
  eval "on=\$on_$1 did=\$did_$1"
  n=0
  until [ "$(did_on "$on")" -gt $((did + 20)) ]; do
    n=$((n + 1))
    if [ $n -gt 150 ] || ! running "$1"; then return 1; fi
    sleep 0.2
  done
}
end_load()
{
  eval "wait \$pid_$1"
  fio_rc=$?
}
stop_load() # 128 is fio's own way to say that it was told to stop
{
  eval "kill -INT \$pid_$1" 2> /dev/null
  end_load "$1"
  [ $fio_rc != 128 ] || fio_rc=0
}
running() { eval "kill -0 \$pid_$1" 2> /dev/null; }
fio_error() { sed -n 's/^ *"error" : \([0-9]*\).*/\1/p' "/results/$1.json" | head -n 1; }
fio_ios()
{
  sed -n 's/^ *"total_ios" : \([0-9]*\).*/\1/p' "/results/$1.json" |
    awk '{ n += $1 } END { print n + 0 }'
}
ended_well() # after end_load or stop_load
{
  [ "$fio_rc $(fio_error "$1")" = '0 0' ] || excused "$1" || ! cat "/results/$1.out"
}

# A defect of Linux: a path that goes has capacity 0 (nvme_ns_remove) before senders are kept away from
# it. What is sent meanwhile ends as beyond its end, with EIO, and never leaves the guest. That is no
# error of a load if the log has it, and none of a command of this device.
excuses() # DEVICE: lines of the log that excuse, lines that do not
{
  dmesg | awk -v path="nvme[0-9]+c[0-9]+n${1##*n}: " '
    $0 ~ path "rw=.* limit=0$" { good++ }
    $0 ~ path "I/O Cmd"        { bad++ }
    END                        { print good + 0, bad + 0 }'
}
excused()
{
  eval "on=\$on_$1 was=\$was_$1"
  now=$(excuses "$on")
  [ "${now#* }" = "${was#* }" ] && [ "${now% *}" -gt "${was% *}" ] || return 1
  echo "KNOWN $1: $(grep -c 'io_u error' "/results/$1.out") sent to a path of capacity 0"
}
kept=0
keep() # as load: begins it again, if it ended by what is excused; $kept: commands of earlier ones
{
  if running "$1"; then return; fi
  end_load "$1"
  if excused "$1"; then
    kept=$((kept + $(fio_ios "$1")))
    mv "/results/$1.out" "/results/$1.out.$(ms)"
    load "$@"
  fi
}
