"""Claims on pgAudit as the only source: keys asked for, agents named, holes in the log name nobody."""

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pgaudit_lines import csv_line

from quivive.capture.attribution import AttributionSettings
from quivive.connectors.model import Record, Refusal
from quivive.connectors.pgaudit.server_log import LogFormat
from quivive.connectors.pgaudit.translator import PgauditSettings, PgauditTranslator
from quivive.model.catalogue import Alternate, Catalogue, Path, Table, TableKind

CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(name="public.customer", kind=TableKind.PERSON, key=("id",), alternates=(Alternate(column="phone", kind="phone"),)),
        Table(name="public.orders", kind=TableKind.LINKED, key=("id",), path=Path(column="customer_id", to="public.customer")),
        Table(name="public.order_line", kind=TableKind.LINKED, key=("order_id", "line_no")),
    ),
    not_protected=("public.reason_code",),
)  # fmt: skip


class Log:
    """A session's log in the making."""

    def __init__(self, **attribution):
        self.lines, self.number, self.line = [], 0, 0
        self.attribution = AttributionSettings(namespace="crm", **attribution)
        self.more = {}

    def add(self, message, **more):
        self.line += 1
        self.lines += csv_line(message, line=self.line, **more).split("\n")
        return self

    def said(
        self, text, *, command="SELECT", kind="READ", given="<none>", rows="1", name="", sub=1, again=False, **more
    ):
        self.number += not again
        told = '"' + text.replace('"', '""') + '"'
        shown = '"' + given.replace('"', '""') + '"'
        counted = "" if rows is None else f",{rows}"
        object_type = "TABLE" if name else ""
        return self.add(
            f"AUDIT: SESSION,{self.number},{sub},{kind},{command},{object_type},{name},{told},{shown}{counted}",
            **{"transaction": f"3/{self.number}", **more},
        )

    def set(self, name, **more):
        return self.said(f"set quivive.agent = '{name}'", command="SET", kind="MISC", rows="0", **more)

    def translator(self):
        settings = PgauditSettings(
            format=LogFormat.CSVLOG, attribution=self.attribution, zone=ZoneInfo("Europe/Paris"), **self.more
        )
        return PgauditTranslator(settings, CATALOGUE)

    def read(self, by=None):
        by = by or self.translator()
        records = [Record(number=number, fields={"line": text}) for number, text in enumerate(self.lines, start=1)]
        return [*by.feed(records, 0), *by.close(0)]

    def rows(self):
        found = self.read()
        assert not [each for each in found if isinstance(each, Refusal)]
        return [each.value for each in found]

    def row(self):
        (found,) = self.rows()
        return found


def test_a_page_of_a_customer():
    """Everything a row holds, from a literal key."""
    row = Log().set("anna").said("select * from customer where id = 5").row()
    assert row == {
        "id": "6b03b06c.49c8/2/1", "at": "2026-11-23T02:11:42.125000Z", "action": "read", "coverage": "predicate",
        "tables": ["public.customer"], "records": ["public.customer:5"], "rows": 1, "agent": "anna",
        "address": "10.0.0.9", "program": "console",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "given_", "records"),
    [
        ("select * from customer where id = $1", "6", ["public.customer:6"]),
        ("select * from customer where id = any($1)", '"{14,15}"', ["public.customer:14", "public.customer:15"]),
        ("select * from customer where id in (1,2,3)", "<none>", [f"public.customer:{n}" for n in (1, 2, 3)]),
        ("select * from public.order_line where order_id=7 and line_no=$1", "2", ["public.order_line:7,2"]),
        ("select * from orders where customer_id = 9", "<none>", ["public.customer:9"]),
        ("prepare p as select * from customer where id=$1", "11", ["public.customer:11"]),
    ],
)
def test_keys_of_literals_and_parameters(text, given_, records):
    """One path for both, as in the relay."""
    row = Log().said(text, given=given_).row()
    assert (row["records"], row["coverage"]) == (records, "predicate")


