"""For watchdogs: is the process alive, and would a call be answered as promised?"""

from dataclasses import asdict

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from dispatcher.clock import utcnow
from dispatcher.services import health

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Alive."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Everything that help depends on; 503 when something is wrong. Ages in seconds."""
    found = health.check(utcnow())
    body = {"status": "ok" if found.ready else "wrong", **asdict(found)}
    return jsonify(body), 200 if found.ready else 503
