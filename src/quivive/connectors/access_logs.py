"""Access logs that a YAML document of the site describes: `translator: weblog` and `translator: pgaudit`.

Called by the registry of the connectors. The document names the log's format and its pages or databases; agents and
accounts come from the source in quivive.toml, tables from the controller's catalogue.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypedDict
from zoneinfo import ZoneInfo

from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.hearing_book import HearingBook
from quivive.connectors.mapping.leaf import Place
from quivive.connectors.model import RowKind, Translator
from quivive.connectors.pgaudit.settings import pgaudit_settings, zone_of
from quivive.connectors.pgaudit.translator import PgauditTranslator
from quivive.connectors.weblog.players import RecorderLogTranslator, player_settings
from quivive.connectors.weblog.settings import weblog_settings
from quivive.connectors.weblog.translator import WeblogTranslator
from quivive.model.access import Grade
from quivive.model.catalogue import Catalogue
from quivive.model.errors import ConfigurationError
from quivive.settings import SourceSettings

Open = Callable[[dict[str, Any], str, SourceSettings | None, Catalogue | None, str, str], Translator]


def open_weblog(
    document: dict[str, Any],
    file: str,
    source: SourceSettings | None,
    catalogue: Catalogue | None,
    timezone: str,
    region: str,
) -> Translator:
    """Open a web log.

    Raises:
        ConfigurationError: the document is wrong, or names a table that the catalogue does not have.
    """
    del source, region
    settings = weblog_settings(document, file)
    if catalogue is not None:
        _check_tables(settings.urls.patterns, catalogue, file)
    place = Place(file=file, key="log.timezone", renamed={})
    zone: ZoneInfo = zone_of(settings.timezone or timezone, place)
    return WeblogTranslator(settings, zone=zone)


def _check_tables(patterns: Iterable[Any], catalogue: Catalogue, file: str) -> None:
    names = {name for table in catalogue.tables for name in (table.name, table.name.partition(".")[2])}
    names |= {name for free in catalogue.not_protected for name in (free, free.partition(".")[2])}
    for number, pattern in enumerate(patterns):
        for table in pattern.tables:
            if table not in names:
                raise ConfigurationError(
                    file=file, key=f"urls.patterns.{number}", expected="a table of the catalogue", found=table
                )


def open_pgaudit(
    document: dict[str, Any],
    file: str,
    source: SourceSettings | None,
    catalogue: Catalogue | None,
    timezone: str,
    region: str,
) -> Translator:
    """Open a pgAudit log.

    Raises:
        ConfigurationError: the document is wrong, or the source serves no single controller.
    """
    if catalogue is None:
        raise ConfigurationError(
            file=file, key="translator", expected="a source with one controller, whose catalogue names the tables",
            found="none",
        )  # fmt: skip
    settings = pgaudit_settings(document, file, source=source, timezone=timezone, region=region)
    return PgauditTranslator(settings, catalogue)


def open_recorder_log(
    document: dict[str, Any],
    file: str,
    source: SourceSettings | None,
    catalogue: Catalogue | None,
    timezone: str,
    region: str,
) -> Translator:
    """Open the log of the web server in front of a recorder's folder.

    Raises:
        ConfigurationError: the document is wrong.
    """
    del catalogue, region
    settings = player_settings(document, file)
    place = Place(file=file, key="log.timezone", renamed={})
    book = HearingBook(TelephonySettings(controller=source.controller if source is not None else ""))
    return RecorderLogTranslator(settings, book, zone=zone_of(settings.timezone or timezone, place))


_DOCUMENTED: Final[dict[str, Open]] = {
    "weblog": open_weblog,
    "pgaudit": open_pgaudit,
    "recorder-log": open_recorder_log,
}
KINDS: Final[dict[str, RowKind]] = {"recorder-log": RowKind.LISTENINGS}
"""Rows of a documented log; accesses unless told here."""
_LATENESS: Final = re.compile(r"(\d{1,6}) ?(h|min|s)", re.ASCII)
SERVER_LATENESS: Final = "10 min"
"""A server writes its log as it goes; ten minutes cover a rotation and a restart of the follower."""
TITLES: Final[dict[str, dict[str, str]]] = {
    "weblog": {"fr": "Journal d'accès d'un serveur web", "en": "Access log of a web server"},
    "pgaudit": {"fr": "Journal pgAudit de PostgreSQL", "en": "PostgreSQL's pgAudit log"},
    "recorder-log": {
        "fr": "Journal du serveur web d'un enregistreur",
        "en": "Access log of a recorder's web server",
    },
}


class Stated(TypedDict):
    """What a document says of its log beyond its lines."""

    grade: Grade
    lateness_s: int


def stated(document: dict[str, Any], file: str) -> Stated:
    """Grade and lateness budget; a server's own log is B and comes at once, unless the document says less.

    Raises:
        ConfigurationError: one of them is none.
    """
    place = Place(file=file, key="", renamed={})
    raw = document.get("lateness", SERVER_LATENESS)
    match = _LATENESS.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        raise place.at("lateness").wrong("a time, for example 36 h, 90 min or 20 s", "another text")
    return {
        "grade": place.at("grade").choice(document.get("grade", Grade.B), Grade),
        "lateness_s": int(match[1]) * {"h": 3_600, "min": 60, "s": 1}[match[2]],
    }


def open_documented(
    document: dict[str, Any],
    file: str,
    source: SourceSettings | None,
    catalogue: Catalogue | None,
    timezone: str,
    region: str,
) -> Translator:
    """Open the log a document describes, by its `translator`.

    Raises:
        ConfigurationError: no such translator, or the document is wrong.
    """
    name = document.get("translator")
    opener = _DOCUMENTED.get(name) if isinstance(name, str) else None
    if opener is None:
        known = ", ".join(sorted(_DOCUMENTED))
        raise ConfigurationError(file=file, key="translator", expected=f"one of {known}", found=str(name)[:40])
    return opener(document, file, source, catalogue, timezone, region)
