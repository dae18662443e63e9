"""Runs every check that applies and orders the findings, worst first.

Called by the command. Must never stop at the first failure: one visit tells all.
"""

from quivive.doctor.core_state import check_core, check_sources
from quivive.doctor.database import check_database
from quivive.doctor.finding import Finding, Level
from quivive.doctor.folder import check_folder
from quivive.doctor.retention import check_retention
from quivive.settings import Settings, SourceKind

_ORDER = {Level.FAIL: 0, Level.WARN: 1, Level.NOTE: 2, Level.OK: 3}


async def examine(settings: Settings, now: int) -> list[Finding]:
    """Every finding, worst first; `now` in microseconds UTC."""
    found = [*check_folder(settings, now), *check_sources(settings)]
    found += [finding async for finding in check_core(settings)]
    found += [finding async for finding in check_retention(settings)]
    for name, source in settings.sources.items():
        if source.kind is SourceKind.POSTGRES:
            found += [finding async for finding in check_database(settings, name, source)]
    return sorted(found, key=lambda finding: _ORDER[finding.level])
