"""The `keys/` folder: every secret of the ledger and of the pseudonyms, each wrapped by the one above (DESIGN §3).

Called by the core (whole), by relays (`load_relay_keys` only) and by `quivive verify`. It is the one file of
this package that touches the disk. Must never log a key, never write one in clear except the master key and
the relay's export, never overwrite a key that exists but to destroy it.

    master key                   keys/master.key, or the file named by QUIVIVE_MASTER_KEY_FILE
    ├─ operator's keys           keys/operator.json          agent key, spine signing key, spine slot secret
    └─ controller's key          keys/controllers/<id>.json  key-encryption key, and under it:
       ├─ record key, log id, log signing key, slot salt
       ├─ case keys              keys/cases/<id>/<case>.json              what people wrote, and exhibits
       └─ day keys               keys/days/<id>/<class>/<yyyymmdd>.json   destroying one file erases one day
"""

import base64
import binascii
import json
import os
import stat
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quivive.model.errors import ConfigurationError, StorageError
from quivive.model.ids import CONTROLLER_ID_PATTERN, OPERATOR
from quivive.privacy.keyfile import destroy, move, read_json, write_new
from quivive.privacy.pseudonym import ControllerKeys, derive_controller_agent_key
from quivive.privacy.sealing import KEY_BYTES, NONCE_BYTES, SealError, seal, unseal

