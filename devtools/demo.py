"""`make demo`: the whole system on this machine, with an invented roster and simulated phones.

Environment: PORT (8000), PHONES_PORT (8001), DATA_DIR (instance/), DEMO_VERBOSE (1 shows all output).
`python -m devtools.demo reset` removes the data of a demo. Exit code 1 and one line say what is wrong.
"""

from __future__ import annotations

import sys

# Before the imports, which an older Python cannot read.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("demo: Python 3.11 or newer is needed, this is " + sys.version.split()[0])

import errno
import fcntl
import json
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from devtools.system import HOTLINE_PHONE, ROOT, System, SystemFailed

STDOUT = 1  # sys.stdout may be replaced
READY_TIMEOUT = 90.0  # seconds; it takes about five, but a busy machine is not broken
MARK = "demo.lock"  # locked while a demo runs; left behind, it says that the data are a demo's
DATABASE = "dispatcher.db"
#: All that a demo leaves in its data directory, as patterns relative to it.
MADE_BY_DEMO = (
    f"{DATABASE}*",
    "secret.json*",
    "demo-accounts.json*",
    "phone-labels.json*",
    "phones.json*",
    "beat-schedule*",
    "logs/*.log",
    "logs/*.log.1",
    "metrics/*.db",
    "metrics/lock",
    "metrics",
    "valkey/appendonlydir/*",
    "valkey/appendonlydir",
    "valkey/dump.rdb",
    "valkey/temp-*",
    "valkey/valkey.sock",
    "logs",
    "valkey",
    MARK,
)
PAGES = (
    ("/hotline", "热线台 Hotline: take a request for help"),
    ("/board", "看板 Board: what is open now, for a screen on the wall"),
)


class CannotRun(Exception):
    """The demo cannot run here; the message is one line that says why and what to do."""


class Stop(BaseException):
    """The user wants the demo to end. Like KeyboardInterrupt, it is no error to be handled."""


def data_dir_from(environ: dict[str, str] | os._Environ[str]) -> Path:
    """Return the demo's data directory as an absolute path. Raises CannotRun."""
    path = Path(environ.get("DATA_DIR") or ROOT / "instance").absolute()
    if set("?#") & set(str(path)):
        raise CannotRun(f"DATA_DIR must not contain ? or #: {path}")
    return path


def port_from(name: str, default: int) -> int:
    """Return the port that the environment names. Raises CannotRun when it is no port."""
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise CannotRun(f"{name} must be a number from 1 to 65535, not {text!r}")
    return int(text)


def check_port(name: str, port: int, what: str) -> None:
    """Raise CannotRun when the port cannot be listened on."""
    host = "127.0.0.1"
    if name == "PORT" and (bind := os.environ.get("BIND", "")):
        host = bind.rpartition(":")[0].strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the servers do: connections of a demo that has just ended are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            other = port + 10 if 1024 <= port < 65000 else 8010
            raise CannotRun(f"port {port} ({what}) {why}; choose another: make demo {name}={other}") from None


