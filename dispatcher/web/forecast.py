"""What if: a coordinator asks how long people would wait with the volunteers there are now."""

from typing import Any

from babel.dates import get_day_names
from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from dispatcher.clock import utcnow
from dispatcher.database import db
from dispatcher.models import Campus
from dispatcher.rules.settings import URGENT_HELP
from dispatcher.services.forecast import MOST_PER_DAY, Busy, forecasts, live_roster
from dispatcher.simulation.cover import ENOUGH, Spot
from dispatcher.simulation.forecast import Forecast, NobodyToAsk
from dispatcher.simulation.trial import BLOCK_H, BLOCKS, TooMuch
from dispatcher.web.auth import COORDINATORS, roles
from dispatcher.web.wording import language

blueprint = Blueprint("forecast", __name__, url_prefix="/board")

_USUAL_PER_DAY = 30
_RETRY_S = 5
_A_DAY_MIN = 24 * 60
_TO = "\u2060–\u2060"  # a dash at which no line may break


@blueprint.get("/forecast")
@roles(*COORDINATORS)
def what_if() -> ResponseReturnValue:
    """The question; with `per_day`, and only then, the answer too."""
    typed = request.args.get("per_day")
    if typed is None:
        return _page(str(_USUAL_PER_DAY))
    try:
        per_day = int(typed)
    except ValueError:
        per_day = 0
    if not 1 <= per_day <= MOST_PER_DAY:
        said = _("Please give a whole number from 1 to %(most)d.", most=MOST_PER_DAY)
        return _page(typed[:20], error=said), 422
    live = live_roster(db.session(), utcnow())
    db.session.remove()  # it takes seconds; no connection is held meanwhile
    try:
        found = forecasts.get(live.roster, per_day, current_app.config["DISPATCH"])
    except Busy:
        said = _("One forecast is being computed just now. Please try again in a moment.")
        return _page(typed, notice=said), 503, {"Retry-After": str(_RETRY_S)}
    except TooMuch:
        said = _("That is more than can be computed here with so many volunteers. Please try fewer requests.")
        return _page(typed, error=said), 422
    except NobodyToAsk:
        return _page(typed, notice=_("There is no volunteer on the roster who may be asked just now."))
    return _page(typed, live=live, found=found, hours=_hours(), spots=_spots(found, live.campuses))


def _page(typed: str, **known: Any) -> str:
    return render_template(
        "board/forecast.html",
        typed=typed, most=MOST_PER_DAY, enough=ENOUGH, urgent_help=URGENT_HELP, of_100=_of_100, **known,
    )  # fmt: skip


def _of_100(share: float) -> int:
    return round(100 * share)


def _hours() -> list[str]:
    return [f"{block * BLOCK_H:02}–{(block + 1) * BLOCK_H:02}" for block in range(BLOCKS)]


def _spots(found: Forecast, campuses: tuple[Campus, ...]) -> list[dict[str, str]]:
    """The thin spots in words: where, when, and how many people there are."""
    return [
        {"where": _where(spot, campuses), "when": _when(spot), "people": _people(spot)}
        for spot in found.spots
    ]


def _where(spot: Spot, campuses: tuple[Campus, ...]) -> str:
    if len(spot.places) == len(campuses) > 1:
        return _("all campuses")
    return _listed([campuses[i].name(language()) for i in spot.places])


def _when(spot: Spot) -> str:
    if spot.minutes >= 7 * _A_DAY_MIN:
        return _("the whole week")
    names = get_day_names("abbreviated", locale=get_locale())
    start, end = _clock(spot.start_min), _clock(spot.end_min or _A_DAY_MIN)
    if spot.minutes <= _A_DAY_MIN:
        return _("%(days)s %(hours)s", days=_days(spot.weekdays, names), hours=f"{start}{_TO}{end}")
    later = (spot.start_min + spot.minutes - 1) // _A_DAY_MIN
    return _listed([
        _("%(first)s %(start)s to %(last)s %(end)s",
          first=names[day], start=start, last=names[(day + later) % 7], end=end)
        for day in spot.weekdays
    ])  # fmt: skip


def _days(weekdays: tuple[int, ...], names: Any) -> str:
    """Weekdays in words; three and more in a row as "Mon to Wed"."""
    if len(weekdays) == 7:
        return str(_("every day"))
    runs: list[list[int]] = []
    for day in weekdays:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    words: list[str] = []
    for run in runs:
        if len(run) > 2:
            words.append(_("%(first)s to %(last)s", first=names[run[0]], last=names[run[-1]]))
        else:
            words += [names[day] for day in run]
    return _listed(words)


def _people(spot: Spot) -> str:
    if not spot.most:
        return str(_("nobody to ask"))
    if spot.fewest < spot.most:
        return str(_("%(fewest)d to %(most)d people to ask", fewest=spot.fewest, most=spot.most))
    return str(ngettext("%(num)d person to ask", "%(num)d people to ask", spot.most))


def _listed(words: list[str]) -> str:
    return ("、" if language() == "zh" else ", ").join(words)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
