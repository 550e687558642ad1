"""Weekly duty plans: enough people at every minute, human hours for each of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from devtools.roster.model import DutyWindow

DAY_START, DAY_END = 7 * 60, 21 * 60
MIDNIGHT = 24 * 60
# Every window begins and ends on a half hour, so checking half hours is checking every minute.
STEP = 30

PER_SHIFT = 3  # on duty at each served place by day
NIGHT_READY = 2  # on duty and willing to be texted at night, over all places together
MAX_DAYS = 5

_SHORT_SHIFTS = ((7 * 60, 12 * 60), (12 * 60, 17 * 60), (17 * 60, 21 * 60))
# A place with few volunteers divides its day in two; three shifts would call everyone in on six days.
_LONG_SHIFTS = ((7 * 60, 14 * 60), (14 * 60, 21 * 60))
_ENOUGH_FOR_SHORT = 16


@dataclass
class Plan:
    """The growing plan of one volunteer."""

    night: int | None  # the weekday on which their weekly night begins
    days: set[int] = field(default_factory=set)
    windows: list[DutyWindow] = field(default_factory=list)

    @property
    def load(self) -> int:
        """Count the turns in the week: days and the night."""
        return len(self.days) + (self.night is not None)

    def outlook(self, weekday: int, share: float) -> int:
        """Estimate the load at the end of the week if each day still open is taken with this chance.

        Going by the load so far would leave those with a night at the weekend too few turns.
        """
        return round(self.load + share * sum(self.free_on(later) for later in range(weekday, 7)))

    def free_on(self, weekday: int) -> bool:
        """Tell whether a day shift is humane: not beside a night, one a day, and free days in the week."""
        beside_night = self.night is not None and weekday in (self.night, (self.night + 1) % 7)
        return not beside_night and weekday not in self.days and self.load < MAX_DAYS


def night_turns(rng: Random, crew: int) -> list[int]:
    """Spread a crew over the seven nights, colleagues who follow each other on different nights."""
    first = rng.randrange(7)
    return [(first + turn) % 7 for turn in range(crew)]


def _night_windows(weekday: int) -> list[DutyWindow]:
    return [DutyWindow(weekday, DAY_END, MIDNIGHT), DutyWindow((weekday + 1) % 7, 0, DAY_START)]


def plan_place(rng: Random, nights: list[int | None]) -> list[tuple[DutyWindow, ...]]:
    """Plan the week of one place.

    ``nights`` gives each volunteer's night, if any; the windows come back in the same order.
    """
    plans = [Plan(night) for night in nights]
    shifts = _SHORT_SHIFTS if len(plans) >= _ENOUGH_FOR_SHORT else _LONG_SHIFTS
    # People keep to a time of day that suits them as far as the load allows.
    suits = [rng.choice(shifts) for _ in plans]
    for plan in plans:
        if plan.night is not None:
            plan.windows += _night_windows(plan.night)
    share = PER_SHIFT * len(shifts) / len(plans)
    for weekday in range(7):
        for shift in rng.sample(shifts, len(shifts)):
            free = [i for i, plan in enumerate(plans) if plan.free_on(weekday)]
            if len(free) < PER_SHIFT:
                raise ValueError("too few volunteers for three on duty in every shift")
            ranks = {i: (plans[i].outlook(weekday, share), suits[i] != shift, rng.random()) for i in free}
            free.sort(key=ranks.__getitem__)
            for i in free[:PER_SHIFT]:
                plans[i].days.add(weekday)
                plans[i].windows.append(_stretched(rng, weekday, *shift))
    return [tuple(sorted(plan.windows, key=lambda w: (w.weekday, w.start_min))) for plan in plans]


def _stretched(rng: Random, weekday: int, start: int, end: int) -> DutyWindow:
    """Let some come early or leave late: real lists overlap at the handover. Never into the night."""
    early, late = rng.choice((0, 0, STEP)), rng.choice((0, 0, STEP))
    return DutyWindow(weekday, max(DAY_START, start - early), min(DAY_END, end + late))


def covers(windows: Iterable[DutyWindow], weekday: int, minute: int) -> bool:
    """Tell whether one of the windows holds the minute."""
    return any(w.weekday == weekday and w.start_min <= minute < w.end_min for w in windows)


def night_ready(plans: list[tuple[DutyWindow, ...]], crew: set[int]) -> set[int]:
    """Add to the night crew those needed for two of the ready to be on duty at every minute, day or night."""
    ready = set(crew)
    for weekday in range(7):
        for minute in range(0, MIDNIGHT, STEP):
            on_duty = [i for i, windows in enumerate(plans) if covers(windows, weekday, minute)]
            missing = NIGHT_READY - sum(i in ready for i in on_duty)
            ready.update([i for i in on_duty if i not in ready][: max(0, missing)])
    return ready