@contextmanager
def only_one(data_dir: Path, *, create: bool) -> Iterator[None]:
    """Hold the lock of the data directory. Raises CannotRun when it is held or cannot be made."""
    try:
        if create:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (data_dir / DATABASE).exists() and not (data_dir / MARK).exists():
                raise CannotRun(f"{data_dir} holds a database that no demo made; choose another DATA_DIR")
        flags = os.O_RDWR | (os.O_CREAT if create else 0)
        descriptor = os.open(data_dir / MARK, flags, 0o600)
    except OSError as error:
        raise CannotRun(
            f"{data_dir} cannot be written to ({error.strerror}); choose another: make demo DATA_DIR=..."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRun(
                f"a demo is running on {data_dir} already; end it first or choose another DATA_DIR"
            ) from None
        if not os.access(data_dir, os.W_OK | os.X_OK):
            raise CannotRun(f"{data_dir} cannot be written to; choose another: make demo DATA_DIR=...")
        yield
    finally:
        os.close(descriptor)


def read_accounts(data_dir: Path) -> list[dict[str, str]]:
    """Return the accounts that `flask demo load` wrote. Raises SystemFailed."""
    path = data_dir / "demo-accounts.json"
    try:
        accounts = json.loads(path.read_text("utf-8"))
        return [{key: str(entry[key]) for key in ("role", "username", "password")} for entry in accounts]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemFailed(f"{path} cannot be read ({error}); `make demo-reset` starts afresh") from None


def banner(url: str, phones_url: str, accounts: Sequence[dict[str, str]], data_dir: Path) -> str:
    """Say where to go, who to be, what to try first, and how to end it, in Chinese and English."""
    rule = "─" * 78
    widths = [max((len(entry[key]) for entry in accounts), default=0) for key in ("role", "username")]
    lines = [
        "",
        rule,
        "  演示系统已就绪 · The demo is ready",
        "",
        *(f"  {url + path:<34} {text}" for path, text in PAGES),
        f"  {phones_url + '/':<34} 模拟手机 Phones: what volunteers receive and answer",
        "",
        "  登录 Sign in as (角色 role · 用户名 user name · 密码 password):",
        *(
            f"    {entry['role']:<{widths[0]}}   {entry['username']:<{widths[1]}}   {entry['password']}"
            for entry in accounts
        ),
        "",
        f"  先试试：在热线台登记一条求助，再到模拟手机上回复短信。（热线 {HOTLINE_PHONE}）",
        "  First: take a request at the hotline, then answer the SMS on one of the phones.",
        "  演示不设免打扰时段 · Quiet hours are off in the demo, so that it works at any hour.",
        "",
        f"  数据与日志 Data and logs: {data_dir}",
        "  按 Ctrl-C 结束全部 · Ctrl-C ends everything",
        rule,
        "",
    ]
    return "\n".join(lines)


def run() -> None:
    """Run the demo until the user ends it. Raises CannotRun, SystemFailed or Stop."""
    data_dir = data_dir_from(os.environ)
    port, phones_port = port_from("PORT", 8000), port_from("PHONES_PORT", 8001)
    if port == phones_port:
        raise CannotRun(f"PORT and PHONES_PORT are both {port}; choose another: make demo PORT={port + 10}")
    os.umask(0o077)  # what volunteers write is nobody else's business
    with only_one(data_dir, create=True):
        check_port("PORT", port, "web")
        check_port("PHONES_PORT", phones_port, "phones")
        verbose = os.environ.get("DEMO_VERBOSE", "") not in ("", "0")
        say("正在启动 · Starting …")
        # Whoever tries it out sees what comes of "delivered" before they wonder.
        env = {"QUIET_HOURS": "off", "UNDO_S": os.environ.get("UNDO_S", "15")}
        system = System(data_dir, port, phones_port, env, quiet=False, verbose=verbose)
        stopper = Stopper(system)
        try:
            system.prepare()
            system.flask("demo", "load")
            accounts = read_accounts(data_dir)
            system.start()
            system.wait_ready(READY_TIMEOUT)
            say(banner(system.env["PUBLIC_URL"], system.phones_url, accounts, data_dir))
            while system.supervisor.failure is None:
                stopper.check()
                time.sleep(0.3)
            raise SystemFailed(f"the supervisor has failed; see {data_dir / 'logs' / 'system.log'}")
        except Stop:
            say("\n正在结束 · Ending … (再按一次 Ctrl-C 立即结束 · Ctrl-C again: at once)")
            raise
        finally:
            if not verbose:
                system.supervisor.mute()
            system.stop()


def say(text: str) -> None:
    """Print for the user. A terminal that has gone away must not get in the way of an orderly end."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the rest of this run


class Stopper:
    """Makes the first signal end the demo in order, and the second at once."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._asked = False
        # `nohup make demo` is to outlive its terminal.
        outlives_terminal = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        self._needs_terminal = os.isatty(STDOUT) and not outlives_terminal
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or not outlives_terminal:
                signal.signal(number, self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked:
            self._system.supervisor.hurry()
            return
        self._asked = True
        raise Stop

    def check(self) -> None:
        """Raise Stop if it was asked for, or the terminal is gone.

        Python drops what a handler raises during a finalizer. And a closed window tells its first process
        only: a shell passes SIGHUP on, but make (when a window runs nothing else) does not.
        """
        if self._asked or (self._needs_terminal and not os.isatty(STDOUT)):
            raise Stop


def reset() -> None:
    """Remove what a demo left in its data directory, and nothing else. Raises CannotRun."""
    data_dir = data_dir_from(os.environ)
    if not (data_dir / MARK).exists():
        print(f"没有演示数据 · No demo has left data in {data_dir}: nothing removed")
        return
    removed = 0
    with only_one(data_dir, create=False):
        for pattern in MADE_BY_DEMO:
            for path in sorted(data_dir.glob(pattern)):
                removed += remove(path)
    left = sorted(entry.name for entry in data_dir.iterdir())
    if not left and data_dir == ROOT / "instance":
        data_dir.rmdir()
    print(f"演示数据已清除 · Removed the demo's {removed} files in {data_dir}")
    if left:
        print(f"保留 · Kept, as no demo made it: {', '.join(left)}")


def remove(path: Path) -> int:
    """Remove a file, or a directory if it is empty; return how many files that were. Raises CannotRun."""
    try:
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
            return 0
        path.unlink()
    except OSError as error:
        raise CannotRun(f"cannot remove {path}: {error.strerror}") from None
    return 1


def main(argv: Sequence[str]) -> int:
    """Run or reset the demo; return the exit code."""
    try:
        if argv == ["reset"]:
            reset()
        elif not argv:
            run()
        else:
            raise CannotRun("usage: python -m devtools.demo [reset]")
    except (Stop, KeyboardInterrupt):
        say("已结束 · Ended. The data are kept; `make demo-reset` removes them.")
        return 0
    except (CannotRun, SystemFailed) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
