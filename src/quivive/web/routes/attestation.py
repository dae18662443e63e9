"""The daily attestation: a named reviewer says that a day's alerts were looked at (law reference D-01).

Registered by `app.create_app`; its panel stands on the page of alerts. Must never attest by itself, nor for a day that
is past remedy: only today and yesterday can be attested, so that a missed day stays missed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, post
from litestar.response import Redirect

from quivive.model.attestation import TRIAGE_US, AttestationBody
from quivive.model.clock import SECOND_US
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError
from quivive.model.permission import Permission
from quivive.web.guards import requires
from quivive.web.reading import Period, Purpose, Reader, reader_for

SHOWN: int = 10
"""Latest attestations on the page; all of them are in the dossier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPanel:
    """How the review stands. `triage`: a row per company; `latest`: attestations; `days`: may be attested now."""

    triage: Sequence[Mapping[str, object]]
    latest: Sequence[Mapping[str, object]]
    days: tuple[str, str]


async def read_panel(reader: Reader) -> ReviewPanel:
    """Counts now, days without attestation, the latest attestations."""
    days = _days(reader)
    triage = await _triage(reader)
    latest = await reader.raw("attestations", limit=SHOWN)
    return ReviewPanel(triage=triage, latest=latest, days=days)


@post("/alerts/attest", opt=requires(Permission.CONTROLLER_ALERTS_REVIEW), include_in_schema=False, status_code=303)
async def attest(request: Request[Any, Any, Any]) -> Response[Any]:
    """Attest today or yesterday, for every company of the reviewer."""
    day = str((await request.form()).get("day", ""))
    reader = await reader_for(request, Purpose.ALERT_REVIEW, period=Period.YEAR)
    write = reader.services.attest
    if write is None:
        raise RefusedError("rebuilding")
    if day not in _days(reader):
        raise RefusedError("attestation_day")
    rows = await _triage(reader)
    for row in rows:
        await write(
            AttestationBody(
                controller=str(row["controller"]),
                day=day,
                principal=reader.principal.id,
                role=reader.principal.role_text,
                open_alerts=int(str(row["open_alerts"])),
                closed_alerts=int(str(row["closed_alerts"])),
                overdue_alerts=int(str(row["overdue_alerts"])),
            )
        )
    await reader.record(ActKind.ATTEST_REVIEW, object_id=day, count=len(rows))
    return Redirect("/alerts?attested=1#review", status_code=303)


async def _triage(reader: Reader) -> list[dict[str, object]]:
    return await reader.raw("alert_triage", overdue_at=reader.services.clock() - TRIAGE_US, today=_days(reader)[0])


def _days(reader: Reader) -> tuple[str, str]:
    """Today and yesterday in the console's zone, `yyyymmdd`."""
    now = datetime.fromtimestamp(reader.services.clock() // SECOND_US, tz=UTC)
    local = now.astimezone(ZoneInfo(reader.services.timezone)).date()
    return local.strftime("%Y%m%d"), (local - timedelta(days=1)).strftime("%Y%m%d")
