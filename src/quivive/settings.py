"""Configuration: one `quivive.toml` and one `controllers/<id>.toml` per controller, decoded strictly.

Called by the commands and by each process at its start. Must never hold a secret (secrets come by
file or environment) and never guess: an unknown key, a wrong type or a bad reference is one
ConfigurationError that names file, key, expected and found.
"""

import re
import tomllib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from quivive.addresses import parse_address
from quivive.anchor_settings import TimestampsSettings, WitnessesSettings, check_anchors
from quivive.audio_settings import AudioSettings, check_audio
from quivive.function_settings import FunctionSettings, functions_of, wrong_function
from quivive.model.access import CaptureMode, Grade
from quivive.model.catalogue import Alternate, Catalogue, Table, TableKind
from quivive.model.catalogue import Path as KeyPath
from quivive.model.errors import ConfigurationError
from quivive.model.ids import CONTROLLER_ID_PATTERN, OPERATOR, SOURCE_NAME_PATTERN, WORKER_PATTERN
from quivive.notice_settings import NoticesSettings, check_notices
from quivive.oidc_settings import OidcSettings, check_oidc
from quivive.output_settings import OutputSettings, check_outputs
from quivive.retention_settings import RetentionSettings, check_retention
from quivive.zone_settings import ZoneSettings, check_zones

SETTINGS_FILE: Final = "quivive.toml"
CONTROLLERS_FOLDER: Final = "controllers"
_GROUP_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,31}")
_PUBLIC_URL: Final = re.compile(r"https://[A-Za-z0-9.\-]+(:[0-9]{1,5})?")
LINKS_SUFFIX: Final = "-links"  # spool of `quivive links sync` of a source
RESERVED_SOURCES: Final = frozenset({"core", "console"})  # spools of the core itself
SLOT_MAX: Final = 1_023  # slot 0 is the operator's own log; 1,024 fixed slots in the spine (DESIGN §7)
MAX_RECORDS: Final = 100_000  # a limit above would stop nobody; what one result showed is remembered up to it
MAX_DRAIN_S: Final = 86_400
MAX_WORKERS: Final = 16

T = TypeVar("T")


class SourceKind(StrEnum):
    POSTGRES = "postgres"
    ACCESSES = "accesses"
    ACCESS_FILE = "access_file"
    CONTACTS = "contacts"
    DIRECTORY = "directory"
    ROSTER = "roster"
    FILES = "files"
    AMI = "ami"
    GATE = "gate"


EDGE_KINDS: Final = frozenset({SourceKind.POSTGRES, SourceKind.GATE})
"""Written by a process of their own with its own spool: neither the API nor the intake may write for them."""

BEST_GRADE: Final = {
    **dict.fromkeys(SourceKind, Grade.B),
    SourceKind.POSTGRES: Grade.A,
    SourceKind.ACCESS_FILE: Grade.D,
}
"""Grade A is the wire's alone: what an application tells is at best B, a file D (DESIGN §5); of `files` the mapping
says more (`connectors.sources.graded`)."""


class OperatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[operator]`: who runs this installation."""

    name: str
    origin: str
    language: Literal["fr", "en"] = "fr"
    timezone: str = "Europe/Paris"
    web_listen: str = "127.0.0.1:8443"
    public_url: str = ""
    contact: str = ""
    demonstration: bool = False

    @property
    def console_url(self) -> str:
        """Where a person opens the console: behind a TLS proxy `public_url`, else the loopback address itself."""
        return self.public_url or f"http://{self.web_listen}"


class TelephonySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sources.NAME.telephony]`: what the bytes of a switch or a dialler do not say."""

    agents: str = ""
    internal: str = r"([*#][\d*#]*)?\d{0,6}"
    timezone: str = ""
    controllers: dict[str, str] | None = None
    outbound_queues: tuple[str, ...] = ()
    table: str = ""
    attribute: str = ""


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sources.NAME]`. Fields that a kind does not use keep their default."""

    kind: SourceKind
    controller: str = ""
    namespace: str = ""
    listen: str = ""
    target: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    tls_only: bool = False
    target_tls: Literal["off", "require", "verify"] = "off"
    target_ca: str = ""
    authentication: Literal["relay", "terminate"] = "relay"
    side_dsn: str = ""
    mode: CaptureMode = CaptureMode.OBSERVE
    on_failure: Literal["open", "closed"] = "open"
    grade: Grade = Grade.A
    service_accounts: tuple[str, ...] = ()
    agent_variable: str = "quivive.agent"
    contact_variable: str = "quivive.contact"
    application_name_is_agent: bool = False
    account_is_agent: bool = False
    comment_agent_key: str = "agent"
    comment_contact_key: str = "contact"
    keep_unknown: bool = False
    path: str = ""
    mapping: str = ""
    pattern: str = "*"
    follow: bool = False
    after: Literal["move", "leave", "delete"] = "move"
    lateness_s: int = 0
    heartbeat_s: int = 5
    silent_after_s: int = 120
    programs: tuple[str, ...] = ()
    reconcile_with: str = ""
    max_records_per_result: int = 0
    drain_s: int = 30
    workers: int = 1
    user: str = ""
    secret_file: str = ""
    telephony: TelephonySettings | None = None


class DetectionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[detection]`: what people can look at. Parts that need an assessment have a switch, not a setting."""

    reviewers: int = 1
    alerts_per_reviewer_day: int = 6
    audit_share: int = 15


class _SensitiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    columns: tuple[str, ...]


class _AlternateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    column: str
    kind: str


class _PathSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    column: str
    to: str


class _TableSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    kind: TableKind
    key: tuple[str, ...]
    alternates: tuple[_AlternateSettings, ...] = ()
    path: _PathSettings | None = None


class _ControllerFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    slot: int
    catalogue_version: int = 1
    timezone: str = "Europe/Paris"
    default_region: str = "FR"
    lateness_s: int = 3_600
    max_records_per_agent_hour: int = 0
    contact_sources: tuple[str, ...] = ()
    retention: RetentionSettings = msgspec.field(default_factory=RetentionSettings)
    tables: tuple[_TableSettings, ...] = ()
    not_protected: tuple[str, ...] = ()
    functions: tuple[FunctionSettings, ...] = ()
    sensitive: tuple[_SensitiveSettings, ...] = ()


class _SettingsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    operator: OperatorSettings
    sources: dict[str, dict[str, Any]] = {}
    zones: dict[str, ZoneSettings] = {}
    audio: dict[str, AudioSettings] = {}
    detection: DetectionSettings = DetectionSettings()
    witnesses: WitnessesSettings = WitnessesSettings()
    timestamps: TimestampsSettings = TimestampsSettings()
    notices: NoticesSettings = NoticesSettings()
    oidc: OidcSettings = OidcSettings()
    outputs: tuple[OutputSettings, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerSettings:
    """One controller as declared: `retention_days` maps a retention class to days, `slot` is 1..1023."""

    id: str
    name: str
    slot: int
    catalogue: Catalogue
    timezone: str
    default_region: str
    lateness_s: int
    contact_sources: tuple[str, ...]
    retention_days: dict[str, int]
    justification: str = ""
    max_records_per_agent_hour: int = 0
    sensitive: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns as `schema.table.column` by the name of their group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The effective configuration; sealed as a `configuration` entry at each start of the core."""

    home: Path
    operator: OperatorSettings
    controllers: dict[str, ControllerSettings]
    sources: dict[str, SourceSettings] = field(default_factory=dict)
    zones: dict[str, ZoneSettings] = field(default_factory=dict)
    audio: dict[str, AudioSettings] = field(default_factory=dict)
    detection: DetectionSettings = field(default_factory=DetectionSettings)
    witnesses: WitnessesSettings = field(default_factory=WitnessesSettings)
    timestamps: TimestampsSettings = field(default_factory=TimestampsSettings)
    notices: NoticesSettings = field(default_factory=NoticesSettings)
    oidc: OidcSettings = field(default_factory=OidcSettings)
    outputs: tuple[OutputSettings, ...] = ()

    @property
    def slots(self) -> dict[str, int]:
        """Fixed slot of each log in the spine; the operator's own is 0."""
        return {OPERATOR: 0, **{c.id: c.slot for c in self.controllers.values()}}


def load_settings(home: Path) -> Settings:
    """Read and check the whole configuration of a data folder.

    Raises:
        ConfigurationError: a file is missing, is no TOML, or a key is unknown, of a wrong type or contradictory.
    """
    main = home / SETTINGS_FILE
    decoded = _decode(main, _SettingsFile, SETTINGS_FILE)
    sources = {
        name: _convert(raw, SourceSettings, SETTINGS_FILE, f"sources.{name}") for name, raw in decoded.sources.items()
    }
    controllers = {}
    for path in sorted((home / CONTROLLERS_FOLDER).glob("*.toml")):
        controller = _controller(path)
        controllers[controller.id] = controller
    settings = Settings(
        home=home,
        operator=decoded.operator,
        controllers=controllers,
        sources=sources,
        zones=decoded.zones,
        audio=decoded.audio,
        detection=decoded.detection,
        witnesses=decoded.witnesses,
        timestamps=decoded.timestamps,
        notices=decoded.notices,
        oidc=decoded.oidc,
        outputs=decoded.outputs,
    )
    _check_references(settings)
    _check_detection(settings.detection)
    check_anchors(home, settings.witnesses, settings.timestamps, SETTINGS_FILE)
    check_notices(settings.notices, SETTINGS_FILE)
    check_oidc(settings.oidc, settings.controllers, SETTINGS_FILE)
    check_outputs(settings.outputs, settings.controllers, SETTINGS_FILE)
    return settings


def _check_detection(detection: DetectionSettings) -> None:
    for name, most in (("reviewers", 1_000), ("alerts_per_reviewer_day", 100), ("audit_share", 100)):
        found = getattr(detection, name)
        if not 0 <= found <= most:
            raise ConfigurationError(
                file=SETTINGS_FILE, key=f"detection.{name}", expected=f"0 to {most}", found=str(found)
            )


def _decode(path: Path, kind: type[T], shown: str) -> T:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(file=shown, key="(file)", expected="a readable file", found="no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(file=shown, key="(file)", expected="TOML in UTF-8", found=str(error)) from None
    return _convert(raw, kind, shown, "")


def _convert(raw: dict[str, Any], kind: type[T], shown: str, prefix: str) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise _located(error, shown, prefix) from None


def _located(error: msgspec.ValidationError, shown: str, prefix: str) -> ConfigurationError:
    """Turn msgspec's sentence ("Expected `int`, got `str` - at `$.x`") into file, key, expected, found."""
    message, _, where = str(error).partition(" - at `$")
    key = ".".join(part for part in (prefix, where.rstrip("`").lstrip(".")) if part)
    if message.startswith("Object contains unknown field"):
        return ConfigurationError(file=shown, key=key or "(top)", expected="a known key", found=message.split("`")[1])
    if message.startswith("Object missing required field"):
        missing = ".".join(part for part in (key, message.split("`")[1]) if part)
        return ConfigurationError(file=shown, key=missing, expected="a value", found="nothing")
    if message.startswith("Expected ") and ", got " in message:
        expected, _, found = message.removeprefix("Expected ").partition(", got ")
        return ConfigurationError(file=shown, key=key, expected=expected.strip("`"), found=found.strip("`"))
    return ConfigurationError(file=shown, key=key, expected="an allowed value", found=message)


def _controller(path: Path) -> ControllerSettings:
    shown = f"{CONTROLLERS_FOLDER}/{path.name}"
    identifier = path.stem
    if not CONTROLLER_ID_PATTERN.fullmatch(identifier) or identifier == OPERATOR:
        raise ConfigurationError(
            file=shown, key="(file name)", expected="2 to 32 of a-z, 0-9, - (not `operator`)", found=identifier
        )
    decoded = _decode(path, _ControllerFile, shown)
    if not 1 <= decoded.slot <= SLOT_MAX:
        raise ConfigurationError(file=shown, key="slot", expected=f"1 to {SLOT_MAX}", found=str(decoded.slot))
    check_retention(decoded.retention, shown)
    _check_place(decoded, shown)
    tables = _tables(decoded, shown)
    return replace(_settings_of(identifier, decoded, tables), sensitive=_sensitive(decoded, tables, shown))


