"""Secrets of a source that authenticates in the relay: one TOML text, by file or environment, followed as it changes.

Called by `relay` (each second) and `doctor`. Must never come from quivive.toml, nor leave this process: no value of it
stands in an error, a repr, a log or an entry.

    [crm_app]                                     # the login, as at the server
    verifier = "SCRAM-SHA-256$4096:…$…:…"         # its pg_authid.rolpassword: enough by itself
    [reporting]
    password = "…"                                # clients prove this one to the relay, the relay to the server
    [batch]
    verifier = "…"                                # what clients prove to the relay
    client_key = "…"                              # what the relay proves to the server, instead of `password`
    server_key = "…"
"""

import base64
import os
import re
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from quivive.model.errors import ConfigurationError
from quivive.wire.postgres.scram import LoginKeys, keys_of
from quivive.wire.postgres.scram_server import Verifier, read_verifier, verifier_of

MAX_LOGINS: Final = 10_000
MAX_LOGINS_BYTES: Final = 4 << 20
_KEY_BYTES: Final = 32
_SETTING: Final = "secret_file"
_HOW: Final = "one table for each login: verifier, or password, or verifier and client_key and server_key"


class _LoginTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    verifier: str = ""
    password: str = ""
    client_key: str = ""
    server_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Login:
    """What one login proves: clients by `verifier`; the relay by `keys`, by `password`, or by what the client proved.

    Never shown: it has no repr.
    """

    verifier: Verifier
    password: str = ""
    keys: LoginKeys | None = None

    @property
    def lends(self) -> bool:
        """The relay holds nothing that opens the database: it uses what the client itself has just proved."""
        return self.keys is None and not self.password


def variable_of(source: str) -> str:
    """Environment variable that may hold the logins of a source."""
    return f"QUIVIVE_LOGINS_{source.upper().replace('-', '_')}"


def read_logins(text: str, told: str, salt: bytes) -> dict[str, Login]:
    """Read the logins; `told` names where they come from, `salt` serves verifiers made of passwords.

    Raises:
        ConfigurationError: it is not as above; names the login at most, and no value.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at [^)]*\)", str(error))  # its message may quote a character of a secret
        found = f"another text {place[0]}" if place else "another text"
        raise ConfigurationError(file=told, key=_SETTING, expected=_HOW, found=found) from None
    if len(raw) > MAX_LOGINS:
        raise ConfigurationError(file=told, key=_SETTING, expected=f"at most {MAX_LOGINS} logins", found=str(len(raw)))
    return {name: _login(name, table, told, salt) for name, table in raw.items()}


def _login(name: str, raw: object, told: str, salt: bytes) -> Login:
    def wrong(found: str) -> ConfigurationError:
        return ConfigurationError(file=told, key=name, expected=_HOW, found=found)

    try:
        table = msgspec.convert(raw, _LoginTable)
    except msgspec.ValidationError:
        raise wrong("another table") from None
    keys = None
    if table.client_key or table.server_key:
        client_key, server_key = _key(table.client_key), _key(table.server_key)
        if not client_key or not server_key or table.password or not table.verifier:
            raise wrong("client_key and server_key that cannot be used")
        keys = LoginKeys(client_key=client_key, server_key=server_key)
    if table.verifier:
        verifier = read_verifier(table.verifier)
        if verifier is None:
            raise wrong("a verifier that is not SCRAM-SHA-256")
    elif table.password:
        verifier = verifier_of(table.password, salt)
    else:
        raise wrong("neither verifier nor password")
    return Login(verifier=verifier, password=table.password, keys=keys)


def _key(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return found if len(found) == _KEY_BYTES else b""


class LoginsFile:
    """Follows the logins of one source. `current` stays when the file cannot be taken; `problem` says why."""

    def __init__(self, home: Path, source: str, named: str) -> None:
        self._source = source
        self._path = home / named if named else None
        self._stamp: tuple[int, int, int] | None = None
        self._salt = os.urandom(16)
        self._memo: dict[tuple[str, bytes, int], LoginKeys] = {}
        self.current: dict[str, Login] = {}
        self.problem = ""

    def load(self) -> None:
        """Read them for the first time.

        Raises:
            ConfigurationError: nothing there, or nothing that can be used.
        """
        if self._path is None:
            variable = variable_of(self._source)
            text = os.environ.get(variable, "")
            if not text:
                expected = f"a file, or {variable} in the environment"
                key = f"sources.{self._source}.{_SETTING}"
                raise ConfigurationError(file="quivive.toml", key=key, expected=expected, found="nothing")
            self.current = read_logins(text, variable, self._salt)
            return
        self._stamp = self._stamped(self._path)
        self.current = read_logins(self._text(self._path), self._path.name, self._salt)
        self._memo.clear()

    def refresh(self) -> None:
        """Read the file again if it changed."""
        path = self._path
        if path is None:
            return
        try:
            if self._stamped(path) == self._stamp:
                return
            self.load()
        except ConfigurationError as error:
            self.problem = str(error)
        else:
            self.problem = ""

    def keys(self, name: str, login: Login, salt: bytes, rounds: int) -> LoginKeys:
        """Keys of a login's password at its server; remembered, as they cost milliseconds."""
        place = (name, salt, rounds)
        found = self._memo.get(place)
        if found is None:
            if len(self._memo) >= MAX_LOGINS:
                self._memo.clear()
            found = self._memo[place] = keys_of(login.password, salt, rounds)
        return found

    def _stamped(self, path: Path) -> tuple[int, int, int]:
        try:
            status = path.stat()
        except OSError as error:
            found = error.strerror or "unreadable"
            raise self._wrong("a readable file", found) from None
        if stat.S_IMODE(status.st_mode) & 0o077:
            self._stamp = None
            raise self._wrong("readable by its owner alone (0600)", f"{stat.S_IMODE(status.st_mode):04o}")
        if status.st_size > MAX_LOGINS_BYTES:
            raise self._wrong(f"at most {MAX_LOGINS_BYTES >> 20} MiB", "more")
        return (status.st_mtime_ns, status.st_size, status.st_ino)

    def _text(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise self._wrong("a readable file in UTF-8", "another") from None

    def _wrong(self, expected: str, found: str) -> ConfigurationError:
        name = self._path.name if self._path is not None else ""
        return ConfigurationError(file=name, key=f"sources.{self._source}.{_SETTING}", expected=expected, found=found)
