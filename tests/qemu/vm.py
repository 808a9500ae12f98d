# SPDX-License-Identifier: BSD-3-Clause
"""vm.py: a QEMU with drives, its QMP monitor, and the control socket that jobs in the guest use."""
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

FIRMWARE = ("/usr/share/qemu", "/usr/share/seabios")
DRIVES = 8
DRIVE_SIZE = 64 << 20


class Failure(Exception):
    pass


class Qmp:
    """Commands wait for their answer; events are kept, and can be waited for from any thread."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        for _ in range(200):
            try:
                self.sock.connect(path)
                break
            except OSError:
                time.sleep(0.05)
        self.file = self.sock.makefile("rw", encoding="utf-8")
        json.loads(self.file.readline())
        self.cond = threading.Condition()
        self.call = threading.Lock()
        self.events, self.answers, self.ended = [], [], False
        threading.Thread(target=self.read, daemon=True).start()
        self("qmp_capabilities")

    def read(self):
        try:
            for line in self.file:
                what = json.loads(line)
                with self.cond:
                    (self.events if "event" in what else self.answers).append(what)
                    self.cond.notify_all()
        except (OSError, ValueError):
            pass
        with self.cond:
            self.ended = True
            self.cond.notify_all()

    def __call__(self, command, limit=20, **arguments):
        with self.call:
            text = json.dumps({"execute": command, "arguments": arguments})
            try:
                self.file.write(text + "\n")
                self.file.flush()
            except (OSError, ValueError) as e:
                raise Failure(f"{command}: the monitor is gone") from e
            with self.cond:
                if not self.cond.wait_for(lambda: self.answers or self.ended, limit):
                    raise Failure(f"{command}: no answer within {limit} s")
                if not self.answers:
                    raise Failure(f"{command}: QEMU ended")
                answer = self.answers.pop(0)
        if "error" in answer:
            raise Failure(f"{command}: {answer['error']['desc']}")
        return answer["return"]

    def await_event(self, name, since, limit, **data):
        def find():
            for e in self.events[since:]:
                if e["event"] == name and all(e.get("data", {}).get(k) == v for k, v in data.items()):
                    return True
            return False

        with self.cond:
            self.cond.wait_for(lambda: find() or self.ended, limit)
            return find()


class Nbd:
    """An NBD server that can be made to hang: another QEMU, without a guest."""

    def __init__(self, qemu, directory):
        self.path = os.path.join(directory, "nbd")
        image = os.path.join(directory, "nbd.img")
        with open(image, "wb") as f:
            f.truncate(DRIVE_SIZE)
        qmp = os.path.join(directory, "nbd.qmp")
        self.process = subprocess.Popen(
            [qemu, "-M", "none", "-nodefaults", "-display", "none", "-S",
             "-qmp", f"unix:{qmp},server=on,wait=off",
             "-blockdev", f"driver=file,node-name=x,filename={image}"],
            stdin=subprocess.DEVNULL)
        call = Qmp(qmp)
        call("nbd-server-start", addr={"type": "unix", "data": {"path": self.path}})
        call("block-export-add", **{"id": "x", "node-name": "x", "type": "nbd", "writable": True})

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        self.process.kill()
        self.process.wait()


class Vm:
    def __init__(self, qemu, out, scratch, options, log=None):
        self.qemu, self.out, self.dir = qemu, out, scratch
        self.nbd, self.storm_on, self.storm_thread = None, False, None
        self.swaps, self.deleted = 0, {}
        args = [qemu, "-nodefaults", "-no-user-config", "-display", "none"]
        for place in FIRMWARE:
            args += ["-L", place]
        args += ["-qmp", f"unix:{scratch}/qmp,server=on,wait=off"]
        for n in range(1, DRIVES + 1):
            args += ["-blockdev", f"driver=file,node-name=d{n},filename={self.drive(n)}"]
        self.err = open(os.path.join(out, "qemu.err"), "wb")
        self.process = subprocess.Popen(args + options, stdin=subprocess.DEVNULL,
                                        stdout=self.err, stderr=self.err, env=self.environment())
        self.qmp = Qmp(f"{scratch}/qmp")

    @staticmethod
    def environment():
        env = dict(os.environ)
        env.setdefault("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=0")
        return env

    def drive(self, n):
        """A file whose first block says which it is."""
        path = os.path.join(self.dir, f"d{n}.img")
        if not os.path.exists(path):
            with open(path, "wb") as f:
                f.truncate(DRIVE_SIZE)
                f.write(f"drive d{n}\n".encode())
        return path

    # ---- verbs: what a line of the control socket may say ----

    def add(self, name, drive, *properties):
        device = {"driver": "nvme-ns", "id": name, "drive": drive, "bus": "nvme0"}
        for p in properties:
            key, value = p.split("=", 1)
            device[key] = int(value) if value.isdigit() and key == "nsid" else value
            if value in ("on", "off"):
                device[key] = value == "on"
        self.qmp("device_add", **device)

    def delete(self, name, wait="60"):
        self.deleted[name] = len(self.qmp.events)
        self.qmp("device_del", id=name)
        if wait != "nowait":
            self.gone(name, wait)

    def gone(self, name, limit="60"):
        if not self.qmp.await_event("DEVICE_DELETED", self.deleted[name], float(limit), device=name):
            raise Failure(f"no DEVICE_DELETED for {name} within {limit} s")

    def still(self, name):
        """It has not been released: its device is there, nobody was told otherwise."""
        if self.qmp.await_event("DEVICE_DELETED", self.deleted[name], 0, device=name):
            raise Failure(f"{name} was released")

    def swap(self, name, drive, *properties):
        self.delete(name)
        self.add(name, drive, *properties)
        self.swaps += 1

    def free(self, drive):
        """Nothing in QEMU holds the drive: it can be taken out, and put back."""
        self.qmp("blockdev-del", **{"node-name": drive})
        path = self.drive(int(drive[1:]))
        self.qmp("blockdev-add", driver="file", **{"node-name": drive, "filename": path})

    def storm(self, name, nsid, seed="1"):
        """Swaps without a pause until the machine ends, whatever the guest does."""
        dice = random.Random(int(seed))

        def run():
            try:
                while self.storm_on:
                    n = dice.randrange(4, 7)
                    self.swap(name, f"d{n}", f"nsid={nsid}", f"uuid={self.uuid(n)}")
                    time.sleep(dice.random() * 0.1)
            except Failure:
                self.storm_on = False

        self.storm_on = True
        self.storm_thread = threading.Thread(target=run, daemon=True)
        self.storm_thread.start()

    @staticmethod
    def uuid(n):
        return f"{n:08x}-0000-4000-8000-{n:012x}"

    def start_nbd(self, qemu):
        self.nbd = Nbd(qemu, self.dir)
        server = {"type": "unix", "path": self.nbd.path}
        self.qmp("blockdev-add", driver="nbd", export="x", **{"node-name": "n1", "server": server})

    def command(self, line):
        word, *rest = line.split()
        if word == "del":
            return self.delete(*rest)
        if word == "nbd":
            if rest[0] == "start":
                return self.start_nbd(rest[1] if len(rest) > 1 else self.qemu)
            return self.nbd.signal({"hang": signal.SIGSTOP, "go": signal.SIGCONT}[rest[0]])
        if word == "yank":
            return self.qmp("yank", instances=[{"type": "block-node", "node-name": rest[0]}])
        if word == "qmp":
            return json.dumps(self.qmp(rest[0], **json.loads(" ".join(rest[1:]) or "{}")))
        if word in ("add", "gone", "still", "swap", "free", "storm"):
            return getattr(self, word)(*rest)
        raise Failure(f"no such verb: {word}")

    def serve(self, path):
        """The machine's end of the guest's ports ctl0 and ctl1, see tests/guest."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(2)

        def client(conn):
            f = conn.makefile("rw", encoding="utf-8")
            for line in f:
                try:
                    text = self.command(line)
                    f.write(f"{text}\nok\n" if isinstance(text, str) else "ok\n")
                except (Failure, TypeError, ValueError, KeyError, AttributeError) as e:
                    f.write(f"error: {e}\n")
                f.flush()

        def accept():
            while True:
                conn, _ = server.accept()
                threading.Thread(target=client, args=(conn,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def wait(self, limit):
        """QEMU's exit status; None: it had to be killed."""
        try:
            rc = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            rc = None
        self.storm_on = False
        if self.nbd:
            self.nbd.end()
        self.err.close()
        return rc