def _check_place(decoded: _ControllerFile, shown: str) -> None:
    _check_zone(decoded.timezone, shown, "timezone")
    region = decoded.default_region
    if len(region) != 2 or not (region.isascii() and region.isalpha() and region.isupper()):
        raise ConfigurationError(
            file=shown, key="default_region", expected="a country code, for example FR", found=region
        )
    if decoded.lateness_s < 0:
        raise ConfigurationError(
            file=shown, key="lateness_s", expected="0 or more seconds", found=str(decoded.lateness_s)
        )
    _check_number(decoded.max_records_per_agent_hour, MAX_RECORDS, shown, "max_records_per_agent_hour")


def _check_number(found: int, most: int, shown: str, key: str, least: int = 0) -> None:
    if not least <= found <= most:
        raise ConfigurationError(file=shown, key=key, expected=f"{least} to {most}", found=str(found))


def _check_zone(zone: str, shown: str, key: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            file=shown, key=key, expected="a time zone, for example Europe/Paris", found=zone
        ) from None


def _tables(decoded: _ControllerFile, shown: str) -> tuple[Table, ...]:
    tables = tuple(
        Table(
            name=t.name,
            kind=t.kind,
            key=t.key,
            alternates=tuple(Alternate(column=a.column, kind=a.kind) for a in t.alternates),
            path=KeyPath(column=t.path.column, to=t.path.to) if t.path else None,
        )
        for t in decoded.tables
    )
    names = [t.name for t in tables]
    for table in tables:
        if table.path and table.path.to not in names:
            raise ConfigurationError(
                file=shown, key=f"tables.{table.name}.path.to", expected="a declared table", found=table.path.to
            )
    for name in (*names, *decoded.not_protected):
        if name.count(".") != 1:
            raise ConfigurationError(file=shown, key="tables.name", expected="schema.table", found=name)
    if wrong := wrong_function(decoded.functions, tables):
        expected = "schema.function, table a declared one with one key column"
        raise ConfigurationError(file=shown, key="functions", expected=expected, found=wrong)
    return tables


def _sensitive(decoded: _ControllerFile, tables: tuple[Table, ...], shown: str) -> dict[str, tuple[str, ...]]:
    """Read the groups of sensitive columns: `table.column` or `schema.table.column` of a declared table."""
    found: dict[str, tuple[str, ...]] = {}
    for group in decoded.sensitive:
        if not _GROUP_NAME.fullmatch(group.name):
            raise ConfigurationError(
                file=shown, key="sensitive.name", expected="2 to 32 of a-z, 0-9, _", found=group.name
            )
        columns = list(found.get(group.name, ()))
        for column in group.columns:
            table, _, name = column.rpartition(".")
            known = [t.name for t in tables if table in {t.name, t.name.partition(".")[2]}]
            if len(known) != 1 or not name:
                expected = "table.column of a declared table"
                raise ConfigurationError(
                    file=shown, key=f"sensitive.{group.name}.columns", expected=expected, found=column
                )
            columns.append(f"{known[0]}.{name}")
        found[group.name] = tuple(dict.fromkeys(columns))
    return found


def _settings_of(identifier: str, decoded: _ControllerFile, tables: tuple[Table, ...]) -> ControllerSettings:
    return ControllerSettings(
        id=identifier,
        name=decoded.name,
        slot=decoded.slot,
        catalogue=Catalogue(
            controller=identifier,
            version=decoded.catalogue_version,
            tables=tables,
            not_protected=decoded.not_protected,
            functions=functions_of(decoded.functions),
        ),
        timezone=decoded.timezone,
        default_region=decoded.default_region,
        lateness_s=decoded.lateness_s,
        max_records_per_agent_hour=decoded.max_records_per_agent_hour,
        contact_sources=decoded.contact_sources,
        retention_days=decoded.retention.days,
        justification=decoded.retention.justification,
    )


