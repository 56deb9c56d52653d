# SPDX-License-Identifier: BSD-3-Clause
"""Machines for tests of ndsh mirror: each has a folder of tags of its own and, if asked for and if the kernel allows it,
a network namespace of its own."""
import ipaddress
import itertools
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SHARE, MIRROR, NDSH, EVERYTHING = (os.environ.get(name) for name in ("NDSH_SHARE", "NDSH_MIRROR", "NDSH", "EVERYTHING"))
DEADLINE = 20 * int(os.environ.get("TEST_PATIENCE", "1"))

# Runs each line that it is given and prints what the last expression gave.
PROGRAM = """
import ast, os, sys, time
import numpy as np
import ndsharray
names = {"np": np, "ndsharray": ndsharray, "time": time, "os": os}
for line in sys.stdin:
    try:
        tree = ast.parse(line)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "line", "exec"), names)
        print(repr(eval(compile(ast.Expression(last.value), "line", "eval"), names)) if last else "None", flush=True)
    except Exception as error:
        print("!" + repr(error), flush=True)
"""


def wait_for(condition, what, patience=DEADLINE):
    deadline = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true")
        time.sleep(0.01)


class Process:
    """A process whose output is read as it comes."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, env=environment)
        self.lines = []
        self.times = []  # when they came
        self.unread = queue.SimpleQueue()
        self.thread = threading.Thread(target=self.collect, daemon=True)
        self.thread.start()

    def collect(self):
        for line in self.process.stdout:
            self.times.append(time.time())
            self.lines.append(line.rstrip("\n"))
            self.unread.put(line.rstrip("\n"))

    def line(self):
        """The next one."""
        try:
            return self.unread.get(timeout=DEADLINE)
        except queue.Empty:
            raise AssertionError(f"no further line after {self.lines}") from None

    def says(self, pattern, patience=DEADLINE):
        """Waits until a line matches."""
        def found():
            return next((match for line in list(self.lines) if (match := re.search(pattern, line))), None)
        try:
            return wait_for(found, pattern, patience)
        except AssertionError:
            raise AssertionError(f"{pattern!r} was not said, but {self.lines}") from None

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def run(self, line):
        """Of a PROGRAM: what the line gave."""
        self.tell(line)
        return self.answer()

    def answer(self):
        """Of a PROGRAM: what the line gave that it was told."""
        answer = self.line()
        if answer.startswith("!"):
            raise RuntimeError(answer[1:])
        return eval(answer, {"nan": float("nan")})

    def end(self, number=signal.SIGTERM):
        """Ends it; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(DEADLINE)
        self.thread.join(DEADLINE)
        return code

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.thread.join(DEADLINE)
        self.process.stdin.close()
        self.process.stdout.close()

    def most_memory(self):
        """Bytes of memory that it ever had at a time."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024

    def memory(self):
        """Private bytes."""
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="utf-8") as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Private_"))


class Machine:
    """A folder of tags, and the processes that use it."""

    def __init__(self, test, name="", namespace=None):
        self.test = test
        shared_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = tempfile.mkdtemp(prefix=f"ndsh-mirror-{name}.", dir=shared_memory)
        test.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.home = tempfile.mkdtemp(prefix=f"ndsh-mirror-{name}.")
        test.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.environment = dict(os.environ, NDSHARRAY_DIR=self.directory, HOME=self.home)
        self.environment.pop("XDG_CONFIG_HOME", None)
        self.programs = {"ndsh-share": SHARE, "ndsh-mirror": MIRROR, "everything": EVERYTHING}
        self.inside = ["ip", "netns", "exec", namespace] if namespace else []

    def start(self, *command):
        process = Process([*self.inside, *command], self.environment)
        self.test.addCleanup(process.stop)
        return process

    def type(self, line):
        """As in a terminal whose PATH has the programs that were built, in the folder of the sources."""
        programs = os.path.join(self.home, "bin")
        if not os.path.isdir(programs):
            os.mkdir(programs)
            os.symlink(sys.executable, os.path.join(programs, "python3"))
        path = os.pathsep.join([programs, os.path.dirname(NDSH), os.path.dirname(SHARE), self.environment["PATH"]])
        return self.start("env", f"PATH={path}", "bash", "-c", f"cd {os.environ['SOURCE_ROOT']} && exec {line}")

    def run(self, *command, status=0):
        done = subprocess.run([*self.inside, *command], env=self.environment, capture_output=True, text=True,
                              timeout=DEADLINE, check=False)
        self.test.assertEqual(done.returncode, status, f"{command}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def shrink(self, size):
        """A file system of its own for its tags, of some size such as "16m". Before anything is started."""
        script = f'mount -t tmpfs -o size={size} ndsh "$NDSHARRAY_DIR" && echo mounted && exec cat'
        keeper = self.start("unshare", "--mount", "sh", "-c", script)
        try:
            keeper.says("^mounted$")
        except AssertionError:
            self.test.skipTest(f"no file system can be mounted here: {keeper.lines}")
        # With its root: this may be a chroot.
        self.inside = ["nsenter", f"--target={keeper.process.pid}", "--mount", "--root", "--wd", "--", *self.inside]

    def program(self, *lines):
        """A Python process that runs lines."""
        program = self.start(sys.executable, "-c", PROGRAM)
        for line in lines:
            program.run(line)
        return program

    def share(self, *arguments, listen="127.0.0.1:0"):
        """ndsh-share; its `address` is where it listens."""
        share = self.start(self.programs["ndsh-share"], *arguments, "--listen", listen)
        share.address = share.says(r"^shares .* at (\S+)$")[1]
        return share

    def mirror(self, address, *arguments, interval="0"):
        return self.start(self.programs["ndsh-mirror"], address, *arguments, "--interval", interval)

    def names(self):
        return sorted(os.listdir(self.directory))


class Proxy:
    """Passes on TCP connections to `address`; `cut` ends all of them, and new ones come in."""

    def __init__(self, test, address):
        host, port = address.rsplit(":", 1)
        self.to = (host, int(port))
        self.lock = threading.Lock()
        self.ends = []
        self.threads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:{}".format(self.listener.getsockname()[1])
        self.acceptor = threading.Thread(target=self.accept)
        self.acceptor.start()
        test.addCleanup(self.close)

    def accept(self):
        while True:
            try:
                here = self.listener.accept()[0]
            except OSError:
                return
            try:
                there = socket.create_connection(self.to)
            except OSError:
                here.close()
                continue
            with self.lock:
                self.ends += [here, there]
                for ends in ((here, there), (there, here)):
                    self.threads.append(threading.Thread(target=self.pass_on, args=ends))
                    self.threads[-1].start()

    @staticmethod
    def pass_on(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            Proxy.shut(end)

    @staticmethod
    def shut(end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it was

    def cut(self):
        """How many connections there were."""
        with self.lock:
            ends, self.ends = self.ends, []
            threads, self.threads = self.threads, []
        for end in ends:
            self.shut(end)
        for thread in threads:
            thread.join()
        for end in ends:
            end.close()
        return len(ends) // 2

    def close(self):
        self.shut(self.listener)
        self.acceptor.join()
        self.cut()
        self.listener.close()


class MachinesTest(unittest.TestCase):
    def machines(self, count):
        return [Machine(self, str(i)) for i in range(count)]


_numbers = itertools.count()


def needs_namespaces(test):
    """Skips where the kernel or the user has no network namespaces."""
    if getattr(needs_namespaces, "reason", None) is None:
        name = f"ndshtry{os.getpid()}"
        try:
            subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True)
            subprocess.run(["ip", "netns", "del", name], check=True, capture_output=True)
            needs_namespaces.reason = ""
        except (OSError, subprocess.CalledProcessError) as error:
            needs_namespaces.reason = f"no network namespaces here: {getattr(error, 'stderr', None) or error}"
    return unittest.skipIf(needs_namespaces.reason, needs_namespaces.reason)(test)


class Network:
    """Machines in namespaces of their own, all on one bridge: 10.78.0.1, .2, ..., or from another first address on."""

    def __init__(self, test, count, first="10.78.0.1"):
        self.test = test
        self.id = f"nd{os.getpid()}{next(_numbers)}"
        self.hub = self.add(f"{self.id}h")
        self.ip(self.hub, "link", "add", "hub", "type", "bridge")
        self.ip(self.hub, "link", "set", "hub", "up")
        self.machines = []
        for i in range(1, count + 1):
            name = self.add(f"{self.id}m{i}")
            address = str(ipaddress.ip_address(first) + i - 1)
            self.ip(self.hub, "link", "add", f"p{i}", "type", "veth", "peer", "name", "net0", "netns", name)
            self.ip(self.hub, "link", "set", f"p{i}", "master", "hub", "up")
            self.ip(name, "addr", "add", f"{address}/24", "dev", "net0")
            self.ip(name, "link", "set", "net0", "up")
            machine = Machine(test, f"m{i}", name)
            machine.address = address
            machine.port = f"p{i}"
            machine.namespace = name
            machine.network = self
            self.machines.append(machine)

    @classmethod
    def between(cls, test, first="10.78.0.1"):
        """Two machines."""
        return cls(test, 2, first).machines

    def add(self, name):
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.test.addCleanup(subprocess.run, ["ip", "netns", "del", name], check=True)
        self.ip(name, "link", "set", "lo", "up")
        return name

    @staticmethod
    def ip(name, *arguments):
        subprocess.run(["ip", "-n", name, *arguments], check=True)

    def limit(self, machine, mbit):
        """What a machine sends."""
        subprocess.run(["ip", "netns", "exec", machine.namespace, "tc", "qdisc", "replace", "dev", "net0", "root", "tbf",
                        "rate", f"{mbit}mbit", "burst", "64kb", "latency", "20ms"], check=True)

    def plug(self, machine, state):
        """Pulls the cable ("down"), or puts it in ("up")."""
        self.ip(self.hub, "link", "set", machine.port, state)
