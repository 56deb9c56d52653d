# SPDX-License-Identifier: BSD-3-Clause
"""clean_up_on_signals(): what a signal leaves of a Python program with a Writer."""

import signal
import unittest

from tag_test import DEADLINE, TagTest

import ndsharray
from ndsharray import Reader

WRITE_AND_WAIT = """
import signal, sys, time
import ndsharray, numpy
{}
writer = ndsharray.Writer("tag")
writer.write(numpy.arange(10))
try:
    print("written", flush=True)
    while True:
        time.sleep(1)
except KeyboardInterrupt:
    writer.write(numpy.arange(10))
    print("interrupted")
"""


class Signals(TagTest):
    def start_writer(self, first):
        process = self.start(WRITE_AND_WAIT.format(first))
        self.assertEqual(process.stdout.readline().strip(), "written")
        return process

    def exit_code_after(self, process, number):
        process.send_signal(number)
        return process.wait(DEADLINE)

    def test_of_a_program_that_asked_leave_no_file(self):
        process = self.start_writer("ndsharray.clean_up_on_signals()")
        with Reader("tag") as reader:
            self.assertIsNotNone(reader.read(timeout=DEADLINE))
            self.assertEqual(self.exit_code_after(process, signal.SIGTERM), -signal.SIGTERM)
            self.assertEqual(self.files(), [])
            self.assertIsNone(reader.read(timeout=DEADLINE))
            self.assertEqual(reader.status, "Disconnected")

    def test_are_those_that_the_program_names(self):
        process = self.start_writer("ndsharray.clean_up_on_signals({signal.SIGHUP, 3})")
        self.assertEqual(self.exit_code_after(process, signal.SIGHUP), -signal.SIGHUP)
        self.assertEqual(self.files(), [])

    def test_go_to_handlers_of_python_too(self):
        process = self.start_writer(
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5)); ndsharray.clean_up_on_signals()"
        )
        self.assertEqual(self.exit_code_after(process, signal.SIGTERM), 5)

    def test_of_ctrl_c_still_raise_keyboard_interrupt(self):
        process = self.start_writer("ndsharray.clean_up_on_signals([signal.SIGINT])")
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.assert_succeeds(process).strip(), "interrupted")

    def test_that_cannot_be_are_refused_in_a_sentence(self):
        with self.assertRaisesRegex(ndsharray.Error, "SIGTERM, SIGINT, SIGHUP and SIGQUIT, not for signal 11"):
            ndsharray.clean_up_on_signals([signal.SIGSEGV])
        for wrong in signal.SIGTERM, "SIGTERM", [None], None:
            with self.assertRaisesRegex(TypeError, "sequence such as"):
                ndsharray.clean_up_on_signals(wrong)


if __name__ == "__main__":
    unittest.main()