def _check_console(operator: OperatorSettings) -> None:
    """Secrets of sessions and tokens cross a network under TLS only."""
    address = parse_address(operator.web_listen, "operator.web_listen")
    host = address if isinstance(address, str) else address[0]
    key = "operator.public_url"
    if operator.public_url and not _PUBLIC_URL.fullmatch(operator.public_url):
        expected = "https:// and a host, without path"
        raise ConfigurationError(file=SETTINGS_FILE, key=key, expected=expected, found=operator.public_url)
    if not operator.public_url and not host.startswith(("127.", "localhost", "::1")):
        expected = "the https:// address of the TLS proxy, as the console listens beyond loopback"
        raise ConfigurationError(file=SETTINGS_FILE, key=key, expected=expected, found="nothing")


def _check_references(settings: Settings) -> None:
    _check_console(settings.operator)
    _check_zone(settings.operator.timezone, SETTINGS_FILE, "operator.timezone")
    slots: dict[int, str] = {}
    for controller in settings.controllers.values():
        if controller.slot in slots:
            raise ConfigurationError(
                file=f"{CONTROLLERS_FOLDER}/{controller.id}.toml",
                key="slot",
                expected="a slot of its own",
                found=f"{controller.slot}, taken by {slots[controller.slot]}",
            )
        slots[controller.slot] = controller.id
        for name in controller.contact_sources:
            if name not in settings.sources:
                raise ConfigurationError(
                    file=f"{CONTROLLERS_FOLDER}/{controller.id}.toml",
                    key="contact_sources",
                    expected="a source of quivive.toml",
                    found=name,
                )
    for name, source in settings.sources.items():
        _check_source(settings, name, source)
    check_audio(settings.audio, settings.controllers, SETTINGS_FILE)
    check_zones(settings.zones, {name: source.programs for name, source in settings.sources.items()}, SETTINGS_FILE)


_KINDS_WITH_CONTROLLER: Final = {SourceKind.POSTGRES, SourceKind.ACCESS_FILE}
_REQUIRED: Final[dict[SourceKind, tuple[str, ...]]] = {
    SourceKind.POSTGRES: ("listen", "target", "namespace"),
    SourceKind.ACCESSES: ("namespace",),
    SourceKind.ACCESS_FILE: ("path", "namespace"),
    SourceKind.CONTACTS: ("namespace",),
    SourceKind.DIRECTORY: (),
    SourceKind.ROSTER: (),
    SourceKind.FILES: ("path", "mapping"),
    SourceKind.AMI: ("target", "user", "namespace"),
    SourceKind.GATE: ("listen", "namespace"),
}


def _check_source(settings: Settings, name: str, source: SourceSettings) -> None:
    key = f"sources.{name}"
    if not SOURCE_NAME_PATTERN.fullmatch(name):
        raise ConfigurationError(file=SETTINGS_FILE, key=key, expected="2 to 48 of a-z, 0-9, -", found=name)
    if name in RESERVED_SOURCES or name.endswith(LINKS_SUFFIX) or WORKER_PATTERN.search(name):
        raise ConfigurationError(file=SETTINGS_FILE, key=key, expected="a name the core does not use", found=name)
    for required in _REQUIRED[source.kind]:
        if not getattr(source, required):
            raise ConfigurationError(file=SETTINGS_FILE, key=f"{key}.{required}", expected="a value", found="nothing")
    known = source.controller in settings.controllers
    if (source.controller or source.kind in _KINDS_WITH_CONTROLLER) and not known:
        raise ConfigurationError(
            file=SETTINGS_FILE,
            key=f"{key}.controller",
            expected=f"one of {', '.join(sorted(settings.controllers)) or 'controllers/*.toml'}",
            found=source.controller or "nothing",
        )
    _check_address(source, key)
    if source.telephony is not None:
        _check_telephony(settings, source.telephony, f"{key}.telephony")
    if source.reconcile_with:
        _check_second(settings, source, f"{key}.reconcile_with")


