"""Settings of the simulator, read from the environment and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

DEFAULT_PORT = 8001


class ConfigError(ValueError):
    """A setting is missing or cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the simulator needs to know before it starts.

    `account_sid` and `auth_token` are what the product signs in with and what webhooks are signed with.
    `inbound_url` is the product's webhook for messages from phones; without it replies are kept on the
    phone but go nowhere. `hotline_number` is the product's own number (E.164).
    """

    account_sid: str
    auth_token: str
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    inbound_url: str | None = None
    hotline_number: str | None = None

    def __post_init__(self) -> None:
        """Refuse what could not work or would open the simulator to other machines."""
        if not self.account_sid or not self.auth_token:
            raise ConfigError("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN must both be set")
        if not is_loopback(self.host):
            raise ConfigError(f"the simulator listens on loopback only, not on {self.host!r}")


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address without port) means this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def from_environment(env: Mapping[str, str], *, port: int | None, data_dir: str | None) -> Settings:
    """Build the settings from `env`; `port` and `data_dir` from the command line win over it.

    Raises ConfigError when something needed is missing or malformed.
    """
    chosen_dir = data_dir or env.get("DATA_DIR")
    if not chosen_dir:
        raise ConfigError("name a directory for the simulator's data with --data or DATA_DIR")
    if port is None:
        text = env.get("PHONES_PORT") or str(DEFAULT_PORT)
        try:
            port = int(text)
        except ValueError:
            raise ConfigError(f"PHONES_PORT is not a number: {text!r}") from None
    return Settings(
        account_sid=env.get("TWILIO_ACCOUNT_SID", ""),
        auth_token=env.get("TWILIO_AUTH_TOKEN", ""),
        data_dir=Path(chosen_dir),
        port=port,
        inbound_url=env.get("SMS_INBOUND_URL") or None,
        hotline_number=env.get("HOTLINE_SMS_NUMBER") or None,
    )
