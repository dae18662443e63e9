"""pgAudit's lines of a PostgreSQL server log become access rows (docs/access-logs.md).

Opened by the registry of the connectors. It stands where no relay can: it knows what was asked for, not what was
shown, and says so by the coverage of each row. Must never guess an agent, a key or a number of rows, and never keep
a value: keys go in clear to the intake of the same process, which hashes them.
"""

import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from quivive.capture.attribution import MAX_LOGIN, AttributionSettings
from quivive.connectors.model import CanonicalRow, Record, Refusal, RowKind
from quivive.connectors.pgaudit.audit_line import AUDIT, Audit, read_audit
from quivive.connectors.pgaudit.server_log import LogFormat, LogRecord
from quivive.connectors.pgaudit.session import Session
from quivive.connectors.pgaudit.statement import (
    NOTHING_LOGGED,
    Done,
    Known,
    Statements,
    candidates,
    explained,
    merged,
    parameters,
)
from quivive.connectors.pgaudit.stderr_log import log_reader
from quivive.connectors.readable import address_of, readable
from quivive.model.access import Action, CoverageClass
from quivive.model.catalogue import Catalogue
from quivive.model.clock import Micros, to_rfc3339
from quivive.wire.shape import Shaped

MAX_SESSIONS: Final = 20_000
"""Sessions followed at once: about 40 MB; a forgotten one names nobody until its next SET."""
_DENIED: Final = "42501"  # insufficient_privilege
_COUNTED: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "???", "MERGE"})
"""Commands whose rows pgAudit counts; of COPY and DECLARE it says 0."""
# ri_triggers.c: the server's own checks of foreign keys show nobody anything.
_SERVER_CHECK: Final = re.compile(r'SELECT 1 FROM (?:ONLY )?"[^"]+"\."[^"]+" x WHERE .* FOR KEY SHARE OF x', re.DOTALL)
_OF_ACTION: Final[dict[str, Action]] = {
    "SELECT": Action.LIST,
    "INSERT": Action.CREATE,
    "UPDATE": Action.UPDATE,
    "DELETE": Action.DELETE,
    "COPY": Action.EXPORT,
}
_NO_ROWS: Final = {"FUNCTION": "function", "DDL": "definition", "ROLE": "definition"}
"""Classes that show no row by themselves: the statements inside a function, or that fill a table, have own lines."""
_TABLES: Final = frozenset({"TABLE", "FOREIGN TABLE", "MATERIALIZED VIEW"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PgauditSettings:
    """What a source says of its log.

    Fields:
        prefix: `log_line_prefix`, for a stderr log.
        zone: `log_timezone`; the abbreviation in each line settles summer and winter.
        databases: names of the databases to read; empty means every one.
        search_path: schemas of names without one; empty means public, then those of the catalogue.
        comments: "sent" believes a comment where the text was certainly just sent (no parameters), "always", "never".
    """

    format: LogFormat
    attribution: AttributionSettings
    zone: ZoneInfo
    prefix: str = ""
    databases: frozenset[str] = frozenset()
    search_path: tuple[str, ...] = ()
    comments: str = "sent"
    region: str = "FR"


@dataclass(slots=True)
class _Pending:
    """Tables of a statement under way that were told."""

    place: tuple[int, int] = (0, 0)
    tables: set[str] = field(default_factory=set)


class PgauditTranslator:
    """One server log. State: the sessions, and the lines of a record that is not whole yet."""

    def __init__(self, settings: PgauditSettings, catalogue: Catalogue) -> None:
        self._settings = settings
        self._reader = log_reader(settings.format, zone=settings.zone, prefix=settings.prefix)
        self._statements = Statements(catalogue, region=settings.region, search_path=settings.search_path)
        self._sessions: OrderedDict[str, tuple[Session, _Pending]] = OrderedDict()
        self._latest = 0
        self.skipped: Counter[str] = Counter()
        """Records that make no row, by reason."""

    def feed(self, records: Iterable[Record], now: int) -> Iterator[CanonicalRow | Refusal]:
        """Take lines of the log, in field `line`."""
        del now
        for record in readable(records):
            for found in self._reader.feed(record.number, str(record.fields.get("line", ""))):
                yield from self._take(found)

    def close(self, now: int) -> Iterator[CanonicalRow | Refusal]:
        """Take the record that no further line can change."""
        del now
        for found in self._reader.close():
            yield from self._take(found)

    def complete_to(self) -> int:
        """Time of the latest line: the server writes them as they happen."""
        return self._latest

    # Records ----------------------------------------------------------------------------------------------------

    def _take(self, found: LogRecord | Refusal) -> Iterator[CanonicalRow | Refusal]:
        if isinstance(found, Refusal):
            yield found
            return
        self._latest = max(self._latest, found.at)
        if not found.user or (self._settings.databases and found.database not in self._settings.databases):
            self.skipped["other database" if found.user else "no user"] += 1
            return
        session, pending = self._session(found)
        session.saw(found)
        if found.severity in {"ERROR", "FATAL", "ERREUR"}:
            yield from self._failed(found, session)
            session.failed()
        elif found.message.startswith(AUDIT):
            audit = read_audit(found)
            if isinstance(audit, Refusal):
                yield audit
                return
            yield from self._audited(found, audit, session, pending)
        else:
            self.skipped["no audit line"] += 1

    def _session(self, record: LogRecord) -> tuple[Session, _Pending]:
        key = record.session or f"{record.process}@{record.database}"
        found = self._sessions.get(key)
        if found is None:
            found = (Session(self._settings.attribution, record), _Pending())
            self._sessions[key] = found
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)
        else:
            self._sessions.move_to_end(key)
        return found

    def _failed(self, record: LogRecord, session: Session) -> Iterator[CanonicalRow]:
        """A statement that the server refused: tried, nothing shown."""
        if record.state != _DENIED or not record.query:
            self.skipped["failed statement"] += 1
            return
        shaped, known = self._statements.read(record.query)
        tables = dict.fromkeys(
            table
            for index in range(len(known.plans))
            for table in self._statements.done(shaped, known, index, (), 0).tables
        )
        if not tables:
            self.skipped["no protected table"] += 1
            return
        place = record.line or record.at
        yield self._row(
            record,
            session,
            f"e{place}",
            shaped.tags,
            action=known.extractions[0].action,
            tables=list(tables),
            rows=0,
            coverage=CoverageClass.COUNT_ONLY,
            outcome="denied",
        )

    def _audited(
        self, record: LogRecord, audit: Audit, session: Session, pending: _Pending
    ) -> Iterator[CanonicalRow | Refusal]:
        text, given = session.begins(audit.statement, audit.substatement, audit.text, audit.given)
        place = (audit.statement, audit.substatement)
        if pending.place != place:
            pending.place, pending.tables = place, set()
        if audit.kind in _NO_ROWS:
            self.skipped[_NO_ROWS[audit.kind]] += 1
        elif _SERVER_CHECK.fullmatch(text):
            self.skipped["foreign key check"] += 1
        elif not text or text in NOTHING_LOGGED:
            yield from self._by_object(record, audit, session, pending, {})
        else:
            yield from self._by_text(record, audit, session, pending, text, given)

    def _by_text(
        self, record: LogRecord, audit: Audit, session: Session, pending: _Pending, text: str, given: str
    ) -> Iterator[CanonicalRow | Refusal]:
        shaped, known = self._statements.read(text)
        binds = parameters(given)
        chosen = candidates(known, audit.command)
        if session.first_time(text, given):
            for index in chosen:
                session.effect(known.plans[index], shaped, binds or ())
        elif audit.object_name and not explained(known, chosen):
            tags = self._tags(shaped, given_none=given == "<none>")
            yield from self._by_object(record, audit, session, pending, tags)
            return
        elif len(known.plans) == 1:
            self.skipped["told already"] += 1
            return
        session.made |= self._statements.made(known)
        if len(known.plans) > 1 and session.repeated(text, audit.command):
            self.skipped["told already"] += 1  # the first line of a text of several statements tells them all
            return
        chosen = [index for index in chosen if self._statements.protected(known, index)]
        if not chosen and audit.object_name and not explained(known, candidates(known, audit.command)):
            # A table that the text hides: behind a function that the server unfolded.
            tags = self._tags(shaped, given_none=given == "<none>")
            yield from self._by_object(record, audit, session, pending, tags)
            return
        if not chosen:
            self.skipped["no protected table"] += 1
            return
        yield from self._executed(record, audit, session, pending, shaped, known, chosen, binds)

    def _executed(
        self,
        record: LogRecord,
        audit: Audit,
        session: Session,
        pending: _Pending,
        shaped: Shaped,
        known: Known,
        chosen: list[int],
        binds: Sequence[bytes | None] | None,
    ) -> Iterator[CanonicalRow | Refusal]:
        rows = audit.rows if audit.command in _COUNTED else None
        tags = self._tags(shaped, given_none=audit.given == "<none>")
        done = merged([self._statements.done(shaped, known, index, binds or (), rows) for index in chosen])
        if done.tables:
            pending.tables.update(done.tables)
            yield self._told(record, audit, session, done, tags, None if done.cursor else rows)
        if audit.object_name:
            yield from self._by_object(record, audit, session, pending, tags)
        elif set(done.unknown) - session.made or not (done.tables or done.unknown):
            yield Refusal(
                number=record.number,
                field="statement",
                expected="relations of the catalogue, or pgaudit.log_relation = on",
                found="a relation that the catalogue does not name",
            )

    def _by_object(
        self, record: LogRecord, audit: Audit, session: Session, pending: _Pending, tags: Mapping[str, str]
    ) -> Iterator[CanonicalRow | Refusal]:
        """A table that the server names and the text does not: behind a view, or with the text not logged."""
        name = audit.object_name
        if audit.object_type not in _TABLES or name.startswith(("pg_temp", "pg_toast")) or name in pending.tables:
            self.skipped["told already" if name in pending.tables else "no protected table"] += 1
            return
        if self._statements.is_declared(name):
            pending.tables.add(name)
            yield self._row(
                record,
                session,
                f"{audit.statement}/{audit.substatement}/{name}",
                tags,
                action=_OF_ACTION.get(audit.command, Action.QUERY),
                tables=[name],
                rows=audit.rows or 0,
                coverage=CoverageClass.COUNT_ONLY,
            )
        elif self._statements.is_unknown(name):
            yield Refusal(
                number=record.number,
                field="object_name",
                expected="a table of the catalogue, or one listed as not protected",
                found="another table",
            )
        else:
            self.skipped["no protected table"] += 1

    # Rows -------------------------------------------------------------------------------------------------------

    def _told(
        self, record: LogRecord, audit: Audit, session: Session, done: Done, tags: Mapping[str, str], rows: int | None
    ) -> CanonicalRow:
        more: dict[str, Any] = {}
        if done.records:
            more["records"] = [f"{table}:{key}" for table, key in done.records]
        if done.alternates:
            more["identities"] = [{"table": t, "kind": kind, "value": text} for t, kind, text in done.alternates]
        if done.changed:
            more["changed"] = list(done.changed)
        if done.patterns:
            more["patterns"] = [
                {"column": p.column, "class": p.pattern_class.value, "fixed_chars": min(p.fixed_chars, 256)}
                for p in done.patterns
            ]
        if rows is not None:
            more["rows"] = rows
        return self._row(
            record,
            session,
            f"{audit.statement}/{audit.substatement}",
            tags,
            action=done.action,
            tables=list(done.tables),
            # Of a cursor the log says nothing that could be counted.
            coverage=CoverageClass.OPAQUE if done.cursor and not done.records else done.coverage,
            **more,
        )

    def _row(
        self,
        record: LogRecord,
        session: Session,
        place: str,
        tags: Mapping[str, str],
        *,
        action: Action,
        coverage: CoverageClass,
        **more: Any,
    ) -> CanonicalRow:
        whole = record.session or f"{record.process}/{record.at}"
        value: dict[str, Any] = {
            "id": f"{whole}/{place}",
            "at": to_rfc3339(Micros(record.at)),
            "action": action.value,
            "coverage": coverage.value,
            **more,
        }
        agent, contact, named = self._who(record, session, tags)
        if agent:
            value["agent"] = agent
        if contact:
            value["contact"] = contact
        address = address_of(record.host)
        if address:
            value["address"] = address
        if record.application and not named and len(record.application) <= MAX_LOGIN:
            value["program"] = record.application
        return CanonicalRow(kind=RowKind.ACCESSES, number=record.number, value=value)

    def _tags(self, shaped: Shaped, *, given_none: bool) -> Mapping[str, str]:
        """A comment belongs to the text just sent: with parameters, it may be one prepared for another agent."""
        believed = self._settings.comments == "always" or (self._settings.comments == "sent" and given_none)
        return shaped.tags if believed else {}

    def _who(self, record: LogRecord, session: Session, tags: Mapping[str, str]) -> tuple[str, str, bool]:
        """Agent, contact, and whether the application's name is the agent's; by the best source that names anybody."""
        known = self._settings.attribution
        said = session.variable(known.agent_variable)
        if said is None:
            return "", "", False
        contact = session.variable(known.contact_variable) or tags.get(known.comment_contact_key, "").strip()
        candidates_ = [(said, False), (tags.get(known.comment_agent_key, ""), False)]
        if known.application_name_is_agent:
            candidates_.append((record.application, True))
        if known.account_is_agent and record.user not in known.service_accounts:
            candidates_.append((record.user, False))
        for value, named in candidates_:
            login = value.strip()
            if login and len(login) <= MAX_LOGIN:
                return login, contact[:MAX_LOGIN], named
        return "", contact[:MAX_LOGIN], False
