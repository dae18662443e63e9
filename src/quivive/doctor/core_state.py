"""Checks that a running core answers: behind or not, storage; and what the configuration lacks.

Called by `run`. Must never show more than counts and states.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from quivive.core.control import CoreUnreachableError, ask, core_socket
from quivive.doctor.finding import Finding, Level
from quivive.model.errors import RefusedError
from quivive.settings import Settings, SourceKind

MAX_BEHIND_ENTRIES: Final = 50_000


async def check_core(settings: Settings) -> AsyncIterator[Finding]:
    """What the core says of itself."""
    socket = core_socket(settings.home)
    try:
        status = await ask(socket, "status")
    except (CoreUnreachableError, RefusedError):
        yield Finding(
            check="core",
            level=Level.FAIL,
            found="the core does not answer",
            expected="a running core",
            advice="Start it: quivive serve. The relays work on without it; nothing is judged meanwhile.",
        )
        return
    yield Finding(check="core", level=Level.OK, found="the core answers")
    yield _storage(status)
    yield _behind(status)


def _storage(status: Mapping[str, Any]) -> Finding:
    if not status["storage_failing"]:
        return Finding(check="storage", level=Level.OK, found="the disk takes what is written")
    return Finding(
        check="storage",
        level=Level.FAIL,
        found="the disk refuses what the core writes",
        expected="a disk with room",
        advice="Make room; the spools keep what comes meanwhile.",
    )


def _behind(status: Mapping[str, Any]) -> Finding:
    behind = int(status["entries_behind"])
    if status["rebuilding"]:
        return Finding(check="projection", level=Level.NOTE, found=f"being rebuilt, {behind} entries to go")
    if behind <= MAX_BEHIND_ENTRIES:
        return Finding(check="projection", level=Level.OK, found=f"{behind} entries behind")
    return Finding(
        check="projection",
        level=Level.WARN,
        found=f"{behind} entries behind",
        expected="a few hundred",
        advice="A source sends more than this machine judges; verdicts come late, nothing is lost.",
    )


def check_sources(settings: Settings) -> list[Finding]:
    """What the configuration alone tells: is there anything to explain accesses with, and by whom."""
    found = [
        Finding(
            check="contacts",
            level=Level.WARN,
            about=controller.id,
            found="no contact_sources",
            expected="the sources of its calls and tickets",
            advice="Name them in the controller's file: without calls and tickets nothing can be explained.",
        )
        for controller in settings.controllers.values()
        if not controller.contact_sources
    ]
    kinds = {source.kind for source in settings.sources.values()}
    if SourceKind.DIRECTORY not in kinds and SourceKind.FILES not in kinds:
        found.append(
            Finding(
                check="directory",
                level=Level.WARN,
                found="no source of people",
                expected="a directory",
                advice="Send the directory: without it no agent is known to be informed.",
            )
        )
    if SourceKind.ROSTER not in kinds and SourceKind.FILES not in kinds:
        found.append(
            Finding(
                check="roster",
                level=Level.WARN,
                found="no source of shifts",
                expected="a roster",
                advice="Send the roster: without it nobody is known to be on shift.",
            )
        )
    return found
