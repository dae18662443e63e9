"""Attribution belongs to execution: capture cases 64 to 68, pipelines, and the policy."""

import pytest

from quivive.capture.attribution import MAX_BATCHES, AttributionSettings, SessionFacts, attribute
from quivive.model.access import AttributionSource
from quivive.model.gate import DRY_POLICY, CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys, agent_key, contact_key
from quivive.wire.shape import shape_of
from quivive.wire.sql import plan_of

KEYS = ControllerKeys(key_id="t1", record=b"r" * 32, agent=b"a" * 32)
OPEN = CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=("pool",))
SELECT = "select 1"


def who(login: str) -> str:
    return agent_key(KEYS, "crm", login)


class Session:
    """A connection: sends texts as simple queries or as a pipeline, and plays the server's answers."""

    def __init__(self, login: str = "pool", startup: dict[str, str] | None = None, **settings: object) -> None:
        self.settings = AttributionSettings(namespace="crm", **settings)  # type: ignore[arg-type]
        self.facts = SessionFacts(self.settings, login=login, startup=startup or {})
        self.block = False

    def send(self, sql: str, binds: tuple[bytes | None, ...] = ()) -> int:
        shaped = shape_of(sql)
        plans = plan_of(shaped.text)
        for plan in plans:
            self.facts.sent(plan, shaped.slots, binds)
        return len(plans)

    def query(
        self, sql: str, *, status: str = "I", fails_at: int | None = None, binds: tuple[bytes | None, ...] = ()
    ) -> None:
        count = self.send(sql, binds)
        self.facts.sync_sent()
        self.answer(count if fails_at is None else fails_at, failed=fails_at is not None, status=status)

    def answer(self, done: int, *, status: str, failed: bool = False) -> None:
        for _ in range(done):
            self.facts.completed()
        if failed:
            self.facts.failed()
        self.facts.ready(status)

    @property
    def agent(self) -> str:
        return self.facts.variable("quivive.agent")


def test_set_lasts_until_reset() -> None:
    """SET names the agent for every later statement, RESET and DISCARD ALL name nobody."""
    session = Session()
    session.query("set quivive.agent = 'a'")
    session.query(SELECT)
    assert session.agent == "a"
    for end in ("reset quivive.agent", "reset all", "discard all", "set quivive.agent to default"):
        session.query("set quivive.agent = 'a'")
        session.query(end)
        assert session.agent == ""


def test_startup_option_is_where_reset_returns() -> None:
    """`-c quivive.agent=…` of the start-up message names the agent, and RESET goes back to it."""
    session = Session(startup={"quivive.agent": "s"})
    assert session.agent == "s"
    session.query("set quivive.agent = 'a'")
    session.query("reset all")
    assert session.agent == "s"


def test_case_64_rolled_back_set_reverts() -> None:
    """SET in a rolled-back transaction never was; in a committed one it stays."""
    session = Session()
    session.query("begin", status="T")
    session.query("set quivive.agent = 'a'", status="T")
    assert session.agent == "a"
    session.query("rollback")
    assert session.agent == ""
    session.query("begin; set quivive.agent = 'b'; commit")
    assert session.agent == "b"


def test_case_64_set_local_ends_with_its_transaction() -> None:
    """SET LOCAL is seen inside, gone after COMMIT, and the session value is back."""
    session = Session()
    session.query("set quivive.agent = 'a'")
    session.query("begin", status="T")
    session.query("set local quivive.agent = 'b'", status="T")
    assert session.agent == "b"
    session.query("commit")
    assert session.agent == "a"
    session.query("set local quivive.agent = 'c'")
    assert session.agent == "a"


def test_savepoints() -> None:
    """ROLLBACK TO undoes what came after its savepoint; RELEASE keeps it."""
    session = Session()
    session.query("begin", status="T")
    session.query("set quivive.agent = 'a'", status="T")
    session.query("savepoint s", status="T")
    session.query("set quivive.agent = 'b'; set local quivive.contact = 'k'", status="T")
    session.query("rollback to s", status="T")
    assert (session.agent, session.facts.variable("quivive.contact")) == ("a", "")
    session.query("savepoint s2; set quivive.agent = 'c'; release s2", status="T")
    session.query("commit")
    assert session.agent == "c"


