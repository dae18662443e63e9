"""One execution as the recorder follows it, and small facts about plans.

Used by `recorder` and `settling`. Pure. Must never outlive its execution: binds and literals go with it.
"""

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Final

from quivive.capture.attribution import Attribution
from quivive.capture.keys import KeyCollector, execute_binds
from quivive.capture.resolve import Extraction
from quivive.model.access import CoverageClass
from quivive.wire.postgres.copy import CopyReader
from quivive.wire.postgres.rows import Cutter
from quivive.wire.postgres.state import Execution
from quivive.wire.shape import Literal
from quivive.wire.sql import PlanKind, StatementPlan

if TYPE_CHECKING:
    from quivive.capture.limits import Cap

Slots = Sequence[Sequence[Literal]]
Place = tuple[tuple[str, ...], int, int, int]
"""What a name means: search path, tables this session may have put before others, the catalogue's names, cursors."""
OWN_PATH: Final = ("",)
"""The search path of the catalogue itself."""
NOWHERE: Final[Place] = (OWN_PATH, 0, 0, 0)


class Run:
    """The recorder's state of one Execution."""

    __slots__ = (
        "access",
        "asked",
        "at",
        "attribution",
        "binds",
        "borrowed",
        "cap",
        "collector",
        "coverage",
        "cursor",
        "cutter",
        "denied",
        "distinct",
        "ended",
        "execution",
        "extraction",
        "keyed",
        "opened",
        "part",
        "path",
        "patterns",
        "place",
        "plan",
        "reader",
        "rows",
        "rows_bytes",
        "slots",
        "unread",
    )

    @property
    def unseen(self) -> bool:
        """Nothing of what comes is shown, and nothing of it was changed."""
        return (self.denied or self.execution.withheld) and not self.plan.writes

    def __init__(
        self, execution: Execution, plan: StatementPlan, slots: Slots, at: int, attribution: Attribution
    ) -> None:
        self.execution = execution
        self.plan = plan
        self.slots = slots
        self.binds: Sequence[bytes | None] = execution.binds
        self.at = at
        self.attribution = attribution
        self.place = NOWHERE
        self.path: tuple[str, ...] = OWN_PATH
        """Where names of its text are looked for: that of its place, unless a temporary table may hide one."""
        self.extraction: Extraction | None = None
        self.collector: KeyCollector | None = None
        self.cutter: Cutter | None = None
        self.reader: CopyReader | None = None
        self.coverage: CoverageClass | None = None
        self.cap: Cap | None = None
        self.cursor = ""
        """Name of the cursor it fetches from."""
        self.denied = False
        """Stopped at a limit: what still comes is not shown."""
        self.access = ""
        self.patterns = "[]"
        self.part = self.rows = self.rows_bytes = self.distinct = 0
        self.opened = self.asked = self.ended = self.unread = False
        self.keyed = False
        """Keys of the predicates stand in an earlier part."""
        self.borrowed = False
        """`plan` is that of a statement prepared or declared earlier (EXECUTE, FETCH)."""


def effective_plan(run: Run, named: dict[str, tuple[StatementPlan, Slots, Place, tuple[str, ...]]]) -> None:
    """Let SQL-level EXECUTE and FETCH be judged by the statement they run, EXECUTE with its arguments as binds."""
    kind = PlanKind.PREPARE if run.plan.kind is PlanKind.EXECUTE else PlanKind.DECLARE
    found = named.get(f"{kind}:{run.plan.name}")
    if found is None:
        return
    if run.plan.kind is PlanKind.EXECUTE:
        run.binds = execute_binds(run.plan, run.slots, run.binds)
    else:
        run.cursor = run.plan.name
        run.place, run.path = (*found[2][:3], run.place[3]), found[3]  # a cursor was planned when it was declared
    run.plan, run.slots = found[:2]
    run.borrowed = True


def needs_intent(plan: StatementPlan, functions: Container[str]) -> bool:
    """True when the statement may change something: in strict its trace comes before it.

    `functions` are the user functions of the database: what they do cannot be seen.
    """
    if plan.writes or plan.opaque or any(name in functions for name in plan.functions):
        return True
    if plan.kind is PlanKind.COPY:
        return plan.copy is None or not plan.copy.outbound or plan.copy.server_side
    return plan.kind in (PlanKind.OPAQUE, PlanKind.EXECUTE, PlanKind.DDL)


def affected_rows(tag: bytes) -> int:
    """Row count of a CommandComplete tag (`UPDATE 3`, `INSERT 0 3`, `COPY 3`)."""
    last = tag.rpartition(b" ")[2]
    return int(last) if last.isdigit() else 0
