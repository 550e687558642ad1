"""Events, reasons and attention as sentences, in the reader's language; and the pages' filters."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.clock import utcnow
from dispatcher.models import Attention, Event, Message
from dispatcher.rules.codewords import code_word
from dispatcher.rules.order import TEXTS
from dispatcher.rules.phones import spoken
from dispatcher.sms import texts
from dispatcher.web import sender_words
from dispatcher.web.words import (
    ATTENTION,
    BAR,
    CATEGORY,
    CHANGED,
    HEARD,
    HOLD_END,
    LANE,
    MESSAGE_KIND,
    MESSAGE_STATE,
    OFFER_STATE,
    RETURN_OUTCOME,
    RETURN_STEP,
    ROLE,
    SOURCE,
    STATE,
    TEXT_USE,
    TROUBLE,
    URGENCY,
    WHEN,
    WHY_NO,
    gateway_refuses,
)

log = logging.getLogger(__name__)


def language() -> str:
    """The language of this page."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


def _zone() -> ZoneInfo:
    zone: ZoneInfo = current_app.config["ZONE"]
    return zone


def localtime(moment: datetime | None) -> str:
    """A moment as a time of today ("16:05") or with its date ("11-23 16:05")."""
    if moment is None:
        return ""
    local = moment.astimezone(_zone())
    same_day = local.date() == utcnow().astimezone(_zone()).date()
    return local.strftime("%H:%M" if same_day else "%m-%d %H:%M")


def exact(moment: datetime | None) -> str:
    """A moment in full, for those who hover or listen."""
    return moment.astimezone(_zone()).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def duetime(moment: datetime | None) -> str:
    """A moment as people say it: 今天16:00, tomorrow 09:00."""
    return texts.when(moment, utcnow(), _zone(), language()) if moment else ""


def clock_of_day(minutes: int) -> str:
    """Minutes since midnight as on a clock: 08:30, 24:00."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def yuan(fen: int | None) -> str:
    """An amount kept in fen, in yuan."""
    return "" if fen is None else f"¥{fen / 100:.2f}"


def items_line(items: list[dict[str, Any]]) -> str:
    """What to buy, in one line."""
    parts = []
    for item in items:
        words = [item.get("name"), item.get("strength"), item.get("amount")]
        parts.append(" ".join(str(w) for w in words if w))
    return ("; " if language() == "en" else "；").join(parts)


def changes_line(changes: list[dict[str, Any]]) -> str:
    """What has changed about a task, in one line: as the SMS says it, with nothing left out."""
    parts = [str(CHANGED[one["urgency"]]) for one in changes if one["kind"] == "urgency"]
    parts += [
        _("due %(when)s", when=duetime(_moment(one["due_at"]))) for one in changes if one["kind"] == "due"
    ]
    for one in changes:
        item = " ".join(filter(None, (one.get("name"), one.get("strength"))))
        if one["kind"] == "amount":
            parts.append(_("%(item)s is now %(amount)s", item=item, amount=one["amount"]))
        elif one["kind"] == "more":
            parts.append(_("also %(item)s", item=" ".join(filter(None, (item, one.get("amount"))))))
    parts += [_("they say: “%(said)s”", said=one["said"]) for one in changes if one["kind"] == "notes"]
    return _("; ").join(parts)


def waiting(entry: dict[str, Any]) -> str:
    """What a task waits for, and what happens, and when, if that doesn't come."""
    then = entry.get("then")
    return _("; ").join(filter(None, (reason(entry), reason(then) if then else "")))


