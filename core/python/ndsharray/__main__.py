# SPDX-License-Identifier: BSD-3-Clause
"""python -m ndsharray: the command ndsh."""

import os
import shutil
import sys


def main() -> None:
    # A wheel has its own beside this file.
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ndsh")
    ndsh = beside if os.path.exists(beside) else shutil.which("ndsh")
    if ndsh is None:
        sys.exit("ndsharray: the command ndsh is neither in the package nor on PATH; Debian has it in ndsharray-tools")
    os.execv(ndsh, ["ndsh", *sys.argv[1:]])


if __name__ == "__main__":
    main()
