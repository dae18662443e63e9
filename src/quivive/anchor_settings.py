"""`[witnesses]` and `[timestamps]` of quivive.toml: who else holds the operator's log to what it was.

Called by `settings`. Pure but for reading the files that are named. Must never let an authority through whose tokens
could not be checked: each has its own roots.
"""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from quivive.model.errors import ConfigurationError
from quivive.model.ids import SOURCE_NAME_PATTERN


class WitnessesSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[witnesses]`: a trust policy (c2sp.org/tlog-policy) whose witnesses have addresses."""

    policy: str = ""
    every_s: int = 60
    alarm_after_s: int = 900


class AuthoritySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[timestamps.authorities]]`: an RFC 3161 service, and the file of its root certificates."""

    name: str
    url: str
    roots: str


class TimestampsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[timestamps]`: authorities in the order in which they are asked."""

    every_s: int = 3_600
    authorities: tuple[AuthoritySettings, ...] = ()


def check_anchors(home: Path, witnesses: WitnessesSettings, timestamps: TimestampsSettings, file: str) -> None:
    """Check names, addresses, files and intervals.

    Raises:
        ConfigurationError: one is wrong.
    """
    if witnesses.policy and not (home / witnesses.policy).is_file():
        _wrong(file, "witnesses.policy", "a file of the data folder", witnesses.policy)
    for key, value in (("witnesses.every_s", witnesses.every_s), ("timestamps.every_s", timestamps.every_s)):
        if not 10 <= value <= 86_400:
            _wrong(file, key, "10 to 86400", str(value))
    names: set[str] = set()
    for authority in timestamps.authorities:
        key = f"timestamps.authorities.{authority.name}"
        if not SOURCE_NAME_PATTERN.fullmatch(authority.name) or authority.name in names:
            _wrong(file, key, "2 to 48 of a-z, 0-9, -, each once", authority.name)
        names.add(authority.name)
        if urlsplit(authority.url).scheme not in ("http", "https"):
            _wrong(file, f"{key}.url", "an address that begins with http", authority.url)
        if not (home / authority.roots).is_file():
            _wrong(file, f"{key}.roots", "a file of the data folder", authority.roots)


def _wrong(file: str, key: str, expected: str, found: str) -> None:
    raise ConfigurationError(file=file, key=key, expected=expected, found=found)