@pytest.mark.parametrize(
    ("text", "given_"),
    [
        ("select * from customer where last_name like 'A%'", "<none>"),
        ("select * from customer where id = $1", "<not logged>"),
        ("select * from customer where id = $1", "<long param suppressed>"),
        ("select last_name        from customer where id=p", "8,,,"),
        ("select * from customer where id < 20", "<none>"),
    ],
)
def test_what_the_log_cannot_key_is_counted(text, given_):
    """A variable of a function, a range, a parameter not logged: `count_only` with its rows, never nobody."""
    row = Log().said(text, given=given_, rows="112").row()
    assert (row["coverage"], row["rows"]) == ("count_only", 112)
    assert "records" not in row
    assert row["tables"] == ["public.customer"]


def test_a_variable_is_not_everybody():
    """`where id=p` is no search over all rows."""
    assert "patterns" not in Log().said("select last_name from customer where id=p", given="8,,").row()
    all_rows = Log().said("select last_name from customer").row()["patterns"]
    assert all_rows == [{"column": "public.customer.*", "class": "all", "fixed_chars": 0}]


def test_no_rows_name_no_record():
    """With log_rows on, an empty answer showed nobody."""
    row = Log().said("select * from customer where id = 5", rows="0").row()
    assert (row["rows"], row["coverage"]) == (0, "count_only")
    assert "records" not in row


def test_rows_not_logged_stay_unsaid():
    """Without pgaudit.log_rows the row makes no claim on rows."""
    assert "rows" not in Log().said("select * from customer where id = 5", rows=None).row()


def test_a_telephone_number_is_an_identity():
    """The alternate key goes to the intake as one, with its table."""
    row = Log().said("select id from customer where phone = '+33199000001'").row()
    assert row["identities"] == [{"table": "public.customer", "kind": "phone", "value": "+33199000001"}]


def test_figures_show_no_record():
    """`count(*)` with a key is a figure, as on the wire."""
    row = Log().said("select count(*) from customer where id = 5").row()
    assert (row["coverage"], row["action"]) == ("aggregate", "query")
    assert "records" not in row


def test_writes():
    """Keys and columns written, never values."""
    row = Log().said("update customer set phone='0199' where id=10", command="UPDATE", kind="WRITE").row()
    assert (row["action"], row["changed"], row["records"]) == (
        "update",
        ["public.customer.phone"],
        ["public.customer:10"],
    )
    assert "0199" not in repr(row)


def test_copies_cursors_and_exports():
    """COPY and DECLARE leave no true number of rows; their inner statement is told once."""
    rows = (
        Log()
        .said("copy (select * from customer where id<4) to stdout", rows="3")
        .said("copy (select * from customer where id<4) to stdout", command="COPY", rows="0", sub=2, again=True)
        .said("copy customer to stdout", command="COPY", rows="0")
        .said("declare k cursor for select * from customer where id<20", command="DECLARE CURSOR", rows="0")
        .said("fetch 5 from k", command="FETCH", kind="MISC", rows="0")
        .rows()
    )
    assert [(row["action"], row.get("rows")) for row in rows] == [("export", 3), ("export", None), ("list", None)]
    # Neither is a count: the cursor's rows are unknown, not none.
    assert rows[-1]["coverage"] == "opaque"


def test_texts_of_several_statements():
    """The log repeats the whole text for each: every protected statement is told, and once."""
    text = "select * from customer where id=21; select 1; update customer set phone='2' where id=22"
    log = Log()
    for command, kind in (("SELECT", "READ"), ("SELECT", "READ"), ("UPDATE", "WRITE")):
        log.said(text, command=command, kind=kind, transaction="3/7")
    assert [(row["action"], row["records"]) for row in log.rows()] == [
        ("read", ["public.customer:21"]),
        ("update", ["public.customer:22"]),
    ]


