"""Access parts of one connection's executions, on their way to the spool (DESIGN §6, "Intent before outcome").

Used by `recorder`. Must never write a part above MAX_KEYS_PER_PART keys, nor a value: keys, shapes, counts.
"""

from typing import Final

from quivive.capture.attribution import Attribution
from quivive.capture.context import RelayContext
from quivive.capture.encode import AccessTemplate, patterns_json, records_json
from quivive.capture.holding import UNRECORDED
from quivive.capture.keys import KeyPart, PredicateKeys, patterns_of, predicate_keys
from quivive.capture.quick import Quick, learn
from quivive.capture.resolve import Extraction
from quivive.capture.run import Run
from quivive.capture.statements import Known
from quivive.model.access import CoverageClass, Outcome, RecordGroup
from quivive.model.entry import EntryKind

MAX_TEMPLATES: Final = 256
"""Entry templates kept per connection; then all are forgotten."""


class Parts:
    """Writes parts; `last_seq` is the number of the newest, UNRECORDED when the spool refused one."""

    def __init__(self, context: RelayContext, session: str, zone: str = "") -> None:
        self._context = context
        self._session = session
        self._zone = zone
        self._templates: dict[tuple[int, Attribution], tuple[Extraction, AccessTemplate]] = {}
        self._quick_for: Attribution | None = None
        self._quick_pieces: dict[Quick, tuple[str, ...]] = {}
        self._quick: Quick | None = None
        self._pieces: tuple[str, ...] = ()
        self.last_seq = 0

    def intend(self, run: Run) -> None:
        """A part before anything happened, with the keys its predicates name."""
        found = self._predicate(run)
        run.keyed, run.coverage, run.distinct = bool(found.records), found.coverage, _size(found.records)
        self._write(run, coverage=found.coverage, records=found.records, neighbourhoods=found.neighbourhoods)

    def refused(self, run: Run) -> None:
        """The only part of an execution that showed and changed no record, of which that much is exact."""
        self._write(run, coverage=CoverageClass.EXACT, final=True, outcome=Outcome.DENIED)

    def collected(self, run: Run) -> None:
        """Parts of the keys collected so far."""
        parts = self._take(run)
        for part in parts:
            self._write_part(run, part, final=False, outcome=Outcome.OK)
        if not parts and run.part == 0:
            self._write(run, coverage=_extraction(run).coverage)

    def interim(self, run: Run) -> None:
        """What is known of an execution whose end is not: it runs long, or its transaction does."""
        self._found(run, final=False, outcome=Outcome.OK)

    def final(self, run: Run, outcome: Outcome) -> None:
        """The last part."""
        self._found(run, final=True, outcome=outcome)

    def _found(self, run: Run, *, final: bool, outcome: Outcome) -> None:
        extraction = _extraction(run)
        if run.collector is not None:
            parts = self._take(run)
            for part in parts[:-1]:
                self._write_part(run, part, final=False, outcome=outcome)
            if parts:
                self._write_part(run, parts[-1], final=final, outcome=outcome)
                return
            if run.part or run.rows == 0 or not extraction.predicate:
                self._write(run, coverage=run.collector.coverage, final=final, outcome=outcome)
                return
        if not extraction.predicate or run.keyed or not (run.rows or run.plan.writes or not final):
            coverage = run.coverage or extraction.coverage
            self._write(run, coverage=coverage, final=final, outcome=outcome)
            return
        found = self._predicate(run)
        run.keyed, run.coverage = bool(found.records), found.coverage
        run.distinct = max(run.distinct, _size(found.records))
        self._write(
            run,
            coverage=found.coverage,
            records=found.records,
            neighbourhoods=found.neighbourhoods,
            final=final,
            outcome=outcome,
        )
        if final and outcome is Outcome.OK and run.part == 1 and self._unlearned(run):
            context = self._context
            learned = learn(run, extraction, found, context.keys, context.generation)
            if learned is not None:  # else the one that it has serves where it was learned
                run.execution.statement.quick, run.execution.statement.quick_place = learned, run.place

    def _unlearned(self, run: Run) -> bool:
        statement = run.execution.statement
        known = statement.quick is not None and statement.quick.generation == self._context.generation
        return not known or statement.quick_place != run.place

    def quick(self, quick: Quick, attribution: Attribution, raw: bytes, at: int, rows: int, rows_bytes: int) -> bool:
        """The only part of an execution that Quick understands; False when it must take the long way."""
        if rows == 0 or not quick.takes(raw):
            return False
        context = self._context
        if quick is not self._quick or attribution is not self._quick_for:
            self._turn_to(quick, attribution)
        number = context.accesses = context.accesses + 1
        told = (self._pieces, quick, raw, at, context.clock(), rows, rows_bytes, number)
        self.last_seq = context.later(told) or UNRECORDED
        return True

    def _turn_to(self, quick: Quick, attribution: Attribution) -> None:
        """Make the constant pieces for one statement and agent the current ones."""
        if self._quick_for is not attribution:
            self._quick_for = attribution
            self._quick_pieces.clear()
        pieces = self._quick_pieces.get(quick)
        if pieces is None:
            if len(self._quick_pieces) >= MAX_TEMPLATES:
                self._quick_pieces.clear()
            template = self._make(quick.extraction, attribution, quick.shape)
            pieces = self._quick_pieces[quick] = template.quick(self._context.epoch, quick.records_tail)
        self._quick, self._pieces = quick, pieces

    def _take(self, run: Run) -> tuple[KeyPart, ...]:
        assert run.collector is not None
        parts = run.collector.take_parts()
        for part in parts:
            for link in part.links:
                self._context.link(link)
        return parts

    def _write_part(self, run: Run, part: KeyPart, *, final: bool, outcome: Outcome) -> None:
        run.distinct = part.distinct
        self._write(
            run,
            coverage=part.coverage,
            records=part.records,
            neighbourhoods=part.neighbourhoods,
            final=final,
            outcome=outcome,
        )

    def _predicate(self, run: Run) -> PredicateKeys:
        context, execution = self._context, run.execution
        return predicate_keys(
            context.view(run.path),
            run.plan,
            run.slots,
            run.binds,
            () if run.borrowed else execution.bind_formats,
            context.keys,
            () if run.borrowed else execution.statement.types,
            default_region=context.facts.region,
            otherwise=_extraction(run).coverage,
        )

    def _write(
        self,
        run: Run,
        *,
        coverage: CoverageClass,
        records: tuple[RecordGroup, ...] = (),
        neighbourhoods: tuple[str, ...] = (),
        final: bool = False,
        outcome: Outcome = Outcome.OK,
    ) -> None:
        context = self._context
        if run.access == "":
            run.access = context.next_access()
            if run.plan.predicates or run.plan.shown:  # a read that nothing restricts is a pattern too
                run.patterns = self._patterns(run)
        body = self._template(run).body(
            access=run.access,
            part=run.part,
            final=final,
            at=run.at,
            ended_at=context.clock() if final else 0,
            coverage=CoverageClass.OPAQUE if run.unread else coverage,
            records=records_json(records),
            rows=run.rows,
            rows_bytes=run.rows_bytes,
            distinct=run.distinct,
            patterns=run.patterns,
            neighbourhoods=neighbourhoods,
            outcome=outcome,
        )
        run.part += 1
        self.last_seq = context.append(EntryKind.ACCESS, body) or UNRECORDED

    def _patterns(self, run: Run) -> str:
        context, execution = self._context, run.execution
        if not run.borrowed:
            known: Known = execution.statement.known
            constant = known.shape.patterns(context.view(run.path), execution.index)
            if constant is not None:
                return constant
        formats = () if run.borrowed else execution.bind_formats
        return patterns_json(patterns_of(context.view(run.path), run.plan, run.slots, run.binds, formats))

    def _template(self, run: Run) -> AccessTemplate:
        extraction, attribution = _extraction(run), run.attribution
        key = (id(extraction), attribution)
        found = self._templates.get(key)
        if found is not None:
            return found[1]
        known: Known = run.execution.statement.known
        template = self._make(extraction, attribution, known.shape.fingerprint)
        if len(self._templates) >= MAX_TEMPLATES:
            self._templates.clear()
        self._templates[key] = (extraction, template)  # the extraction is kept alive, so its id stays its own
        return template

    def _make(self, extraction: Extraction, attribution: Attribution, shape: str) -> AccessTemplate:
        facts = self._context.facts
        return AccessTemplate(
            account=attribution.account,
            action=extraction.action,
            agent=attribution.agent,
            attribution=attribution.source,
            changed=extraction.changed,
            columns=extraction.columns,
            contact=attribution.contact,
            grade=facts.grade,
            mode=facts.mode,
            session=self._session if attribution.session_kept else "",
            shape=shape,
            tables=extraction.tables,
            zone=self._zone if attribution.session_kept else "",
            workstation="",
            program=attribution.program,
        )


def _extraction(run: Run) -> Extraction:
    assert run.extraction is not None
    return run.extraction


def _size(records: tuple[RecordGroup, ...]) -> int:
    return sum(len(group.keys) for group in records)
