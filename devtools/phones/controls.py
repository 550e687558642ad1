"""The fault controls: what they are, which values they take, and what they decide for a request."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

from devtools.phones import errors

Value = bool | int | float | str | list[str] | None

LANDLINE_POLICIES = ("reject", "undelivered")
DELIVERY_ERROR_STATUSES = ("undelivered", "failed")
CALLBACK_STATUSES = ("queued", "sending", "sent", "delivered", "undelivered", "failed")
MAX_SECONDS = 3600.0


class ControlError(ValueError):
    """A control does not exist or cannot take the value given; the message says which."""


@dataclass(frozen=True, slots=True)
class Field:
    """One control: its kind, its value after a reset, its bounds, and whether a phone may have its own."""

    kind: Literal["seconds", "count", "share", "flag", "code", "choice", "words"]
    default: Value
    per_phone: bool = True
    choices: tuple[str, ...] = ()


FIELDS: dict[str, Field] = {
    "api_latency_s": Field("seconds", 0.0),
    "jitter_s": Field("seconds", 0.0, per_phone=False),
    "status_delay_s": Field("seconds", 0.3),
    "fail_next": Field("count", 0),
    "fail_rate": Field("share", 0.0),
    "fail_status": Field("count", 500),
    "fail_code": Field("count", errors.SERVER_ERROR),
    "hang_next": Field("count", 0),
    "drop_next": Field("count", 0),
    "hang_s": Field("seconds", 30.0),
    "rate_limit_per_s": Field("count", None, per_phone=False),
    "reject_code": Field("code", None),
    "reject_for_s": Field("seconds", 0.0),
    "reject_regions": Field("words", [], per_phone=False),
    "delivery_error": Field("code", None),
    "delivery_error_status": Field("choice", "undelivered", choices=DELIVERY_ERROR_STATUSES),
    "repeat_callbacks": Field("count", 1),
    "reorder_callbacks": Field("flag", False),
    "callbacks_off": Field("flag", False),
    "callback_delay_s": Field("seconds", 0.0),
    "callback_statuses": Field(
        "words", ["sent", "delivered", "undelivered", "failed"], per_phone=False, choices=CALLBACK_STATUSES
    ),
    "inbound_repeat": Field("count", 1),
    "landline_policy": Field("choice", "reject", per_phone=False, choices=LANDLINE_POLICIES),
    "blocked_regions": Field("words", [], per_phone=False),
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one request to send: nothing special, held back ("hang"), or lost ("drop")."""

    kind: Literal["normal", "hang", "drop"] = "normal"
    hold_s: float = 0.0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def checked(name: str, value: Any) -> Value:
    """`value` in the form control `name` keeps it. Raises ControlError when it does not fit."""
    field = FIELDS.get(name)
    if field is None:
        raise ControlError(f"there is no control {name!r}")
    if value is None:
        return None
    wanted = ""
    if field.kind == "flag":
        wanted = "" if isinstance(value, bool) else "true or false"
    elif field.kind == "seconds":
        fits = _is_number(value) and 0 <= value <= MAX_SECONDS
        wanted = "" if fits else f"seconds from 0 to {MAX_SECONDS:g}"
    elif field.kind == "share":
        wanted = "" if _is_number(value) and 0 <= value <= 1 else "a share from 0 to 1"
    elif field.kind in ("count", "code"):
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        wanted = "" if whole else "a whole number, 0 or more"
    elif field.kind == "choice":
        wanted = "" if value in field.choices else "one of " + ", ".join(field.choices)
    else:
        listed = isinstance(value, list) and all(isinstance(word, str) for word in value)
        allowed = listed and (not field.choices or set(value) <= set(field.choices))
        wanted = "" if allowed else "a list of " + (", ".join(field.choices) or "words")
    if wanted:
        raise ControlError(f"{name} must be {wanted}")
    return float(value) if field.kind in ("seconds", "share") else value


def _unfold(changes: Mapping[str, Any]) -> dict[str, Value]:
    """Check `changes` and spell them out.

    `fail_next` may be `{"n": 2, "status": 503, "code": 20503}`; an error code given without an HTTP
    status brings its usual one.
    """
    plain = dict(changes)
    fail = plain.get("fail_next")
    if isinstance(fail, dict):
        if not set(fail) <= {"n", "status", "code"}:
            raise ControlError("fail_next takes n, status and code")
        plain["fail_next"] = fail.get("n", 1)
        plain |= {f"fail_{key}": fail[key] for key in ("status", "code") if key in fail}
    found = {name: checked(name, value) for name, value in plain.items()}
    code = found.get("fail_code")
    if isinstance(code, int) and "fail_status" not in found:
        found["fail_status"] = errors.usual_status(code)
    return found


