"""`[audio.NAME]` of quivive.toml: where kept sound lies, and how a file's name leads to its call.

Called by `settings`. Pure. Must never hold a secret: the keys of a bucket come from a file.
"""

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from quivive.model.errors import ConfigurationError
from quivive.model.ids import OPERATOR, SOURCE_NAME_PATTERN

NAME_GROUPS: Final = frozenset({"call", "started", "ended", "controller", "queue", "seconds"})
"""What a pattern may read out of a name: anything else in it stays unread."""
SUFFIXES: Final = (
    ".wav", ".mp3", ".ogg", ".opus", ".flac", ".m4a", ".aac", ".gsm", ".wma", ".ulaw", ".alaw", ".sln", ".g722", ".au",
)  # fmt: skip
"""Names that end so are sound; the others are counted, never judged."""
MAX_PATTERN_CHARS: Final = 500
MAX_BACKUP_DAYS: Final = 365
"""Days that copies may lie in the backups of a store; more would outlast every recording."""
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ENDPOINT: Final = re.compile(r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?/?")


class AudioKind(StrEnum):
    FOLDER = "folder"
    S3 = "s3"
    LISTING = "listing"


class AudioSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[audio.NAME]`. Fields that a kind does not use keep their default."""

    kind: AudioKind
    path: str = ""
    endpoint: str = ""
    bucket: str = ""
    prefix: str = ""
    region: str = "us-east-1"
    secret_file: str = ""
    name: str = ""
    name_date: str = "%Y%m%d-%H%M%S"
    controllers: tuple[str, ...] = ()
    timezone: str = ""
    suffixes: tuple[str, ...] = ()
    mapping: str = "recordings-listing"
    backup_days: int = 0

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings of names that are sound."""
        return self.suffixes or SUFFIXES


def check_audio(stores: Mapping[str, AudioSettings], controllers: Collection[str], file: str) -> None:
    """Check every store.

    Raises:
        ConfigurationError: a name, pattern, place or controller is wrong.
    """
    for name, store in stores.items():
        key = f"audio.{name}"
        if not SOURCE_NAME_PATTERN.fullmatch(name):
            raise ConfigurationError(file=file, key=key, expected="2 to 48 of a-z, 0-9, -", found=name)
        _check_place(store, file, key)
        _check_name(store, file, key)
        for controller in store.controllers:
            if controller not in controllers and controller != OPERATOR:
                raise ConfigurationError(
                    file=file, key=f"{key}.controllers", expected="a declared controller", found=controller
                )
        if store.timezone:
            try:
                ZoneInfo(store.timezone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ConfigurationError(
                    file=file,
                    key=f"{key}.timezone",
                    expected="a time zone, for example Europe/Paris",
                    found=store.timezone,
                ) from None
        if not 0 <= store.backup_days <= MAX_BACKUP_DAYS:
            raise ConfigurationError(
                file=file, key=f"{key}.backup_days", expected=f"0 to {MAX_BACKUP_DAYS}", found=str(store.backup_days)
            )
        if any(not suffix.startswith(".") or suffix != suffix.lower() for suffix in store.suffixes):
            raise ConfigurationError(
                file=file, key=f"{key}.suffixes", expected="endings as .wav, in lower case", found="another text"
            )


def _check_place(store: AudioSettings, file: str, key: str) -> None:
    if store.kind is AudioKind.S3:
        if not _BUCKET.fullmatch(store.bucket):
            raise ConfigurationError(
                file=file, key=f"{key}.bucket", expected="the name of a bucket", found=store.bucket or "nothing"
            )
        if store.endpoint and not _ENDPOINT.fullmatch(store.endpoint):
            raise ConfigurationError(
                file=file,
                key=f"{key}.endpoint",
                expected="an address, for example https://s3.example.fr",
                found="another text",
            )
        return
    if not store.path:
        expected = "the folder of the sound" if store.kind is AudioKind.FOLDER else "the folder of the listings"
        raise ConfigurationError(file=file, key=f"{key}.path", expected=expected, found="nothing")


def _check_name(store: AudioSettings, file: str, key: str) -> None:
    if not store.name:
        return
    try:
        groups = set(re.compile(store.name).groupindex) if len(store.name) <= MAX_PATTERN_CHARS else None
    except re.error:
        groups = None
    if not groups or not groups <= NAME_GROUPS:
        raise ConfigurationError(
            file=file,
            key=f"{key}.name",
            expected="a pattern with groups among " + ", ".join(sorted(NAME_GROUPS)),
            found="another text",
        )
