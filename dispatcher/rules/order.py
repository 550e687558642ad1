"""In which order everything that may need a person is shown, on every page that shows it."""

from datetime import datetime
from enum import IntEnum, StrEnum

UNCLEAR_REPLY, CALL_FOR_HELP = "unclear_reply", "call_for_help"
ALARMS = ("gateway_setting", "webhooks_refused", "disk_low")
"""The reasons of what keeps the whole office from being told, or from telling."""

PRESSING = (CALL_FOR_HELP, *ALARMS)
"""What presses by its reason alone."""

TEXTS = (UNCLEAR_REPLY, CALL_FOR_HELP)
"""The reasons of what is about a text, whatever task it may have been about."""


class Sender(StrEnum):
    """Whose phone a text came from; of somebody who is several of these, the first."""

    RETIREE = "retiree"
    CONTACT = "contact"
    VOLUNTEER = "volunteer"
    STRANGER = "stranger"


class Place(IntEnum):
    """The order of what is shown, the first first.

    The texts of retirees and of those who look after them come before those of volunteers: a volunteer who
    gets no answer calls the hotline, an old person may not. Strangers come last, even those who call for
    help: anybody can send such a text, any number of times.
    """

    DANGER = 0
    CALL_FOR_HELP = 1
    ALARM = 2
    TASK_NEEDS_PERSON = 3
    OTHER_NEED = 4
    TASK = 5
    TEXT_OF_RETIREE = 6
    TEXT_OF_VOLUNTEER = 7
    STRANGER_CALLS_FOR_HELP = 8
    TEXT_OF_STRANGER = 9


def place_of_task(danger: bool, needs_person: bool) -> Place:
    """Where a task stands: first of all if a life is in danger, then if something of it needs a person."""
    if danger:
        return Place.DANGER
    return Place.TASK_NEEDS_PERSON if needs_person else Place.TASK


def place_of_text(reason: str, sender: Sender) -> Place:
    """Where a text stands."""
    if sender is Sender.STRANGER:
        return Place.STRANGER_CALLS_FOR_HELP if reason == CALL_FOR_HELP else Place.TEXT_OF_STRANGER
    if reason == CALL_FOR_HELP:
        return Place.CALL_FOR_HELP
    return Place.TEXT_OF_VOLUNTEER if sender is Sender.VOLUNTEER else Place.TEXT_OF_RETIREE


def turn(place: Place, raised_at: datetime, message_id: int | None) -> tuple[int, float, int]:
    """A key that sorts what needs a person: by place, and within one whatever has waited longest first.

    Texts that don't call for help are turned round, the newest first: what was just said can still be
    answered in time, and whoever writes again is seen again.
    """
    if place >= Place.TEXT_OF_RETIREE:
        return place, 0.0, -(message_id or 0)
    return place, raised_at.timestamp(), 0