class Controls:
    """The controls in force: one set for the server, and single ones set for single phones."""

    def __init__(self) -> None:
        """Start with everything working."""
        self._lock = Lock()
        self._random = random.Random()
        self.reset()

    def reset(self) -> None:
        """Back to everything working, for the server and for all phones."""
        with self._lock:
            self._server: dict[str, Value] = {name: field.default for name, field in FIELDS.items()}
            self._phones: dict[str, dict[str, Value]] = {}
            self._sends: deque[float] = deque()
            self._rejecting_since: dict[str, float] = {}

    def as_json(self) -> dict[str, Value]:
        """The server's controls."""
        with self._lock:
            return dict(self._server)

    def phone_json(self, number: str) -> dict[str, Value]:
        """The controls set for this phone alone."""
        with self._lock:
            return dict(self._phones.get(number, {}))

    def update(self, changes: Mapping[str, Any]) -> None:
        """Set some of the server's controls; null takes one back to its default. All or nothing."""
        found = _unfold(changes)
        with self._lock:
            if "reject_code" in found:
                self._rejecting_since[""] = time.monotonic()
            for name, value in found.items():
                self._server[name] = FIELDS[name].default if value is None else value

    def check_phone(self, changes: Mapping[str, Any]) -> dict[str, Value]:
        """`changes` checked for a phone, to be given to update_phone(). Raises ControlError."""
        found = _unfold(changes)
        for name in found:
            if not FIELDS[name].per_phone:
                raise ControlError(f"{name} can be set for the whole server only")
        return found

    def update_phone(self, number: str, found: Mapping[str, Value]) -> None:
        """Set controls for one phone; None lets the server's value count again."""
        with self._lock:
            own = self._phones.setdefault(number, {})
            if "reject_code" in found:
                self._rejecting_since[number] = time.monotonic()
            for name, value in found.items():
                if value is None:
                    own.pop(name, None)
                else:
                    own[name] = value

    def _get(self, name: str, number: str | None) -> Value:
        own = self._phones.get(number, {}) if number else {}
        return own.get(name, self._server[name])

    def seconds(self, name: str, number: str | None = None) -> float:
        """A control that is a time, in seconds."""
        return float(self._any(name, number) or 0.0)

    def whole(self, name: str, number: str | None = None) -> int | None:
        """A control that is a count or a code; None when it is not set."""
        value = self._any(name, number)
        return None if value is None else int(value)

    def flag(self, name: str, number: str | None = None) -> bool:
        """A control that is on or off."""
        return bool(self._any(name, number))

    def text(self, name: str, number: str | None = None) -> str:
        """A control that is one of several words."""
        return str(self._any(name, number))

    def words(self, name: str) -> list[str]:
        """A control that is a list of words."""
        return list(self._any(name, None))

    def _any(self, name: str, number: str | None) -> Any:
        with self._lock:
            return self._get(name, number)

    def latency_s(self, number: str | None = None) -> float:
        """How long to wait before looking at an API request, in seconds."""
        return self.seconds("api_latency_s", number) + self.jitter_s()

    def jitter_s(self) -> float:
        """A random time from 0 up to the jitter set, in seconds."""
        return self.seconds("jitter_s") * self._random.random()

    def fate_of_send(self, number: str) -> Fate:
        """Decide what a request to send to `number` meets, and use up the counter that decided it.

        Raises TwilioError when it is to be refused: over the rate limit, or a failure that was asked for.
        """
        with self._lock:
            self._hold_rate()
            share = float(self._get("fail_rate", number) or 0.0)  # type: ignore[arg-type]
            if self._use_up("fail_next", number) or (share and self._random.random() < share):
                code: Any = self._get("fail_code", number)
                status: Any = self._get("fail_status", number)
                raise errors.TwilioError(code, status=status)
            hold_s: Any = self._get("hang_s", number)
            if self._use_up("drop_next", number):
                return Fate("drop", hold_s)
            if self._use_up("hang_next", number):
                return Fate("hang", hold_s)
            return Fate()

    def rejection(self, number: str, region: str | None) -> int | None:
        """The code with which a message to `number`, of `region`, is refused, if it is.

        As set for this phone, or else for all, or all of `reject_regions`; for `reject_for_s` seconds from
        then on, if that is set.
        """
        with self._lock:
            by_phone = "reject_code" in self._phones.get(number, {})
            code: Any = self._get("reject_code", number)
            for_s: Any = self._get("reject_for_s", number)
            regions: Any = self._server["reject_regions"]
            since = self._rejecting_since.get(number if by_phone else "", 0.0)
        over = for_s and time.monotonic() - since > for_s
        elsewhere = not by_phone and regions and region not in regions
        return None if not code or over or elsewhere else int(code)

    def _hold_rate(self) -> None:
        limit: Any = self._server["rate_limit_per_s"]
        if limit is None:
            return
        now = time.monotonic()
        while self._sends and self._sends[0] <= now - 1.0:
            self._sends.popleft()
        if len(self._sends) >= limit:
            raise errors.TwilioError(errors.TOO_MANY_REQUESTS)
        self._sends.append(now)

    def _use_up(self, counter: str, number: str) -> bool:
        for values in (self._phones.get(number, {}), self._server):
            left = values.get(counter)
            if isinstance(left, int) and left > 0:
                values[counter] = left - 1
                return True
        return False