def test_two_reads_of_one_text_are_both_told():
    """Which line is which nobody can say: all records, and no class claimed."""
    text = "select * from customer where id=1; select * from customer where id=2"
    row = Log().said(text, transaction="3/7").said(text, transaction="3/7").row()
    assert (row["records"], row["coverage"]) == (["public.customer:1", "public.customer:2"], "count_only")


def test_foreign_key_checks_are_the_servers_own():
    """They show nobody anything."""
    log = Log().said(
        'SELECT 1 FROM ONLY "public"."customer" x WHERE "id" OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF x', given="7"
    )
    assert log.rows() == []


def test_views_with_log_relation():
    """The tables behind a view are named by the server, each told once."""
    text = "select * from customer_card where id=3"
    log = Log()
    log.add(f"AUDIT: SESSION,1,1,READ,SELECT,VIEW,public.customer_card,{text},<none>")
    for kind in ("OBJECT", "SESSION"):
        log.add(f"AUDIT: {kind},1,1,READ,SELECT,TABLE,public.customer,<previously logged>,<previously logged>")
    rows = log.rows()
    assert [(row["tables"], row["coverage"], row["id"]) for row in rows] == [
        (["public.customer"], "count_only", "6b03b06c.49c8/1/1/public.customer")
    ]


def test_explain_analyze_reads_and_shows_a_plan():
    """It executes: one access that shows no record, as the relay tells it, by whatever lines it is logged."""
    log = Log()
    for kind in ("OBJECT", "SESSION"):
        text = "explain analyze select * from customer where id=1"
        log.add(f"AUDIT: {kind},1,1,READ,SELECT,TABLE,public.customer,{text},<none>,1")
    (row,) = log.rows()
    assert (row["coverage"], row["tables"], "records" in row) == ("aggregate", ["public.customer"], False)


def test_a_table_behind_a_function_is_told():
    """The text names no table; the server does."""
    row = Log().said("select * from inlined(8)", name="public.customer").row()
    assert (row["tables"], row["coverage"]) == (["public.customer"], "count_only")


def test_relations_nobody_declared_are_refused():
    """A view without log_relation, or an unmapped table: said aloud, never skipped."""
    (refusal,) = Log().said("select * from customer_card where id=3").read()
    assert (refusal.field, refusal.found) == ("statement", "a relation that the catalogue does not name")
    found = Log().said("select * from notes", name="public.notes").read()
    assert [each.field for each in found] == ["object_name"]


def test_tables_without_protection_and_functions_make_no_row():
    """Nothing of a person there."""
    log = Log().said("select * from reason_code").said("select * from pg_class").said("select 1")
    log.said("select cust(8)", command="EXECUTE", kind="FUNCTION")
    by = log.translator()
    assert log.read(by) == []
    assert by.skipped == {"no protected table": 3, "function": 1}


def test_a_denied_statement():
    """Tried, nothing shown."""
    log = Log().set("anna")
    log.add(
        "permission denied for table customer",
        severity="ERROR",
        state="42501",
        query="select * from customer where id=4",
    )
    row = log.row()
    assert (row["outcome"], row["rows"], row["agent"]) == ("denied", 0, "anna")
    assert "records" not in row


# Who -----------------------------------------------------------------------------------------------------------------

READ = "select * from customer where id = 5"


def agents(log):
    return [row.get("agent", "") for row in log.rows()]


def test_a_session_variable_lasts():
    """Until the next SET, RESET or DISCARD ALL."""
    log = (
        Log().set("anna").said(READ).set("boris").said(READ).said("reset all", command="RESET", kind="MISC").said(READ)
    )
    assert agents(log) == ["anna", "boris", ""]


def test_set_config_with_a_parameter():
    """The parameter names the agent."""
    assert agents(Log().said("select set_config('quivive.agent', $1, false)", given="dora").said(READ)) == ["dora"]


def test_set_local_ends_with_its_transaction():
    """By the transaction's number, also when COMMIT is not logged."""
    log = Log().set("anna").said("begin", command="BEGIN", kind="MISC", transaction="3/50")
    log.said("set local quivive.agent='carla'", command="SET", kind="MISC", transaction="3/50")
    log.said(READ, transaction="3/50").said(READ, transaction="3/51")
    assert agents(log) == ["carla", "anna"]


