"""Pages and endpoints: one blueprint for each of the people, and for machines."""

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from dispatcher.web import (
    auth,
    board,
    cards,
    design,
    errors,
    figures,
    forecast,
    health,
    hotline,
    language,
    live,
    loose_texts,
    office,
    paper,
    people,
    receipts,
    seeing,
    several,
    turnstile,
    volunteer,
    volunteer_self,
    webhooks,
    wording,
)
from dispatcher.web.typed import TypedRequest

__all__ = ["init_app", "language"]

_CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


def init_app(app: Flask) -> None:
    """Register everything people and machines can ask for."""
    app.request_class = TypedRequest
    seeing.init_app(app)
    modules = (
        auth, hotline, volunteer, volunteer_self, board, several, loose_texts, people, paper, receipts, cards,
        figures, forecast, office, design, webhooks, health, language, seeing,
    )  # fmt: skip
    for module in modules:
        app.register_blueprint(module.blueprint)
    app.register_blueprint(volunteer_self.for_staff)
    errors.init_app(app)
    wording.init_app(app)
    live.init_app(app)
    app.after_request(_secure)
    turnstile.init_app(app, _secure)
    if hops := app.config["TRUSTED_PROXIES"]:
        # Only as many forwarding headers are believed as there are proxies of ours in front.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]


def _secure(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _CSP)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.path.startswith(("/o/", "/v/")):
        # The address is the key to somebody's door: not to be kept, passed on or indexed, whatever
        # the answer is.
        headers["Cache-Control"] = "no-store"
        headers["Referrer-Policy"] = "no-referrer"
        headers["X-Robots-Tag"] = "noindex, nofollow"
    headers.setdefault("Referrer-Policy", "same-origin")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static":
        # Pages hold personal data: no copy in shared caches or in the history of a shared desk.
        headers.setdefault("Cache-Control", "no-store")
    return response
