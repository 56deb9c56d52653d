# SPDX-License-Identifier: BSD-3-Clause
"""The Debian packages bring what they need and do what they promise, each in a system that has nothing else. Run by `.ci/debian`.

SUITE is a Debian; FOLDER has base/ (that Debian as it comes), packages/, and older/ where an upgrade is to be tried.
"""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGING = os.path.join(ROOT, ".ci", "packaging", "debian")
FOLDER = os.path.abspath(os.environ["FOLDER"])
OLDER = os.path.join(FOLDER, "older")
# What apt has fetched once.
ARCHIVES = os.path.join(FOLDER, "archives")


def autopkgtests():
    """Name and packages of each test that the packages have."""
    with open(os.path.join(PACKAGING, "tests", "control"), encoding="utf-8") as control:
        return re.findall(r"^Tests: (\S+)\nDepends: (.*)$", control.read(), re.MULTILINE)


class Debian(unittest.TestCase):
    def setUp(self):
        self.system = tempfile.mkdtemp(prefix="system.", dir=FOLDER)
        self.addCleanup(shutil.rmtree, self.system)
        subprocess.run(["cp", "--archive", os.path.join(FOLDER, "base", "."), self.system], check=True)
        self.archives = os.path.join(self.system, "var/cache/apt/archives")
        os.makedirs(ARCHIVES, exist_ok=True)
        subprocess.run(["cp", "--archive", "--link", "--force", os.path.join(ARCHIVES, "."), self.archives], check=True)
        self.bring(os.path.join(FOLDER, "packages"), "debs")

    def bring(self, packages, name):
        shutil.copytree(packages, os.path.join(self.system, name))

    def inside(self, command):
        """Runs a command of the shell in the system; returns what it prints."""
        chroot = os.path.join(ROOT, ".ci", "chroot")
        done = subprocess.run(
            [chroot, os.environ["SUITE"], self.system, "sh", "-euc", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1800,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout[-8000:]}")
        return done.stdout

    def install(self, packages):
        self.inside(
            "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy "
            f"-o APT::Keep-Downloaded-Packages=true install --no-install-recommends {packages}"
        )
        subprocess.run(["rsync", "--archive", "--exclude=lock", "--exclude=partial", f"{self.archives}/", ARCHIVES], check=True)

    def autopkgtest(self, name):
        test = f"/src/.ci/packaging/debian/tests/{name}"
        return self.inside(f"export AUTOPKGTEST_TMP=$(mktemp -d); trap 'rm -rf $AUTOPKGTEST_TMP' EXIT; {test}")

    def index(self):
        """Lets apt find our packages by their names."""
        with open(os.path.join(self.system, "debs", "Packages"), "w", encoding="utf-8") as index:
            subprocess.run(["dpkg-scanpackages", "."], cwd=os.path.join(self.system, "debs"), check=True, stdout=index, stderr=subprocess.DEVNULL)
        with open(os.path.join(self.system, "etc/apt/sources.list.d/debs.list"), "w", encoding="utf-8") as sources:
            sources.write("deb [trusted=yes] file:/debs ./\n")

    def test_each_autopkgtest_passes_with_the_packages_that_it_names(self):
        for name, packages in autopkgtests():
            with self.subTest(name):
                self.doCleanups()
                self.setUp()
                self.index()
                self.install(packages.replace(",", " "))
                print(self.autopkgtest(name))

    def test_all_of_them_install_from_files_and_go_without_a_trace(self):
        self.install("/debs/*.deb gstreamer1.0-tools gstreamer1.0-plugins-base")
        self.assertEqual(self.inside("dpkg --audit"), "")
        for name, _ in autopkgtests():
            if name not in ("library", "serve-video"):  # they need more
                self.autopkgtest(name)
        for command in "serve", "share", "mirror":
            self.assertRegex(self.inside(f"ndsh {command} --version"), rf"^ndsh-{command} \d")
        self.assertIn("ndsharray", self.inside("getent passwd ndsharray"))
        # A camera that was enabled, and what its service leaves.
        self.inside(
            "cd /etc/systemd/system && mkdir -p multi-user.target.wants /var/cache/ndsharray && "
            "ln -s /usr/lib/systemd/system/ndsh-camera@.service multi-user.target.wants/ndsh-camera@cam0.service"
        )
        self.inside("dpkg --purge $(dpkg-query --show --showformat='${Package}\\n' '*ndsharray*')")
        left = self.inside("find / -xdev -name '*ndsh*' -not -path '/debs/*' -not -path '/src/*' -not -path '/proc/*'")
        self.assertEqual(left, "")

    def test_what_runs_stops_when_its_package_goes(self):
        for package, unit in ("serve", "ndsh-serve.service"), ("serve", "ndsh-camera@*.service"), ("tools", "ndsh-prune.timer"):
            (file,) = glob.glob(os.path.join(FOLDER, "packages", f"ndsharray-{package}_*.deb"))
            script = subprocess.run(["dpkg-deb", "--info", file, "prerm"], check=True, stdout=subprocess.PIPE, text=True).stdout
            self.assertRegex(script, rf"deb-systemd-invoke stop .*'{re.escape(unit)}'")

    @unittest.skipUnless(os.path.exists(OLDER), "no older packages")
    def test_an_upgrade_lets_what_runs_go_on_and_talk_to_what_is_new(self):
        self.bring(OLDER, "older")
        self.install("/older/*.deb gstreamer1.0-tools gstreamer1.0-plugins-base")
        print(self.inside("/src/tests/install/upgrade.py"))


if __name__ == "__main__":
    unittest.main()
