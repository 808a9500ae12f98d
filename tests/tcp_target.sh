#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# tcp_target.sh: nvmens-tcp-target's command line and what it finds on the machine: everything that
# cannot be is refused in words and at once. Exit 0, 1, or 77 without a target.
set -u
target=${TARGET:-${top_builddir:-.}/examples/tcp-target/nvmens-tcp-target}
[ -x "$target" ] || exit 77
dir=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$dir"' EXIT
failed=0

# refused WORDS ARGUMENT...: ends by itself, not with 0 or by a signal, and says so on stderr
refused()
{
  words=$1
  shift
  timeout 20 "$target" "$@" > "$dir/out" 2> "$dir/err"
  rc=$?
  if [ $rc != 1 ] && [ $rc != 2 ]; then
    echo "$*: ended with $rc"
    failed=1
  elif ! grep -q -e "$words" "$dir/err"; then
    echo "$*: said '$(head -n 1 "$dir/err")'"
    failed=1
  elif [ -s "$dir/out" ]; then
    echo "$*: said something on stdout"
    failed=1
  fi
}

# start ARGUMENT...: a target that runs; leaves $pid and $port
start()
{
  : > "$dir/listening" # here, not only in the child: what the last one said must not be read
  "$target" --listen 127.0.0.1:0 --quiet "$@" > "$dir/listening" 2> "$dir/err" &
  pid=$!
  tries=200
  while :; do
    port=$(sed -n 's/^listening on 127\.0\.0\.1:\([0-9]*\)$/\1/p' "$dir/listening")
    [ -z "$port" ] || break
    tries=$((tries - 1))
    if [ $tries = 0 ] || ! kill -0 $pid; then
      echo "does not start: $(cat "$dir/err")"
      exit 1
    fi
    sleep 0.05
  done
}

stop() # SIGNAL
{
  kill "-$1" $pid
  wait $pid
  rc=$?
  pid=
  [ "$1" = KILL ] || [ $rc = 0 ] || {
    echo "SIG$1: ended with $rc: $(cat "$dir/err")"
    failed=1
  }
}

on=--listen=127.0.0.1:0
refused '--listen is needed'
refused usage --bogus
refused usage "$on" --nn
refused 'what is this' "$on" --quiet more
refused 'not ADDR:PORT' --listen nowhere
refused 'port out of range' --listen 127.0.0.1:99999
refused 'port out of range' --listen 127.0.0.1:http
refused 'not ADDR:PORT' --listen :4420
refused 'listen 256.256.256.256:0\|256.256.256.256' --listen 256.256.256.256:0
refused 'empty, or too long' --listen "$(printf '%0200d' 0):0"
refused 'NQN of a subsystem' "$on" --nqn target
refused 'NQN of a subsystem' "$on" --nqn nqn.2014-08.org.nvmexpress.discovery
refused 'empty, or too long' "$on" --nqn "nqn.$(printf '%0300d' 0)"
refused 'not NSID=' "$on" --ns ram:1M
refused 'NSID out of range' "$on" --ns 0=ram:1M
refused 'NSID out of range' "$on" --ns 4294967295=ram:1M
refused 'larger than --nn' "$on" --ns 1025=ram:1M
refused 'larger than --nn' "$on" --nn 4 --ns 5=ram:1M
refused 'not a size' "$on" --ns 1=ram:
refused 'not a size' "$on" --ns 1=ram:0
refused 'not a size' "$on" --ns 1=ram:1MB
refused 'not a size' "$on" --ns 1=ram:99999999999999999999T
refused 'multiple of the block size' "$on" --ns 1=ram:1000
refused 'multiple of the block size' "$on" --ns 1=ram:512,bs=4096
refused '512 or 4096' "$on" --ns 1=ram:1M,bs=1024
refused 'not a UUID' "$on" --ns 1=ram:1M,uuid=11111111-1111-4111-8111-11111111111
refused 'unknown word' "$on" --ns 1=ram:1M,shared
refused 'capacity' "$on" --ns 1=ram:2T
refused 'capacity' "$on" --tnvmcap 1M --ns 1=ram:1M --ns 2=ram:512
refused 'exists' "$on" --ns 1=ram:1M --ns 1=ram:1M
refused 'exists' "$on" --ns 1=ram:1M,uuid=11111111-1111-4111-8111-111111111111 \
  --ns 2=ram:1M,uuid=11111111-1111-4111-8111-111111111111
refused 'No such file' "$on" --ns "1=file:$dir/none"
refused 'neither a file nor\|directory' "$on" --ns "1=file:$dir"
refused 'neither a file nor' "$on" --ns 1=file:/dev/null
: > "$dir/empty"
refused 'shorter than one block' "$on" --ns "1=file:$dir/empty"
refused 'out of range' "$on" --nn 0
refused 'not a number' "$on" --nn 12x
refused 'out of range' "$on" --aerl 256
refused 'not a number' "$on" --tnvmcap none
refused 'one of the choices' "$on" --inactive-io never
refused 'one of the choices' "$on" --mask-scope all
refused 'out of range' "$on" --deadline 0
refused 'not a number' "$on" --deadline -1
refused 'out of range' "$on" --io-delay 99999999999
refused 'No such file' "$on" --trace "$dir/none/trace"
refused 'No such file' "$on" --control "$dir/none/control"
refused 'empty, or too long' "$on" --control "$dir/$(printf '%0200d' 0)"
refused 'is no socket' "$on" --control "$dir/empty"
[ -e "$dir/empty" ] || { echo "a file was removed that is no socket"; failed=1; }

start --control "$dir/control" --trace "$dir/trace" --ns 1=ram:1M --aerl 0 --nn 4294967294
refused 'in use' --listen "127.0.0.1:$port"
refused 'another process listens there' "$on" --control "$dir/control"
stop TERM
[ ! -e "$dir/control" ] || { echo "the control socket is left"; failed=1; }
tail -n 1 "$dir/trace" | grep -qx ']' || { echo "the trace is not closed"; failed=1; }
start --control "$dir/control"
stop KILL
[ -S "$dir/control" ] || { echo "no stale socket to try"; failed=1; }
start --control "$dir/control" # which nobody listens on
stop INT
"$target" --help | grep -q '^usage' || { echo "no help"; failed=1; }
exit $failed
