"""Who wrote a text and what it says, in words: of the one item in which the texts of a phone stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from dispatcher.models import Attention
from dispatcher.rules.order import CALL_FOR_HELP, Sender
from dispatcher.rules.phones import spoken
from dispatcher.services.loose_texts import KEPT_CHARACTERS
from dispatcher.services.senders import number_of

LONG = 140
"""Characters of a text where one sentence has to suffice."""


@dataclass(frozen=True)
class Named:
    """Somebody to whom the phone may belong: their `name`, the address of their page, and in which part."""

    name: str
    url: str
    part: str = ""

    def __str__(self) -> str:
        return _("%(name)s (%(part)s)", name=self.name, part=self.part) if self.part else self.name


def senders(item: Attention) -> list[Named]:
    """All to whom the phone may belong; nobody for a stranger's."""
    people = item.params.get("people")
    if people is not None:
        return [_named(person) for person in people]
    if item.volunteer is not None:  # from before they were kept
        return [Named(item.volunteer.name, url_for("people.person", volunteer_id=item.volunteer_id))]
    if item.retiree is not None:
        return [Named(item.retiree.name, url_for("hotline.person", retiree_id=item.retiree_id))]
    return []


def _named(person: Mapping[str, Any]) -> Named:
    if person["as"] == Sender.VOLUNTEER:
        return Named(person["name"], url_for("people.person", volunteer_id=person["id"]), _("volunteer"))
    url = url_for("hotline.person", retiree_id=person["id"])
    if person["as"] == Sender.RETIREE:
        return Named(person["name"], url)
    contact, relation = person.get("contact", ""), person.get("relation", "")
    if relation:
        part = _("%(relation)s, emergency contact of %(name)s", relation=relation, name=person["name"])
    else:
        part = _("emergency contact of %(name)s", name=person["name"])
    return Named(contact or person["name"], url, part)


def number(item: Attention) -> str:
    """The phone to call, or empty: one that came by another channel can be called all the same."""
    return number_of(item.params.get("phone", ""))


def unknown(item: Attention) -> str:
    """A sender whom nobody knows: the phone as it is read, or the name as it was given."""
    given = str(item.params.get("phone", ""))
    channel, colon, _rest = given.partition(":")
    found = number_of(given)
    if found and colon:
        return f"{channel.capitalize()} {spoken(found)}"
    return spoken(found) if found else given or _("a sender who is not named")


def who(item: Attention) -> str:
    """Whose text it is, in a phrase."""
    people = [str(person) for person in senders(item)]
    if not people:
        return unknown(item)
    names = _(", ").join(people)
    return names if len(people) == 1 else _("one of these: %(names)s", names=names)


def main(item: Attention) -> dict[str, Any]:
    """What has to be read of it: the call for help if there is one, else the newest text."""
    p = item.params
    said, pictures = p.get("said", ""), p.get("pictures", 0)
    if item.reason == CALL_FOR_HELP and p.get("help"):
        said, pictures = p["help"], 0
    kept = _kept(item, said)
    times = kept["times"] if kept else 1
    return {"said": said, "pictures": pictures, "times": times if times < p.get("count", 1) else 1}


def others(item: Attention) -> list[dict[str, Any]]:
    """The other texts that are kept in it, the newest first."""
    shown = _kept(item, main(item)["said"])
    return [text for text in item.params.get("texts", ()) if text is not shown]


def _kept(item: Attention, said: str) -> dict[str, Any] | None:
    texts: list[dict[str, Any]] = item.params.get("texts", [])
    return next((text for text in texts if text["said"] == said[:KEPT_CHARACTERS]), None)


def quote(text: Mapping[str, Any], most: int = 0) -> str:
    """A text in quotation marks (no more than `most` characters of it), and what came with it."""
    said = str(text.get("said") or "").strip()
    if most and len(said) > most:
        said = said[:most].rstrip() + "…"
    parts = [f"“{said}”"] if said else []
    if pictures := text.get("pictures", 0):
        parts.append(ngettext("a picture came", "%(num)d pictures came", pictures))
    if (times := text.get("times", 1)) > 1:
        parts.append(f"×{times}")
    return " ".join(parts) if said or pictures else " ".join([_("(no text)"), *parts])


def sentence(item: Attention) -> str:
    """Who wrote what, and what it means, in a sentence."""
    name, said = who(item), quote(main(item), LONG)
    if item.reason == CALL_FOR_HELP:
        text = _("%(name)s may be calling for help: %(said)s. Please call at once.", name=name, said=said)
        return text + (f" {lost()}" if item.params.get("why") == "phone_lost" else "")
    if item.params.get("why") == "phone_lost":
        return _(
            "The lost phone of %(name)s wrote: %(said)s. Somebody else may have written it.",
            name=name, said=said,
        )  # fmt: skip
    return _("%(name)s wrote: %(said)s. Nothing was done with it.", name=name, said=said)


def lost() -> str:
    """A word of caution about a phone that was lost."""
    return _("Their phone is lost: somebody else may have written it.")
