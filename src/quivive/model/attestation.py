"""A named reviewer attests that the alerts of a day were looked at (law reference D-01).

Written by the console, read by the dossier. Must never say anything about an agent: a day, counts, who attests.
"""

from dataclasses import dataclass
from typing import Final

from quivive.model.clock import HOUR_US

TRIAGE_US: Final = 72 * HOUR_US
"""An alert still open after this long is overdue (law reference D-01)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationBody:
    """Body of `attestation`: one reviewer, one company, one day (`yyyymmdd`, local day of the console's zone).

    Fields:
        open_alerts, closed_alerts, overdue_alerts: as they stood at that instant; overdue ones are open too.
    """

    controller: str
    day: str
    principal: str
    role: str
    open_alerts: int
    closed_alerts: int
    overdue_alerts: int
