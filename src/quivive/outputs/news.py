"""One thing worth telling others, before it has a format: alert, incident or access, without any person.

Made by the core, encoded by `ocsf`, `cef` and `webhook`. Must never hold an agent, a subject, a key or a text: the
receiver opens the console, where rights and the gate decide.
"""

from dataclasses import dataclass
from enum import StrEnum

from quivive.model.access import Action


class NewsKind(StrEnum):
    """Type of a message, as receivers filter on it."""

    ALERT_OPENED = "alert.opened"
    ALERT_CHANGED = "alert.changed"
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_CLOSED = "incident.closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """An alert or incident: codes and instants only (microseconds UTC). `topic` is a rule or a cause."""

    kind: NewsKind
    id: str
    at: int
    controller: str
    topic: str
    severity: str
    state: str

    @property
    def key(self) -> str:
        """The same news has the same key, so that it is told once."""
        return f"{self.kind}/{self.id}/{self.state}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAccess:
    """One finished access: what was done to which tables by which application, never by whom nor on whom."""

    id: str
    at: int
    ended_at: int
    controller: str
    source: str
    program: str
    action: Action
    tables: tuple[str, ...]
    rows: int
    records: int
    coverage: str
    outcome: str
    grade: str
    attributed: bool
