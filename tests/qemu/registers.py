#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""registers.py --qemu BINARY --out DIR: what no operating system does on demand, by the qtest protocol.

A driver of two pages: it writes the registers and queues of two controllers itself.
"""
import argparse
import os
import random
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time

from vm import Failure, Vm

CC_ENABLE, CC_SHUTDOWN = 0x460001, 0x464001
FLUSH, WRITE, READ = 0, 1, 2
ATTACHED_CHANGED = 0x00040002
DEVFN = {0: 4 << 3, 1: 5 << 3}


class Qtest:
    def __init__(self, path):
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(1)
        self.server, self.file = server, None

    def __call__(self, *words):
        if not self.file:
            self.file = self.server.accept()[0].makefile("rw", encoding="ascii")
        self.file.write(" ".join(w if isinstance(w, str) else hex(w) for w in words) + "\n")
        self.file.flush()
        while True:
            line = self.file.readline()
            if line.startswith("OK"):
                return line.split()[1] if " " in line else ""
            if not line.startswith("IRQ"):
                raise Failure(f"qtest: {line!r}")

    def read(self, at, size):
        return bytes.fromhex(self("read", at, size)[2:])

    def write(self, at, data):
        self("write", at, len(data), "0x" + data.hex())


class Controller:
    """Queue 0 is the Admin queue, queue 1 one for I/O; 16 entries each."""

    def __init__(self, qtest, number):
        self.q, self.devfn = qtest, DEVFN[number]
        self.bar = 0xE0000000 + number * 0x10000
        self.mem = 0x200000 + number * 0x100000
        self.plug_in()

    def plug_in(self):
        """What firmware does."""
        self.config(0x10, self.bar)
        self.config(0x14, 0)
        self.config(0x04, 6)

    def config(self, at, value=None):
        self.q("outl", 0xCF8, 0x80000000 | self.devfn << 8 | at)
        if value is None:
            return int(self.q("inl", 0xCFC), 16)
        return self.q("outl", 0xCFC, value)

    def reg(self, at, value=None):
        if value is None:
            return int(self.q("readl", self.bar + at), 16)
        return self.q("writel", self.bar + at, value)

    def ready(self):
        return self.reg(0x1C) & 1

    def shst(self):
        return self.reg(0x1C) >> 2 & 3

    def start(self):
        self.q("memset", self.mem, 0x40000, 0)
        self.tail, self.head = [0, 0], [0, 0]
        self.phase, self.done, self.cid = [1, 1], {}, 0
        self.reg(0x24, 15 << 16 | 15)
        self.reg(0x28, self.mem)
        self.reg(0x2C, 0)
        self.reg(0x30, self.mem + 0x1000)
        self.reg(0x34, 0)
        self.reg(0x14, CC_ENABLE)

    def start_queue(self):
        self.admin(0x05, prp=self.mem + 0x3000, dw10=15 << 16 | 1, dw11=1)
        self.admin(0x01, prp=self.mem + 0x2000, dw10=15 << 16 | 1, dw11=1 << 16 | 1)

    def submit(self, queue, opcode, nsid=0, prp=0, **dw):
        self.cid += 1
        sqe = struct.pack("<BBHI8xQQQ", opcode, 0, self.cid, nsid, 0, prp, 0)
        sqe += struct.pack("<6I", *(dw.get(f"dw{n}", 0) for n in range(10, 16)))
        self.q.write(self.mem + queue * 0x2000 + self.tail[queue] * 64, sqe)
        self.tail[queue] = (self.tail[queue] + 1) % 16
        self.reg(0x1000 + queue * 8, self.tail[queue])
        return self.cid

    def reap(self):
        for queue in 0, 1:
            while True:
                at = self.mem + queue * 0x2000 + 0x1000 + self.head[queue] * 16
                dw0, _, _, _, cid, sf = struct.unpack("<IIHHHH", self.q.read(at, 16))
                if sf & 1 != self.phase[queue]:
                    break
                self.done[cid] = (sf >> 1, dw0)
                self.head[queue] = (self.head[queue] + 1) % 16
                self.phase[queue] ^= self.head[queue] == 0
                self.reg(0x1004 + queue * 8, self.head[queue])

    def wait(self, cid, limit=5):
        """(status, dw0) of a command, None if it has not ended within the limit."""
        end = time.monotonic() + limit
        while cid not in self.done and time.monotonic() < end:
            self.reap()
        return self.done.get(cid)

    def admin(self, opcode, **fields):
        result = self.wait(self.submit(0, opcode, **fields))
        if result is None:
            raise Failure(f"Admin command {opcode:#x} does not end")
        return result

    def page(self):
        return self.mem + 0x10000

    def active(self):
        status, _ = self.admin(0x06, prp=self.page(), dw10=2)
        return status, self.nsids()

    def nsids(self):
        data = struct.unpack("<1024I", self.q.read(self.page(), 4096))
        return [n for n in data if n]

    def log(self, rae=0):
        self.q("memset", self.page(), 4096, 0)
        self.admin(0x02, nsid=0xFFFFFFFF, prp=self.page(), dw10=1023 << 16 | rae << 15 | 4)
        return self.nsids()

    def notices(self, on):
        self.admin(0x09, dw10=0x0B, dw11=0x100 if on else 0)

    def aer(self):
        return self.submit(0, 0x0C)

    def io(self, opcode, nsid, block=0):
        return self.submit(1, opcode, nsid, self.page() + 0x1000, dw10=block)

    def function_level_reset(self):
        at = self.config(0x34) & 0xFF
        while self.config(at) & 0xFF != 0x10:
            at = self.config(at) >> 8 & 0xFF
        self.config(at + 8, 0x8000)
        self.plug_in()


class Case:
    def __init__(self, args, scratch):
        self.failures = 0
        self.q = Qtest(f"{scratch}/qtest")
        options = ["-M", "q35", "-accel", "qtest", "-qtest", f"unix:{scratch}/qtest",
                   "-qtest-log", "/dev/null", "-m", "64"]
        devices = ["nvme-subsys,id=subsys0,nqn=nvmens,deadline-ms=1000"]
        for n, slot in (0, 4), (1, 5):
            devices.append(f"nvme,id=nvme{n},serial=s,subsys=subsys0,addr={slot}")
        for d in devices:
            options += ["-device", d]
        self.vm = Vm(args.qemu, args.out, scratch, options)

    def claim(self, what, good, seen=""):
        print(f"  - {what}" if good else f"FAIL: {what} {seen}", flush=True)
        self.failures += not good

    def same(self, what, got, wanted):
        self.claim(what, got == wanted, f"({got}, not {wanted})")

    def until(self, what, function, limit=5):
        end = time.monotonic() + limit
        while not function() and time.monotonic() < end:
            time.sleep(0.02)
        self.claim(what, function())

    def early(self, a, b):
        """P11, P12"""
        self.vm.add("n1", "d1", "nsid=1")
        a.start()
        self.claim("ready", a.ready())
        self.same("plugged while disabled", a.active(), (0, [1]))
        a.notices(True)
        aer = a.aer()
        self.same("no event for that", a.wait(aer, 0.2), None)
        self.vm.add("n2", "d2", "nsid=2")
        self.same("plugged before the first I/O queue: an event", a.wait(aer), (0, ATTACHED_CHANGED))
        self.same("and listed", a.active(), (0, [1, 2]))
        self.same("and in the log", a.log(), [2])
        self.vm.add("n3", "d3", "nsid=3", "shared=off", "bus=nvme1")
        aer = a.aer()
        self.same("private, of the other controller: no event", a.wait(aer, 0.2), None)
        self.same("not listed", a.active(), (0, [1, 2]))
        b.start()
        self.same("but there", b.active(), (0, [1, 2, 3]))
        a.start_queue()
        self.same("I/O", a.wait(a.io(READ, 2)), (0, 0))
        self.same("data", self.q.read(a.page() + 0x1000, 8), b"drive d2")
        self.same("I/O to the private one", a.wait(a.io(READ, 3))[0] & 0x7FF, 2)
        self.same("flush of all", a.wait(a.io(FLUSH, 0xFFFFFFFF)), (0, 0))
        return aer

    def events(self, a, aer):
        """P4, P6, P7, P3"""
        self.vm.delete("n2")
        self.same("unplugged: an event", a.wait(aer), (0, ATTACHED_CHANGED))
        aer = a.aer()
        self.same("RAE=1 shows the log", a.log(rae=1), [2])
        self.vm.add("n4", "d4", "nsid=4")
        self.same("and keeps the mask", a.wait(aer, 0.2), None)
        self.same("and the list", a.log(rae=1), [2, 4])
        self.same("RAE=0 shows it", a.log(), [2, 4])
        self.same("and no event follows for what was read", a.wait(aer, 0.2), None)
        a.notices(False)
        self.vm.delete("n4")
        self.same("bit 8 off: no event", a.wait(aer, 0.2), None)
        a.notices(True)
        self.same("on: the event", a.wait(aer), (0, ATTACHED_CHANGED))
        for name, reset in ("controller", lambda: a.reg(0x14, 0)), \
                           ("function level", a.function_level_reset):
            reset()
            self.until(f"{name} reset", lambda: not a.ready())
            a.start()
            a.notices(True)
            aer = a.aer()
            self.same("nothing of before it", (a.log(), a.wait(aer, 0.2)), ([], None))
            self.vm.add("n4", "d4", "nsid=4")
            self.same("the same NSID again: an event", a.wait(aer), (0, ATTACHED_CHANGED))
            self.same("with its entry", a.log(), [4])
            a.wait(a.aer(), 0.2)
            self.vm.delete("n4")
        self.same("a private one stays where it is", a.active(), (0, [1]))

    def put_off(self, a):
        """What waits for commands does so without holding QEMU up."""
        self.vm.start_nbd(self.vm.qemu)
        self.vm.add("n5", "n1", "nsid=5")

        def stuck(restart=True):
            if restart:
                a.reg(0x14, 0)
                self.until("stopped", lambda: not a.ready())
                a.start()
                a.start_queue()
            self.vm.nbd.signal(signal.SIGSTOP)
            return [a.io(WRITE, 5, n) for n in range(4)]

        def resumed():
            self.vm.nbd.signal(signal.SIGCONT)

        out = stuck()
        deletion = a.submit(0, 0x00, dw10=1)
        self.same("Delete I/O Submission Queue waits", a.wait(deletion, 0.3), None)
        self.same("Admin commands do not", a.active()[0], 0)
        self.same("nor the monitor", self.vm.qmp("query-status")["running"], True)
        resumed()
        self.same("ended", a.wait(deletion), (0, 0))
        self.claim("after the commands", all(a.wait(c, 0) for c in out))

        stuck()
        a.reg(0x14, 0)
        time.sleep(0.3)
        self.claim("a reset waits: CSTS.RDY", a.ready())
        self.same("not the monitor", self.vm.qmp("query-status")["running"], True)
        resumed()
        self.until("ready is 0 then", lambda: not a.ready())

        a.start()
        a.start_queue()
        stuck(restart=False)
        a.reg(0x14, CC_SHUTDOWN)
        time.sleep(0.3)
        self.same("shutdown: in progress", a.shst(), 1)
        self.same("not the monitor", self.vm.qmp("query-status")["running"], True)
        resumed()
        self.until("complete then", lambda: a.shst() == 2)

        stuck()
        self.vm.delete("n5", "nowait")
        self.same("not listed any more", a.active(), (0, [1]))
        self.same("and barred", a.wait(a.io(READ, 5))[0] & 0x7FF, 2)
        a.function_level_reset()
        self.claim("function level reset waits", a.ready())
        time.sleep(1.2)
        self.vm.still("n5")
        resumed()
        self.until("done then", lambda: not a.ready())
        self.vm.gone("n5")
        a.start()
        self.same("and all is well", a.active(), (0, [1]))


    def storm(self, a, seed, rounds=60):
        """A namespace goes while commands are out and the controller is reset, in any order."""
        dice = random.Random(seed)
        a.function_level_reset()
        self.until("at rest", lambda: not a.ready())
        gone = lambda: self.vm.delete("x", "nowait")
        off = lambda: a.reg(0x14, 0)
        for i in range(rounds):
            self.vm.add("x", "d5", "nsid=5")
            a.start()
            a.start_queue()
            for n in range(dice.randrange(1, 14)):
                a.io(dice.choice((READ, WRITE, FLUSH)), dice.choice((1, 5, 5)), n)
            steps = [dice.choice((off, a.function_level_reset)), gone]
            if dice.random() < 0.5:
                steps.append(lambda: a.submit(0, 0x00, dw10=1))
            dice.shuffle(steps)
            for step in steps:
                step()
            self.vm.gone("x", "10")
            end = time.monotonic() + 5
            while a.ready() and time.monotonic() < end:
                if a.reg(0x14) & 1:
                    a.reg(0x14, 0)
        self.claim(f"{rounds} rounds, seed {seed}", not a.ready())
        a.start()
        self.same("and all is well", a.active(), (0, [1]))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--qemu", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    os.makedirs(args.out)
    with tempfile.TemporaryDirectory() as scratch:
        case = Case(args, scratch)
        try:
            a, b = Controller(case.q, 0), Controller(case.q, 1)
            aer = case.early(a, b)
            case.events(a, aer)
            case.put_off(a)
            case.storm(a, args.seed)
            case.vm.qmp("quit")
            rc = case.vm.wait(20)
            case.claim("QEMU ends well", rc == 0, f"({rc})")
        except (Failure, OSError, TypeError) as e:
            case.claim(f"goes on: {e!r}", False)
            case.vm.process.kill()
            case.vm.wait(5)
    with open(f"{args.out}/qemu.err", encoding="utf-8", errors="replace") as f:
        said = f.read()
    if said:
        print(said)
    return 1 if case.failures else 0


if __name__ == "__main__":
    sys.exit(main())
