"""The web application: the provider's API, the JSON for scripts, and the page."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from devtools.phones import control_api, pages, twilio_api
from devtools.phones.config import is_loopback
from devtools.phones.simulator import Simulator

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(simulator: Simulator) -> Flask:
    """The WSGI application for `simulator`."""
    app = Flask(__name__)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.register_blueprint(twilio_api.blueprint(simulator))
    app.register_blueprint(twilio_api.services_blueprint(simulator))
    app.register_blueprint(control_api.blueprint(simulator))
    app.register_blueprint(pages.blueprint())

    @app.before_request
    def refuse_foreign_hosts() -> ResponseReturnValue | None:
        # A foreign page whose name has been pointed at this machine arrives with its own host name.
        # The provider's API needs no such guard: it asks for the account's token.
        if _is_provider_api() or is_loopback(_host_name()):
            return None
        return jsonify({"error": "this host name is not served here"}), 403

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.errorhandler(HTTPException)
    def answer_http_error(error: HTTPException) -> ResponseReturnValue:
        if _is_provider_api():
            return twilio_api.answer_http_error(error)
        if request.path.startswith("/api/"):
            return jsonify({"error": error.description or error.name}), error.code or 500
        return pages.error_page(error.code or 500)

    return app


def _is_provider_api() -> bool:
    return request.path.startswith((twilio_api.PREFIX + "/", twilio_api.SERVICES_PREFIX + "/"))


def _host_name() -> str:
    try:
        return urlsplit("//" + request.host).hostname or ""
    except ValueError:
        return ""
