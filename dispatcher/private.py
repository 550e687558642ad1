"""Files of people's data, for nobody else on the machine to read.

What is made here is made private from the first byte. What an earlier version, or a hand, has left open is
closed at the start of any process, and said once: the next process finds it closed.
"""

import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

_OTHERS_READ_OR_WRITE = 0o066
_SIDE_FILES = ("-wal", "-shm", "-journal")

log = logging.getLogger(__name__)


def make(path: str) -> None:
    """Make this file for its owner only, unless it is there. SQLite gives its side files the same mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError:
        return  # it is there, or the database itself says better why it can't be


def tighten(folders: Iterable[Path], database: str) -> None:
    """Close these folders, and the files of an SQLite database at this address, to everybody else.

    A folder that belongs to somebody else, or is meant for all (such as /tmp), is only warned about.
    """
    for folder in folders:
        _tighten(folder, 0o700)
    for path in _files(database):
        _tighten(path, 0o600)


def _files(database: str) -> list[Path]:
    try:
        url = make_url(database)
    except ArgumentError:
        return []
    name = url.database or ""
    if url.get_backend_name() != "sqlite" or name in ("", ":memory:") or name.startswith("file:"):
        return []
    return [Path(name), *(Path(name + side) for side in _SIDE_FILES)]


def _tighten(path: Path, mode: int) -> None:
    try:
        found = path.stat()
    except OSError:
        return
    if not found.st_mode & _OTHERS_READ_OR_WRITE:
        return
    shared = found.st_mode & (stat.S_ISVTX | stat.S_IWOTH) and stat.S_ISDIR(found.st_mode)
    if shared or found.st_uid != os.geteuid():
        log.warning("other users of this machine can read %s: please change that", path)
        return
    try:
        path.chmod(mode)
    except OSError as error:
        log.warning("other users of this machine can read %s: %s", path, type(error).__name__)
    else:
        log.warning("other users of this machine could read %s; its mode is %o now", path, mode)
