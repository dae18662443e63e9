"""Checks that what was declared is what is kept: overdue stores and removals that are not complete (law P-10).

Called by `run`, of a running core. Must never show more than stores, classes and counts.
"""

from collections.abc import AsyncIterator

from quivive.core.control import CoreUnreachableError, ask, core_socket
from quivive.doctor.finding import Finding, Level
from quivive.model.errors import RefusedError
from quivive.settings import Settings


async def check_retention(settings: Settings) -> AsyncIterator[Finding]:
    """Declared against oldest, for every store; one finding for all that is well."""
    try:
        told = await ask(core_socket(settings.home), "retention-look")
    except (CoreUnreachableError, RefusedError):
        return  # `core` has said so
    late = [each for each in told["stores"] if each["overdue"]]
    for each in late:
        yield Finding(
            check="retention",
            level=Level.FAIL,
            about=f"{each['controller']}/{each['retention_class']}",
            found=f"{each['store']} holds something of {each['oldest'][:10]}",
            expected=f"nothing older than {each['declared_days']} days",
            advice="See quivive purge status; a damaged segment is looked at first: quivive verify.",
        )
    if told["incomplete"]:
        yield Finding(
            check="retention",
            level=Level.FAIL,
            found=f"{told['incomplete']} removals are not complete",
            expected="a certificate for each",
            advice="The core tries again every hour; see quivive purge status.",
        )
    if not late and not told["incomplete"]:
        yield Finding(check="retention", level=Level.OK, found="nothing is kept longer than declared")