def test_a_rollback_takes_back():
    """SET inside a transaction that was rolled back never was."""
    log = (
        Log()
        .set("anna")
        .said("begin", command="BEGIN", kind="MISC", transaction="3/50")
        .set("boris", transaction="3/50")
    )
    log.said("rollback", command="ROLLBACK", kind="MISC", transaction="3/50").said(READ, transaction="3/51")
    assert agents(log) == ["anna"]


def test_after_rollback_to_nobody_is_named():
    """pgAudit does not log it: what it restored is not known until the next SET."""
    log = Log().set("anna").said("begin", command="BEGIN", kind="MISC", transaction="3/50")
    log.add("division by zero", severity="ERROR", state="22012", query="select 1/0", transaction="3/50")
    log.said(READ, transaction="3/50").set("boris", transaction="3/60").said(READ, transaction="3/61")
    assert agents(log) == ["", "boris"]


def test_a_hole_in_the_log_names_nobody():
    """A line missing could have named another agent."""
    log = Log(account_is_agent=True).set("anna").said(READ)
    log.line += 1
    log.said(READ).set("boris").said(READ)
    assert agents(log) == ["anna", "", "boris"]


def test_a_log_that_begins_inside_a_session():
    """Who was named before, nobody knows."""
    log = Log(account_is_agent=True)
    log.line = 40
    assert agents(log.said(READ).set("anna").said(READ)) == ["", "anna"]


def test_comments_of_texts_just_sent():
    """A statement with parameters may have been prepared for another agent."""
    comment = "/*agent='boris'*/ select * from customer where id = "
    log = Log().said(comment + "5").said(comment + "$1", given="6")
    assert agents(log) == ["boris", ""]
    log.more = {"comments": "always"}
    assert agents(log) == ["boris", "boris"]
    log.more = {"comments": "never"}
    assert agents(log) == ["", ""]


def test_application_name_and_account():
    """Only where the source declares them; a service account is nobody."""
    assert agents(Log(application_name_is_agent=True).said(READ)) == ["console"]
    assert agents(Log(account_is_agent=True).said(READ)) == ["app_user"]
    assert agents(Log(account_is_agent=True, service_accounts=("app_user",)).said(READ)) == [""]


def test_other_databases_of_the_server():
    """Their tables are another controller's."""
    log = Log().said(READ)
    log.more = {"databases": frozenset({"billing"})}
    assert log.read() == []


def many():
    log = Log().set("anna")
    for number in range(6):
        log.said(f'select *\nfrom customer -- "\nwhere id = {number}')
    log.set("boris").said("update customer set phone='1' where id=3", command="UPDATE", kind="WRITE")
    return log


@given(st.lists(st.integers(0, 30), max_size=6))
def test_a_log_cut_anywhere_gives_the_same_rows(cuts):
    """Between any two lines, also inside a statement; and delivered twice."""
    log = many()
    whole = {row["id"]: row for row in log.rows()}
    by, found = log.translator(), []
    marks = [0, *sorted(min(cut, len(log.lines)) for cut in cuts), len(log.lines)]
    for start, end in pairwise(marks):
        found += by.feed([Record(number=n, fields={"line": log.lines[n]}) for n in range(start, end)], 0)
    assert {row.value["id"]: row.value for row in found} == whole
    again = many()
    again.lines = log.lines * 2
    assert {row.value["id"] for row in again.read()} == set(whole)


def test_sessions_side_by_side():
    """Each names its own agent."""
    one, two = Log().set("anna").said(READ), Log().set("boris").said(READ)
    lines = [text.replace("6b03b06c.49c8", "6b03b06c.4a00") for text in two.lines]
    mixed = Log()
    mixed.lines = [text for pair in zip(one.lines, lines, strict=True) for text in pair]
    assert agents(mixed) == ["anna", "boris"]