def reason(entry: dict[str, Any]) -> str:
    """One reason of a choice ("same campus"), or what a task waits for."""
    match entry.get("code"):
        case "same_campus":
            return _("same campus")
        case "neighbour":
            return _("neighbouring campus")
        case "further":
            return _("another campus")
        case "on_duty_until":
            return _("on duty until %(time)s", time=localtime(_moment(entry["until"])))
        case "load":
            held, week = entry["held"], entry["week"]
            now_text = ngettext("holds %(num)d task", "holds %(num)d tasks", held)
            week_text = ngettext("%(num)d this week", "%(num)d this week", week)
            return f"{now_text}{_(', ')}{week_text}"
        case "never_asked":
            return _("never asked yet")
        case "accepts" if entry["tenths"] < 1:
            return _("rarely accepts")
        case "accepts":
            return _("accepts about %(tenths)d in 10", tenths=entry["tenths"])
        case "then_more":
            return _("asking more at %(time)s", time=localtime(_moment(entry["at"])))
        case "then_quiet":
            return _("quiet hours from %(time)s", time=localtime(_moment(entry["at"])))
        case "then_told":
            return _("a coordinator is told at %(time)s", time=localtime(_moment(entry["at"])))
        case "cannot_ask":
            return _("SMS can't leave: nobody can be asked")
        case "planning":
            return _("choosing whom to ask")
        case "answers":
            asked = entry.get("asked", 0)
            return ngettext("waiting for %(num)d answer", "waiting for %(num)d answers", asked)
        case "quiet_hours":
            return _("quiet hours; asking again at %(time)s", time=localtime(_moment(entry["until"])))
        case "nobody_left":
            return _("nobody left to ask")
        case "remote":
            return _("out of reach for volunteers: help by phone")
        case "volunteer":
            return _("waiting for the volunteer")
        case "retiree":
            return _("waiting for the retiree's word")
    return ""


def sentence(entries: list[dict[str, Any]]) -> str:
    """Several reasons in one line."""
    return _(", ").join(filter(None, map(reason, entries)))


def actor(event: Event) -> str:
    """Who did it."""
    return event.actor_name or _("System")


def event_text(event: Event) -> str:
    """What happened, in a sentence without its actor."""
    p = event.params
    texts_by_kind: dict[str, Any] = {
        "opened": lambda: _("Request saved"),
        "script_given": lambda: _("Life in danger: 120 script read to the caller"),
        "wave": lambda: ngettext(
            "Wave %(wave)s: asked %(num)d volunteer",
            "Wave %(wave)s: asked %(num)d volunteers",
            len(p.get("asked", [])),
            wave=p.get("wave"),
        ),
        "expired": lambda: _("%(name)s has not answered", name=p.get("volunteer", "")),
        "accepted": lambda: _("Accepted"),
        "too_late": lambda: _("Said yes, but it was taken already"),
        "declined": lambda: _("Declined"),
        "assigned": lambda: _("Assigned by hand to %(name)s", name=p.get("volunteer", "")),
        "underway": lambda: _("On the way"),
        "delivered": lambda: _("Delivered"),
        "undone": lambda: (
            _("Said too early: not delivered yet")
            if p.get("step") == "delivered"
            else _("Said too early: not on the way yet")
        ),
        "more_time": lambda: _("Needs %(m)s minutes more", m=p.get("minutes", "")),
        "trouble": lambda: _("Is stuck, and asks for a call"),
        "spent": lambda: _("Money laid out"),
        "receipt": lambda: _("Sent a picture of a receipt"),
        "paused": lambda: _("Pauses until %(time)s", time=localtime(_moment(p["until"]))),
        "resumed": lambda: _("Can be asked again"),
        "free": lambda: _("Free until %(time)s", time=localtime(_moment(p["until"]))),
        "busy": lambda: _("No longer free"),
        "settings": lambda: _("Has changed language or how many tasks at once"),
        "page_sent": lambda: _("Sent them the link to their own page"),
        "links_lost": lambda: _("All their links ended"),
        "handed_back": lambda: _("Handed back"),
        "all_well": lambda: _("Says all is well"),
        "problem": lambda: _("Says something is wrong"),
        "urgency": lambda: _(
            "Urgency changed: %(before)s → %(after)s",
            before=URGENCY.get(p.get("before", ""), ""),
            after=URGENCY.get(p.get("after", ""), ""),
        ),
        "repeat_call": lambda: _("Called again about the same need"),
        "read_back": lambda: _("The medicine was read back to the caller"),
        "return_call": lambda: RETURN_STEP.get(p.get("step", ""), ""),
        "shift_note": lambda: _("Left a note for the next shift"),
        "cancelled": lambda: _("Cancelled"),
        "closed": lambda: _("Closed by hand"),
        "reopened": lambda: _("Opened again"),
        "note": lambda: _("Note"),
        "attention": lambda: _("Put on the attention list: %(why)s", why=attention_reason(p)),
        "seen_to": lambda: _("Seen to: %(why)s", why=attention_reason(p)),
        "undelivered": lambda: _("An SMS could not be delivered (%(kind)s)", kind=_kind(p)),
        "resent": lambda: (
            _("An SMS was sent once more (%(kind)s)", kind=_kind(p))
            if event.actor == "staff"
            else _("The gateway never had an SMS of ours; it was sent again")
        ),
        "still_looking": lambda: _("Had the retiree told that we are still looking"),
        "seeing_to": lambda: _("Sees to it: %(why)s", why=attention_reason(p)),
        "let_go": lambda: _("Doesn't see to it after all: %(why)s", why=attention_reason(p)),
        "unclear_reply": lambda: _("A reply that could not be read"),
        "late_reply": lambda: _("Replied too late"),
        "not_asked": lambda: _(
            "The SMS to %(name)s was refused through no fault of theirs: not asked",
            name=p.get("volunteer", ""),
        ),
        "gateway_mended": lambda: _(
            "SMS leave again; they could not for %(minutes)s min", minutes=p.get("minutes", "")
        ),
        "opted_out": lambda: _(
            "The gateway says that %(name)s wants no more SMS",
            name=p.get("volunteer") or p.get("retiree", ""),
        ),
        "start_by_staff": lambda: _(
            "Says for %(name)s that SMS are wanted again", name=p.get("volunteer") or p.get("retiree", "")
        ),
        "thanks": lambda: _("Says thanks"),
        "stop": lambda: _("Sent STOP: no more SMS"),
        "start": lambda: _("Sent START: SMS again"),
    }
    make = texts_by_kind.get(event.kind)
    return str(make()) if make else event.kind


