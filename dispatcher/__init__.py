"""A dispatcher of volunteers: a call becomes a task, a task finds its volunteer."""

import os
import re
from pathlib import Path
from typing import Any

from flask import Flask, request

from dispatcher import broker, config, logs, metrics, models, private
from dispatcher.database import db
from dispatcher.sms import office_texts, texts
from dispatcher.sms.twilio import Signature, TwilioGateway

ROOT = Path(__file__).parent.parent

__all__ = ["create_app", "models"]


class _App(Flask):
    """Flask, but what goes wrong is logged by the name of the page, without its words: addresses may hold
    tokens, and what a database says may quote a row."""

    def log_exception(self, exc_info: Any) -> None:
        origin = logs.origin(exc_info[1])
        self.logger.error("exception in %s (%s): %s", request.endpoint, request.method, origin)


def create_app(overrides: dict[str, Any] | None = None, pages: bool = True) -> Flask:
    """The application, configured from the environment.

    `pages`: with all that people and machines ask for over HTTP, and the commands. A worker has neither, and
    starts in two thirds of the time.

    Raises:
        dispatcher.config.ConfigurationError: a setting is missing or wrong.
    """
    app = _App(
        "dispatcher",
        root_path=str(ROOT / "dispatcher"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.update(config.from_environment())
    app.config.update(overrides or {})
    logs.configure(app.config["LOG_FORMAT"], app.config["LOG_LEVEL"])
    kept = [app.config["DATA_DIR"]]
    if figures := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        kept.append(Path(figures))
    private.tighten(kept, app.config["SQLALCHEMY_DATABASE_URI"])
    metrics.start()

    db.init_app(app)
    broker.celery_init_app(app)
    app.extensions["gateway"] = TwilioGateway(
        account_sid=app.config["TWILIO_ACCOUNT_SID"],
        auth_token=app.config["TWILIO_AUTH_TOKEN"],
        sender=app.config["HOTLINE_SMS_NUMBER"],
        callback_url=app.config["PUBLIC_URL"] + "/sms/status",
        messaging_service=app.config["TWILIO_MESSAGING_SERVICE_SID"],
        base_url=app.config["TWILIO_API_BASE"],
    )
    texts.sign(app.config["SMS_SIGNATURES"])
    app.extensions["office_texts"] = office_texts.follow(app.config["SMS_TEXTS"])
    app.extensions["signature"] = Signature(app.config["TWILIO_AUTH_TOKEN"])
    if pages:
        _add_pages(app)
    return app


def _add_pages(app: Flask) -> None:
    # Here, because a worker would load them for nothing.
    from dispatcher import cli, web
    from dispatcher.extensions import babel, csrf, limiter, login_manager, migrate

    config.check_rates(app.config)
    app.config["RATELIMIT_STORAGE_URI"] = re.sub("^unix://", "redis+unix://", app.config["REDIS_URL"])
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {
        "socket_connect_timeout": 0.3,
        "socket_timeout": 0.3,
    }
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    csrf.init_app(app)
    login_manager.init_app(app)
    limiter.init_app(app)
    babel.init_app(app, locale_selector=web.language.select)
    web.init_app(app)
    cli.init_app(app)
