"""Figures in words: for each a heading, a sentence that says what it means, a table and a picture.

The same tables are shown on the page, and exported.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from dispatcher.rules.promptness import PACES, Promptness
from dispatcher.services.figures import Day, Endings, Figures
from dispatcher.web.charts import Series, bars
from dispatcher.web.wording import language

Cell = str | int | float | date | None


@dataclass(frozen=True)
class Table:
    """One figure. `columns`: their headings; `rows`: numbers as numbers, None where there is nothing to say.

    `says`: what it means. `note`: how it was counted. `legend`: (tone, word) of what the picture's colours
    mean, where there are several. `draw`: makes the picture. `people`: rows that name people, for the page
    only. `empty`: there is nothing to draw.
    """

    name: str
    title: str
    says: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    draw: Callable[[], bytes]
    note: str = ""
    legend: Sequence[tuple[str, str]] = ()
    people: Sequence[tuple[str, int]] = field(default_factory=tuple)
    empty: bool = False

    @property
    def drawable(self) -> bool:
        """Whether a picture of it would show more than its axes."""
        numbers = (cell for row in self.rows for cell in row[1:] if isinstance(cell, int | float))
        return not self.empty and any(numbers)


def hours(figures: Figures) -> Table:
    """Requests by hour of the day."""
    counts = figures.hours
    total = sum(counts)
    if total:
        begin = max(range(22), key=lambda hour: sum(counts[hour : hour + 3]))
        busy = [hour for hour in range(begin, begin + 3) if counts[hour]]
        says = ngettext("%(num)d request for help.", "%(num)d requests for help.", total)
        says += _gap() + _(
            "The busiest hours: from %(start)s to %(end)s o'clock, %(count)s of them.",
            start=busy[0], end=busy[-1] + 1, count=sum(counts[begin : begin + 3]),
        )  # fmt: skip
    else:
        says = _("No request for help came in this period.")
    title = _("Requests by hour of the day")
    return Table(
        "hours", title, says, [_("Hour"), _("Requests")],
        [[f"{hour:02}:00–{hour + 1:02}:00", count] for hour, count in enumerate(counts)],
        lambda: bars([str(hour) for hour in range(24)], [Series(title, counts)], title, every=6),
    )  # fmt: skip


MOST_CAMPUSES = 8


def campuses(figures: Figures) -> Table:
    """Requests by campus."""
    found = [(at.names.get(language()) or _("out of reach"), at.requests) for at in figures.campuses]
    total = sum(count for _name, count in found)
    title = _("Requests by campus")
    says = _("No request for help came in this period.")
    if total:
        name, count = max(found, key=lambda one: one[1])
        says = _("The most from %(campus)s: %(count)s of %(total)s.", campus=name, count=count, total=total)
    shown = found if len(found) <= MOST_CAMPUSES else [
        *found[: MOST_CAMPUSES - 1],
        (_("all others"), sum(count for _name, count in found[MOST_CAMPUSES - 1 :])),
    ]  # fmt: skip
    return Table(
        "campuses", title, says, [_("Campus"), _("Requests")], [list(one) for one in found],
        _simple(title, shown, lying=True),
    )  # fmt: skip


def accepting(figures: Figures) -> Table:
    """Time until somebody accepted."""
    return _prompt(
        "accepting", _("Time until somebody accepts"), figures.accepting, _("not accepted"),
        _("From the call until the first volunteer said yes. Help by phone is not counted, nor what ended or "
          "began so lately that it says nothing. The aim is when a coordinator would be told."),
        _("9 in 10 of those accepted waited no longer than:"),
    )  # fmt: skip


def delivering(figures: Figures) -> Table:
    """Time until it was delivered."""
    return _prompt(
        "delivering", _("Time until it is delivered"), figures.delivering, _("not delivered"),
        _("From the call until the volunteer said that it was done. The aim: when it was wanted, if the "
          "retiree named a time; else accepted in time, and a word from the volunteer in time after that."),
        _("9 in 10 of those delivered took no longer than:"),
    )  # fmt: skip


def pace_word(pace: str) -> str:
    """The name of a kind of hurry."""
    return {"urgent": _("Urgent"), "soon": _("Soon, and all medicine"), "routine": _("No hurry")}[pace]


def _prompt(
    name: str, title: str, found: dict[str, Promptness], missing: str, note: str, lead: str
) -> Table:  # fmt: skip
    said = [
        _("%(kind)s %(time)s (aim %(aim)s)",
          kind=_short(pace), time=_lasting(found[pace].p90_s), aim=_lasting(found[pace].aim_s))
        for pace in PACES if found[pace].done
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [
            pace_word(pace), p.decided, _minutes(p.aim_s), _minutes(p.median_s), _minutes(p.p90_s),
            p.in_time, p.late, p.missing, percent(p.share),
        ]
        for pace, p in ((pace, found[pace]) for pace in PACES)
    ]  # fmt: skip
    legend = [("good", _("in time")), ("late", _("later")), ("bad", missing)]

    def draw() -> bytes:
        parts = {
            "good": [_part(found[pace].in_time, found[pace]) for pace in PACES],
            "late": [_part(found[pace].late, found[pace]) for pace in PACES],
            "bad": [_part(found[pace].missing, found[pace]) for pace in PACES],
        }
        return bars(
            [_short(pace) for pace in PACES], [Series(word, parts[tone], tone) for tone, word in legend],
            title, lying=True, percent=True,
        )  # fmt: skip

    says = _("Nothing to say yet.")
    if said:
        says = lead + _gap() + _("; ").join(said) + _(".")
    return Table(
        name, title, says,
        [_("Hurry"), _("Tasks"), _("Aim, min"), _("Half within, min"), _("9 in 10 within, min"), _("In time"),
         _("Later"), missing[:1].upper() + missing[1:], _("In time, %")],
        rows, draw, note, legend, empty=not said,
    )  # fmt: skip


def _short(pace: str) -> str:
    return {"urgent": _("Urgent"), "soon": _("Soon"), "routine": _("No hurry")}[pace]


def _handed_back(found: Endings) -> str:
    if not found.handed_back:
        return str(_("None was handed back."))
    if found.times == found.handed_back:
        return ngettext("%(num)d was handed back.", "%(num)d were handed back.", found.handed_back)
    return ngettext(
        "%(num)d was handed back, %(times)s times in all.",
        "%(num)d were handed back, %(times)s times in all.",
        found.handed_back,
        times=found.times,
    )


def endings(figures: Figures) -> Table:
    """How tasks were settled."""
    found = figures.endings
    rows = [
        (_("Closed by the retiree's word"), found.by_retiree),
        (_("Closed by a coordinator"), found.by_coordinator),
        (_("Settled by phone, out of reach"), found.by_phone),
        (_("Cancelled"), found.cancelled),
        (_("Still open"), found.still_open),
    ]
    title = _("How tasks were settled")
    if found.total:
        says = _(
            "Of %(total)s tasks %(word)s were closed by the retiree's own word.",
            total=found.total, word=found.by_retiree,
        )  # fmt: skip
        says += _gap() + _handed_back(found)
    else:
        says = _("There were no tasks in this period.")
    return Table(
        "endings", title, says, [_("How"), _("Tasks")],
        [*map(list, rows), [_("Handed back on the way (counted above too)"), found.handed_back]],
        _simple(title, rows, lying=True),
    )  # fmt: skip


_STEPS = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, None))


def loads(figures: Figures) -> Table:
    """How the tasks were spread over the volunteers."""
    found = figures.loads
    rows: list[tuple[str, int]] = [("0", found.idle)]
    for low, high in _STEPS:
        people = sum(n for tasks, n in found.spread if low <= tasks and (high is None or tasks <= high))
        word = str(low) if low == high else f"{low}–{high}" if high else f"{low}+"
        rows.append((word, people))
    while len(rows) > 4 and not rows[-1][1]:
        rows.pop()
    title = _("How tasks were shared")
    if found.volunteers:
        says = ngettext(
            "%(num)d volunteer carried %(tasks)s tasks. Not needed: %(idle)s.",
            "%(num)d volunteers carried %(tasks)s tasks. Not needed: %(idle)s.",
            found.volunteers,
            tasks=found.tasks,
            idle=found.idle,
        )
        most = max(tasks for tasks, _people in found.spread)
        says += _gap() + ngettext(
            "Nobody carried more than %(num)d.", "Nobody carried more than %(num)d.", most
        )
    else:
        says = _("Nobody has carried a task in this period.")
    return Table(
        "loads", title, says, [_("Tasks carried"), _("Volunteers")], [list(row) for row in rows],
        _simple(title, rows),
        _("Tasks that they brought to an end or hold now; what they handed back is not counted."),
        people=[(name, tasks) for _id, name, tasks in found.most if tasks > 1],
        empty=not found.volunteers,
    )  # fmt: skip


def sms(figures: Figures) -> Table:
    """What became of the SMS, by day, or by week where the days are many."""
    found = figures.sms
    days = _by_week(found.days) if len(found.days) > 31 else found.days
    by_week = len(days) < len(found.days)
    title = _("SMS that did not arrive")
    if found.share is None:
        says = _("No SMS was sent in this period.")
    else:
        says = _(
            "%(share)s in 100 SMS arrived; %(lost)s did not.", share=percent(found.share), lost=found.lost
        )
    others = [
        ngettext("%(num)d is still on its way.", "%(num)d are still on their way.", found.on_the_way)
        if found.on_the_way
        else "",
        ngettext("Of %(num)d nobody knows.", "Of %(num)d nobody knows.", found.unknown)
        if found.unknown
        else "",
    ]
    columns = [_("Delivered"), _("Not delivered"), _("Not known, or on the way")]
    sums = list(zip(columns, (found.delivered, found.lost, found.unknown + found.on_the_way), strict=True))
    return Table(
        "sms", title, _gap().join(filter(None, [says, *others])),
        [_("Week from") if by_week else _("Day"), *columns],
        [[day.day, day.delivered, day.lost, day.open] for day in days],
        _lost_by_day(title, days) if len(days) > _FEW_DAYS else _simple(title, sums, lying=True),
        _("SMS that were given up because they were no longer true are left out: %(n)s.", n=found.not_needed),
        empty=not found.lost,
    )  # fmt: skip


_FEW_DAYS = 3
"""So few days side by side would show nothing."""


def _lost_by_day(title: str, days: Sequence[Day]) -> Callable[[], bytes]:
    rows = [(f"{day.day.month}-{day.day.day}", day.lost) for day in days]
    return _simple(title, rows, "bad", every=max(1, -(-len(days) // 6)))


def codes(figures: Figures) -> Table:
    """Why SMS did not arrive, by the gateway's code."""
    found = figures.sms.codes
    shown = found[:MOST_CAMPUSES]
    title = _("Why SMS did not arrive")
    says = _("No SMS got lost.")
    if found:
        code, count = found[0]
        says = _(
            "Most often: %(why)s (%(count)s of %(total)s).",
            why=_why(code),
            count=count,
            total=figures.sms.lost,
        )
    return Table(
        "codes", title, says, [_("Code"), _("What it means"), _("SMS")],
        [[code or "–", _why(code), count] for code, count in found],
        _simple(title, [(_why(code), count) for code, count in shown], "bad", lying=True),
        empty=not found,
    )  # fmt: skip


