"""`[[outputs]]` of quivive.toml: who is told of alerts, incidents and accesses (docs/outputs.md).

Called by `settings`. Pure but for parsing addresses. Must never hold a secret: the webhook's comes from a file.
"""

import ipaddress
from collections.abc import Collection
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import msgspec

from quivive.model.errors import ConfigurationError
from quivive.model.ids import SOURCE_NAME_PATTERN


class OutputKind(StrEnum):
    OCSF = "ocsf"
    CEF = "cef"
    WEBHOOK = "webhook"


class Told(StrEnum):
    """What an output is told."""

    ALERTS = "alerts"
    INCIDENTS = "incidents"
    ACCESSES = "accesses"


_MAY_TELL: Final = {
    OutputKind.OCSF: {Told.ACCESSES},
    OutputKind.CEF: set(Told),
    OutputKind.WEBHOOK: {Told.ALERTS, Told.INCIDENTS},
}
_SCHEMES: Final = {
    OutputKind.OCSF: {"tcp", "tls"},
    OutputKind.CEF: {"tcp", "tls"},
    OutputKind.WEBHOOK: {"https", "http"},
}


class OutputSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[outputs]]`: one receiver."""

    name: str
    kind: OutputKind
    target: str
    tell: tuple[Told, ...] = ()
    controllers: tuple[str, ...] = ()
    secret_file: str = ""
    target_ca: str = ""
    private_networks: tuple[str, ...] = ()

    @property
    def told(self) -> set[Told]:
        """What is told: everything the kind can tell when nothing is listed."""
        return set(self.tell) or set(_MAY_TELL[self.kind])


def check_outputs(outputs: Collection[OutputSettings], controllers: Collection[str], file: str) -> None:
    """Check names, targets, what may be told, companies and networks.

    Raises:
        ConfigurationError: one is wrong.
    """
    names: set[str] = set()
    for output in outputs:
        key = f"outputs.{output.name}"
        if not SOURCE_NAME_PATTERN.fullmatch(output.name) or output.name in names:
            _wrong(file, key, "2 to 48 of a-z, 0-9, -, each once", output.name)
        names.add(output.name)
        _check_target(output, file, key)
        if extra := set(output.tell) - _MAY_TELL[output.kind]:
            _wrong(file, f"{key}.tell", ", ".join(sorted(_MAY_TELL[output.kind])), ", ".join(sorted(extra)))
        if unknown := set(output.controllers) - set(controllers):
            _wrong(file, f"{key}.controllers", "a file of controllers/", ", ".join(sorted(unknown)))
        if (output.kind is OutputKind.WEBHOOK) != bool(output.secret_file):
            _wrong(file, f"{key}.secret_file", "a file for a webhook, none otherwise", output.secret_file or "nothing")
        for network in output.private_networks:
            _check_network(network, file, key)


def _check_target(output: OutputSettings, file: str, key: str) -> None:
    expected = " or ".join(sorted(f"{scheme}://" for scheme in _SCHEMES[output.kind]))
    parts = urlsplit(output.target)
    try:
        port = parts.port
    except ValueError:
        port = None
    web = output.kind is OutputKind.WEBHOOK
    if parts.scheme not in _SCHEMES[output.kind] or not parts.hostname or (port is None and not web) or parts.username:
        _wrong(file, f"{key}.target", expected, "another address")


def _check_network(network: str, file: str, key: str) -> None:
    try:
        ipaddress.ip_network(network)
    except ValueError:
        _wrong(file, f"{key}.private_networks", "a network, for example 10.1.0.0/16", network)


def _wrong(file: str, key: str, expected: str, found: str) -> None:
    raise ConfigurationError(file=file, key=key, expected=expected, found=found)
