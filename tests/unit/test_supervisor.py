"""The supervisor: restart, order of the stop, prefixes, and that nothing outlives a `kill -9` of it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devtools.output import BoundedLog
from devtools.supervisor import ProcessSpec, Supervisor, SupervisorError

ROOT = Path(__file__).resolve().parents[2]
SLEEP = ("sleep", "60")


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait until the condition holds; tell whether it did in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def gone(pid: int) -> bool:
    """Tell whether the process has ended; a zombie that nobody has reaped yet counts as ended."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] in ("Z", "X")


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


Make = Callable[..., Supervisor]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make supervisors that are stopped at the end, come what may."""
    made: list[Supervisor] = []

    def build(*specs: ProcessSpec, console: io.StringIO | None = None) -> Supervisor:
        made.append(Supervisor(specs, tmp_path / "logs", console))
        return made[-1]

    yield build
    for supervisor in made:
        supervisor.hurry()
        supervisor.stop()


def test_a_killed_process_is_restarted(make: Make) -> None:
    supervisor = make(ProcessSpec("one", SLEEP))
    supervisor.start()
    first = supervisor.pid("one")
    supervisor.kill("one", signal.SIGKILL)
    assert eventually(lambda: supervisor.restarts("one") == 1 and supervisor.alive("one"))
    assert supervisor.pid("one") != first


def test_a_process_that_keeps_dying_is_restarted_more_and_more_slowly(make: Make, tmp_path: Path) -> None:
    supervisor = make(ProcessSpec("bad", shell("echo no such luck; exit 3")))
    supervisor.start()
    assert eventually(lambda: supervisor.restarts("bad") == 1)
    supervisor.stop()
    log = (tmp_path / "logs" / "system.log").read_text()
    assert "bad ended with exit code 3" in log
    assert "starts again in 0.5 s" in log
    assert supervisor.tail("bad")[0] == "no such luck"


def test_nothing_is_left_of_the_group_of_a_killed_leader(make: Make, tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    supervisor = make(ProcessSpec("one", shell(f"sleep 60 & echo $! > {note}; wait")))
    supervisor.start()
    assert eventually(lambda: note.exists() and note.read_text().endswith("\n"))
    grandchild = int(note.read_text())
    supervisor.set_restart("one", False)
    supervisor.kill("one")
    assert eventually(lambda: gone(grandchild))
    assert not supervisor.alive("one")
    supervisor.set_restart("one", True)
    assert supervisor.alive("one")


def test_one_process_can_be_stopped_and_started(make: Make) -> None:
    supervisor = make(ProcessSpec("one", SLEEP), ProcessSpec("two", SLEEP))
    supervisor.start()
    other = supervisor.pid("two")
    supervisor.stop_one("one")
    assert not supervisor.alive("one")
    with pytest.raises(SupervisorError, match="one is not running"):
        supervisor.pid("one")
    supervisor.start_one("one")
    assert supervisor.alive("one")
    before = supervisor.pid("one")
    supervisor.restart("one")
    assert supervisor.pid("one") != before
    assert supervisor.pid("two") == other
    assert supervisor.restarts("one") == 0


def test_processes_started_on_behalf_of_a_short_lived_thread_live_on(make: Make) -> None:
    # The kernel ties a child to the thread that forks it, which must not be the one that asks.
    supervisor = make(ProcessSpec("one", SLEEP))
    supervisor.start()
    thread = threading.Thread(target=lambda: supervisor.restart("one"))
    thread.start()
    thread.join()
    pid = supervisor.pid("one")
    time.sleep(0.3)
    assert supervisor.pid("one") == pid


def test_stop_goes_in_reverse_order_and_kills_what_does_not_listen(make: Make, tmp_path: Path) -> None:
    ends = tmp_path / "ends"
    specs = [
        ProcessSpec(
            name,
            shell(f"trap 'echo {name} >> {ends}; exit 0' TERM; echo up; while :; do sleep 0.02; done"),
        )
        for name in ("first", "second", "third")
    ]
    deaf = ProcessSpec("deaf", shell("trap '' TERM; echo up; while :; do sleep 0.02; done"), grace=0.3)
    supervisor = make(*specs, deaf)
    supervisor.start()
    assert eventually(lambda: all(supervisor.tail(name) == ["up"] for name in supervisor.names))
    pid = supervisor.pid("deaf")
    supervisor.stop()
    assert ends.read_text().split() == ["third", "second", "first"]
    assert gone(pid)
    assert "deaf did not end in 0.3 s" in (tmp_path / "logs" / "system.log").read_text()
    assert not any(supervisor.alive(name) for name in supervisor.names)
    supervisor.stop()  # a second time does no harm


def test_hurry_cuts_the_grace_short(make: Make) -> None:
    supervisor = make(
        ProcessSpec("deaf", shell("trap '' TERM; echo up; while :; do sleep 0.02; done"), grace=60)
    )
    supervisor.start()
    assert eventually(lambda: supervisor.tail("deaf") == ["up"])
    threading.Timer(0.2, supervisor.hurry).start()
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 5


def test_lines_carry_the_name_of_their_process_and_are_logged(make: Make, tmp_path: Path) -> None:
    console = io.StringIO()
    supervisor = make(
        ProcessSpec("talker", shell("echo 你好; echo to stderr >&2; printf unfinished; exec sleep 60")),
        ProcessSpec("mute", shell("echo not for the console; exec sleep 60"), echo=False),
        console=console,
    )
    supervisor.start()
    assert eventually(lambda: len(supervisor.tail("talker")) == 2 and len(supervisor.tail("mute")) == 1)
    supervisor.stop()
    assert console.getvalue().splitlines() == [
        "talker | 你好",
        "talker | to stderr",
        "talker | unfinished",
    ]
    assert (tmp_path / "logs" / "talker.log").read_text() == "你好\nto stderr\nunfinished\n"
    assert (tmp_path / "logs" / "mute.log").read_text() == "not for the console\n"
    assert (tmp_path / "logs" / "mute.log").stat().st_mode & 0o777 == 0o600


def test_the_next_process_waits_for_the_one_before(make: Make, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    supervisor = make(
        ProcessSpec("slow", shell(f"sleep 0.2; touch {flag}; exec sleep 60"), ready=flag.exists),
        ProcessSpec("next", shell(f"test -e {flag} && echo seen; exec sleep 60")),
    )
    supervisor.start()
    assert eventually(lambda: supervisor.tail("next") == ["seen"])


def test_a_start_that_fails_says_why_and_leaves_nothing(make: Make) -> None:
    supervisor = make(
        ProcessSpec("fine", SLEEP), ProcessSpec("missing", ("/nonexistent/program",), ready=lambda: False)
    )
    with pytest.raises(SupervisorError, match=r"missing ended at once:\ncannot run /nonexistent/program"):
        supervisor.start()
    assert not supervisor.alive("fine")


def test_a_log_stays_within_its_bound(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "x.log", max_bytes=100)
    for number in range(30):
        log.write(f"line {number}")
    log.close()
    older = tmp_path / "x.log.1"
    assert (tmp_path / "x.log").stat().st_size <= 100
    assert older.stat().st_size <= 100
    assert (tmp_path / "x.log").read_text().endswith("line 29\n")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("guarded", [True, False], ids=["with the guard", "guard killed first"])
def test_kill_9_of_the_supervisor_leaves_no_child(tmp_path: Path, guarded: bool) -> None:
    notes = tmp_path / "pids"
    program = f"""
        import time
        from pathlib import Path
        from devtools.supervisor import ProcessSpec, Supervisor
        family = "sleep 61 & echo $$ $! >> {notes}; wait"
        specs = [ProcessSpec(name, ("sh", "-c", family)) for name in ("one", "two")]
        supervisor = Supervisor(specs, Path("{tmp_path}/logs"))
        supervisor.start()
        print(supervisor._guard.pid, flush=True)
        time.sleep(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        guard = int(process.stdout.readline())
        assert eventually(lambda: notes.exists() and notes.read_text().count("\n") == 2)
        pairs = [tuple(map(int, line.split())) for line in notes.read_text().splitlines()]
        if not guarded:
            os.kill(guard, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    leaders, grandchildren = zip(*pairs, strict=True)
    assert eventually(lambda: all(gone(pid) for pid in leaders))
    if guarded:
        assert eventually(lambda: all(gone(pid) for pid in (*grandchildren, guard)))
    else:  # what the kernel does by itself; the grandchildren are the guard's part
        for pid in grandchildren:
            if not gone(pid):
                os.kill(pid, signal.SIGKILL)
