"""From executions on one connection to `access` parts: the observer of a PgSession (DESIGN §6).

Called by `wire.postgres.session` through the relay. Must never await, never raise, never delay the bytes by itself, and
never let a value of a row, literal or bind past `capture.keys`. In dry, counts alone leave this file.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Final

from quivive.capture.attribution import Attribution, SessionFacts, attribute
from quivive.capture.context import RelayContext
from quivive.capture.copied import MAX_ROWS_PER_CALL, take_capped, take_rows
from quivive.capture.copying import format_of_copy, reader_of
from quivive.capture.encodings import RecodingCollector, codec_of, recode_binds, textual, utf8
from quivive.capture.keys import KeyCollector, patterns_of
from quivive.capture.limits import Cap, Caps, denied_until, rows_within, too_many
from quivive.capture.operands import Operands
from quivive.capture.parts import Parts
from quivive.capture.resolve import Extraction
from quivive.capture.run import Place, Run, Slots, affected_rows, effective_plan, needs_intent
from quivive.capture.settling import Settling
from quivive.capture.snapshot import UNKNOWN_PATH
from quivive.capture.statements import Known
from quivive.model.access import CaptureMode, Outcome, PatternClass
from quivive.model.clock import SECOND_US
from quivive.model.gate import CapturePolicy
from quivive.privacy.pseudonym import session_key
from quivive.wire.fields import Field
from quivive.wire.postgres.backend import STOPPED
from quivive.wire.postgres.messages import QUERY_CANCELED, SHUTDOWN_STATES, format_of
from quivive.wire.postgres.rows import Row, cut_head, cutter_of, fill_column, skip_rows
from quivive.wire.postgres.state import Execution, Statement
from quivive.wire.sql import PlanKind, StatementPlan, Verb

STEADY_US: Final = SECOND_US
"""How long an attribution may be reused: an agent's `informed_at` may pass meanwhile."""
_IDLE: Final = 0x49  # 'I' of ReadyForQuery
_BARE: Final = re.compile(r"[\w$]+")
_TEMPORARY: Final = re.compile(r"\btemp|\bpg_temp")
MAX_DEFINITION: Final = 65_536
"""Characters of a definition that are searched for names of tables."""
MAX_NAMED: Final = 1_024
"""SQL-level PREPARE and DECLARE remembered per connection."""
_COUNTED_KINDS: Final = frozenset(
    {
        PlanKind.SET,
        PlanKind.DISCARD,
        PlanKind.TRANSACTION,
        PlanKind.PREPARE,
        PlanKind.DEALLOCATE,
        PlanKind.DECLARE,
        PlanKind.CLOSE,
        PlanKind.UTILITY,
        PlanKind.EMPTY,
    }
)


