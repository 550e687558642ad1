"""JSON for scripts, tests and the page: phones, conversations, replies and fault controls."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from devtools.phones import numbers
from devtools.phones.controls import ControlError
from devtools.phones.inbound import NoHotlineError, SwitchedOffError
from devtools.phones.models import Json
from devtools.phones.simulator import Simulator
from devtools.phones.store import SWITCHES

MAX_LABEL_CHARS = 60


class BadRequestError(Exception):
    """The request cannot be carried out; answered with `status` and the reason as JSON."""

    def __init__(self, reason: str, status: int = 400) -> None:
        """`reason` is for the person who wrote the script."""
        super().__init__(reason)
        self.reason = reason
        self.status = status


def blueprint(simulator: Simulator) -> Blueprint:
    """The routes under /api."""
    routes = Blueprint("control_api", __name__, url_prefix="/api")
    store, controls = simulator.store, simulator.controls

    @routes.errorhandler(BadRequestError)
    def answer_bad_request(error: BadRequestError) -> tuple[Response, int]:
        return jsonify({"error": error.reason}), error.status

    @routes.errorhandler(ControlError)
    def answer_control_error(error: ControlError) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 400

    @routes.before_request
    def require_json() -> None:
        # A form on a foreign page can post here, but not with this content type.
        if request.method == "POST" and not request.is_json:
            raise BadRequestError("the content type must be application/json", 415)

    @routes.get("/control")
    def read_control() -> Response:
        return jsonify(controls.as_json())

    @routes.post("/control")
    def write_control() -> Response:
        controls.update(_object())
        return jsonify(controls.as_json())

    @routes.post("/reset")
    def reset() -> Response:
        simulator.reset()
        return jsonify({"ok": True})

    @routes.get("/phones")
    def list_phones() -> Response:
        return jsonify(store.phones_json())

    @routes.get("/phones/<number>")
    def read_phone(number: str) -> Response:
        return jsonify(_phone(_number(number)))

    @routes.post("/phones/<number>")
    def write_phone(number: str) -> Response:
        number = _number(number)
        changes = _object()
        read = changes.pop("read", False)
        switches = {name: _switch(name, changes.pop(name)) for name in SWITCHES if name in changes}
        overrides = controls.check_phone(changes)
        if switches:
            store.set_switches(number, **switches)
        if overrides:
            controls.update_phone(number, overrides)
        if read is True:
            store.mark_read(number)
        return jsonify(_phone(number))

    @routes.get("/phones/<number>/messages")
    def read_conversation(number: str) -> Response:
        return jsonify(store.messages_json(_number(number)))

    @routes.post("/phones/<number>/messages")
    def reply(number: str) -> tuple[Response, int]:
        body = _object().get("body")
        if not isinstance(body, str) or not body.strip():
            raise BadRequestError("body must be a text that is not empty")
        try:
            return jsonify(simulator.inbound.reply(_number(number), body)), 201
        except SwitchedOffError:
            raise BadRequestError("this phone is switched off", 409) from None
        except NoHotlineError:
            raise BadRequestError("no hotline number is set, nobody to reply to", 409) from None

    @routes.get("/messages")
    def feed() -> Response:
        limit = _query_number("limit")
        if limit == 0:
            raise BadRequestError("limit must be 1 or more")
        return jsonify(
            store.feed(
                since=_query_number("since") or 0,
                changed_since=_query_number("changed_since"),
                limit=limit,
            )
        )

    def _phone(number: str) -> Json:
        return {**store.phone_json(number), "controls": controls.phone_json(number)}

    return routes


def _number(text: str) -> str:
    # Some clients leave the "+" of a path as it is, some decode it to a space; both mean the same.
    number = numbers.normalise("+" + text.strip().removeprefix("+"))
    if not numbers.is_e164(number):
        raise BadRequestError(f"not an E.164 phone number: {text!r}", 404)
    return number


def _object() -> dict[str, Any]:
    content = request.get_json(silent=True)
    if not isinstance(content, dict):
        raise BadRequestError("the body must be a JSON object")
    return content


def _switch(name: str, value: object) -> bool | str | None:
    if name == "label":
        if value is None or (isinstance(value, str) and len(value) <= MAX_LABEL_CHARS):
            return value or None
        raise BadRequestError(f"label must be a text of at most {MAX_LABEL_CHARS} characters, or null")
    if isinstance(value, bool) or (name == "landline" and value is None):
        return value
    raise BadRequestError(f"{name} must be true or false")


def _query_number(name: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise BadRequestError(f"{name} must be a whole number, 0 or more")
    return int(text)
