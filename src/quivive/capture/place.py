"""From where and with what an access was made: declared networks and declared applications, never an address.

Called by the relay's recorder once per connection and by the access intake once per row. Pure. Must never return
a text that was not declared in quivive.toml: what is not declared is "other", what is not known is "".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from quivive.privacy.pseudonym import ControllerKeys, session_key
from quivive.rows import Row

OTHER: Final = "other"
"""A network or an application that nobody declared."""
_MAPPED_BITS: Final = 96  # of ::ffff:0:0/96, in which a socket of both families shows IPv4


class Zones:
    """The declared networks of `[zones.NAME]`; of two that hold an address the narrower counts."""

    def __init__(self, declared: Mapping[str, Sequence[str]]) -> None:
        """`declared`: CIDR texts by zone name, already checked by the settings."""
        found = [(_as_v6(cidr), name) for name, cidrs in declared.items() for cidr in cidrs]
        self._networks = sorted(found, key=lambda each: (-each[0].prefixlen, each[1]))

    def zone(self, address: str) -> str:
        """Name of the zone of an address; "other" outside all of them, "" when nothing is known or declared."""
        if not self._networks or not address:
            return ""
        try:
            ip = _mapped(ip_address(address.partition("%")[0]))
        except ValueError:
            return ""
        return next((name for network, name in self._networks if ip in network), OTHER)


class Programs:
    """The declared applications of a source. `crm*` declares every name that begins with `crm`, told as `crm`."""

    def __init__(self, declared: Iterable[str]) -> None:
        names = tuple(declared)
        self._exact = {name.casefold(): name for name in names if not name.endswith("*")}
        self._begins = [(name[:-1].casefold(), name[:-1]) for name in names if name.endswith("*")]

    def program(self, said: str, *, may_be_a_login: bool = False) -> str:
        """Declared name of what a program calls itself; "other" for another, "" when it says nothing.

        `may_be_a_login`: the field carries agents' logins on this source, so that "other" would tell nothing.
        """
        wanted = said.strip().casefold()
        if not wanted or not (self._exact or self._begins):
            return ""
        found = self._exact.get(wanted) or next((name for begin, name in self._begins if wanted.startswith(begin)), "")
        return found or ("" if may_be_a_login else OTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a row tells of where: names declared in quivive.toml, and a keyed pseudonym. Each may be ""."""

    zone: str
    workstation: str
    program: str


def read_place(row: Row, zones: Zones, programs: Programs, keys: ControllerKeys, *, withheld: bool) -> Place:
    """Read `address`, `workstation` and `program` of a row; a withheld agent's place is withheld like his session.

    Raises:
        FieldError: `address` is no IP address, or a field is no text.
    """
    address, workstation, program = (row.text(name, default="") for name in ("address", "workstation", "program"))
    if address and not _is_address(address):
        raise row.wrong("address", "an IP address")
    return Place(
        zone="" if withheld else zones.zone(address),
        workstation=workstation_key(keys, workstation) if workstation and not withheld else "",
        program=programs.program(program),
    )


def workstation_key(keys: ControllerKeys, text: str) -> str:
    """Pseudonym of a workstation within its controller; names compare trimmed and case-folded."""
    return session_key(keys, f"workstation\x1f{text.strip().casefold()}")


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _as_v6(cidr: str) -> IPv6Network:
    network = ip_network(cidr, strict=False)
    if isinstance(network, IPv6Network):
        return network
    return IPv6Network((_mapped(network.network_address), network.prefixlen + _MAPPED_BITS))


def _mapped(address: IPv4Address | IPv6Address) -> IPv6Address:
    return address if isinstance(address, IPv6Address) else IPv6Address(f"::ffff:{address}")


NO_ZONES: Final = Zones({})
NO_PROGRAMS: Final = Programs(())
