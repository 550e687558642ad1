"""Configuration, all of it from environment variables. README.md has the table."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dispatcher import columns, logs
from dispatcher.rules.settings import DispatchSettings, check, parse_quiet_hours, with_overrides
from dispatcher.sms.twilio import TWILIO_URL


class ConfigurationError(RuntimeError):
    """A setting is missing or can't be understood; the message says which, for the operator."""


def from_environment(env: dict[str, str] | None = None) -> dict[str, Any]:
    """The Flask configuration.

    Raises:
        ConfigurationError: something is missing or wrong.
    """
    get = (dict(os.environ) if env is None else env).get
    data_dir = Path(get("DATA_DIR", "instance")).resolve()
    secret = get("SECRET_KEY", "")
    if len(secret) < 16:
        raise ConfigurationError("SECRET_KEY must be set to at least 16 random characters")
    public_url = get("PUBLIC_URL", f"http://127.0.0.1:{get('PORT', '8000')}").rstrip("/")
    database = get("DATABASE_URL", f"sqlite:///{data_dir}/dispatcher.db")
    return {
        "SECRET_KEY": secret,
        "DATA_DIR": data_dir,
        "SQLALCHEMY_DATABASE_URI": database,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(database),
        "REDIS_URL": get("REDIS_URL", "redis://127.0.0.1:6379/0"),
        "PUBLIC_URL": public_url,
        "HOTLINE_PHONE": get("HOTLINE_PHONE", "0351-7010000"),
        "AREA_CODE": get("AREA_CODE", "0351"),
        "ZONE": _zone(get("TIMEZONE", "Asia/Shanghai")),
        "DISPATCH": _dispatch(get("DISPATCH_SETTINGS", ""), get("QUIET_HOURS", "21:00-07:00")),
        "SMS_SIGNATURES": {
            "zh": _signature(get("SMS_SIGNATURE", "【离退休工作处】")),
            "en": _signature_en(get("SMS_SIGNATURE_EN", "[Retired Staff Office]")),
        },
        "SMS_TEXTS": Path(get("SMS_TEXTS") or data_dir / "texts.toml").resolve(),
        "TWILIO_ACCOUNT_SID": get("TWILIO_ACCOUNT_SID", ""),
        "TWILIO_AUTH_TOKEN": get("TWILIO_AUTH_TOKEN", ""),
        "TWILIO_API_BASE": get("TWILIO_API_BASE", TWILIO_URL),
        "TWILIO_MESSAGING_SERVICE_SID": get("TWILIO_MESSAGING_SERVICE_SID", ""),
        "HOTLINE_SMS_NUMBER": get("HOTLINE_SMS_NUMBER", ""),
        "METRICS_TOKEN": get("METRICS_TOKEN", ""),
        "LOG_FORMAT": _one_of("LOG_FORMAT", get("LOG_FORMAT", "text"), logs.FORMATS),
        "LOG_LEVEL": _one_of("LOG_LEVEL", get("LOG_LEVEL", "info").lower(), logs.LEVELS),
        "LOGIN_RATE": get("LOGIN_RATE", "20 per minute"),
        "LOGIN_RATE_ADDRESS": get("LOGIN_RATE_ADDRESS", "100 per 10 minutes"),
        "LOGIN_RATE_NAME": get("LOGIN_RATE_NAME", "60 per 10 minutes"),
        "LOGIN_RATE_ALL": get("LOGIN_RATE_ALL", "300 per minute"),
        "LINK_RATE": get("LINK_RATE", "60 per minute"),
        "UNDO": timedelta(seconds=_number("UNDO_S", get("UNDO_S", "60"))),
        "TRUSTED_PROXIES": _number("TRUSTED_PROXIES", get("TRUSTED_PROXIES", "0")),
        # Sessions: out of reach of scripts and of other sites, and of plain HTTP when we have TLS.
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": public_url.startswith("https://"),
        # Written at login only: a page that a volunteer opens by link sets no cookie, not even a
        # renewed one for a member of staff who tries it.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "SESSION_COOKIE_NAME": "dispatcher",
        "REMEMBER_COOKIE_SECURE": public_url.startswith("https://"),
        "PERMANENT_SESSION_LIFETIME": 14 * 3600,  # longer than a night shift
        "WTF_CSRF_TIME_LIMIT": 14 * 3600,  # a form left open through a shift must still save
        "MAX_CONTENT_LENGTH": 1_000_000,
        "BABEL_DEFAULT_LOCALE": "zh",
        "BABEL_DEFAULT_TIMEZONE": "UTC",
        "BABEL_TRANSLATION_DIRECTORIES": str(Path(__file__).parent.parent / "translations"),
        "RATELIMIT_HEADERS_ENABLED": False,
    }