class Recorder:
    """One per connection."""

    def __init__(
        self, context: RelayContext, *, login: str, startup: dict[str, str], address: str = "", guarded: bool = True
    ) -> None:
        """`address`: of the peer; only the name of its zone is kept. `guarded`: what is refused does not pass."""
        self._context = context
        self._facts = SessionFacts(context.facts.attribution, login=login, startup=startup)
        self._strict = context.facts.mode is CaptureMode.STRICT
        session = session_key(context.keys, context.next_session())
        self._parts = Parts(context, session, context.facts.zones.zone(address))
        self._settling = Settling(self._finish, context.prepared)
        self._guarded = guarded
        self._caps = Caps(context.facts.max_records if guarded else 0)
        self._named: dict[str, tuple[StatementPlan, Slots, Place, tuple[str, ...]]] = {}
        self._open_rows: Run | None = None
        self._ddl = False
        self._batches = 0  # sent and not answered to ReadyForQuery
        self._touched = False  # a session variable or the transaction is in motion
        self._steady: tuple[Attribution, CapturePolicy, int] | None = None
        self._place: Place | None = None
        self._place_of: tuple[int, int] = (0, 0)
        self._shadows = 0  # statements of this session that may have made a name mean another table
        self._hidden: frozenset[str] = frozenset()  # tables before which it may have put a temporary one
        self._cursors = 0  # statements prepared and cursors declared by SQL
        self._codec = ""  # of the client's encoding, when texts must be read by it
        self.in_transaction = False
        self.waiting: asyncio.Future[None] | None = None
        """What a blocked session waits for."""

    @property
    def barrier(self) -> int:
        """Spool number that must be durable before held bytes pass (strict); 0 when nothing must, or UNRECORDED."""
        return self._parts.last_seq if self._strict else 0

    # --- requests -------------------------------------------------------------------------------------------------

    def known(self, text: bytes, *, whole: bool) -> Known:
        """See Observer."""
        return self._context.statements.known(utf8(text, self._codec), whole=whole)

    def query(self, text: bytes, *, whole: bool) -> tuple[Statement, int]:
        """See Observer."""
        known = self._context.statements.known(utf8(text, self._codec), whole=whole)
        return Statement(known), len(known.shape.plans)

    def place(self) -> "Place":
        """See Observer. What a name means here and now; the same object as long as nothing could change it."""
        context = self._context
        of = (context.names, context.generation)
        if self._place is None or self._touched or self._place_of != of:
            path = context.path_of(self._facts.path, self._facts.user)
            place = (path, self._shadows, context.names, self._cursors)
            if place != self._place:
                self._place = place
            self._place_of = of
        assert self._place is not None
        return self._place

    def sent(self, execution: Execution) -> bool:
        """See Observer. Attribution is taken here: it belongs to the execution (DESIGN §6)."""
        context = self._context
        known: Known = execution.statement.known
        plan = known.shape.plan(execution.index)
        if execution.state is not None:  # a portal goes on after its row limit
            if execution.state.denied and self._guarded:
                return False
            self._facts.sent(plan)
            return True
        shaped = known.shaped
        if self._guarded and context.facts.closed and context.blind and plan.kind not in _COUNTED_KINDS:
            return False
        if plan.variables or plan.verb:
            self._touched = True
        if self._codec:
            recode_binds(execution, self._codec)
        at = execution.at or context.clock()
        attribution = self._attribute(at, shaped.tags if execution.fresh_text else None)
        run = execution.state = Run(execution, plan, shaped.slots, at, attribution)
        run.place = execution.place or self.place()
        run.path = self._path(plan, run) if self._hidden else run.place[0]
        if plan.kind in (PlanKind.EXECUTE, PlanKind.FETCH):
            effective_plan(run, self._named)
        if plan.ddl or plan.kind is PlanKind.DISCARD:
            self._moved(plan, shaped.text)
        if context.policy.denied and self._guarded and not execution.at and self._denied(run):
            return False
        self._facts.sent(plan, shaped.slots, execution.binds)
        if self._strict and needs_intent(run.plan, context.snapshot.functions):
            self._intend(run)
        return True

    def _moved(self, plan: StatementPlan, text: str) -> None:
        """Definitions change: which of the catalogue's names may mean another table from now on, to this session."""
        if plan.kind is PlanKind.DISCARD:
            self._hidden = frozenset() if plan.all_names else self._hidden
            return
        words = self._context.bare_names.intersection(_BARE.findall(text[:MAX_DEFINITION]))
        if words:
            self._shadows += 1
            self._place = None
            if _TEMPORARY.search(text[:MAX_DEFINITION]):
                self._hidden |= words

    def _attribute(self, at: int, tags: Mapping[str, str] | None) -> Attribution:
        """Whose execution it is; remembered for a second while no session variable is in motion."""
        context, steady = self._context, not self._touched and not tags
        if steady and self._steady is not None:
            attribution, policy, taken_at = self._steady
            if policy is context.policy and at - taken_at < STEADY_US:
                return attribution
        attribution = attribute(self._facts, tags=tags, policy=context.policy, keys=context.keys, at=at)
        if steady:
            self._steady = (attribution, context.policy, at)
        return attribution

    def quick_sent(self, statement: Statement) -> int:
        """See Observer."""
        context = self._context
        policy = context.policy
        if self._touched or statement.quick.generation != context.generation or not policy.active:
            return 0
        place = self._place or self.place()  # of this generation: it was learned in it
        if statement.quick_place is not place and statement.quick_place != place:
            return 0
        if context.facts.closed and context.blind:
            return 0  # the long way refuses it
        at, steady = context.clock(), self._steady
        if steady is None or steady[1] is not policy or at - steady[2] >= STEADY_US:
            self._attribute(at, None)
        if policy.denied and policy.denied.get(self._attribute(at, None).agent, 0) > at:
            return 0
        return at

    def quick_done(self, statement: Statement, bind: bytes, at: int, rows: int, rows_bytes: int) -> bool:
        """See Observer."""
        return self._steady is not None and self._parts.quick(
            statement.quick, self._steady[0], bind, at, rows, rows_bytes
        )

    def _intend(self, run: Run) -> None:
        """Strict: the trace of a write is durable before the server sees it."""
        run.extraction = self._resolve(run)
        if run.extraction.protected and self._context.policy.active:
            self._parts.intend(run)

    def _denied(self, run: Run) -> bool:
        """The agent has reached the hourly limit: an access to protected records is refused, and recorded as such."""
        until = self._context.policy.denied.get(run.attribution.agent, 0)
        if not run.attribution.agent or run.at >= until or self._counted(run):
            return False
        run.ended = True
        run.execution.refusal = denied_until(until)
        self._parts.refused(run)
        return True

    def sync_sent(self) -> None:
        """See Observer."""
        self._batches += 1
        self._facts.sync_sent()

    # --- answers --------------------------------------------------------------------------------------------------

    def described(self, execution: Execution, fields: tuple[Field, ...]) -> None:
        """See Observer."""

    def rows(self, execution: Execution, buffer: bytes, start: int, end: int) -> int:
        """See Observer. The hot loop: cut key columns, nothing else."""
        run: Run = execution.state
        if run.unseen:
            return skip_rows(buffer, start, end)[0]
        if not run.opened and not self._open(run):
            return start
        collector, cutter = run.collector, run.cutter
        self._open_rows = run
        if run.cap is not None:
            return self._capped(run, run.cap, buffer, start, end)
        if collector is None or cutter is None:
            position, count = skip_rows(buffer, start, end)
            run.rows += count
            run.rows_bytes += position - start
            return position
        single = collector.single
        if single >= 0:
            position, count = fill_column(buffer, start, end, MAX_ROWS_PER_CALL, collector.window, single)
            run.rows += count
        else:
            rows: list[Row] = []
            position = cutter(buffer, start, end, MAX_ROWS_PER_CALL, rows)
            run.rows += len(rows)
            collector.add_rows(rows)
        run.rows_bytes += position - start
        if collector.full:
            self._parts.collected(run)
        return position

    def _capped(self, run: Run, cap: Cap, buffer: bytes, start: int, end: int) -> int:
        """Rows of a result that has a limit: those that fit, then the stop."""
        rows: list[Row] = []
        if run.collector is None or run.cutter is None or cap.keyless:
            position, count = rows_within(buffer, start, end, cap.fit_count)
            if run.collector is not None and run.cutter is not None and count:
                run.cutter(buffer, start, position, count, rows)
        else:
            position = run.cutter(buffer, start, end, MAX_ROWS_PER_CALL, rows)
            count = cap.fit(rows)
            if count < len(rows):
                del rows[count:]
                position = run.cutter(buffer, start, end, count, []) if count else start
        if not count:
            return self._stop(run)
        run.rows += count
        run.rows_bytes += position - start
        if run.collector is not None and rows:
            run.collector.add_rows(rows)
            if run.collector.full:
                self._parts.collected(run)
        return position

    def _stop(self, run: Run) -> int:
        """The limit is reached: what was shown stands in the trace before the error reaches the client."""
        run.denied, run.cap = True, None
        run.execution.refusal = too_many(self._caps.limit)
        if not run.plan.writes:  # else its end tells whether the change was made
            self._finish(run, Outcome.DENIED)
        return STOPPED

    def cut_row(self, execution: Execution, head: bytes) -> None:
        """See Observer."""
        run: Run = execution.state
        run.rows += 1
        run.rows_bytes += len(head)
        self._open_rows = run
        if not run.opened:
            run.asked = True  # the rest of the row is passing: no time to ask aside
            self._open(run)
        if run.collector is not None and run.extraction is not None:
            row = cut_head(head, run.extraction.column_indexes)
            if row is None:
                run.unread = True
            else:
                run.collector.add_rows([row])

    def _open(self, run: Run) -> bool:
        """Prepare for rows. False: columns or catalogue must be asked for first (`waiting`)."""
        context, execution = self._context, run.execution
        extraction = self._resolve(run)
        if extraction.needs_describe and not run.asked:
            run.asked = True
            known: Known = execution.statement.known
            if self._fields(run) is None:
                self.waiting = context.describe(known, execution.index, execution.statement.types, run.path)
            else:
                self.waiting = context.refresh()
            if self.waiting is not None:
                return False
        run.opened = True
        run.extraction = extraction
        formats = self._read(run, extraction)
        if self._caps.limit and context.policy.limits and context.policy.active and not execution.withheld:
            run.cap = self._caps.cap(run, context.snapshot.declared, context.keys, formats)
        return True

    def _read(self, run: Run, extraction: Extraction) -> Sequence[int]:
        """Make what cuts and collects the key columns; their formats, () when they cannot be cut."""
        context, execution = self._context, run.execution
        if not extraction.protected or not context.policy.active or not extraction.column_indexes:
            return ()
        if run.plan.copy is not None:
            shaped = execution.statement.known.shaped
            run.reader = reader_of(run.plan.copy, shaped, extraction.column_indexes)
            binary = format_of_copy(run.plan.copy, shaped) == "binary"
            formats = [int(binary)] * len(extraction.column_indexes)
        elif execution.formats is None:
            return ()
        else:
            formats = [format_of(execution.formats, index) for index in extraction.column_indexes]
            run.cutter = cutter_of(extraction.column_indexes)
        run.collector = self._collector(run, extraction, formats)
        return formats

    def _collector(self, run: Run, extraction: Extraction, formats: list[int]) -> KeyCollector:
        context = self._context
        if not self._codec:
            return KeyCollector(extraction, context.keys, formats, default_region=context.facts.region)
        collector = RecodingCollector(extraction, context.keys, formats, default_region=context.facts.region)
        fields = self._fields(run) or ()
        types = [fields[at].type_oid if at < len(fields) else 0 for at in extraction.column_indexes]
        return collector.recode(self._codec, textual(formats, types))

    def _fields(self, run: Run) -> tuple[Field, ...] | None:
        execution = run.execution
        fields = execution.fields
        if fields is None and _same(execution.statement.place, run):
            fields = execution.statement.fields
        if fields is None or (run.plan.copy is not None and not fields):
            known: Known = execution.statement.known
            return known.shape.described.get((execution.index, run.path))
        return fields

    def _resolve(self, run: Run) -> Extraction:
        """What this execution shows; cached on its text as long as columns and catalogue stay the same."""
        context, execution = self._context, run.execution
        fields = self._fields(run)
        known: Known = execution.statement.known
        cache, path = known.cache, run.path
        same = cache is not None and cache[0] is fields and cache[1] == context.generation and cache[2] is run.plan
        if cache is not None and same and cache[3] is path:
            return cache[4]
        extraction = known.shape.extraction(
            context.view(path), context.generation, execution.index, run.plan, fields, cached=not run.borrowed
        )
        known.cache = (fields, context.generation, run.plan, path, extraction)
        return extraction

    def copy_out(self, execution: Execution) -> bool:
        """See Observer."""
        run: Run = execution.state
        return run.opened or self._open(run)

    def copy_data(self, execution: Execution, buffer: bytes, start: int, end: int, *, outbound: bool) -> bool:
        """See Observer."""
        run: Run = execution.state
        if outbound and run.cap is not None:
            return self._capped_copy(run, run.cap, buffer[start:end])
        if not run.unseen:
            self._copied(run, buffer, start, end, outbound=outbound)
        return True

    def _capped_copy(self, run: Run, cap: Cap, data: bytes) -> bool:
        """One message of a COPY that has a limit: the server sends a row in each."""
        self._open_rows = run
        if not take_capped(run, cap, data, self._parts.collected):
            self._stop(run)
            return False
        return True

    def _copied(self, run: Run, buffer: bytes, start: int, end: int, *, outbound: bool) -> None:
        run.rows_bytes += end - start
        if not outbound and not run.opened:
            run.asked = True  # nobody waits for what the account sends
            self._open(run)
        if not outbound and run.reader is None:
            return
        self._open_rows = run
        if run.reader is None or run.collector is None:
            run.rows += 1
            return
        take_rows(run, buffer[start:end], self._parts.collected)

    def suspended(self, execution: Execution) -> None:
        """See Observer."""
        del execution
        self._facts.completed()

    def closed(self, execution: Execution) -> None:
        """See Observer."""
        self._finish(execution.state, Outcome.OK)

    def completed(self, execution: Execution, tag: bytes) -> None:
        """See Observer."""
        run: Run = execution.state
        plan = run.plan
        self._facts.completed()
        if plan.kind is PlanKind.DML or plan.kind is PlanKind.COPY:
            if plan.copy is None and not run.opened and plan.target >= 0:
                run.rows = affected_rows(tag)
            elif plan.copy is not None:
                take_rows(run, None, self._parts.collected)
                run.rows = affected_rows(tag) or run.rows
            if plan.source_tables and plan.target >= 0:
                self._tie(run)
        elif plan.verb:
            self._ended(run, tag)
        elif plan.kind in (PlanKind.PREPARE, PlanKind.DECLARE):
            self._remember(plan, run)
        self._ddl = self._ddl or plan.ddl
        if plan.writes or (plan.copy is not None and not plan.copy.outbound):
            self._settling.add(run)
        else:
            self._finish(run, Outcome.DENIED if execution.withheld else Outcome.OK)

    def _ended(self, run: Run, tag: bytes) -> None:
        """A transaction statement was completed; a prepared transaction is known by the name its literal gives."""
        plan = run.plan
        name = plan.name
        if plan.arguments:
            name = Operands(slots=run.slots, binds=run.binds, bind_formats=()).text(plan.arguments[0]) or ""
        if plan.verb is Verb.PREPARE:
            for change in self._settling.waiting:
                self.born(change)
        self._settling.verb(plan.verb, name, tag)

    def _tie(self, run: Run) -> None:
        """A table filled from others inside the server: reads of it name them, unless it is declared itself."""
        context, name = self._context, run.plan.sources[run.plan.target]
        relation = context.view(run.path).named(name)
        if relation is None or relation.table is None:
            own = {name, f"?.{name}", relation.name if relation is not None else ""}
            sources = tuple(table for table in self._resolve(run).tables if table not in own)
            if sources:
                context.tie(name, sources)

    def _remember(self, plan: StatementPlan, run: Run) -> None:
        if plan.inner is not None:
            self._caps.declared(plan.name)
            self._cursors += 1
            self._place = None
            self._named[f"{plan.kind}:{plan.name}"] = (plan.inner, run.slots, run.place, self._path(plan.inner, run))
            if len(self._named) > MAX_NAMED:
                del self._named[next(iter(self._named))]

    def _path(self, inner: StatementPlan, run: Run) -> tuple[str, ...]:
        return UNKNOWN_PATH if any(source in self._hidden for source in inner.sources) else run.place[0]

    def failed(self, execution: Execution | None, state: str) -> None:
        """See Observer."""
        self._facts.failed()
        self._settling.failed()
        if execution is None or execution.state is None:
            return
        outcome = Outcome.ERROR
        if execution.state.denied or execution.withheld:
            outcome = Outcome.DENIED
        elif state == QUERY_CANCELED:
            outcome = Outcome.CANCELLED
        elif state in SHUTDOWN_STATES:
            outcome = Outcome.ABORTED
        self._finish(execution.state, outcome)

    def skipped(self, execution: Execution) -> None:
        """See Observer. What has shown a part already must have an end."""
        run: Run | None = execution.state
        if run is not None and run.part:
            self._finish(run, Outcome.ATTEMPTED)

    def sync_skipped(self) -> None:
        """See Observer."""
        self._batches -= 1
        self._facts.sync_skipped()

    def ready(self, status: int) -> None:
        """See Observer."""
        self._facts.ready(chr(status))
        self.in_transaction = status != _IDLE
        self._batches -= 1
        if self._touched and self._batches <= 0 and status == _IDLE:
            self._touched, self._steady, self._place = False, None, None
        for run in self._settling.ready(status):
            self.born(run)
        if self._ddl and status == _IDLE:
            self._ddl = False
            self._context.refresh()

    def reported(self, name: bytes, value: bytes) -> None:
        """See Observer. The client's encoding decides how its texts are read."""
        if name == b"client_encoding":
            self._codec = codec_of(value)
        elif name == b"search_path":
            self._facts.path_reported(value.decode("utf-8", "replace"))
            self._place = None

    def lost(self, executions: list[Execution]) -> None:
        """The connection died: what was running is aborted, with the rows seen so far."""
        for execution in executions:
            if execution.state is not None:
                self._finish(execution.state, Outcome.ABORTED)
        self._settling.lost()

    def chunk_done(self) -> None:
        """Strict: keys of the rows in the chunk just read get their trace before the chunk passes."""
        run, self._open_rows = self._open_rows, None
        if not self._strict or run is None or run.ended or self._counted(run):
            return
        if run.collector is not None:
            self._parts.collected(run)
        else:
            self.born(run)

    def born(self, run: Run) -> None:
        """A long execution gets its first part before its end (capture reference, finding 10)."""
        if run.part == 0 and not run.ended and not self._counted(run):
            self._parts.interim(run)

    # --- entries --------------------------------------------------------------------------------------------------

    def _counted(self, run: Run) -> bool:
        if not self._context.policy.active or run.plan.kind in _COUNTED_KINDS:
            return True
        if run.extraction is None:
            run.extraction = self._resolve(run)
        return not run.extraction.protected

    def _finish(self, run: Run, outcome: Outcome) -> None:
        if run.ended:
            return
        run.ended = True
        if self._counted(run):
            self._count(run)
            return
        if outcome is Outcome.DENIED and not run.rows and not run.part and not run.plan.writes:
            self._parts.refused(run)
            return
        self._parts.final(run, outcome)

    def _count(self, run: Run) -> None:
        context, extraction = self._context, run.extraction or self._resolve(run)
        wildcards = 0
        if not context.policy.active and run.plan.predicates:
            found = patterns_of(context.view(run.path), run.plan, run.slots, run.binds, run.execution.bind_formats)
            wildcards = sum(pattern.pattern_class in _WILD for pattern in found)
        known: Known = run.execution.statement.known
        context.counts.add(
            run.at,
            shape=known.shape.fingerprint,
            action=extraction.action,
            tables=extraction.tables,
            coverage=extraction.coverage,
            attributed=self._facts.variable(context.facts.attribution.agent_variable) != "",
            rows=run.rows,
            wildcards=wildcards,
            dry=not context.policy.active,
        )


def _same(place: Place | None, run: Run) -> bool:
    """Columns described at `place` are those of this execution: names meant the same, cursors and statements too."""
    return place is None or (place == run.place if run.borrowed else place[:3] == run.place[:3])


_WILD: Final = frozenset({PatternClass.PREFIX, PatternClass.SUFFIX, PatternClass.CONTAINS, PatternClass.ALL})
