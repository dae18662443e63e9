"""The notification of a breach (GDPR article 33), pre-filled from a resolved case (law reference P-08).

Called by `quivive resolve`. Pure. Must never name anybody, and never decide whether a breach is notified: people
complete the form and send it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from quivive.model.clock import HOUR_US
from quivive.reports.drafting import LANGUAGES, drafts_environment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AUTHORITY_HOURS = 72
"""From the controller's knowledge to the authority (article 33(1)); a processor tells its controller at once."""


def write_forms(facts: Mapping[str, Any]) -> dict[str, str]:
    """The form by language. `facts` as `resolve-close` answers them, with `listed` and `unreadable` lines."""
    environment = drafts_environment()
    zone = ZoneInfo(str(facts["timezone"]))

    def when(at: int) -> str:
        return (_EPOCH + timedelta(microseconds=at)).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z") if at else "–"

    values = {**facts, "when": when, "authority_by": int(facts["known_at"]) + AUTHORITY_HOURS * HOUR_US}
    return {language: environment.get_template(f"{language}/breach_form.md").render(values) for language in LANGUAGES}