def event_detail(event: Event) -> str:
    """What else the event says: reasons given, words kept, money."""
    p = event.params
    why = TROUBLE if event.kind == "trouble" else WHY_NO
    parts = [
        str(why[p["reason"]]) if p.get("reason") in why else "",
        f"“{p['said']}”" if p.get("said") else "",
        items_line(p["items"]) if p.get("items") else "",
        yuan(p.get("spent_fen")),
    ]
    return " · ".join(part for part in parts if part)


def _kind(params: dict[str, Any]) -> str:
    return str(MESSAGE_KIND.get(params.get("message_kind", params.get("kind", "")), ""))


def attention_reason(p: dict[str, Any]) -> str:
    """Why something needs a person, short."""
    return str(ATTENTION.get(p.get("reason", ""), ""))


def attention_text(item: Attention) -> str:
    """What happened and what it means, in a sentence."""
    p = item.params
    person = item.volunteer.name if item.volunteer else (item.retiree.name if item.retiree else "")
    match item.reason:
        case "nobody_left":
            return _("Nobody is left to ask for this task. Please find somebody and assign by hand.")
        case "nobody_answered":
            return _("Everybody on duty was asked and nobody has answered. Please ring round.")
        case "too_few":
            return _("Too few people can be asked just now. They are being asked; please ring round too.")
        case "too_long":
            return _("Nobody has accepted in good time. We keep asking; please ring round too.")
        case "due_in_quiet_hours":
            return _("It is due before the quiet hours end, so nobody is being asked. Please decide.")
        case "remote":
            return _(
                "%(name)s lives out of reach. Please call and arrange help by phone, "
                "an online order or a relative.",
                name=person,
            )
        case "call_retiree" if p.get("because") == "landline":
            return _("%(name)s has only a landline. Please call and say:", name=person)
        case "call_retiree" if p.get("because") == "stopped":
            return _("%(name)s wants no more SMS. Please call and say:", name=person)
        case "call_retiree":
            return _("An SMS to %(name)s could not be delivered. Please call and say:", name=person)
        case "volunteer_unreachable" if p.get("kind") == "assigned":
            return _("%(name)s accepted, but the details could not be delivered. Please call.", name=person)
        case "volunteer_unreachable" if p.get("kind") == "assigned_by_hand":
            return _(
                "%(name)s was given this by hand, but the details could not be delivered. Please call.",
                name=person,
            )
        case "volunteer_unreachable" if p.get("kind") != "offer":
            return _("%(name)s could not be told by SMS (%(kind)s). Please call.", name=person, kind=_kind(p))
        case "volunteer_unreachable" if p.get("code") == "unknown":
            return _(
                "Nobody knows whether an offer to %(name)s arrived. Somebody else is being asked.",
                name=person,
            )
        case "volunteer_unreachable" if p.get("fault") == "unclear":
            return _(
                "An offer to %(name)s did not arrive; the gateway gives no clear reason (code %(code)s). "
                "Somebody else is being asked.",
                name=person, code=p.get("code") or "–",
            )  # fmt: skip
        case "volunteer_unreachable":
            return _("An offer to %(name)s could not be delivered. Please check the number.", name=person)
        case "overdue" if p.get("heard_at"):
            return _(
                "Last heard from the volunteer at %(time)s: %(word)s. Nothing since. Please call and ask.",
                time=localtime(_moment(p["heard_at"])), word=_heard(p),
            )  # fmt: skip
        case "overdue":
            return _("The volunteer has not been heard of since. Please call and ask.")
        case "volunteer_problem":
            said = f" “{p['said']}”" if p.get("said") else ""
            return _(
                "%(name)s is stuck (%(what)s).%(said)s Please call.",
                name=person, what=TROUBLE.get(p.get("what", ""), ""), said=said,
            )  # fmt: skip
        case "no_word":
            return _("Delivered, but no word from %(name)s. Please call and ask:", name=person)
        case "retiree_problem":
            said = f" “{p['said']}”" if p.get("said") else ""
            return _("%(name)s says something is wrong.%(said)s Please call.", name=person, said=said)
        case "repeat_call":
            return _("%(name)s has called again about this. It may be worse than it seemed.", name=person)
        case "unclear_reply" | "call_for_help":
            return sender_words.sentence(item)
        case "stopped" if p.get("phone"):
            return _(
                "%(name)s wants no more SMS on %(phone)s. What they must know has to be said by telephone.",
                name=person, phone=spoken(p["phone"]),
            )  # fmt: skip
        case "stopped":
            return _("%(name)s wants no more SMS. Please call before relying on them.", name=person)
        case "gateway_setting":
            return gateway_refuses(p, " " if language() == "en" else "")
        case "cannot_ask":
            return _("SMS can't leave just now, so nobody can be asked by SMS. Please ring round.")
        case "text_refused":
            return _(
                "The SMS gateway refuses the text of this offer (code %(code)s). "
                "Please ring round, and have the SMS texts looked at.",
                code=p.get("code") or "–",
            )
        case "software":
            return _("Something in this task keeps the software from asking. Please assign by hand.")
        case "webhooks_refused":
            return _("Replies by SMS are being refused: check TWILIO_AUTH_TOKEN and PUBLIC_URL.")
        case "disk_low":
            return _(
                "The server has only %(mb)s MB of disk space left. Nothing can be saved once it is full.",
                mb=p.get("free_mb", ""),
            )
        case "unworded" if item.task_id is not None:
            return _(
                "The SMS of this offer could not be put into words and was not sent. "
                "Please ring round, and have the texts and the log looked at."
            )
        case "unworded":
            return _(
                "An SMS (%(kind)s) could not be put into words and was not sent. "
                "Please have the texts and the log looked at.",
                kind=_kind(p) or p.get("kind", ""),
            )
        case "unreadable":
            return _(
                "Something that is kept about %(name)s can't be read, so they may not be asked. Please look "
                "at their duty hours, and have the database checked (flask check-rows).",
                name=person,
            )
        case "outcome_unknown":
            return _(
                "Nobody knows whether an SMS to %(name)s went out (%(kind)s). Please call.",
                name=person,
                kind=_kind(p),
            )
    return ""