MASTER_KEY_VARIABLE: Final = "QUIVIVE_MASTER_KEY_FILE"
MAX_CACHED_DAY_KEYS: Final = 1024
"""Day keys held in memory: about 3 classes × 300 days, or as many controllers on fewer days."""
_MASTER_PREFIX: Final = "quivive-master-v1 "
_KEY_ID: Final = "k1"  # names the pair of pseudonym keys; rotated only on compromise (DESIGN §6)
_LOG_ID_BYTES: Final = 16
SPINE: Final = "spine"
"""Names the operator's own log where a controller's id names its log."""
_OLD: Final = "-old"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeys:
    """What a controller's log needs: opaque 128-bit id (32 hex digits), signing key, salt of its slot in the spine.

    `retired` is the key before, while its last signatures are being replaced.
    """

    log_id: str
    signing: Ed25519PrivateKey
    slot_salt: bytes
    retired: tuple[Ed25519PrivateKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpineKeys:
    """What the operator's spine needs; empty slots are salted from `slot_secret`."""

    signing: Ed25519PrivateKey
    slot_secret: bytes
    retired: tuple[Ed25519PrivateKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DayKey:
    """The key of one (controller, class, day). `id` stands in frame headers."""

    id: str
    key: bytes


class Keyring:
    """Open keys of one home. Usable from several threads."""

    def __init__(self, home: Path, master: bytes) -> None:
        self.home = home
        self._folder = home / "keys"
        self._master = master
        self._lock = threading.Lock()
        self._controllers: dict[str, dict[str, bytes]] = {}
        self._days: dict[tuple[str, str, str], DayKey] = {}
        self._operator = self._read_operator()

    @classmethod
    def create(cls, home: Path, controllers: Iterable[str] = ()) -> "Keyring":
        """Make the keys of a new home: master (unless the environment names one), operator, controllers.

        Raises:
            ConfigurationError: keys exist already.
            StorageError: the folder cannot be written.
        """
        folder = home / "keys"
        if (folder / "operator.json").exists():
            raise ConfigurationError(file=str(folder), key="keys", expected="no keys yet", found="existing keys")
        named = os.environ.get(MASTER_KEY_VARIABLE)
        if named is None:
            write_new(folder / "master.key", f"{_MASTER_PREFIX}{os.urandom(KEY_BYTES).hex()}\n".encode())
        master = _read_master(folder)
        secrets = {name: os.urandom(KEY_BYTES) for name in ("agent", "spine", "spine-slots")}
        _write_sealed(folder / "operator.json", master, "operator", secrets)
        keyring = cls(home, master)
        for controller in (OPERATOR, *controllers):
            keyring.ensure_controller(controller)
        return keyring

    @classmethod
    def open(cls, home: Path) -> "Keyring":
        """Open the keys of a home.

        Raises:
            ConfigurationError: no master key, one that others may read, or one that opens nothing.
            StorageError: a key file cannot be read.
        """
        return cls(home, _read_master(home / "keys"))

    @property
    def operator_agent_key(self) -> bytes:
        """k_agent: persons of the directory; every controller's agent key is derived from it."""
        return self._operator["agent"]

    @property
    def spine_keys(self) -> SpineKeys:
        return SpineKeys(
            signing=Ed25519PrivateKey.from_private_bytes(self._operator["spine"]),
            slot_secret=self._operator["spine-slots"],
            retired=_retired(self._operator, "spine"),
        )

    def ensure_controller(self, controller: str) -> None:
        """Make a controller's keys if it has none.

        Raises:
            ConfigurationError: the id is not one.
            StorageError: the folder cannot be written.
        """
        if not CONTROLLER_ID_PATTERN.fullmatch(controller):
            raise ConfigurationError(
                file=str(self._folder), key="controller", expected=CONTROLLER_ID_PATTERN.pattern, found="another text"
            )
        path = self._controller_path(controller)
        with self._lock:
            if path.exists():
                return
            kek = os.urandom(KEY_BYTES)
            secrets = {name: os.urandom(KEY_BYTES) for name in ("record", "signing", "slot-salt")}
            secrets["log-id"] = os.urandom(_LOG_ID_BYTES)
            nonce = os.urandom(NONCE_BYTES)
            wrapped = seal(self._master, purpose=f"controller/{controller}/kek", plaintext=kek, nonce=nonce)
            _write_sealed(path, kek, f"controller/{controller}", secrets, kek=wrapped)

    def controllers(self) -> list[str]:
        """Ids that have keys, in order."""
        folder = self._folder / "controllers"
        return sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []

    def controller_keys(self, controller: str) -> ControllerKeys:
        """Pseudonym keys of one controller.

        Raises:
            StorageError: it has no keys, or they do not open.
        """
        secrets = self._controller(controller)
        agent = derive_controller_agent_key(self.operator_agent_key, controller)
        return ControllerKeys(key_id=_KEY_ID, record=secrets["record"], agent=agent)

    def log_keys(self, controller: str) -> LogKeys:
        """Keys of one controller's commitment log.

        Raises:
            StorageError: it has no keys, or they do not open.
        """
        secrets = self._controller(controller)
        return LogKeys(
            log_id=secrets["log-id"].hex(),
            signing=Ed25519PrivateKey.from_private_bytes(secrets["signing"]),
            slot_salt=secrets["slot-salt"],
            retired=_retired(secrets, "signing"),
        )

    def replace_signing(self, log: str) -> None:
        """Make a new signing key for a controller's logs or the spine; the old one stays as `retired`.

        Raises:
            StorageError: the key file cannot be read or written.
        """
        self._rewrite_signing(log, lambda held, name: {name: os.urandom(KEY_BYTES), name + _OLD: held[name]})

    def destroy_retired(self, log: str) -> None:
        """Destroy the retired signing key: nothing that counts bears its signature any more.

        Raises:
            StorageError: the key file cannot be read or written.
        """
        self._rewrite_signing(log, lambda held, name: {name: held[name]})

    def _rewrite_signing(self, log: str, change: Callable[[dict[str, bytes], str], dict[str, bytes]]) -> None:
        spine = log == SPINE
        path = self._folder / "operator.json" if spine else self._controller_path(log)
        held = self._operator if spine else self._controller(log)
        name, purpose, key = (
            ("spine", "operator", self._master) if spine else ("signing", f"controller/{log}", held["kek"])
        )
        document = {field: value for field, value in read_json(path).items() if field not in {name, name + _OLD}}
        for field, value in change(held, name).items():
            sealed = seal(key, purpose=f"{purpose}/{field}", plaintext=value, nonce=os.urandom(NONCE_BYTES))
            document[field] = base64.b64encode(sealed).decode()
        write_new(path, json.dumps(document, sort_keys=True).encode(), replace=True)
        with self._lock:
            self._controllers.pop(log, None)
        self._operator = self._read_operator()

    def day_key(self, controller: str, retention_class: str, day: str) -> DayKey:
        """Key of one day, made (durable before it is returned) if there is none.

        Raises:
            StorageError: the key cannot be read or written.
        """
        found = self.find_day_key(controller, retention_class, day)
        if found is not None:
            return found
        kek = self._controller(controller)["kek"]
        place = (controller, retention_class, day)
        secrets = {"id": os.urandom(8), "key": os.urandom(KEY_BYTES)}
        with self._lock:
            _write_sealed(self._day_path(*place), kek, "day/" + "/".join(place), secrets)
            return self._remember(place, secrets)

    def find_day_key(self, controller: str, retention_class: str, day: str) -> DayKey | None:
        """Key of one day, or None when there is none (never written, or destroyed by a purge).

        Raises:
            StorageError: the key file is there and does not open.
        """
        place = (controller, retention_class, day)
        with self._lock:
            cached = self._days.get(place)
        if cached is not None:
            return cached
        path = self._day_path(*place)
        if not path.exists():
            return None
        kek = self._controller(controller)["kek"]
        secrets = _read_sealed(path, kek, "day/" + "/".join(place), ("id", "key"))
        with self._lock:
            return self._remember(place, secrets)

    def operator_secret(
        self, name: str, fields: tuple[str, ...], make: Callable[[], dict[str, bytes]]
    ) -> dict[str, bytes]:
        """A secret of the operator by its name, made (durable before it is returned) the first time.

        Raises:
            StorageError: it cannot be read or written.
        """
        path = self._folder / f"{name}.json"
        with self._lock:
            if not path.exists():
                _write_sealed(path, self._master, name, make())
        return _read_sealed(path, self._master, name, fields)

    def case_key(self, controller: str, case: str) -> bytes:
        """Key of one case's folder, made (durable before it is returned) if there is none; its own clock, its own end.

        Raises:
            StorageError: the key cannot be read or written.
        """
        kek = self._controller(controller)["kek"]
        path = self._folder / "cases" / controller / f"{case}.json"
        purpose = f"case/{controller}/{case}"
        with self._lock:
            if not path.exists():
                _write_sealed(path, kek, purpose, {"key": os.urandom(KEY_BYTES)})
        return _read_sealed(path, kek, purpose, ("key",))["key"]

    def day_keys(self) -> list[tuple[str, str, str]]:
        """Every (controller, class, day) that has a key, in order; a half-written rotation counts."""
        folder = self._folder / "days"
        found = {
            (path.parts[-3], path.parts[-2], path.name.split(".")[0])
            for path in folder.glob("*/*/*.json")
            if not path.name.startswith(".")
        }
        return sorted(found)

    def destroy_day_key(self, controller: str, retention_class: str, day: str) -> None:
        """Overwrite and remove the key of one day, and one that was to follow it. Does nothing a second time.

        Raises:
            StorageError: the disk refused; call again.
        """
        place = (controller, retention_class, day)
        with self._lock:
            self._days.pop(place, None)
            destroy(self._next_path(*place))
            destroy(self._day_path(*place))

    def next_day_key(self, controller: str, retention_class: str, day: str) -> DayKey:
        """A fresh key that is to take the place of the day's, durable; the same one when asked again.

        Raises:
            StorageError: it cannot be read or written.
        """
        place, path = (controller, retention_class, day), self._next_path(controller, retention_class, day)
        kek = self._controller(controller)["kek"]
        with self._lock:
            if not path.exists():
                _write_sealed(path, kek, "day/" + "/".join(place), {"id": os.urandom(8), "key": os.urandom(KEY_BYTES)})
            secrets = _read_sealed(path, kek, "day/" + "/".join(place), ("id", "key"))
        return DayKey(id=secrets["id"].hex(), key=secrets["key"])

    def replace_day_key(self, controller: str, retention_class: str, day: str) -> None:
        """Destroy the day's key and put the next one in its place. Does nothing when there is no next one.

        Raises:
            StorageError: the disk refused; call again.
        """
        place = (controller, retention_class, day)
        following = self._next_path(*place)
        with self._lock:
            self._days.pop(place, None)
            if following.exists():
                destroy(self._day_path(*place))
                move(following, self._day_path(*place))

    def destroy_controller(self, controller: str) -> None:
        """Destroy every key of a controller: its days' and cases', then what wraps them, its pseudonyms and its log's.

        Raises:
            StorageError: the disk refused; call again.
        """
        for place in self.day_keys():
            if place[0] == controller:
                self.destroy_day_key(*place)
        with self._lock:
            for path in sorted((self._folder / "cases" / controller).glob("*.json")):
                destroy(path)
            self._controllers.pop(controller, None)
            destroy(self._controller_path(controller))

    def export_relay(self, source: str, controller: str) -> Path:
        """Write the only keys a relay receives: `run/relay/<source>.json`, readable by its owner alone.

        Raises:
            StorageError: the folder cannot be written.
        """
        keys = self.controller_keys(controller)
        document = {"v": 1, "key_id": keys.key_id, "record": keys.record.hex(), "agent": keys.agent.hex()}
        path = self.home / "run" / "relay" / f"{source}.json"
        write_new(path, json.dumps(document, sort_keys=True).encode(), replace=True)
        return path

    def _controller_path(self, controller: str) -> Path:
        return self._folder / "controllers" / f"{controller}.json"

    def _day_path(self, controller: str, retention_class: str, day: str) -> Path:
        return self._folder / "days" / controller / retention_class / f"{day}.json"

    def _next_path(self, controller: str, retention_class: str, day: str) -> Path:
        return self._folder / "days" / controller / retention_class / f"{day}.next.json"

    def _remember(self, place: tuple[str, str, str], secrets: dict[str, bytes]) -> DayKey:
        if len(self._days) >= MAX_CACHED_DAY_KEYS:
            self._days.pop(next(iter(self._days)))
        day_key = DayKey(id=secrets["id"].hex(), key=secrets["key"])
        self._days[place] = day_key
        return day_key

    def _controller(self, controller: str) -> dict[str, bytes]:
        with self._lock:
            known = self._controllers.get(controller)
            if known is not None:
                return known
        path = self._controller_path(controller)
        wrapped = _sealed_field(path, read_json(path), "kek")
        kek = _unseal(path, self._master, f"controller/{controller}/kek", wrapped)
        names = _present(path, ("record", "signing", "slot-salt", "log-id"), "signing" + _OLD)
        secrets = {**_read_sealed(path, kek, f"controller/{controller}", names), "kek": kek}
        with self._lock:
            self._controllers[controller] = secrets
        return secrets

    def _read_operator(self) -> dict[str, bytes]:
        path = self._folder / "operator.json"
        names = _present(path, ("agent", "spine", "spine-slots"), "spine" + _OLD)
        return _read_sealed(path, self._master, "operator", names)


def _present(path: Path, names: tuple[str, ...], optional: str) -> tuple[str, ...]:
    return (*names, optional) if optional in read_json(path) else names


def _retired(secrets: dict[str, bytes], name: str) -> tuple[Ed25519PrivateKey, ...]:
    old = secrets.get(name + _OLD)
    return (Ed25519PrivateKey.from_private_bytes(old),) if old else ()


def load_relay_keys(path: Path) -> ControllerKeys:
    """Read what `export_relay` wrote.

    Raises:
        StorageError: the file is missing, or is not such a file.
    """
    document = read_json(path)
    try:
        return ControllerKeys(
            key_id=str(document["key_id"]),
            record=bytes.fromhex(str(document["record"])),
            agent=bytes.fromhex(str(document["agent"])),
        )
    except (KeyError, ValueError) as error:
        raise StorageError(f"{path}: not a relay's key file; let the core write it again") from error


def _read_master(folder: Path) -> bytes:
    named = os.environ.get(MASTER_KEY_VARIABLE)
    path = Path(named) if named else folder / "master.key"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            file=str(path), key="master key", expected="a readable key file", found=type(error).__name__
        ) from error
    if mode & 0o077:
        raise ConfigurationError(
            file=str(path), key="permissions", expected="readable by its owner alone (0600)", found=f"{mode:04o}"
        )
    try:
        master = bytes.fromhex(text.removeprefix(_MASTER_PREFIX).strip())
    except ValueError:
        master = b""
    if not text.startswith(_MASTER_PREFIX) or len(master) != KEY_BYTES:
        raise ConfigurationError(
            file=str(path), key="master key", expected=f"{_MASTER_PREFIX}and 64 hex digits", found="another text"
        )
    return master


def _write_sealed(path: Path, key: bytes, purpose: str, secrets: dict[str, bytes], **clear: bytes) -> None:
    document: dict[str, object] = {"v": 1}
    for name, value in clear.items():
        document[name] = base64.b64encode(value).decode()
    for name, value in secrets.items():
        sealed = seal(key, purpose=f"{purpose}/{name}", plaintext=value, nonce=os.urandom(NONCE_BYTES))
        document[name] = base64.b64encode(sealed).decode()
    write_new(path, json.dumps(document, sort_keys=True).encode())


def _read_sealed(path: Path, key: bytes, purpose: str, names: Iterable[str]) -> dict[str, bytes]:
    document = read_json(path)
    return {name: _unseal(path, key, f"{purpose}/{name}", _sealed_field(path, document, name)) for name in names}


def _sealed_field(path: Path, document: dict[str, object], name: str) -> bytes:
    try:
        return base64.b64decode(str(document[name]), validate=True)
    except (KeyError, binascii.Error) as error:
        raise StorageError(f"{path}: field {name!r} is missing or damaged") from error


def _unseal(path: Path, key: bytes, purpose: str, sealed: bytes) -> bytes:
    try:
        return unseal(key, purpose=purpose, sealed=sealed)
    except SealError as error:
        raise StorageError(f"{path}: {error}") from error