def test_failed_transaction_commits_nothing() -> None:
    """COMMIT of a failed transaction is a rollback; ROLLBACK TO saves it."""
    session = Session()
    session.query("begin; set quivive.agent = 'a'", status="T")
    session.query(SELECT, status="E", fails_at=0)
    session.query("commit")
    assert session.agent == ""
    session.query("begin; savepoint s; set quivive.agent = 'b'", status="T")
    session.query(SELECT, status="E", fails_at=0)
    session.query("rollback to s", status="T")
    session.query("set quivive.agent = 'd'", status="T")
    session.query("commit")
    assert session.agent == "d"


def test_failed_implicit_transaction() -> None:
    """Several statements in one query are one transaction: an error in the third reverts the first."""
    session = Session()
    session.query("set quivive.agent = 'a'; select 1; select 1/0", fails_at=2)
    assert session.agent == ""
    session.query("begin; set quivive.agent = 'b'; commit; set quivive.agent = 'c'; select 1/0", fails_at=4)
    assert session.agent == "b"


def test_failed_set_sets_nothing() -> None:
    """A SET the server refused never counts."""
    session = Session()
    session.query("set quivive.agent = 'a'")
    session.query("set quivive.agent = 'b'", fails_at=0)
    assert session.agent == "a"


def test_pipelined_set_counts_for_the_statement_behind_it() -> None:
    """The statement sent right behind a SET is that agent's; if the SET's batch fails, later ones are not."""
    session = Session()
    session.send("set quivive.agent = 'a'")
    assert session.agent == "a"
    session.send(SELECT)
    session.facts.sync_sent()
    session.send("set quivive.agent = 'b'")
    session.facts.sync_sent()
    assert session.agent == "b"
    session.answer(0, status="I", failed=True)
    assert session.agent == "b"
    session.answer(1, status="I")
    assert session.agent == "b"
    session.send("set quivive.agent = 'c'")
    session.facts.sync_sent()
    session.send(SELECT)
    session.facts.sync_sent()
    session.answer(0, status="I", failed=True)
    assert session.agent == "b"
    session.answer(1, status="I")
    assert session.agent == "b"


def test_commit_that_fails_rolls_back() -> None:
    """A deferred constraint that fails at COMMIT takes the SET with it."""
    session = Session()
    session.query("begin; set quivive.agent = 'a'", status="T")
    session.query("commit", fails_at=0, status="I")
    assert session.agent == ""


def test_too_long_a_pipeline_names_nobody() -> None:
    """Beyond the bound nothing is guessed; afterwards attribution is back."""
    session = Session()
    session.query("set quivive.agent = 'a'")
    for _ in range(MAX_BATCHES + 1):
        session.send(SELECT)
        session.facts.sync_sent()
    session.send(SELECT)
    assert session.agent == ""


def test_case_65_same_statement_for_two_agents() -> None:
    """One cached statement run for a then b belongs to a then b."""
    session = Session()
    seen = []
    for agent in ("a", "b"):
        session.query(f"set quivive.agent = '{agent}'")
        seen.append(attribute(session.facts, tags=None, policy=OPEN, keys=KEYS, at=1).agent)
    assert seen == [who("a"), who("b")]


def test_case_65_comment_is_not_inherited() -> None:
    """A comment names the agent of the text just sent; a re-executed statement has none."""
    session = Session()
    fresh = attribute(session.facts, tags={"agent": "a", "contact": "K1"}, policy=OPEN, keys=KEYS, at=1)
    assert (fresh.agent, fresh.source) == (who("a"), AttributionSource.COMMENT)
    assert fresh.contact == contact_key(KEYS, "K1")
    again = attribute(session.facts, tags=None, policy=OPEN, keys=KEYS, at=1)
    assert (again.agent, again.source) == ("", AttributionSource.NONE)


def test_case_66_set_config_in_a_bind() -> None:
    """set_config() with name, value and locality in binds."""
    session = Session()
    session.query("select set_config($1, $2, $3)", binds=(b"Quivive.Agent", b"a", b"f"))
    assert session.agent == "a"
    session.query("begin", status="T")
    session.query("select set_config('quivive.agent', $1, true)", binds=(b"b",), status="T")
    assert session.agent == "b"
    session.query("commit")
    assert session.agent == "a"
    session.query("select set_config('quivive.agent', md5('x'), false)")
    assert session.agent == ""