def _check_address(source: SourceSettings, key: str) -> None:
    """Addresses and bounds of the kinds that listen or call."""
    if source.kind is SourceKind.POSTGRES:
        parse_address(source.listen, f"{key}.listen")
        parse_address(source.target, f"{key}.target")
        refuse_password(source.side_dsn, file=SETTINGS_FILE, key=f"{key}.side_dsn")
        _check_number(source.max_records_per_result, MAX_RECORDS, SETTINGS_FILE, f"{key}.max_records_per_result")
        _check_number(source.drain_s, MAX_DRAIN_S, SETTINGS_FILE, f"{key}.drain_s")
        most = 1 if source.listen.startswith("unix:") else MAX_WORKERS  # a Unix socket cannot be shared
        _check_number(source.workers, most, SETTINGS_FILE, f"{key}.workers", 1)
    if source.kind is SourceKind.GATE:
        _check_exchange(source, key)
    if source.kind is SourceKind.AMI and isinstance(parse_address(source.target, f"{key}.target"), str):
        raise ConfigurationError(file=SETTINGS_FILE, key=f"{key}.target", expected="host:port", found="unix:")


def _check_exchange(source: SourceSettings, key: str) -> None:
    """An exchange asks over loopback or a Unix socket: its questions name agents, and cross no network in clear."""
    address = parse_address(source.listen, f"{key}.listen")
    if not isinstance(address, str) and not address[0].startswith(("127.", "localhost", "::1")):
        expected = "an address of this machine (127.0.0.1:port) or unix:/path; elsewhere behind a TLS proxy"
        raise ConfigurationError(file=SETTINGS_FILE, key=f"{key}.listen", expected=expected, found=source.listen)


_SECOND_KINDS: Final = {SourceKind.FILES, SourceKind.ACCESSES, SourceKind.ACCESS_FILE}


def _check_second(settings: Settings, source: SourceSettings, key: str) -> None:
    """A second source tells of the same logins of the same controller as the relay it is compared with."""
    first = settings.sources.get(source.reconcile_with)
    same = first is not None and (first.controller, first.namespace) == (source.controller, source.namespace)
    if source.kind not in _SECOND_KINDS or not same or first is None or first.kind is not SourceKind.POSTGRES:
        expected = "on a source of accesses: a relay of the same controller and namespace"
        raise ConfigurationError(file=SETTINGS_FILE, key=key, expected=expected, found=source.reconcile_with)


def _check_telephony(settings: Settings, telephony: TelephonySettings, key: str) -> None:
    """Patterns compile, the zone exists, queues lead to controllers that are declared."""
    for name, pattern, group in (("agents", telephony.agents, "login"), ("internal", telephony.internal, "")):
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            raise ConfigurationError(
                file=SETTINGS_FILE, key=f"{key}.{name}", expected="a regular expression", found=error.msg
            ) from None
        if pattern and group and group not in groups:
            expected = f"a regular expression with the group (?P<{group}>…)"
            raise ConfigurationError(file=SETTINGS_FILE, key=f"{key}.{name}", expected=expected, found="no such group")
    if telephony.timezone:
        _check_zone(telephony.timezone, SETTINGS_FILE, f"{key}.timezone")
    for controller in (telephony.controllers or {}).values():
        if controller not in settings.controllers:
            expected = f"one of {', '.join(sorted(settings.controllers))}"
            raise ConfigurationError(file=SETTINGS_FILE, key=f"{key}.controllers", expected=expected, found=controller)


def refuse_password(dsn: str, *, file: str, key: str) -> None:
    """Secrets come by file or environment only (DESIGN §3): a DSN names an account, never its password.

    Raises:
        ConfigurationError: it holds one, which is not repeated.
    """
    try:
        parts = urlsplit(dsn)
        held = parts.password or parse_qs(parts.query).get("password")
    except ValueError:
        raise ConfigurationError(file=file, key=key, expected="a DSN", found="another text") from None
    if held:
        raise ConfigurationError(
            file=file, key=key, expected="no password: it comes by the environment", found="a password"
        )
