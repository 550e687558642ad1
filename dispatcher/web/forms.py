"""The hotline's form: from what was typed to a call, or to kind words beside each field."""

from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from dispatcher.models import Campus
from dispatcher.rules import phones
from dispatcher.rules.settings import (
    CATEGORIES,
    GROCERIES,
    MEDICINE,
    ROUTINE,
    SOON,
    URGENCIES,
    URGENT,
    URGENT_HELP,
)
from dispatcher.services.intake import SAME_NEED, Call, NewPerson, Wanted
from dispatcher.web import refused

MEDICINE_FIELDS = ("name", "strength", "amount", "source", "where")
GROCERY_FIELDS = ("name", "amount")
SOURCES = ("", "prescription", "card", "otc")
DUE_PRESETS = ("", "2h", "today", "tomorrow", "at")
NOBODY_KNOWN = "new"
"""The answer that a new caller is none of those on the roster who look like them."""

_MOST_LINES = 40
_MOST_READ = 400
"""Lines that are kept on the page when there are too many to save."""

_FARTHEST = timedelta(days=60)
"""A need farther ahead is a year that was mistyped."""


@dataclass
class CallForm:
    """What was typed, what is wrong with it (by field name), and the call if nothing is."""

    values: MultiDict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    call: Call | None = None

    def lines(self, category: str) -> list[dict[str, str]]:
        """The typed lines of a category, with the empty ones kept in place."""
        columns = {name: self.values.getlist(f"{category}-{name}") for name in _columns(category)}
        rows = min(_MOST_READ, max((len(column) for column in columns.values()), default=0))
        return [
            {name: (column[i].strip() if i < len(column) else "") for name, column in columns.items()}
            for i in range(rows)
        ]


def line(category: str, item: dict[str, Any]) -> dict[str, str]:
    """A thing to buy, as the fields of a line."""
    return {name: str(item.get(name, "")) for name in _columns(category)}


def _columns(category: str) -> tuple[str, ...]:
    return MEDICINE_FIELDS if category == MEDICINE else GROCERY_FIELDS


def row_id(text: str) -> int:
    """A row's id as typed into an address or a form.

    Raises:
        ValueError: no number, or one that no row can have.
    """
    value = int(text)
    if not 0 <= value < 2**31:
        raise ValueError(text)
    return value


def read(
    values: MultiDict[str, str],
    campuses: dict[str, Campus],
    now: datetime,
    zone: ZoneInfo,
    area_code: str,
) -> CallForm:
    """Read the hotline's form. `campuses` by code; `area_code` completes local numbers."""
    form = CallForm(values)
    errors = form.errors
    wanted = []
    chosen = [c for c in CATEGORIES if c in values.getlist("want")]
    if not chosen:
        errors["want"] = _("Please choose what is asked for.")
    for category in chosen:
        wanted.append(_wanted(form, category, now, zone))
    if values.get("life_danger"):
        wanted = [replace(w, urgency=URGENT) for w in wanted]
    callback = values.get("callback", "").strip()
    if callback:
        try:
            callback = phones.parse(callback, area_code).number
        except phones.BadPhone as bad:
            errors["callback"] = refused.phone(bad.reason, area_code)
    life_danger = bool(values.get("life_danger"))
    if life_danger and not values.get("script_given"):
        errors["script_given"] = _("Please read the 120 script to the caller first, then tick here.")
    retiree_id = values.get("retiree_id", type=row_id)
    new_person = None if retiree_id else _new_person(form, campuses, area_code)
    if not values.get("form_key"):
        errors["form_key"] = _("This form is too old. Please reload the page.")
    if not errors:
        form.call = Call(
            form_key=values["form_key"][:40],
            wanted=wanted,
            retiree_id=retiree_id,
            new_person=new_person,
            add_phone=_add_phone(form, area_code) if retiree_id else None,
            callback_phone=callback,
            notes=_text(form, "notes", 1000),
            life_danger=life_danger,
            script_given=life_danger,
            told_on_call=bool(values.get("told_on_call")),
            read_back=bool(values.get("read_back")),
            return_call_id=values.get("return_call", type=row_id),
        )
    return form


