# SPDX-License-Identifier: BSD-3-Clause
"""NumPy arrays shared between processes under a tag: what one writes, any number read, without a copy.

Reader and Writer are the whole of it; NdShArray is the class of ndsharray 1.x.
"""

from multiprocessing import util as _util

from . import _core
from ._core import Error, Frame, Reader, Writer, __version__, clean_up_on_signals, tags
from ._drop_in import NdShArray, supported_types

__all__ = [
    "Error",
    "Frame",
    "NdShArray",
    "Reader",
    "Writer",
    "__version__",
    "clean_up_on_signals",
    "supported_types",
    "tags",
]


def _close_writers_at_exit(_=None):
    # After the processes that this one waits for, which may read.
    _util.Finalize(None, _core._close_writers, exitpriority=-1)


_close_writers_at_exit()
_util.register_after_fork(_core, _close_writers_at_exit)
