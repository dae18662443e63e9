"""What stands: alerts, switches, incidents, silent sources, questions to ask (SQL edge of the alert loop).

Called by `core.alerting` and its commands. Reads only. Must never decide: what follows from a state is pure code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import msgspec

from quivive.detection.counts import relations
from quivive.model.alert import AlertOrigin, AlertState, Freshness, Severity, Switch
from quivive.projection.projection import Projection
from quivive.projection.store import read_sql


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingAlert:
    """One alert of the projection. `changed_at`: its last hit or change of state."""

    alert: str
    controller: str
    ident: str
    topic: str
    origin: AlertOrigin
    severity: Severity
    opened_at: int
    day: str
    state: AlertState
    changed_at: int
    accesses: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLife:
    """The last sign of life of a contact source."""

    controller: str
    source: str
    last_at: int
    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingIncident:
    """An incident that has not ended."""

    incident: str
    incident_kind: str
    controller: str
    source: str
    from_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToAsk:
    """An unexplained access that its agent may be asked about now; `questions` were asked today."""

    controller: str
    ident: str
    access: str
    accessed_at: int
    table: str
    call_before_at: int
    call_after_at: int
    questions: int


def switches_on(projection: Projection) -> frozenset[Switch]:
    """Parts of detection that are on. One never set is off."""
    with projection.reading() as cursor:
        rows = cursor.execute("SELECT switch FROM switch_state WHERE is_on").fetchall()
    return frozenset(Switch(name) for (name,) in rows)


def standing_alerts(projection: Projection, controllers: Sequence[str]) -> tuple[StandingAlert, ...]:
    """Every alert that is kept, whatever its state."""
    with projection.reading() as cursor:
        rows = cursor.execute(_text("open_alerts"), {"controllers": list(controllers)}).fetchall()
        shown = cursor.execute(
            "SELECT printf('%016x%016x', alert_hi, alert_lo), printf('%016x%016x', access_hi, access_lo)"
            " FROM alert_access"
        ).fetchall()
    accesses: dict[str, set[str]] = {}
    for alert, access in shown:
        accesses.setdefault(alert, set()).add(access)
    return tuple(
        StandingAlert(
            alert=alert,
            controller=controller,
            ident=ident,
            topic=topic,
            origin=AlertOrigin(origin),
            severity=Severity(severity),
            opened_at=opened_at,
            day=day,
            state=AlertState(state),
            changed_at=changed_at,
            accesses=frozenset(accesses.get(alert, ())),
        )
        for alert, controller, ident, topic, origin, severity, opened_at, day, state, changed_at in rows
    )


def explained_alerts(projection: Projection, controllers: Sequence[str]) -> frozenset[str]:
    """Alerts of the statistics all of whose accesses have a strong or medium reason by now."""
    with projection.reading() as cursor:
        rows = cursor.execute(_text("explained_alerts"), {"controllers": list(controllers)}).fetchall()
    return frozenset(alert for (alert,) in rows)


def source_lives(projection: Projection, as_of: int) -> tuple[SourceLife, ...]:
    """Contact sources that were ever seen."""
    with projection.reading() as cursor:
        rows = cursor.execute(_text("silent"), {"as_of": as_of}).fetchall()
    return tuple(SourceLife(controller=c, source=s, last_at=last, silent=bool(silent)) for c, s, last, silent in rows)


def open_incidents(projection: Projection) -> tuple[StandingIncident, ...]:
    """Incidents that last."""
    with projection.reading() as cursor:
        rows = cursor.execute(
            "SELECT printf('%016x%016x', incident_hi, incident_lo), incident_kind, controller, source, from_at"
            " FROM incident WHERE to_at = 0 ORDER BY incident_hi, incident_lo"
        ).fetchall()
    return tuple(
        StandingIncident(incident=incident, incident_kind=kind, controller=controller, source=source, from_at=from_at)
        for incident, kind, controller, source, from_at in rows
    )


def freshness(projection: Projection, controller: str) -> tuple[Freshness, ...]:
    """How far the controller's contact sources are complete now."""
    with projection.reading() as cursor:
        rows = cursor.execute(_text("freshness"), {"controller": controller}).fetchall()
    return tuple(Freshness(source=source, complete_to=complete_to) for source, complete_to in rows)


def reasons_in_force(projection: Projection) -> tuple[str, ...]:
    """Templates that give a strong or medium reason: what would have explained an access."""
    with projection.reading() as cursor:
        rows = cursor.execute(
            "SELECT DISTINCT template FROM template WHERE strength IN ('strong', 'medium') ORDER BY template"
        ).fetchall()
    return tuple(sorted((name for (name,) in rows), key=lambda name: (len(name), name)))


def day_state(projection: Projection, controller: str, from_at: int, to_at: int) -> tuple[int, int]:
    """Judged units of a stretch, sealed or not, and those of them that are not final."""
    bounds = {"controller": controller, "from_at": from_at, "to_at": to_at}
    with projection.reading() as cursor:
        relations(cursor, projection, (controller,), from_at, to_at)
        found = cursor.execute(_text("day_state"), bounds).fetchone()
    assert found is not None, "an aggregate always gives a row"
    return int(found[0]), int(found[1] or 0)


def digests(projection: Projection, controller: str) -> dict[str, tuple[str, ...]]:
    """Days with a digest, each with the topics that were over their quota."""
    with projection.reading() as cursor:
        rows = cursor.execute(
            "SELECT day, left_out FROM alert_digest WHERE controller = $1 ORDER BY day", [controller]
        ).fetchall()
    return {
        day: tuple(each["topic"] for each in msgspec.json.decode(left_out) if each["reason"] == "quota")
        for day, left_out in rows
    }


def to_ask(
    projection: Projection, controllers: Sequence[str], *, from_at: int, as_of: int, most: int, few: int
) -> tuple[ToAsk, ...]:
    """Unexplained accesses since `from_at` that may be asked about at `as_of`: at most `most` a person and day."""
    parameters = {
        "controllers": list(controllers), "from_at": from_at, "to_at": as_of + 1, "as_of": as_of, "most": most,
        "few": few,
    }  # fmt: skip
    found: list[ToAsk] = []
    with projection.reading() as cursor:
        rows = cursor.execute(_text("to_ask"), parameters).fetchall()
        for controller, ident, access, at, table, questions in rows:
            person = {"person_hi": int(ident[:16], 16), "person_lo": int(ident[16:], 16)}
            around = cursor.execute(_text("calls_around"), {"at": at, **person}).fetchone()
            before_at, after_at = around or (0, 0)
            found.append(
                ToAsk(
                    controller=controller,
                    ident=ident,
                    access=access,
                    accessed_at=at,
                    table=table,
                    call_before_at=before_at,
                    call_after_at=after_at,
                    questions=questions,
                )
            )
    return tuple(found)


@cache
def _text(name: str) -> str:
    return read_sql("quivive.detection", "alertstate", f"{name}.sql")