def _why(code: str) -> str:
    """What a code of the gateway, or of ours, means, as far as an office can use it."""
    known = {
        "21211": _("not a telephone number"), "21610": _("has sent STOP"),
        "21612": _("can't be reached from our number"), "21614": _("not a mobile number"),
        "30001": _("too much at once"), "30002": _("our account is suspended"),
        "30003": _("switched off or out of reach"), "30004": _("blocked"), "30005": _("no such number"),
        "30006": _("a landline"), "30007": _("taken for spam"), "30008": _("the carrier doesn't say why"),
        "wording": _("could not be worded"), "unknown": _("got lost on the way, several times"),
        "connect_timeout": _("the gateway could not be reached"),
        "connection_refused": _("the gateway could not be reached"),
    }  # fmt: skip
    return known.get(code) or _("code %(code)s of the gateway", code=code or "–")


def _simple(
    title: str, rows: Sequence[tuple[str, int]], tone: str = "plain", **options: Any
) -> Callable[[], bytes]:
    """A picture of one row of figures."""
    labels, values = [word for word, _count in rows], [count for _word, count in rows]
    return lambda: bars(labels, [Series(title, values, tone)], title, **options)


def _by_week(days: Sequence[Day]) -> list[Day]:
    """Seven days each, from the first; named by the day they begin with."""
    weeks: list[Day] = []
    for day in days:
        if not weeks or day.day - weeks[-1].day >= timedelta(days=7):
            weeks.append(Day(day.day))
        week = weeks[-1]
        week.delivered += day.delivered
        week.lost += day.lost
        week.open += day.open
    return weeks


