# SPDX-License-Identifier: BSD-3-Clause
"""The other machine's clock is another one: ages are right within the uncertainty that is shown, and times never run back."""
import os
import re
import subprocess
import time
import unittest

from machines import MachinesTest, Network, needs_namespaces

SECOND = 1_000_000_000
PATIENCE = int(os.environ.get("TEST_PATIENCE", "1"))
# CLOCK_REALTIME is the same for all machines of a test: it says how old a frame really is.
WRITE = ("[(writer.write(np.array([time.time_ns()])), time.sleep(0.02)) and None for i in range({count})] and None")
# (when, true age - age that the frame says), in seconds and in milliseconds
READ = ("(lambda frame: (lambda age, now: (now / 1e9, (now - int(frame.array[0])) / 1e6 - age))(frame.age_ms, time.time_ns()))"
        "(reader.read(10))")


def needs_time_namespaces(test):
    done = subprocess.run(["unshare", "--time", "--monotonic", "5", "true"], capture_output=True, text=True, check=False)
    return unittest.skipIf(done.returncode != 0, f"no time namespaces here: {done.stderr}")(test)


class AnotherClock:
    """Of a MachinesTest: what is common to all kinds of clocks."""

    def follow(self, there, here, address="127.0.0.1:0", *options):
        share = there.share("cam0", *options, listen=address)
        writer = there.program("writer = ndsharray.Writer('cam0')")
        mirror = here.start(os.environ["NDSH_MIRROR"], share.address, "cam0", "--as", "mirror", "--interval", "0.2", *options)
        reader = here.program("reader = ndsharray.Reader('mirror')")
        return writer, mirror, reader

    def uncertain(self, mirror):
        """What was shown: (when, ms)."""
        return [(when, float(shown[1])) for when, line in zip(list(mirror.times), list(mirror.lines))
                if (shown := re.search(r"uncertain by ([\d.]+) ms", line))]

    def expect_honest(self, errors, shown, left_out=()):
        """A frame is between two lines that say how uncertain its age is. What one process waits for another makes the true age
        greater than it was when the frame said its own."""
        slack = 0.3 * PATIENCE
        looked_at = []
        for when, error in errors:
            bounds = [ms for at, ms in shown if abs(at - when) < 0.5]
            if not bounds or any(begin < when < end for begin, end in left_out):
                continue
            self.assertGreater(error, -max(bounds) - slack, (when, shown))
            looked_at.append(error - max(bounds))
        self.assertGreater(len(looked_at), 30)
        for part in (looked_at[:len(looked_at) // 2], looked_at[len(looked_at) // 2:]):
            self.assertLess(min(part), slack, "at least one frame of each half was not waited for")


class Shifted(AnotherClock, MachinesTest):
    def compare(self, there, here):
        writer, mirror, reader = self.follow(there, here)
        writer.tell(WRITE.format(count=150))
        errors = reader.run(f"[{READ} for i in range(100)]")
        writer.answer()
        shown = self.uncertain(mirror)
        self.assertLess(min(ms for _, ms in shown), 5)
        self.expect_honest(errors, shown)
        return mirror

    @needs_time_namespaces
    def test_ages_are_right_where_the_other_clock_is_far_ahead(self):
        there, here = self.machines(2)
        there.inside = ["unshare", "--time", "--monotonic", "5000"]
        self.compare(there, here).says(r"clock \+4999\d{3}|clock \+5000\d{3}")

    @needs_time_namespaces
    def test_ages_are_right_where_the_other_clock_is_far_behind(self):
        there, here = self.machines(2)
        here.inside = ["unshare", "--time", "--monotonic", "123456"]
        self.compare(there, here).says(r"clock -12345[56]\d{3}")


class Strange(AnotherClock, MachinesTest):
    """Clocks that drift and step, of processes that are started with another clock_gettime()."""

    def set_clock(self, machine, drift=0, step_at=0, step_by=0):
        """Of what is started from now on; when it steps, by the real time."""
        start = time.monotonic_ns()
        machine.environment.update(LD_PRELOAD=":".join(filter(None, [os.environ.get("LD_PRELOAD"), os.environ["STRANGE_CLOCK_LIBRARY"]])),
                                   STRANGE_CLOCK=f"{start} {drift} {step_at} {step_by}")
        return time.time() + step_at / SECOND

    def test_ages_are_right_though_the_other_clock_drifts(self):
        for drift in (400, -400):
            there, here = self.machines(2)
            self.set_clock(there, drift=drift)
            writer, mirror, reader = self.follow(there, here)
            writer.tell(WRITE.format(count=400))
            errors = reader.run(f"[{READ} for i in range(300)]")
            writer.answer()
            self.expect_honest(errors, self.uncertain(mirror))
            mirror.end()

    def test_ages_are_right_soon_after_the_other_clock_stepped(self):
        for machine, step in ((0, 40), (0, 2000), (1, 300)):
            machines = self.machines(2)
            stepped = self.set_clock(machines[machine], step_at=4 * SECOND, step_by=step * SECOND // 1000)
            writer, mirror, reader = self.follow(*machines)
            writer.tell(WRITE.format(count=400))
            errors = reader.run(f"[{READ} for i in range(320)]")
            self.assertGreater(errors[-1][0], stepped + 2, "it has stepped")
            writer.answer()
            self.expect_honest(errors, self.uncertain(mirror), [(stepped - 0.1, stepped + 1.5 * PATIENCE)])
            mirror.end()

    def test_presentation_times_never_run_back_though_the_other_clock_drifts_and_steps(self):
        for machine, step in ((0, 40), (0, 400), (1, 60), (1, 400)):
            machines = self.machines(2)
            stepped = self.set_clock(machines[machine], drift=300, step_at=4 * SECOND, step_by=step * SECOND // 1000)
            writer, _, _ = self.follow(*machines)
            pipeline = machines[1].start("gst-launch-1.0", "-v", "ndshsrc", "tag=mirror", "num-buffers=250", "!", "identity",
                                         "silent=false", "!", "fakesink", "sync=false")
            writer.tell("[(writer.write(np.zeros((16, 16), np.uint8)), time.sleep(0.02)) and None for i in range(600)] and None")
            pipeline.says("Got EOS")
            self.assertGreater(time.time(), stepped)
            found = [match for line in pipeline.lines if (match := re.search(r"chain.*pts: (\d+):(\d+):([\d.]+)", line))]
            times = [int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) for match in found]
            self.assertEqual(len(times), 250)
            self.assertEqual(times, sorted(times))
            self.assertEqual(len(times), len(set(times)), "nor stand still")


@needs_namespaces
class SlowLink(AnotherClock, unittest.TestCase):
    @needs_time_namespaces
    def test_ages_are_right_on_a_link_that_is_full(self):
        there, here = Network.between(self)
        there.network.limit(there, 20)
        there.inside += ["unshare", "--time", "--monotonic", "5000"]
        writer, mirror, reader = self.follow(there, here, there.address + ":0", "--open")
        writer.tell("[(writer.write(np.full(50_000, time.time_ns())), time.sleep(0.02)) and None for i in range(400)] and None")
        errors = reader.run(f"[{READ} for i in range(40)]")
        self.expect_honest(errors, self.uncertain(mirror))


if __name__ == "__main__":
    unittest.main()
