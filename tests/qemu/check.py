#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check.py --qemu BINARY --guest DIR --out DIR [--env NAME=VALUE] CASE: runs one case in a guest.

CASE is a shell script for the guest (tests/guest/README.md) whose head says `# title:`,
`# devices:` (of QEMU, several lines), `# limit:` (seconds) and `# allow:` (in the kernel's log).
Prints the claims; ends with 0 if they hold, QEMU ended well, and nobody complained.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

from vm import Failure, Vm

BAD = (r"WARNING:|BUG:|Oops|Call Trace|blocked for more than|detected stalls|self-detected stall|"
       r"general protection|Kernel panic|lockup|use-after-free")
ODD = (r"timeout|timed out|error recovery|identifiers changed|I/O error|failed|unsupported|bogus|"
       r"invalid|match|duplicate|not ready|removing")
DIED = r"ERROR: |runtime error:|[Aa]ssert|Aborted"
APPEND = ("console=ttyS0 panic=-1 nokaslr mitigations=off clocksource=hpet no_timer_check "
          "random.trust_cpu=on nowatchdog quiet")


def head(text, key):
    return re.findall(rf"^# {key}: *(.*)$", text, re.M)


def initrd(guest, job, scratch, env):
    """The guest's, with the job before it: cpio archives concatenate."""
    root = os.path.join(scratch, "root")
    os.mkdir(root)
    with open(os.path.join(root, "job"), "wb") as f:
        for part in (os.path.join(os.path.dirname(os.path.abspath(__file__)), "prelude.sh"), job):
            with open(part, "rb") as text:
                f.write(text.read())
    with open(os.path.join(root, "env"), "w", encoding="utf-8") as f:
        f.write(" ".join(["PORT=0", "NQN=none", *env]) + "\n")
    path = os.path.join(scratch, "initrd")
    with open(path, "wb") as f:
        find = subprocess.run(["find", ".", "-mindepth", "1"], cwd=root, check=True,
                              stdout=subprocess.PIPE)
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"], cwd=root, check=True,
                       input=find.stdout, stdout=f)
        f.flush()
        with open(os.path.join(guest, "initrd.gz"), "rb") as rest:
            f.seek(0, os.SEEK_END)
            shutil.copyfileobj(rest, f)
    return path


def machine(args, scratch, devices, limit):
    options = ["-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "512",
               "-no-reboot", "-kernel", os.path.join(args.guest, "vmlinux"),
               "-initrd", initrd(args.guest, args.case, scratch, [*args.env, f"LIMIT={limit:.0f}"]),
               "-append", f"{APPEND} {args.append}",
               "-serial", f"file:{args.out}/console", "-device", "virtio-rng-pci",
               "-device", "virtio-serial-pci",
               "-chardev", f"file,id=kmsg,path={args.out}/kmsg",
               "-device", "virtserialport,chardev=kmsg,name=kmsg",
               "-chardev", f"file,id=tar,path={args.out}/results.tar",
               "-device", "virtserialport,chardev=tar,name=results"]
    for i in (0, 1):
        options += ["-chardev", f"socket,id=ctl{i},path={scratch}/ctl",
                    "-device", f"virtserialport,chardev=ctl{i},name=ctl{i}"]
    for d in devices:
        options += ["-device", d]
    return options + args.option


def kernel_log(args, allow):
    """What the kernel said that it should not have."""
    with open(f"{args.out}/kmsg", encoding="utf-8", errors="replace") as f:
        lines = [x.split(";", 1)[-1] for x in f if re.match(r"\d+,", x)]
    with open(f"{args.out}/dmesg", "w", encoding="utf-8") as f:
        f.writelines(lines)
    if not lines:
        yield "no kernel log"
    passed = "|".join(["ommand line", "Ignoring bogus", *allow])
    for line in lines:
        if re.search(BAD, line):
            yield f"kernel: {line[:100].strip()}"
        elif "nvme" in line and re.search(ODD, line, re.I) and not re.search(passed, line):
            yield f"kernel: {line[:100].strip()}"


def run(args, scratch):
    with open(args.case, encoding="utf-8") as f:
        text = f.read()
    devices = [d for line in head(text, "devices") for d in line.split()]
    limit = float(head(text, "limit")[0])
    vm = Vm.__new__(Vm)
    # the ports are opened when QEMU starts: somebody must listen before
    Vm.serve(vm, f"{scratch}/ctl")
    vm.__init__(args.qemu, args.out, scratch, machine(args, scratch, devices, limit))
    rc = vm.wait(limit)
    with open(f"{args.out}/console", encoding="utf-8", errors="replace") as f:
        console = f.read().replace("\r", "")
    print(console, end="")
    if vm.swaps:
        print(f"# {vm.swaps} swaps")
    if rc is None:
        yield f"the guest did not come to its end within {limit:.0f} s"
    elif rc != 0:
        yield f"QEMU ended with {rc}"
    yield from (line[6:] for line in re.findall(r"^FAIL: .*$", console, re.M)[:5])
    status = re.findall(r"^GUEST-EXIT (\d+)$", console, re.M)
    if rc == 0 and status != ["0"] and "FAIL: " not in console:
        yield f"the job ended with {status}"
    with open(f"{args.out}/qemu.err", encoding="utf-8", errors="replace") as f:
        said = f.read()
    if re.search(DIED, said):
        yield "qemu.err: " + next(x for x in said.splitlines() if re.search(DIED, x))[:120]
    yield from list(kernel_log(args, head(text, "allow")))[:5]
    tar = f"{args.out}/results.tar"
    if os.path.exists(tar) and os.path.getsize(tar):
        with tarfile.open(tar, ignore_zeros=True) as t:
            t.extractall(f"{args.out}/results")
        os.unlink(tar)


def main():
    p = argparse.ArgumentParser()
    for name in ("--qemu", "--guest", "--out"):
        p.add_argument(name, required=True)
    p.add_argument("--env", action="append", default=[])
    p.add_argument("--append", default="")
    p.add_argument("--option", action="append", default=[])
    p.add_argument("case")
    args = p.parse_args()
    args.out = os.path.abspath(args.out)
    shutil.rmtree(args.out, ignore_errors=True)
    os.makedirs(args.out)
    reasons = []
    # the names of Unix sockets are short
    with tempfile.TemporaryDirectory() as scratch:
        try:
            for reason in run(args, scratch):
                reasons.append(reason)
        except (Failure, OSError) as e:
            reasons.append(str(e))
    for reason in reasons:
        print(f"REASON {reason}")
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
