# SPDX-License-Identifier: BSD-3-Clause
"""Other machines: network namespaces, between which is a network as between machines."""
import os
import subprocess

from serve import DEADLINE, ServeTest

SERVER, CLIENT = "192.0.2.1", "192.0.2.2"


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=check, timeout=DEADLINE)


def connect(one, address, other, other_address):
    """A cable between two of them, which both call by its addresses. libnice takes no interface that is called veth0."""
    name = f"net{address.split('.')[-2]}"
    ip("-n", one, "link", "add", name, "type", "veth", "peer", "name", name, "netns", other)
    for machine, own in ((one, address), (other, other_address)):
        ip("-n", machine, "addr", "add", f"{own}/24", "dev", name)
        ip("-n", machine, "link", "set", name, "up")


class TwoMachines(ServeTest):
    """A test case with two of them: what is started with the prefix `on_server` has the address SERVER, with `on_client` CLIENT."""

    def setUp(self):
        super().setUp()
        here, there = (self.machine(letter) for letter in "ab")
        connect(here, SERVER, there, CLIENT)
        # Within a second. Before, libnice finds no address there and never says so.
        self.wait_for(lambda: all("state UP" in ip("-n", name, "link").stdout for name in (here, there)),
                      "the kernel noticed the cable")
        self.on_server, self.on_client = (["ip", "netns", "exec", name] for name in (here, there))
        self.prefix = self.on_server

    def machine(self, letter):
        """The name of a new namespace, in which a process reaches itself alone."""
        name = f"ndsh-{letter}{os.getpid()}"
        try:
            made = ip("netns", "add", name, check=False)
        except FileNotFoundError:
            self.skipTest("there is no ip(8)")
        if made.returncode != 0:
            self.skipTest(f"the kernel gives no network namespace: {made.stderr.strip()}")
        self.addCleanup(ip, "netns", "delete", name, check=False)
        ip("-n", name, "link", "set", "lo", "up")
        return name

    def get(self, path, *_):
        """(status, nothing, body) as the other machine sees it."""
        said = subprocess.run([*self.on_client, "curl", "-sk", "-w", "%{stderr}%{http_code}", f"{self.address}{path[1:]}"],
                              capture_output=True, timeout=DEADLINE)
        return int(said.stderr), None, said.stdout
