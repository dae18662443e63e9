"""Addresses of `quivive.toml`: `host:port` or the path of a Unix socket.

Called by `settings` and by whoever listens or connects. Pure. Must never resolve a name.
"""

from typing import Final

from quivive.model.errors import ConfigurationError

PORT_MAX: Final = 65_535


def parse_address(text: str, key: str) -> tuple[str, int] | str:
    """Read `host:port` or `unix:/path` into (host, port) or the path.

    Raises:
        ConfigurationError: neither form.
    """
    if text.startswith("unix:/"):
        return text.removeprefix("unix:")
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= PORT_MAX:
        raise ConfigurationError(file="quivive.toml", key=key, expected="host:port or unix:/path", found=text)
    return host.strip("[]"), int(port)
