# SPDX-License-Identifier: BSD-3-Clause
"""What pip and build ask of pyproject.toml: meson-python, and installations that can be edited.

meson-python 0.12 (Debian 12) has none of the latter, and those of later versions look for modules only: the library and
ndsh, which lie beside them, would be missing.
"""

import pathlib
import shutil
import sys
import tempfile
import zipfile

import mesonpy
from mesonpy import build_sdist, get_requires_for_build_sdist, get_requires_for_build_wheel

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

get_requires_for_build_editable = get_requires_for_build_wheel

# pip runs this at the top of the sources.
_SOURCES = pathlib.Path.cwd() / "core" / "python"
# One per Python.
_BUILD = pathlib.Path.cwd() / "build-pip" / sys.implementation.cache_tag


def _meson_folder():
    """It is kept: pip builds a wheel once to learn its metadata and once more to have it.

    But Meson remembers where it found pybind11, and each run of pip has an environment of its own, which is gone afterwards.
    """
    folder = _BUILD / "meson"
    note = folder / "made-with"
    place = "".join(f"{shutil.which(tool)}\n" for tool in ("pybind11-config", "meson", "ninja"))
    if not note.exists() or note.read_text(encoding="utf-8") != place:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        note.write_text(place, encoding="utf-8")
    return folder


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return mesonpy.build_wheel(wheel_directory, {"builddir": str(_meson_folder()), **(config_settings or {})})


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """A wheel that names a folder below build-pip/: what was compiled is there, Python files are links to the sources."""
    package = _BUILD / "editable"
    with tempfile.TemporaryDirectory() as scratch:
        name = build_wheel(scratch, config_settings)
        shutil.rmtree(package, ignore_errors=True)
        with zipfile.ZipFile(pathlib.Path(scratch) / name) as whole:
            with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as editable:
                editable.writestr("ndsharray.pth", f"{package}\n")
                for file in whole.infolist():
                    if ".dist-info/" not in file.filename:
                        _put(whole, file, package)
                    elif file.filename.endswith("/RECORD"):
                        record = file.filename
                    else:
                        editable.writestr(file, whole.read(file))
                editable.writestr(record, "".join(f"{file},,\n" for file in [*editable.namelist(), record]))
    return name


def _put(whole, file, package):
    source = _SOURCES / file.filename
    target = package / file.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.exists():
        target.symlink_to(source)
    else:
        target.write_bytes(whole.read(file))
        target.chmod(0o755)
