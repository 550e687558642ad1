"""`flask simulate-roster`: how long people would wait, printed as a table."""

import json
from collections.abc import Callable
from dataclasses import asdict

import click
from flask import current_app
from flask.cli import with_appcontext

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.services.forecast import MOST_PER_DAY, Live, live_roster
from dispatcher.simulation.cover import ENOUGH, Spot
from dispatcher.simulation.forecast import Cell, Forecast, NobodyToAsk, Waits, effort, forecast
from dispatcher.simulation.trial import BLOCK_H, BLOCKS, TooMuch

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOST_SPOTS = 20


@click.command("simulate-roster")
@click.option("--requests-per-day", type=click.IntRange(1, MOST_PER_DAY), default=30, show_default=True)
@click.option("--days", type=click.IntRange(1, 365), help="Simulated days; fewer for many requests.")
@click.option(
    "--seeds", type=click.IntRange(1, 100), help="How often they are simulated, each time otherwise."
)
@click.option("--json", "as_json", is_flag=True, help="Everything, for programs; times in seconds.")
@with_appcontext
def simulate_roster(requests_per_day: int, days: int | None, seeds: int | None, as_json: bool) -> None:
    """How long people would wait with the volunteers on the roster now, and where it is thin."""
    live = live_roster(db.session(), utcnow())
    db.session.remove()
    try:
        usual_days, usual_seeds = (days, seeds) if days and seeds else effort(live.roster, requests_per_day)
        found = forecast(
            live.roster,
            requests_per_day,
            current_app.config["DISPATCH"],
            days or usual_days,
            seeds or usual_seeds,
        )
    except NobodyToAsk as error:
        raise click.ClickException("There is nobody on the roster who may be asked.") from error
    except TooMuch as error:
        raise click.ClickException("That would take too long; please try fewer requests a day.") from error
    click.echo(_as_json(live, found) if as_json else _as_text(live, found))


def _as_json(live: Live, found: Forecast) -> str:
    codes = [campus.code for campus in live.campuses]
    known = asdict(found) | {"simulated": True, "block_hours": BLOCK_H, "paused": live.paused}
    known["cells"] = dict(zip(codes, known["cells"], strict=True))
    for spot in known["spots"]:
        spot["places"] = [codes[i] for i in spot["places"]]
    return json.dumps(known, ensure_ascii=False, indent=2)


def _as_text(live: Live, found: Forecast) -> str:
    names = [campus.name_en for campus in live.campuses]
    roster = live.roster
    lines = [
        f"Simulated, not a promise: {found.per_day:g} requests a day, {found.days} days, {found.seeds} times;"
        f" {len(roster.people)} volunteers, {live.paused} paused and left out.",
    ]
    tables: list[tuple[str, Callable[[Cell], str]]] = [
        ("Urgent help, wait: half within / 90 of 100 within", lambda c: _waits(c.urgent)),
        ("Urgent help, accepted within 2 minutes: of 100", lambda c: _of_100(c.urgent.prompt)),
        ("Other help, wait: half within / 90 of 100 within", lambda c: _waits(c.other)),
        ("Volunteers of the campus on duty, mean of the week", lambda c: f"{c.on_duty:.1f}"),
    ]
    for title, words in tables:
        lines += ["", title, *_by_campus(names, found, words)]
    lines += ["", "By kind of help", *_by_kind(found)]
    lines += [
        "",
        f"Thin: fewer than {ENOUGH} could be asked for urgent help, on the campus and its neighbours",
    ]
    lines += [_spot(spot, names) for spot in found.spots[:_MOST_SPOTS]] or ["  never"]
    if len(found.spots) > _MOST_SPOTS:
        lines.append(f"  and {len(found.spots) - _MOST_SPOTS} more")
    return "\n".join(lines)


def _by_campus(names: list[str], found: Forecast, words: Callable[[Cell], str]) -> list[str]:
    hours = [f"{b * BLOCK_H:02}-{(b + 1) * BLOCK_H:02}" for b in range(BLOCKS)]
    rows = [[words(cell) for cell in row] for row in found.cells]
    return _table(["hours", *hours], [[name, *row] for name, row in zip(names, rows, strict=True)])


def _by_kind(found: Forecast) -> list[str]:
    rows = [
        [kind, str(w.tasks), _time(w.median_s), _time(w.p90_s), _of_100(w.prompt), _of_100(w.coordinator)]
        for kind, w in found.kinds.items()
    ]
    return _table(["kind", "simulated", "half", "90 of 100", "in 2 min, of 100", "coordinator, of 100"], rows)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  "
        + row[0].ljust(widths[0])
        + "".join(f"  {c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True))
        for row in (head, *rows)
    ]


def _waits(waits: Waits) -> str:
    return f"{_time(waits.median_s)} / {_time(waits.p90_s)}" if waits.tasks else "-"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _of_100(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"


def _spot(spot: Spot, names: list[str]) -> str:
    where = ", ".join(names[i] for i in spot.places)
    if spot.minutes >= 7 * 24 * 60:
        when = "the whole week"
    else:
        days = ", ".join(_WEEKDAYS[day] for day in spot.weekdays)
        later = (spot.start_min + spot.minutes - 1) // (24 * 60)
        end = f"{_clock(spot.end_min or 24 * 60)}{f' (+{later} days)' if later > 1 else ''}"
        when = f"{days} {_clock(spot.start_min)}-{end}"
    people = f"{spot.fewest}-{spot.most}" if spot.most > spot.fewest else str(spot.most or "nobody")
    return f"  {when}: {people} to ask: {where}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
