"""`[zones.NAME]` of quivive.toml, and `programs` of its sources: where an access came from, and by which application.

Called by `settings`. Pure. Must never let a network or a name through that could not be compared.
"""

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Final

import msgspec

from quivive.model.errors import ConfigurationError
from quivive.model.ids import SOURCE_NAME_PATTERN

_PROGRAM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,46}\*?")


class ZoneSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[zones.NAME]`: a network from which accesses come, the site and country it stands for."""

    cidrs: tuple[str, ...]
    site: str = ""
    country: str = ""


def check_zones(zones: Mapping[str, ZoneSettings], programs: Mapping[str, Sequence[str]], file: str) -> None:
    """Check the declared networks, and the applications of each source by name.

    Raises:
        ConfigurationError: a name, country or network is wrong.
    """
    for name, zone in zones.items():
        key = f"zones.{name}"
        if not SOURCE_NAME_PATTERN.fullmatch(name) or name == "other":
            expected = "2 to 48 of a-z, 0-9, - (not `other`)"
            raise ConfigurationError(file=file, key=key, expected=expected, found=name)
        if zone.country and not (len(zone.country) == 2 and zone.country.isascii() and zone.country.isupper()):
            expected = "a country code, for example FR"
            raise ConfigurationError(file=file, key=f"{key}.country", expected=expected, found=zone.country)
        for cidr in zone.cidrs:
            try:
                ip_network(cidr, strict=False)
            except ValueError:
                expected = "a network, for example 10.20.0.0/16"
                raise ConfigurationError(file=file, key=f"{key}.cidrs", expected=expected, found=cidr) from None
    for name, named in programs.items():
        for program in named:
            if not _PROGRAM.fullmatch(program):
                key, expected = f"sources.{name}.programs", "names of applications, a final * for any ending"
                raise ConfigurationError(file=file, key=key, expected=expected, found=program)
