"""To whom an execution belongs (DESIGN §6, "Attribution belongs to execution"; capture cases 64–68).

Called by the relay: `SessionFacts` follows one connection, `attribute` is asked once per execution. Pure: time is an
argument. Must never guess: no attribution is `none`; and never keep a login beyond its connection.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from quivive.capture.place import NO_PROGRAMS, Programs
from quivive.capture.variables import UNREAD, Change, Variables, changes_of
from quivive.model.access import AttributionSource
from quivive.model.gate import CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys, agent_key, contact_key
from quivive.wire.plan import StatementPlan
from quivive.wire.setting import ROLE, SEARCH_PATH
from quivive.wire.shape import Literal

MAX_LOGIN: Final = 256
"""Characters of a login or contact id; longer values are no identity and name nobody."""
MAX_MEMO: Final = 128
"""Pseudonyms remembered per connection (about 20 kB): a pool serves many agents in turn."""
MAX_BATCHES: Final = 4_096
"""Batches in flight on one connection; a client that pipelines more loses its attribution, never its service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionSettings:
    """What a source declares about attribution (the relay fills it from its SourceSettings)."""

    namespace: str
    agent_variable: str = "quivive.agent"
    contact_variable: str = "quivive.contact"
    application_name_is_agent: bool = False
    account_is_agent: bool = False
    comment_agent_key: str = "agent"
    comment_contact_key: str = "contact"
    service_accounts: tuple[str, ...] = ()
    programs: Programs = NO_PROGRAMS


class Attribution(NamedTuple):
    """Pseudonyms of one execution.

    `session_kept` False: the opaque session id must be dropped as well (dry, or the agent is withheld: a session
    shared with a later, informed access would tie the two).
    """

    agent: str
    account: str
    contact: str
    source: AttributionSource
    session_kept: bool
    program: str = ""


class _Batch:
    """Statements up to one Sync or simple Query: those answered, and the changes each of them makes."""

    __slots__ = ("answered", "changes", "closed", "count")

    def __init__(self) -> None:
        self.changes: list[tuple[int, Change]] = []  # (statement number in the batch, change)
        self.count = 0
        self.answered = 0
        self.closed = False


class SessionFacts:
    """Session variables of one connection with PostgreSQL's transactional semantics.

    The relay calls, in wire order: `sent` per statement executed (Execute of a portal, or each statement of a simple
    Query), `sync_sent` per Sync or simple Query; then on the answers `completed` per CommandComplete,
    EmptyQueryResponse or PortalSuspended, `failed` per ErrorResponse, `ready` per ReadyForQuery with its status.

    Effects show at once to what is sent later (a pipelined SET counts for the statement behind it); when a batch
    fails, what the server skipped or rolled back is taken out again.
    """

    __slots__ = (
        "_base",
        "_batches",
        "_lost",
        "_memo",
        "_now",
        "_path_then",
        "_path_told",
        "agent_variable",
        "contact_variable",
        "login",
        "settings",
    )

    def __init__(self, settings: AttributionSettings, *, login: str, startup: Mapping[str, str]) -> None:
        """`startup`: parameters of the start-up message, with those of its `options` (-c name=value) merged in."""
        self.settings = settings
        self.login = login
        self.agent_variable = settings.agent_variable.lower()
        self.contact_variable = settings.contact_variable.lower()
        tracked = {self.agent_variable, self.contact_variable, "application_name", SEARCH_PATH, ROLE}
        given = {key.lower(): value for key, value in startup.items()}
        if given.get(SEARCH_PATH) == "":
            given[SEARCH_PATH] = '""'  # no schema at all; "" would be the default
        self._base = Variables(tracked, given)
        self._now = self._base
        self._batches: deque[_Batch] = deque()
        self._lost = False
        self._path_told: str | None = None
        self._path_then = self._base.path()
        self._memo: dict[tuple[str, str], str] = {}  # last pseudonyms; bounded below

    def sent(
        self,
        plan: StatementPlan,
        slots: Sequence[Sequence[Literal]] = (),
        binds: Sequence[bytes | None] = (),
    ) -> None:
        """A statement was sent; its effect is visible to the statements sent after it."""
        batches = self._batches
        if not batches or batches[-1].closed:
            if len(batches) >= MAX_BATCHES:
                self._lost = True
                return
            batches.append(_Batch())
        batch = batches[-1]
        if plan.variables or plan.verb:
            for change in changes_of(plan, slots, binds, self._now.tracked):
                if self._now is self._base:
                    self._now = self._base.copy()
                batch.changes.append((batch.count, change))
                self._now.apply(change)
        batch.count += 1

    def sync_sent(self) -> None:
        """A batch ends (Sync, or the end of a simple Query)."""
        if not self._batches or self._batches[-1].closed:
            self._batches.append(_Batch())
        self._batches[-1].closed = True

    def sync_skipped(self) -> None:
        """The oldest batch failed, and the end that was told for it is none: what follows belongs to it."""
        batches = self._batches
        if len(batches) > 1:
            batches[0].closed = batches[1].closed
            del batches[1]
            self._replay()
        elif batches:
            batches[0].closed = False

    def completed(self) -> None:
        """The oldest statement not yet answered ended well."""
        if self._batches:
            self._batches[0].answered += 1

    def failed(self) -> None:
        """The oldest statement not yet answered failed: the rest of its batch is skipped."""
        if not self._batches:
            return
        batch = self._batches[0]
        if batch.changes or self._base.differs:
            batch.changes = [(n, change) for n, change in batch.changes if n < batch.answered]
            batch.changes.append((batch.answered, Change.abort()))
            self._replay()

    def ready(self, status: str) -> None:
        """ReadyForQuery: `I`, `T` or `E`; the server's word on the oldest batch."""
        if self._batches:
            batch = self._batches.popleft()
            if batch.changes or self._base.differs:
                for _, change in batch.changes:
                    self._base = self._base if self._base is not self._now else self._base.copy()
                    self._base.apply(change)
                self._base.end_of_batch(status)
                self._replay()
        if not self._batches:
            self._lost = False
            self._now = self._base
        self._path_then = self._base.path()

    def _replay(self) -> None:
        """Compute what the statements sent next will see: the settled state, then all that is in flight."""
        if not any(batch.changes for batch in self._batches):
            self._now = self._base
            return
        now = self._base.copy()
        for batch in self._batches:
            for _, change in batch.changes:
                now.apply(change)
            if batch.closed:
                now.end_of_implicit()
        self._now = now

    def variable(self, name: str) -> str:
        """Value of a tracked variable for a statement sent now, "" when unset."""
        return "" if self._lost else self._now.get(name.lower())

    @property
    def path(self) -> str:
        """Search path for a statement sent now: as set, "" for the default, UNREAD when nobody can tell.

        The server's own word, where it gives one (PostgreSQL 18), stands until the session sets another.
        """
        said = UNREAD if self._lost else self._now.path()
        return self._path_told if self._path_told is not None and said == self._path_then else said

    @property
    def user(self) -> str:
        """Who `"$user"` is in the search path."""
        return self.variable(ROLE) or self.login

    def path_reported(self, value: str) -> None:
        """ParameterStatus of the search path, just before ReadyForQuery."""
        self._path_told = value or '""'

    def pseudonym(self, kind: str, keys: ControllerKeys, value: str) -> str:
        """Agent or contact key of a value, remembered for the next execution of the same session."""
        memo = self._memo
        found = memo.get((kind, value))
        if found is None:
            if len(memo) >= MAX_MEMO:
                memo.clear()
            namespace = self.settings.namespace
            found = contact_key(keys, value) if kind == "contact" else agent_key(keys, namespace, value)
            memo[kind, value] = found
        return found