def _heard(p: dict[str, Any]) -> str:
    """What a volunteer said last, short: what holds them up, or which step, and their own words."""
    what = TROUBLE.get(p.get("what", "")) or HEARD.get(p.get("heard", ""))
    said = f"“{p['said']}”" if p.get("said") else ""
    return " ".join(filter(None, (str(what) if what else "", said))) or _("a word from them")


def words_to_say(item: Attention) -> str:
    """What to say on the phone, word for word, in the retiree's language; or nothing."""
    kind, words = item.params.get("kind"), item.params.get("words")
    if not words or item.retiree is None or kind not in texts.catalogue("zh")["say"]:
        return ""
    return texts.say(kind, item.retiree.language, words, utcnow(), _zone())


def message_words(message: Message) -> str:
    """What a message was about, short."""
    return str(MESSAGE_KIND.get(message.kind, message.kind))


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value)


def _or_said_so(worded: Callable[..., str]) -> Callable[..., str]:
    """`worded`, but of a row that it can't word it says so: one such row must not cost the whole page."""

    @wraps(worded)
    def safely(about: Any, *more: Any) -> str:
        try:
            return worded(about, *more)
        except Exception as error:  # noqa: BLE001 (whatever the row holds)
            log.warning(
                "%s of %s %s: %s",
                worded.__name__, type(about).__name__, getattr(about, "id", ""), type(error).__name__,
            )  # fmt: skip
            return _("(can't be shown)")

    return safely


