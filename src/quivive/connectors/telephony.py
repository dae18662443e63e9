"""Opens the translators of telephony with what their source declares, and the client of a switch.

Called by the connector registry and by the carriers of the core. Must never read a secret from quivive.toml.
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from quivive.addresses import parse_address
from quivive.connectors.amazon_connect import AmazonConnectTranslator
from quivive.connectors.asterisk.ami import AmiClient, AmiTarget, IntakePort
from quivive.connectors.asterisk.cdr import CdrTranslator
from quivive.connectors.asterisk.cel import CelTranslator
from quivive.connectors.asterisk.queue_log import QueueLogTranslator
from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.genesys import GenesysTranslator
from quivive.connectors.model import Translator
from quivive.connectors.reading.model import FileType, Format
from quivive.connectors.vicidial import VicidialTranslator
from quivive.model.errors import ConfigurationError
from quivive.settings import SETTINGS_FILE, Settings, SourceSettings

AMI_SECRET: Final = "QUIVIVE_AMI_SECRET"  # noqa: S105 - the name of a variable

LINES: Final = Format(type=FileType.LINES)
TABLE: Final = Format()
MAPPINGS: Final[dict[str, tuple[Callable[[TelephonySettings], Translator], Format, dict[str, str]]]] = {
    "asterisk-queue-log": (
        QueueLogTranslator,
        LINES,
        {"fr": "Asterisk : journal des files (queue_log)", "en": "Asterisk: queue_log file"},
    ),
    "asterisk-queue-log-table": (
        QueueLogTranslator,
        TABLE,
        {"fr": "Asterisk : table queue_log", "en": "Asterisk: queue_log table"},
    ),
    "asterisk-cdr": (
        CdrTranslator,
        LINES,
        {"fr": "Asterisk : détail des appels (Master.csv)", "en": "Asterisk: call detail records (Master.csv)"},
    ),
    "asterisk-cdr-table": (
        CdrTranslator,
        TABLE,
        {"fr": "Asterisk : table cdr", "en": "Asterisk: cdr table"},
    ),
    "asterisk-cel": (
        CelTranslator,
        LINES,
        {"fr": "Asterisk : événements de canaux (cel_custom)", "en": "Asterisk: channel events (cel_custom)"},
    ),
    "asterisk-cel-table": (
        CelTranslator,
        TABLE,
        {"fr": "Asterisk : table cel", "en": "Asterisk: cel table"},
    ),
    "amazon-connect": (
        AmazonConnectTranslator,
        Format(type=FileType.NDJSON),
        {
            "fr": "Amazon Connect : contacts, événements, agents",
            "en": "Amazon Connect: contact records, contact events, agent events",
        },
    ),
    "genesys": (
        GenesysTranslator,
        Format(type=FileType.JSON, array="conversations"),
        {"fr": "Genesys Cloud : détail des conversations", "en": "Genesys Cloud: conversation details"},
    ),
    "vicidial": (
        VicidialTranslator,
        TABLE,
        {
            "fr": "VICIdial : appels, agents, rappels, fiches",
            "en": "VICIdial: call logs, agent log, callbacks, leads",
        },
    ),
}
"""Name → translator, layout of its files, title. `-table`: rows exported from SQL with their column names."""


def telephony_settings(source: SourceSettings | None, controller: str, timezone: str) -> TelephonySettings:
    """Collect what a translator may know of its source."""
    told = source.telephony if source is not None else None
    if told is None:
        return TelephonySettings(controller=controller, timezone=timezone)
    return TelephonySettings(
        controller=controller,
        controllers=told.controllers or {},
        agents=told.agents,
        internal=told.internal,
        timezone=told.timezone or timezone,
        outbound_queues=frozenset(told.outbound_queues),
        table=told.table,
        attribute=told.attribute,
    )


def ami_carrier(settings: Settings, name: str, intake: IntakePort) -> Callable[[], Awaitable[None]]:
    """Open the client of one source of kind `ami`; it runs until cancelled.

    Raises:
        ConfigurationError: the secret is not where it is said to be.
    """
    source = settings.sources[name]
    address: Any = parse_address(source.target, f"sources.{name}.target")
    host, port = (address, 0) if isinstance(address, str) else address
    target = AmiTarget(
        host=host,
        port=port,
        user=source.user,
        secret=_secret(settings.home, name, source),
        heartbeat_s=source.heartbeat_s,
    )
    told = telephony_settings(source, source.controller, settings.operator.timezone)
    return AmiClient(name, target, told, intake, settings.home / "run" / "ami" / f"{name}.json").run


def _secret(home: Path, name: str, source: SourceSettings) -> str:
    if not source.secret_file:
        if secret := os.environ.get(AMI_SECRET, ""):
            return secret
        expected = f"a file with the secret, or {AMI_SECRET} in the environment"
        raise ConfigurationError(
            file=SETTINGS_FILE, key=f"sources.{name}.secret_file", expected=expected, found="nothing"
        )
    try:
        return (home / source.secret_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            file=SETTINGS_FILE,
            key=f"sources.{name}.secret_file",
            expected="a readable file",
            found=getattr(error, "strerror", None) or "no text",
        ) from None