def test_case_67_forged_comment() -> None:
    """A comment inside a literal names nobody."""
    session = Session()
    tags = shape_of("select * from t where n = '/*agent=''boss''*/'").tags
    assert attribute(session.facts, tags=tags, policy=OPEN, keys=KEYS, at=1).agent == ""


def test_case_68_nobody_is_guessed() -> None:
    """Without attribution the access says so; the service account is named, as itself."""
    got = attribute(Session().facts, tags={}, policy=OPEN, keys=KEYS, at=1)
    assert (got.agent, got.source, got.account, got.session_kept) == ("", AttributionSource.NONE, who("pool"), True)


def test_order_of_sources() -> None:
    """Variable, then comment, then application name and account where declared."""
    session = Session("c.duval", {"application_name": "app"}, application_name_is_agent=True, account_is_agent=True)
    session.query("set quivive.agent = 'v'")
    first = attribute(session.facts, tags={"agent": "c"}, policy=OPEN, keys=KEYS, at=1)
    session.query("reset quivive.agent")
    second = attribute(session.facts, tags={"agent": "c"}, policy=OPEN, keys=KEYS, at=1)
    third = attribute(session.facts, tags={}, policy=OPEN, keys=KEYS, at=1)
    session.query("set application_name = ''")
    fourth = attribute(session.facts, tags={}, policy=OPEN, keys=KEYS, at=1)
    assert [x.agent for x in (first, second, third, fourth)] == [who("v"), who("c"), who("app"), who("c.duval")]
    assert [x.source.value for x in (first, second, third, fourth)] == [
        "session_variable",
        "comment",
        "application_name",
        "account",
    ]


@pytest.mark.parametrize(("informed", "kept"), [({}, False), ({"c.duval": 50}, True), ({"c.duval": 150}, False)])
def test_not_informed_is_withheld(informed: dict[str, int], kept: bool) -> None:
    """An agent not informed at that moment is never named, nor are contact and session."""
    policy = CapturePolicy(
        active=True, informed={who(k): v for k, v in informed.items()}, keep_unknown=False, service_accounts=("pool",)
    )
    session = Session()
    session.query("set quivive.agent = 'c.duval'; set quivive.contact = 'K1'")
    got = attribute(session.facts, tags=None, policy=policy, keys=KEYS, at=100)
    assert bool(got.agent) == bool(got.contact) == got.session_kept == kept
    assert (got.source is AttributionSource.NOT_INFORMED) == (not kept)
    own = attribute(Session("c.duval").facts, tags=None, policy=policy, keys=KEYS, at=100)
    assert bool(own.account) == kept


def test_dry_names_nobody() -> None:
    """In dry everything that leads to a person is dropped."""
    session = Session()
    session.query("set quivive.agent = 'a'; set quivive.contact = 'K'")
    got = attribute(session.facts, tags={"agent": "b"}, policy=DRY_POLICY, keys=KEYS, at=1)
    assert (got.agent, got.account, got.contact, got.session_kept) == ("", "", "", False)
    assert got.source is AttributionSource.DRY


def test_absurd_login_is_nobody() -> None:
    """Blank and overlong values are no identity."""
    session = Session()
    for value in ("   ", "x" * 300):
        session.query(f"set quivive.agent = '{value}'")
        assert attribute(session.facts, tags=None, policy=OPEN, keys=KEYS, at=1).agent == ""


@pytest.mark.parametrize("sync_first", [True, False])
def test_a_query_behind_a_failed_batch_is_no_batch(sync_first: bool) -> None:
    """What the server skips up to Sync ends no batch and changes nothing; the next batch counts as one (case 22)."""
    session = Session()
    session.query("set quivive.agent = 'a'")
    session.send("select 1/0")
    for text in ("set quivive.agent = 'b'", "begin"):
        session.send(text)
        session.facts.sync_sent()  # of a simple Query
    if sync_first:
        session.facts.sync_sent()
    session.facts.failed()
    session.facts.sync_skipped()
    session.facts.sync_skipped()
    if not sync_first:
        session.facts.sync_sent()
    session.facts.ready("I")
    assert session.agent == "a"
    assert not session.facts._batches
    session.query("set quivive.agent = 'c'")
    assert session.agent == "c"
