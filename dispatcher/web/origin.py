"""Where a request comes from, as far as limits go by it."""

import hashlib
from ipaddress import IPv6Address, ip_address, ip_network

from flask import current_app, request


def address() -> str:
    """The network address; of IPv6 the half that one customer has, who may use any address in it."""
    try:
        found = ip_address(request.remote_addr or "127.0.0.1")
    except ValueError:
        return str(request.remote_addr)  # a socket's path, or a name that a proxy has set
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
    return str(found)


def address_hash() -> str:
    """The address as it is kept."""
    return keyed_hash(f"address {address()}")


def keyed_hash(text: str) -> str:
    """A hash that tells nothing of `text` to whoever doesn't have our secret."""
    secret = hashlib.sha256(current_app.secret_key.encode()).digest()  # type: ignore[union-attr]
    return hashlib.blake2b(text.encode("utf-8", "replace"), key=secret, digest_size=16).hexdigest()
