"""What the gateway tells us: status callbacks and incoming SMS, only with its signature."""

import hmac
import re
from typing import cast

from flask import Blueprint, Response, abort, current_app, request
from flask.typing import ResponseReturnValue

from dispatcher.clock import utcnow
from dispatcher.extensions import csrf
from dispatcher.services import inbound, receipts, refusals
from dispatcher.services.receipts import Receipt
from dispatcher.sms import signed_fields
from dispatcher.sms.gateway import Incoming
from dispatcher.web.forms import row_id
from dispatcher.web.typed import Typed

blueprint = Blueprint("webhooks", __name__, url_prefix="/sms")
csrf.exempt(blueprint)

_MOST_SID, _MOST_STATUS = 64, 20
"""More than the gateway ever sends, in characters, and as much as is kept."""

_MOST_FROM, _MOST_PICTURES, _MOST_URL = 100, 10, 500
"""So much is kept of a sender, who may be no phone; so many pictures of one SMS, and addresses of so many
characters."""
_STATUS_NEEDS, _INBOUND_NEEDS = ("MessageSid", "MessageStatus"), ("MessageSid", "Body")
_STATUS_QUERY = re.compile(r"(m=\d{1,19})?")

_EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


@blueprint.before_request
def _signed() -> None:
    """Refuse what the gateway hasn't signed.

    The URL is the one we configured, not the request's own, which a proxy may have rewritten.
    """
    url = current_app.config["PUBLIC_URL"] + request.path
    if request.query_string:
        url += "?" + request.query_string.decode("latin-1")
    signature = request.headers.get("X-Twilio-Signature", "")
    token_set = bool(current_app.config["TWILIO_AUTH_TOKEN"])
    checker = current_app.extensions["signature"]
    signed = cast(Typed, request.form).raw.to_dict()
    if not token_set or not checker.valid(url, signed, signature):
        refusals.refused(_looks_like_the_gateways(signature, signed), utcnow())
        abort(403)
    if not _means_one_thing():
        abort(400)
    refusals.accepted(utcnow())


def _looks_like_the_gateways(signature: str, form: dict[str, str]) -> bool:
    """Whether a refused request knows what the gateway knows: else anybody could raise an alarm."""
    account = current_app.config["TWILIO_ACCOUNT_SID"]
    known = hmac.compare_digest(form.get("AccountSid", "").encode(), account.encode())
    return bool(account and known and signature and form.get("MessageSid"))


def _means_one_thing() -> bool:
    """Whether what was signed can't be cut into an address and fields in another way."""
    status = request.endpoint == "webhooks.status"
    if status and not _STATUS_QUERY.fullmatch(request.query_string.decode("latin-1")):
        return False
    fields = cast(Typed, request.form).raw.to_dict(flat=False)
    return signed_fields.mean_one_thing(
        fields, current_app.config["TWILIO_ACCOUNT_SID"], _STATUS_NEEDS if status else _INBOUND_NEEDS
    )


@blueprint.post("/status")
def status() -> ResponseReturnValue:
    """A status callback."""
    form = request.form.to_dict()
    gateway_id, said = form.get("MessageSid", ""), form.get("MessageStatus", "")
    if not 0 < len(gateway_id) <= _MOST_SID or not 0 < len(said) <= _MOST_STATUS:
        abort(400)
    receipts.take_in(Receipt(request.args.get("m", type=row_id), gateway_id, said, form, utcnow()))
    return "", 204


@blueprint.post("/inbound")
def incoming() -> ResponseReturnValue:
    """An incoming SMS, whoever sent it: a phone, a name, nobody who is named."""
    form = request.form
    sid = form.get("MessageSid", "")
    if not 0 < len(sid) <= _MOST_SID:
        abort(400)
    sender, body = form.get("From", "").strip()[:_MOST_FROM], form.get("Body", "")[:2000]
    inbound.receive(Incoming(sid, sender, body, form.get("OptOutType", ""), _pictures()), utcnow())
    return Response(_EMPTY_TWIML, mimetype="text/xml")


def _pictures() -> tuple[str, ...]:
    """The addresses of what came with an SMS. Nothing is fetched from there."""
    said = request.form.get("NumMedia", "")
    number = int(said) if said.isascii() and said.isdigit() and len(said) < 4 else 0
    return tuple(request.form.get(f"MediaUrl{n}", "")[:_MOST_URL] for n in range(min(number, _MOST_PICTURES)))
