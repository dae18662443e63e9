"""Plans of statements that are read by hand, and the splitting of texts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quivive.model.access import Action
from quivive.wire.shape import shape_of
from quivive.wire.sql import OperandKind, PlanKind, StatementPlan, Verb, copy_query, plan_of


def one(sql: str) -> StatementPlan:
    (plan,) = plan_of(shape_of(sql).text)
    return plan


@pytest.mark.parametrize(
    ("sql", "name", "local", "kind"),
    [
        ("SET quivive.agent = 'c.duval'", "quivive.agent", False, OperandKind.SLOT),
        ("set session quivive.agent to 'c.duval'", "quivive.agent", False, OperandKind.SLOT),
        ("set local Quivive.Agent = duval", "quivive.agent", True, OperandKind.WORD),
        ('set "quivive"."agent" = 5', "quivive.agent", False, OperandKind.SLOT),
        ("set application_name to 'x'", "application_name", False, OperandKind.SLOT),
        ("set quivive.agent to default", "quivive.agent", False, None),
        ("reset quivive.agent", "quivive.agent", False, None),
        ("reset all", "", False, None),
        ("discard all", "", False, None),
    ],
)
def test_variables(sql: str, name: str, local: bool, kind: OperandKind | None) -> None:
    """SET, SET LOCAL, RESET and DISCARD ALL name the variable and where its value comes from."""
    (variable,) = one(sql).variables
    assert (variable.name, variable.local) == (name, local)
    assert (variable.value.kind if variable.value else None) == kind


@pytest.mark.parametrize(
    "sql",
    [
        "set transaction isolation level serializable",
        "set time zone 'utc'",
        "discard plans",
    ],
)
def test_settings_that_are_no_variable(sql: str) -> None:
    """Other forms of SET change no variable."""
    assert one(sql).variables == ()


def test_set_config_in_a_bind() -> None:
    """set_config() inside a SELECT is a session variable, with its value in a bind (case 66)."""
    fixed, free = one("select set_config('quivive.agent', $1, true), set_config($2, $3, $4)").variables
    assert fixed.name_operand is not None
    assert fixed.name_operand.kind is OperandKind.SLOT
    assert fixed.local
    assert fixed.value is not None
    assert fixed.value.index == 1
    assert free.local_operand is not None
    assert free.local_operand.index == 4


@pytest.mark.parametrize(
    ("sql", "verb", "name"),
    [
        ("begin", Verb.BEGIN, ""),
        ("START TRANSACTION READ ONLY", Verb.BEGIN, ""),
        ("commit", Verb.COMMIT, ""),
        ("end work", Verb.COMMIT, ""),
        ("commit and chain", Verb.COMMIT_CHAIN, ""),
        ("abort", Verb.ROLLBACK, ""),
        ("rollback and chain", Verb.ROLLBACK_CHAIN, ""),
        ("rollback and no chain", Verb.ROLLBACK, ""),
        ("savepoint A", Verb.SAVEPOINT, "a"),
        ('release savepoint "A"', Verb.RELEASE, "A"),
        ("rollback work to savepoint a", Verb.ROLLBACK_TO, "a"),
        ("rollback to a", Verb.ROLLBACK_TO, "a"),
    ],
)
def test_transactions(sql: str, verb: Verb, name: str) -> None:
    """Verbs and savepoints, folded as PostgreSQL folds names."""
    plan = one(sql)
    assert (plan.verb, plan.name, plan.kind) == (verb, name, PlanKind.TRANSACTION)


def test_statements_inside_statements() -> None:
    """PREPARE, EXECUTE, DECLARE, FETCH, EXPLAIN keep what they hold."""
    prepared = one("prepare p (int, numeric(10,2)) as select * from customer where id = $1")
    assert prepared.name == "p"
    assert prepared.inner is not None
    assert prepared.inner.sources == ("customer",)
    assert not prepared.writes
    execute = one("execute p(1, -2, $1, 'x'::text, now(), null)")
    kinds = [operand.kind for operand in execute.arguments]
    assert kinds == [
        OperandKind.SLOT,
        OperandKind.SLOT,
        OperandKind.BIND,
        OperandKind.SLOT,
        OperandKind.OTHER,
        OperandKind.NULL,
    ]
    assert execute.arguments[1].negative
    cursor = one("declare c no scroll cursor with hold for select id from customer")
    assert cursor.name == "c"
    assert cursor.inner is not None
    assert cursor.inner.sources == ("customer",)
    assert one("fetch forward 10 from c").name == "c"
    assert not one("move 3 c").executes
    assert one("explain (analyze, buffers) delete from t").writes
    assert not one("explain delete from t").writes
    assert not one("explain (analyze off) delete from t").writes
    assert one("deallocate all").all_names
    assert one("deallocate prepare p").name == "p"
    assert one("close all").all_names


def test_copy() -> None:
    """COPY in both directions, of tables and queries, with its options; a file of the server is told apart."""
    out = one("copy public.customer (id, name) to stdout with (format csv, header, delimiter ';')")
    assert out.action is Action.EXPORT
    assert out.copy is not None
    assert out.copy.outbound
    assert out.copy.header
    assert (out.copy.table, out.copy.columns, out.copy.format) == ("public.customer", ("id", "name"), "csv")
    query = one("copy (select id from customer where id = 3) to stdout binary")
    assert query.copy is not None
    assert query.copy.format == "binary"
    assert query.sources == ("customer",)
    into = one("copy customer from stdin")
    assert into.action is Action.CREATE
    assert into.writes
    assert into.changed == ("*",)
    program = one("copy customer to program 'gzip > /x'")
    assert program.copy is not None
    assert program.copy.server_side


@pytest.mark.parametrize(
    ("sql", "query"),
    [
        ("COPY (select ')' from t) TO STDOUT", "select ')' from t"),
        ("/* x */ copy (select f(1)) to stdout (format csv)", "select f(1)"),
        ("copy t to stdout", None),
        ("select 1", None),
    ],
)
def test_query_of_a_copy(sql: str, query: str | None) -> None:
    """The original query inside COPY is found, to be described aside."""
    assert copy_query(sql) == query


@pytest.mark.parametrize(
    ("sql", "kind", "why"),
    [
        ("do $$ begin end $$", PlanKind.OPAQUE, "do"),
        ("call f(1)", PlanKind.OPAQUE, "call"),
        ("garbage in", PlanKind.OPAQUE, "unread"),
        ("explain explain explain explain explain select 1", PlanKind.EXPLAIN, ""),
        ("vacuum customer", PlanKind.UTILITY, ""),
        ("create table t (a int)", PlanKind.DDL, ""),
        ("", PlanKind.EMPTY, ""),
    ],
)
def test_kinds(sql: str, kind: PlanKind, why: str) -> None:
    """What cannot be known is opaque and says why."""
    assert (one(sql).kind, one(sql).opaque) == (kind, why)


def test_several_statements_in_order() -> None:
    """One plan per statement the server answers; semicolons in names, literals and dollar quotes split nothing."""
    plans = plan_of(shape_of("begin;; select 1; update \"a;b\" set x = ';'; do $$ ; $$; commit;").text)
    assert [plan.kind for plan in plans] == [
        PlanKind.TRANSACTION,
        PlanKind.DML,
        PlanKind.DML,
        PlanKind.OPAQUE,
        PlanKind.TRANSACTION,
    ]
    assert plans[2].sources == ("a;b",)


def test_truncate_is_a_delete() -> None:
    """TRUNCATE empties tables."""
    plan = one("truncate table customer, only orders")
    assert plan.action is Action.DELETE
    assert plan.sources[0] == "customer"
    assert plan.writes


@settings(deadline=None)
@given(st.text(alphabet="selctfromwh=1'$\"();, \n*.ainsertvalupdated", max_size=60))
def test_never_raises(sql: str) -> None:
    """Any text has plans."""
    assert plan_of(shape_of(sql).text)


@pytest.mark.parametrize(
    "text",
    [
        "fetch " + "a" * 60_000 + "!",
        "select " + "b" * 60_000,
        "create table " * 5_000,
        "copy (" * 9_000,
        "prepare p (" * 1_500,
        "explain " * 2_500,
        "a" * 60_000,
        "do (" * 9_000,
    ],
)
def test_hostile_texts_are_quick(text: str) -> None:
    """No hand-read statement costs more than a moment, whatever its length."""
    import time

    start = time.process_time()
    plan_of(text)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("set search_path = a, public", ["a", "public"]),
        ('set search_path to "$user", Public, "Mixed, one"', ["$user", "public", "Mixed, one"]),
        ("set local search_path = 'a b'", [0]),
        ("set schema 'x'", [0]),
    ],
)
def test_a_search_path_is_its_names(sql: str, names: list[object]) -> None:
    """Word by word, literals by their slot; one that cannot be read makes the whole unread."""
    (variable,) = one(sql).variables
    assert variable.name == "search_path"
    assert [name.word or name.index for name in variable.names] == names


def test_roles_and_defaults() -> None:
    """SET ROLE is followed for `"$user"`; DEFAULT and NONE take back."""
    assert [one(sql).variables[0].value is None for sql in ("set role app", "set role none")] == [False, True]
    assert one("set search_path to default").variables[0].value is None
    assert one("reset session authorization").variables[0].name == "role"
