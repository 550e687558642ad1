"""The provider's JSON for messages: single resources, and lists with filters and pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from devtools.phones import numbers
from devtools.phones.callbacks import API_VERSION
from devtools.phones.errors import DELIVERY_ERRORS
from devtools.phones.models import TO_PHONE, Json, Message

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000
_PAGE_MARK = "PA"


def _rfc2822(moment: float | None) -> str | None:
    return None if moment is None else format_datetime(datetime.fromtimestamp(int(moment), UTC))


def messages_path(account_sid: str) -> str:
    """The path of an account's list of messages, without its ending."""
    return f"/{API_VERSION}/Accounts/{account_sid}/Messages"


def message_resource(message: Message, account_sid: str) -> Json:
    """`message` as the API describes it."""
    path = f"{messages_path(account_sid)}/{message.sid}"
    unassigned = message.service_sid is not None and message.from_number is None
    return {
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": _rfc2822(message.at),
        "date_sent": _rfc2822(message.sent_at),
        "date_updated": _rfc2822(message.updated_at),
        "direction": "outbound-api" if message.direction == TO_PHONE else "inbound",
        "error_code": message.error_code,
        "error_message": DELIVERY_ERRORS.get(message.error_code) if message.error_code else None,
        "from": message.from_number,
        "messaging_service_sid": message.service_sid,
        "num_media": "0",
        # The provider cannot count before a sender is chosen.
        "num_segments": "0" if unassigned else str(message.segments),
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": message.to_number,
        "uri": f"{path}.json",
    }


@dataclass(frozen=True, slots=True)
class Period:
    """A span of whole seconds in Unix time: from `start` up to but not including `end`."""

    start: float
    end: float


def _period(text: str) -> Period | None:
    """The day or second that `text` names; None when it is no date.

    Client libraries write every date as a moment, so midnight exactly stands for the whole day.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    whole_day = moment.time() == datetime.min.time()
    length = timedelta(days=1) if whole_day else timedelta(seconds=1)
    return Period(moment.timestamp(), (moment + length).timestamp())


@dataclass(frozen=True, slots=True)
class Filter:
    """Which messages a list request asks for; None means any."""

    to_number: str | None
    from_number: str | None
    on: Period | None
    not_before: Period | None
    not_after: Period | None

    @classmethod
    def from_query(cls, args: MultiDict[str, str]) -> Filter:
        """Read the query of a list request; dates that are none are passed over, as the API does."""

        def number(name: str) -> str | None:
            text = args.get(name)
            # An unescaped "+" in a query arrives as a space.
            return numbers.normalise("+" + text[1:] if text.startswith(" ") else text) if text else None

        def period(name: str) -> Period | None:
            return _period(args.get(name, ""))

        return cls(number("To"), number("From"), period("DateSent"), period("DateSent>"), period("DateSent<"))

    def takes(self, message: Message) -> bool:
        """Whether `message` is asked for. Not yet sent means no date, so no filter by date takes it."""
        if self.to_number is not None and message.to_number != self.to_number:
            return False
        if self.from_number is not None and message.from_number != self.from_number:
            return False
        if self.on is None and self.not_before is None and self.not_after is None:
            return True
        if message.sent_at is None:
            return False
        sent_at = float(int(message.sent_at))
        return not (
            (self.on is not None and not self.on.start <= sent_at < self.on.end)
            or (self.not_before is not None and sent_at < self.not_before.start)
            or (self.not_after is not None and sent_at >= self.not_after.end)
        )


def page(messages: Iterable[Message], args: MultiDict[str, str], account_sid: str) -> Json:
    """One page of `messages` (oldest first given, newest first returned), as the query `args` asks for.

    Later pages start after the message named in their token, so that new messages do not shift them.
    """
    wanted = Filter.from_query(args)
    size = min(max(_whole(args.get("PageSize"), DEFAULT_PAGE_SIZE), 1), MAX_PAGE_SIZE)
    index = max(_whole(args.get("Page"), 0), 0)
    found = [message for message in messages if wanted.takes(message)]
    found.reverse()
    start = index * size
    token = args.get("PageToken", "")
    if token.startswith(_PAGE_MARK):
        last_sid = token.removeprefix(_PAGE_MARK)
        after = (place for place, message in enumerate(found, start=1) if message.sid == last_sid)
        start = next(after, start)
    chosen = found[start : start + size]

    def uri(number: int, page_token: str | None = None) -> str:
        query = {key: value for key, value in args.items() if key not in ("Page", "PageToken", "PageSize")}
        query |= {"PageSize": str(size), "Page": str(number)}
        if page_token:
            query["PageToken"] = page_token
        return f"{messages_path(account_sid)}.json?{urlencode(query)}"

    more = start + size < len(found)
    return {
        "end": index * size + max(len(chosen) - 1, 0),
        "first_page_uri": uri(0),
        "messages": [message_resource(message, account_sid) for message in chosen],
        "next_page_uri": uri(index + 1, _PAGE_MARK + chosen[-1].sid) if more else None,
        "page": index,
        "page_size": size,
        "previous_page_uri": uri(index - 1) if index else None,
        "start": index * size,
        "uri": uri(index, token or None),
    }


def _whole(text: str | None, default: int) -> int:
    try:
        return int(text) if text else default
    except ValueError:
        return default