def attribute(
    facts: SessionFacts,
    *,
    tags: Mapping[str, str] | None,
    policy: CapturePolicy,
    keys: ControllerKeys,
    at: int,
) -> Attribution:
    """Attribute one execution sent now, at `at` (microseconds UTC).

    `tags` are those of the text just sent; None for a re-executed statement, which inherits no comment (case 65).
    """
    if not policy.active:
        return _DRY
    login, source = _login(facts, tags or {})
    account = _account(facts, policy, keys, at)
    program = _program(facts)
    if not login:
        contact = _contact(facts, tags or {}, keys)
        return Attribution("", account, contact, source, session_kept=True, program=program)
    agent = facts.pseudonym("agent", keys, login)
    if not policy.agent_may_be_kept(agent, at):
        return Attribution("", account, "", AttributionSource.NOT_INFORMED, session_kept=False, program=program)
    return Attribution(agent, account, _contact(facts, tags or {}, keys), source, session_kept=True, program=program)


_DRY: Final = Attribution(agent="", account="", contact="", source=AttributionSource.DRY, session_kept=False)


def _login(facts: SessionFacts, tags: Mapping[str, str]) -> tuple[str, AttributionSource]:
    """Who is named, by the best source that names anybody (DESIGN §6)."""
    settings = facts.settings
    said = facts.variable(facts.agent_variable).strip()
    if said and len(said) <= MAX_LOGIN:
        return said, AttributionSource.SESSION_VARIABLE
    candidates = [(tags.get(settings.comment_agent_key, ""), AttributionSource.COMMENT)]
    if settings.application_name_is_agent:
        candidates.append((facts.variable("application_name"), AttributionSource.APPLICATION_NAME))
    if settings.account_is_agent and facts.login not in settings.service_accounts:
        candidates.append((facts.login, AttributionSource.ACCOUNT))
    for value, source in candidates:
        login = value.strip()
        if login and len(login) <= MAX_LOGIN:
            return login, source
    return "", AttributionSource.NONE


def _account(facts: SessionFacts, policy: CapturePolicy, keys: ControllerKeys, at: int) -> str:
    """Pseudonym of the database login: of a declared service account, or of an informed agent's own; else ""."""
    login = facts.login
    if not login:
        return ""
    key = facts.pseudonym("agent", keys, login)
    if login in policy.service_accounts or login in facts.settings.service_accounts:
        return key
    informed_at = policy.informed.get(key, 0)
    return key if 0 < informed_at <= at else ""


def _program(facts: SessionFacts) -> str:
    settings = facts.settings
    said = facts.variable("application_name")
    return settings.programs.program(said, may_be_a_login=settings.application_name_is_agent)


def _contact(facts: SessionFacts, tags: Mapping[str, str], keys: ControllerKeys) -> str:
    settings = facts.settings
    value = facts.variable(facts.contact_variable) or tags.get(settings.comment_contact_key, "")
    value = value.strip()
    return facts.pseudonym("contact", keys, value) if value and len(value) <= MAX_LOGIN else ""