def _wanted(form: CallForm, category: str, now: datetime, zone: ZoneInfo) -> Wanted:
    values, errors = form.values, form.errors
    default = {MEDICINE: SOON, URGENT_HELP: URGENT}.get(category, ROUTINE)
    urgency = values.get(f"{category}-urgency", default)
    if urgency not in URGENCIES:
        errors[f"{category}-urgency"] = _("Please choose how urgent it is.")
        urgency = default
    items = _items(form, category) if category in (MEDICINE, GROCERIES) else []
    # The same need as before is known; only what is new about it has to be said.
    repeat = values.get(f"{category}-repeat", "")
    known = repeat == SAME_NEED
    if category in (MEDICINE, GROCERIES) and not (items or known or f"{category}-name" in errors):
        errors[f"{category}-name"] = _("Please write at least one thing to buy.")
    notes = _text(form, f"{category}-notes", 1000)
    if category == "other" and not (notes or known):
        errors["other-notes"] = _("Please write what is needed.")
    return Wanted(
        category=category,
        urgency=urgency,
        due_by=_due(form, category, now, zone),
        items=items,
        notes=notes,
        repeat=repeat,
    )


def _items(form: CallForm, category: str) -> list[dict[str, Any]]:
    items = []
    for index, line in enumerate(form.lines(category)):
        typed = {name: text for name, text in line.items() if text and name != "source"}
        if not typed:
            continue
        if "name" not in typed:
            form.errors[f"{category}-name-{index}"] = _("What is it called?")
            form.errors.setdefault(f"{category}-name", _("One line has no name."))
        if any(len(text) > 120 for text in typed.values()):
            form.errors[f"{category}-name-{index}"] = _("Please shorten this line to 120 characters.")
        if line.get("source") in SOURCES and line["source"]:
            typed["source"] = line["source"]
        items.append(typed)
        if len(items) == _MOST_LINES + 1:
            form.errors[f"{category}-name-{index}"] = _(
                "One call holds %(n)d lines. Please save these, and take the others as a second call.",
                n=_MOST_LINES,
            )
    return items


def _due(form: CallForm, category: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """By when: a preset, or a moment typed as local time."""
    preset, local = form.values.get(f"{category}-due", ""), now.astimezone(zone)
    match preset:
        case "2h":
            return now + timedelta(hours=2)
        case "today":
            # Said in the evening, "today" still leaves somebody an hour and a half.
            return max(datetime.combine(local.date(), time(18), zone), local + timedelta(minutes=90))
        case "tomorrow":
            return datetime.combine(local.date() + timedelta(days=1), time(12), zone)
        case "at":
            try:
                typed = datetime.fromisoformat(form.values.get(f"{category}-due-at", ""))
            except ValueError:
                form.errors[f"{category}-due-at"] = _("Please give day and time.")
                return None
            moment = typed.replace(tzinfo=zone)
            if moment <= now:
                form.errors[f"{category}-due-at"] = _("This moment has passed already.")
            elif moment > now + _FARTHEST:
                form.errors[f"{category}-due-at"] = _(
                    "That is more than %(n)d days ahead. Please check the date.", n=_FARTHEST.days
                )
            return moment
    return None


def _new_person(form: CallForm, campuses: dict[str, Campus], area_code: str) -> NewPerson | None:
    values, errors = form.values, form.errors
    name = _text(form, "new_name", 80)
    if not name:
        errors["new_name"] = _("Please write the caller's name.")
    campus = campuses.get(values.get("new_campus", ""))
    if campus is None:
        errors["new_campus"] = _("Please choose where they live.")
    phone = None
    try:
        phone = phones.parse(values.get("new_phone", ""), area_code)
    except phones.BadPhone as bad:
        errors["new_phone"] = refused.phone(bad.reason, area_code)
    address = _text(form, "new_address", 200)
    if not address and campus is not None and campus.reachable:
        errors["new_address"] = _("Please write the address: building, entrance, door.")
    if campus is None or phone is None:
        return None
    language = values.get("new_language", "zh")
    return NewPerson(
        name, phone, campus.id, _text(form, "new_area", 80), address,
        language if language in ("zh", "en") else "zh",
        same_as=same_as(values), surely_new=values.get("new_same") == NOBODY_KNOWN,
    )  # fmt: skip


def same_as(values: MultiDict[str, str]) -> int | None:
    """Whom on the roster a new caller is said to be."""
    return values.get("new_same", type=row_id)


def _add_phone(form: CallForm, area_code: str) -> phones.Phone | None:
    """The number that somebody called from who was first taken for new; read before, so it is one."""
    try:
        return phones.parse(form.values.get("add_phone", ""), area_code)
    except phones.BadPhone:
        return None


def _text(form: CallForm, name: str, longest: int) -> str:
    text = form.values.get(name, "").strip()
    if len(text) > longest:
        form.errors[name] = _("Please shorten this to %(n)d characters.", n=longest)
    return text
