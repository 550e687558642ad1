"""The provider's messages API as its real client library meets it."""

from __future__ import annotations

import hmac
import socket
from contextlib import suppress

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from devtools.phones import errors, numbers, resources
from devtools.phones.callbacks import API_VERSION
from devtools.phones.controls import Fate
from devtools.phones.errors import TwilioError
from devtools.phones.http_server import SOCKET_KEY
from devtools.phones.simulator import Simulator

PREFIX = f"/{API_VERSION}"
SERVICES_PREFIX = "/v1/Services"
MAX_BODY_CHARS = 1600


def blueprint(simulator: Simulator) -> Blueprint:
    """The routes under /2010-04-01, answering for the account of `simulator`'s settings."""
    routes = Blueprint("twilio_api", __name__, url_prefix=PREFIX)
    store, controls, settings = simulator.store, simulator.controls, simulator.settings

    @routes.errorhandler(TwilioError)
    def answer_error(error: TwilioError) -> tuple[Response, int]:
        return jsonify(error.as_json()), error.status

    @routes.before_request
    def sign_in() -> None:
        given = request.authorization
        user = (given.username if given else None) or ""
        password = (given.password if given else None) or ""
        right_user = hmac.compare_digest(user.encode(), settings.account_sid.encode())
        right_password = hmac.compare_digest(password.encode(), settings.auth_token.encode())
        if not (right_user and right_password):
            raise TwilioError(errors.AUTHENTICATE)
        if (request.view_args or {}).get("account_sid") != settings.account_sid:
            raise TwilioError(errors.NOT_FOUND, request.path)

    @routes.post("/Accounts/<account_sid>/Messages.json")
    def create(account_sid: str) -> tuple[Response, int]:
        to_number = numbers.normalise(request.form.get("To", ""))
        simulator.scheduler.pause(controls.latency_s(to_number))
        fate = controls.fate_of_send(to_number)
        if fate.kind == "drop":
            simulator.scheduler.pause(fate.hold_s)
            return _hang_up()
        body = request.form.get("Body", "")
        from_number = numbers.normalise(request.form.get("From", "")) or None
        service_sid = request.form.get("MessagingServiceSid") or None
        _refuse_if_wrong(to_number, from_number or service_sid, body)
        message = store.add_outgoing(
            to_number=to_number,
            from_number=from_number,
            body=body,
            status_callback=request.form.get("StatusCallback") or None,
            service_sid=service_sid,
        )
        resource = resources.message_resource(message, account_sid)
        simulator.walker.start(message)
        _hold(fate)
        return jsonify(resource), 201

    def _hold(fate: Fate) -> None:
        if fate.kind == "hang":
            simulator.scheduler.pause(fate.hold_s)

    def _refuse_if_wrong(to_number: str, sender: str | None, body: str) -> None:
        """Raise TwilioError, in the order the provider checks, when the message cannot be taken."""
        if not to_number:
            raise TwilioError(errors.TO_MISSING)
        if sender is None:
            raise TwilioError(errors.FROM_MISSING)
        if not body:
            raise TwilioError(errors.BODY_MISSING)
        if len(body) > MAX_BODY_CHARS:
            raise TwilioError(errors.BODY_TOO_LONG)
        if not numbers.is_dialable(to_number):
            raise TwilioError(errors.INVALID_TO, to_number)
        code = controls.rejection(to_number, numbers.region(to_number))
        if code:
            raise TwilioError(code, to_number)
        if numbers.region(to_number) in controls.words("blocked_regions"):
            raise TwilioError(errors.REGION_NOT_ENABLED, to_number)
        phone = store.state_of(to_number)
        if phone.landline and controls.text("landline_policy") == "reject":
            raise TwilioError(errors.NOT_MOBILE, to_number)
        if phone.opted_out:
            raise TwilioError(errors.OPTED_OUT)

    @routes.get("/Accounts/<account_sid>/Messages/<sid>.json")
    def fetch(account_sid: str, sid: str) -> Response:
        simulator.scheduler.pause(controls.latency_s())
        message = store.get(sid)
        if message is None:
            raise TwilioError(errors.NOT_FOUND, request.path)
        return jsonify(resources.message_resource(message, account_sid))

    @routes.get("/Accounts/<account_sid>/Messages.json")
    def listing(account_sid: str) -> Response:
        simulator.scheduler.pause(controls.latency_s())
        wanted = resources.Filter.from_query(request.args)
        # One phone's messages are few; only a list without a phone has to go through all.
        phone = next((n for n in (wanted.to_number, wanted.from_number) if n and store.select(n)), None)
        return jsonify(resources.page(store.select(phone), request.args, account_sid))

    return routes


def services_blueprint(simulator: Simulator) -> Blueprint:
    """The messaging services, each of which has the one number of `simulator`'s settings."""
    routes = Blueprint("twilio_services", __name__, url_prefix=SERVICES_PREFIX)
    settings = simulator.settings

    @routes.get("/<service_sid>/PhoneNumbers")
    def numbers_of(service_sid: str) -> tuple[Response, int]:
        given = request.authorization
        if given is None or (given.username, given.password) != (settings.account_sid, settings.auth_token):
            return jsonify(TwilioError(errors.AUTHENTICATE).as_json()), 401
        number = settings.hotline_number
        found = [{"sid": "PN0", "service_sid": service_sid, "phone_number": number}] if number else []
        url = f"https://messaging.twilio.com{request.path}"
        meta = {
            "page": 0, "page_size": 50, "key": "phone_numbers", "url": url, "first_page_url": url,
            "previous_page_url": None, "next_page_url": None,
        }  # fmt: skip
        return jsonify({"phone_numbers": found, "meta": meta}), 200

    return routes


def answer_http_error(error: HTTPException) -> tuple[Response, int]:
    """An address or method the API does not have, in the API's own form."""
    status = error.code or 500
    code = {404: errors.NOT_FOUND, 405: errors.METHOD_NOT_ALLOWED}.get(status, errors.SERVER_ERROR)
    return jsonify(TwilioError(code, request.path, status=status).as_json()), status


def _hang_up() -> tuple[Response, int]:
    """Close the connection, so that the client waits in vain; the answer given back reaches nobody."""
    connection: socket.socket | None = request.environ.get(SOCKET_KEY)
    if connection is not None:
        # The client may have given up first; then there is nothing left to close.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return jsonify({}), 500