RATES = ("LOGIN_RATE", "LOGIN_RATE_ADDRESS", "LOGIN_RATE_NAME", "LOGIN_RATE_ALL", "LINK_RATE")


def check_rates(settings: Mapping[str, Any]) -> None:
    """Refuse a limit that can't be understood: it would be no limit.

    Raises:
        ConfigurationError: see there.
    """
    from limits import parse_many  # takes a tenth of a second; a worker, which limits nothing, does without

    for name in RATES:
        try:
            parse_many(settings[name])
        except ValueError as error:
            raise ConfigurationError(f'{name} must be like "20 per minute": {settings[name]}') from error


def _engine_options(database: str) -> dict[str, Any]:
    # What is written to the database doesn't belong into the log of an error.
    options: dict[str, Any] = {"hide_parameters": True}
    if database.startswith("postgresql"):
        options |= {
            # A connection that a restart of the server has broken is noticed when taken, not in use.
            "pool_pre_ping": True,
            # Per process; two of the web's and one of SMS stay below the 100 connections that a server
            # allows by default.
            "pool_size": 5,
            "max_overflow": 25,
            # Less than PATIENCE_S: whoever waits longer for a row begins again.
            "connect_args": {"options": "-c lock_timeout=4s -c idle_in_transaction_session_timeout=60s"},
        }
    else:
        options["json_deserializer"] = columns.document
    return options


def _number(name: str, text: str) -> int:
    if not text.isdigit():
        raise ConfigurationError(f"{name} must be a whole number: {text}")
    return int(text)


def _one_of(name: str, text: str, words: Sequence[str]) -> str:
    if text not in words:
        raise ConfigurationError(f"{name} must be one of {', '.join(words)}: {text}")
    return text


def _signature(text: str) -> str:
    if text and not re.fullmatch(r"【[^【】\s]{2,12}】", text):
        raise ConfigurationError(f"SMS_SIGNATURE must be 2 to 12 characters in 【】, or empty: {text}")
    return text


def _signature_en(text: str) -> str:
    if not re.fullmatch(r"[ -~]{0,30}", text):
        raise ConfigurationError(f"SMS_SIGNATURE_EN must be at most 30 plain Latin characters: {text}")
    return f"{text.strip()} " if text.strip() else ""


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError) as error:
        raise ConfigurationError(f"TIMEZONE is no time zone: {name}") from error


def _dispatch(path: str, quiet: str) -> DispatchSettings:
    try:
        settings = DispatchSettings(quiet=parse_quiet_hours(quiet))
    except ValueError as error:
        raise ConfigurationError(f'QUIET_HOURS must be like "21:00-07:00" or "off": {quiet}') from error
    if not path:
        return settings
    try:
        with Path(path).open("rb") as file:
            changed = with_overrides(settings, tomllib.load(file))
        check(changed)
        return changed
    except (OSError, tomllib.TOMLDecodeError, ValueError, TypeError) as error:
        raise ConfigurationError(f"DISPATCH_SETTINGS {path}: {error}") from error
