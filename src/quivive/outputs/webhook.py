"""Signed webhooks (Standard Webhooks 1.0): payload, signature, where they may go, and one delivery.

Called by the sender. Must never follow a redirect, never reach a private address that is not listed, and never put
more into a payload than codes and instants: the receiver opens the console for the rest.
"""

import http.client
import ipaddress
import json
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import SplitResult, urlsplit

from standardwebhooks import Webhook

from quivive.model.clock import SECOND_US, Micros, to_rfc3339
from quivive.model.errors import QuiviveError
from quivive.outputs.news import News

TIMEOUT_S: Final = 15.0
_ACCEPTED: Final = range(200, 300)


class RefusedTargetError(QuiviveError):
    """The target resolves to an address that a webhook may not reach."""


class DeliveryError(QuiviveError):
    """Not accepted; it is tried again."""


def payload(news: News) -> bytes:
    """The body: thin, and the same each time it is tried."""
    data = {
        "controller": news.controller,
        "id": news.id,
        "severity": news.severity,
        "state": news.state,
        "topic": news.topic,
    }
    text = {"data": data, "timestamp": to_rfc3339(Micros(news.at)), "type": str(news.kind)}
    return json.dumps(text, sort_keys=True, separators=(",", ":")).encode()


def headers(secret: str, message_id: str, body: bytes, now: int) -> dict[str, str]:
    """Headers of one attempt; `now` in microseconds UTC."""
    at = datetime.fromtimestamp(now // SECOND_US, UTC)
    return {
        "content-type": "application/json",
        "user-agent": "quivive",
        "webhook-id": message_id,
        "webhook-signature": Webhook(secret).sign(message_id, at, body.decode()),
        "webhook-timestamp": str(now // SECOND_US),
    }


def refuse_private(address: str, private_networks: Sequence[str]) -> None:
    """Let an address of the internet through, or one of the listed networks.

    Raises:
        RefusedTargetError: it is private, loopback, link-local, reserved or a metadata service.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or found
    if inner.is_global and not inner.is_multicast:
        return
    if any(inner in ipaddress.ip_network(network) for network in private_networks):
        return
    raise RefusedTargetError("the target is a private address that private_networks does not list")


def deliver(target: str, body: bytes, signed: dict[str, str], *, private_networks: Sequence[str], ca: str = "") -> None:
    """Send once, to the very address that was checked.

    Raises:
        DeliveryError: not accepted. RefusedTargetError: it may not go there.
    """
    parts = urlsplit(target)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        for *_, place in found:
            refuse_private(str(place[0]), private_networks)
        with socket.create_connection((str(found[0][4][0]), port), TIMEOUT_S) as plain:
            status = _exchange(plain, parts, body, signed, ca)
    except (OSError, http.client.HTTPException) as error:
        raise DeliveryError(f"no answer ({type(error).__name__})") from error
    if status not in _ACCEPTED:
        raise DeliveryError(f"answered {status}")


def _exchange(plain: socket.socket, parts: SplitResult, body: bytes, signed: dict[str, str], ca: str) -> int:
    host = str(parts.hostname)
    connection = http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=ca or None)
        connection.sock = context.wrap_socket(plain, server_hostname=host)
    else:
        connection.sock = plain
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", path, body, signed)
        return connection.getresponse().status
    finally:
        connection.close()
