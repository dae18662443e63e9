"""From a source of quivive.toml to its open feed and its carrier.

Called by the core at its start (so that a wrong mapping stops it with one sentence), by the webhook and the dry run.
Must never open a feed whose rows the source could not carry.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import msgspec

from quivive.connectors.carry import IntakePort
from quivive.connectors.folder import FolderWatch
from quivive.connectors.follow import LineFollower
from quivive.connectors.model import RowKind
from quivive.connectors.reading.model import FileType
from quivive.connectors.registry import Context, Feed, open_translator
from quivive.connectors.telephony import ami_carrier
from quivive.model.access import Grade
from quivive.model.errors import ConfigurationError
from quivive.settings import BEST_GRADE, SETTINGS_FILE, Settings, SourceKind, SourceSettings

_NAMED_AGENTS: Final = frozenset({RowKind.ACCESSES, RowKind.CONTACTS, RowKind.RECORDINGS, RowKind.LISTENINGS})
_TAKES: Final = {
    SourceKind.ACCESSES: frozenset({RowKind.ACCESSES}),
    SourceKind.CONTACTS: frozenset({RowKind.CONTACTS, RowKind.RECORDINGS, RowKind.LISTENINGS}),
    SourceKind.DIRECTORY: frozenset({RowKind.DIRECTORY}),
    SourceKind.ROSTER: frozenset({RowKind.ROSTER}),
}
"""Rows a source with an API takes; a folder takes what its mapping makes."""
_BY_LINE: Final = frozenset({FileType.LINES, FileType.NDJSON, FileType.DELIMITED})


def open_source(settings: Settings, name: str) -> Feed:
    """Open the mapping of a source.

    Raises:
        ConfigurationError: the mapping is missing or wrong, or does not fit the source.
    """
    source = settings.sources[name]
    key = f"sources.{name}"
    controller = settings.controllers.get(source.controller)
    context = Context(
        source=name,
        controller=source.controller,
        namespace=source.namespace,
        timezone=settings.operator.timezone,
        home=settings.home,
        settings=source,
        catalogue=controller.catalogue if controller is not None else None,
        region=controller.default_region if controller is not None else "FR",
    )
    feed = open_translator(source.mapping, context)
    taken = _TAKES.get(source.kind, frozenset({feed.kind}))
    if feed.kind not in taken:
        wanted = " or ".join(sorted(taken))
        raise ConfigurationError(
            file=SETTINGS_FILE, key=f"{key}.mapping", expected=f"a mapping of {wanted}", found=f"one of {feed.kind}"
        )
    if feed.kind in _NAMED_AGENTS and not source.namespace:
        raise ConfigurationError(file=SETTINGS_FILE, key=f"{key}.namespace", expected="a value", found="nothing")
    form = feed.format
    headed = form.type is FileType.DELIMITED and not form.columns
    if source.follow and (form.type not in _BY_LINE or headed):
        expected = "a mapping of lines (type lines, ndjson, or delimited with columns) beside follow"
        raise ConfigurationError(file=SETTINGS_FILE, key=f"{key}.mapping", expected=expected, found=form.type)
    return feed


def graded(settings: Settings) -> Settings:
    """Lower the grade of each source to what its kind and its mapping deserve; also the check of every mapping.

    Raises:
        ConfigurationError: a mapping is wrong.
    """

    def grade(name: str, source: SourceSettings) -> Grade:
        best = max(source.grade, BEST_GRADE[source.kind])
        return max(best, _deserved(source.kind, open_source(settings, name))) if source.mapping else best

    sources = {
        name: msgspec.structs.replace(source, grade=grade(name, source)) for name, source in settings.sources.items()
    }
    return replace(settings, sources=sources)


def _deserved(kind: SourceKind, feed: Feed) -> Grade:
    """Grade of a mapping; a file whose mapping states none is a file, grade D."""
    return Grade.D if kind is SourceKind.FILES and feed.grade is Grade.A else feed.grade


def carriers(settings: Settings, intake: IntakePort) -> list[Callable[[], Awaitable[None]]]:
    """Open every source of kind `files` or `ami`; each carrier runs until cancelled.

    Raises:
        ConfigurationError: a mapping is wrong; nothing runs.
    """
    found: list[Callable[[], Awaitable[None]]] = []
    for name, source in settings.sources.items():
        if source.kind is SourceKind.FILES:
            carrier = LineFollower if source.follow else FolderWatch
            found.append(carrier(settings.home, name, source, open_source(settings, name), intake).run)
        elif source.kind is SourceKind.AMI:
            found.append(ami_carrier(settings, name, intake))
    return found