def safely_drawn(draw: Callable[[Any], str], instead: Callable[[Any], str], about: Any) -> str:
    """What the macro `draw` makes of `about`; what `instead` makes of it where that fails: one thing that
    can't be drawn must not cost the whole page."""
    try:
        return draw(about)
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever the row holds)
        row = getattr(about, "task", None) if hasattr(about, "attention") else about
        log.warning(
            "%s %s can't be drawn: %s", type(row).__name__, getattr(row, "id", ""), type(error).__name__
        )
        return instead(about)


OF_ROWS = (
    spoken, localtime, exact, duetime, clock_of_day, yuan, items_line, waiting, changes_line, sentence,
    event_text,
    event_detail, actor, attention_reason, attention_text, words_to_say, message_words, code_word,
)  # fmt: skip
"""What templates say of what rows hold, as filters of these names."""

OF_TEXTS: dict[str, Callable[..., Any]] = {
    "text_senders": sender_words.senders,
    "text_unknown": sender_words.unknown,
    "text_who": sender_words.who,
    "text_number": sender_words.number,
    "text_main": sender_words.main,
    "text_others": sender_words.others,
    "text_quote": sender_words.quote,
    "moment": _moment,
}
"""The same of the texts that nothing was done with."""


def init_app(app: Flask) -> None:
    """Register filters and globals of the templates."""
    app.jinja_env.filters.update({worded.__name__: _or_said_so(worded) for worded in OF_ROWS})
    app.jinja_env.filters.update({name: _or_said_so(worded) for name, worded in OF_TEXTS.items()})
    app.jinja_env.globals.update(
        CATEGORY=CATEGORY, URGENCY=URGENCY, STATE=STATE, LANE=LANE, OFFER_STATE=OFFER_STATE,
        MESSAGE_STATE=MESSAGE_STATE, WHY_NO=WHY_NO, TROUBLE=TROUBLE, BAR=BAR, ROLE=ROLE, SOURCE=SOURCE,
        RETURN_OUTCOME=RETURN_OUTCOME, TEXT_USE=TEXT_USE, TEXTS=TEXTS, WHEN=WHEN,
        HOLD_END=HOLD_END, safely_drawn=safely_drawn,
    )  # fmt: skip
    app.context_processor(
        lambda: {
            "language": language(),
            "now": utcnow(),
            "hotline": app.config["HOTLINE_PHONE"],
        }
    )
