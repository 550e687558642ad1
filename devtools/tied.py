"""Ties processes to the life of the supervisor, so that even `kill -9` of it leaves nothing running.

Run as a plain script (`python -I -S tied.py ...`, which starts in some 15 ms), in one of two roles:

`exec PARENT_PID [USER] -- ARGV...`
    Becomes USER if one is named, asks the kernel to kill this process when its parent ends, makes
    sure that the parent has not ended already, and becomes ARGV. The wish outlives exec(), but not a
    change of user, hence the order. The kernel takes "the parent" to be the *thread* that forked,
    therefore the supervisor forks from one long-lived thread only.

`guard`
    Reads lines `+PGID` and `-PGID` from standard input, and at its end (the supervisor closed it or
    is gone) kills every process group still on its list. It covers what the kernel's way does not:
    the children's own children, and systems without prctl.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
CANNOT_RUN = 127  # what a shell answers for a command that it cannot run


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel send SIGKILL to this process when its parent ends (Linux; elsewhere nothing).

    Exits at once when the parent is already gone: it may have ended before the wish was made.
    Raises OSError when the kernel refuses.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
            error = ctypes.get_errno()
            raise OSError(error, f"prctl(PR_SET_PDEATHSIG): {os.strerror(error)}")
    if os.getppid() != parent_pid:
        sys.exit(1)


def become(user: str) -> None:
    """Give up being root for `user`. Raises KeyError when there is no such user."""
    found = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(found.pw_gid)
    os.setuid(found.pw_uid)


def run_tied(parent_pid: int, user: str | None, argv: Sequence[str]) -> int:
    """Become `argv`, tied to the parent. Returns (with an exit code) only if that is impossible."""
    if user is not None:
        become(user)
    die_with_parent(parent_pid)
    try:
        os.execvp(argv[0], list(argv))
    except OSError as error:
        print(f"cannot run {argv[0]}: {error.strerror}", file=sys.stderr)
        return CANNOT_RUN


def guard() -> int:
    """Keep the list of process groups and kill what is left on it when standard input ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin.buffer:
        # A line cut off by the supervisor's death has no newline: its number may be incomplete.
        if not line.endswith(b"\n"):
            break
        group = int(line[1:])
        if line.startswith(b"+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it has ended by itself
    return 0


def main(argv: Sequence[str]) -> int:
    """Choose the role by the first argument."""
    if argv == ["guard"]:
        return guard()
    if len(argv) >= 4 and argv[0] == "exec" and argv[2] == "--":
        return run_tied(int(argv[1]), None, argv[3:])
    if len(argv) >= 5 and argv[0] == "exec" and argv[3] == "--":
        return run_tied(int(argv[1]), argv[2], argv[4:])
    print("usage: tied.py exec PARENT_PID [USER] -- ARGV... | tied.py guard", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
