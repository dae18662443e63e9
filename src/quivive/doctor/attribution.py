"""`quivive doctor attribution`: per source and application, by what means agents are named, and the cheapest fix.

Called by the command; asks a running core. Must never show an agent, nor a login other than a declared service
account's.
"""

from collections.abc import Mapping
from typing import Any, Final

from quivive.core.control import CoreUnreachableError, ask, core_socket
from quivive.detection.applications import ATTRIBUTED_MIN_PERMILLE, AttributionFix
from quivive.doctor.finding import Finding, Level
from quivive.settings import Settings

CHECK: Final = "attribution"
EXPECTED: Final = "at least 99.5 % of the statements with an agent (law: no shared identity)"
ADVICE: Final[dict[str, str]] = {
    AttributionFix.SET_AT_CHECKOUT: (
        "The variable is set, but not always: say it at every checkout of the pool, and inside the transaction"
        " (set_config(…, true)) behind a pooler in transaction mode."
    ),
    AttributionFix.VARIABLE_NOT_COMMENT: (
        "A comment names nobody when a prepared statement is executed again: call"
        " select set_config('quivive.agent', $1, false) at every checkout instead."
    ),
    AttributionFix.DECLARE_ACCOUNT: (
        "If each agent has a login of the database: account_is_agent = true. If the application shares one: name it in"
        " service_accounts, then quivive.sdk or set_config."
    ),
    AttributionFix.SDK_OR_SET_CONFIG: (
        "Python: one line of quivive.sdk (SQLAlchemy, Django, psycopg). Elsewhere: select"
        " set_config('quivive.agent', $1, false) at every checkout (docs/attribution.md)."
    ),
    AttributionFix.AGENT_FIELD: (
        "Fill the field agent of each row; for pgAudit, SET quivive.agent in the session (docs/access-logs.md)."
    ),
}


async def check_attribution(settings: Settings, days: int) -> list[Finding]:
    """One finding per source and application, those below the threshold first.

    Raises:
        RefusedError: the core refused.
    """
    try:
        answer = await ask(core_socket(settings.home), "attribution", days=days)
    except CoreUnreachableError:
        return [
            Finding(
                check=CHECK,
                level=Level.FAIL,
                found="the core does not answer",
                expected="a running core",
                advice="Start it: quivive serve. The relays work on without it; nothing is judged meanwhile.",
            )
        ]
    found = [_finding(each) for each in answer["applications"]]
    if not found:
        found = [Finding(check=CHECK, level=Level.NOTE, found="no access seen in that time")]
    return sorted(found, key=lambda finding: finding.level is Level.OK)


def _finding(each: Mapping[str, Any]) -> Finding:
    about = " · ".join(part for part in (each["source"], each["program"], each["account"]) if part)
    means = ", ".join(f"{name} {_percent(number, each['statements'])}" for name, number in _by_size(each["means"]))
    found = f"{each['permille'] / 10:.1f} % of {each['statements']} statements with an agent ({means})"
    if each["permille"] >= ATTRIBUTED_MIN_PERMILLE:
        return Finding(check=CHECK, level=Level.OK, about=about, found=found)
    advice = ADVICE[each["fix"]]
    return Finding(check=CHECK, level=Level.WARN, about=about, found=found, expected=EXPECTED, advice=advice)


def _by_size(means: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(means.items(), key=lambda item: (-item[1], item[0]))


def _percent(part: int, total: int) -> str:
    return f"{100 * part / total:.1f} %"