ALL: dict[str, Callable[[Figures], Table]] = {
    "hours": hours, "campuses": campuses, "accepting": accepting, "delivering": delivering,
    "endings": endings, "loads": loads, "sms": sms, "codes": codes,
}  # fmt: skip


def _gap() -> str:
    """Between two sentences."""
    return "" if language() == "zh" else " "


def _lasting(seconds: int | None) -> str:
    """A length of time as people would say it, rounded up so that "within" stays true."""
    if seconds is None:
        return "–"
    minutes = -(-seconds // 60)
    hours, rest = divmod(minutes, 60)
    if seconds < 90:
        said = _("%(s)s s", s=seconds)
    elif not hours:
        said = _("%(m)s min", m=minutes)
    elif hours >= 48:
        said = ngettext("%(num)s day", "%(num)s days", -(-hours // 24))
    else:
        said = _("%(h)s h %(m)s min", h=hours, m=rest) if rest else _("%(h)s h", h=hours)
    return str(said).replace(" ", "\u00a0")


def _minutes(seconds: int | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 1)


def percent(share: float | None) -> int | None:
    """Never a whole hundred while one is missing."""
    if share is None:
        return None
    return 99 if 0.99 < share < 1 else round(100 * share)


def _part(count: int, of: Promptness) -> float:
    return 100 * count / of.decided if of.decided else 0


def cell(value: Any) -> str:
    """A cell as it is read on the page."""
    if value is None:
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)
