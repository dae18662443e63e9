"""Rows of the coverage table that write: which records, which columns, and what a transaction made of them."""

import struct

from truth_row import Row

from quivive.model.access import Action, CoverageClass, Outcome

EXACT, PREDICATE, COUNT_ONLY, OPAQUE = (
    CoverageClass.EXACT,
    CoverageClass.PREDICATE,
    CoverageClass.COUNT_ONLY,
    CoverageClass.OPAQUE,
)
UPDATE, DELETE, CREATE = Action.UPDATE, Action.DELETE, Action.CREATE
NAME = ("public.customer.last_name",)
SIMPLE = ("simple",)


def _row(group: str, name: str, sql: str, coverage: CoverageClass, *ids: int, **more: object) -> Row:
    shows = more.pop("shows", {"customer": ids} if ids else {})
    return Row(name=name, group=group, sql=sql, coverage=coverage, shows=shows, **more)  # type: ignore[arg-type]


def _changes() -> tuple[Row, ...]:
    def row(name: str, sql: str, coverage: CoverageClass, *ids: int, **more: object) -> Row:
        more = {"action": UPDATE, "changed": NAME, "hint": "select_key" if coverage is PREDICATE else "", **more}
        if more["hint"] == "select_key":
            more["hint"] = "returning_key"
        return _row("Updates and deletes", name, sql, coverage, *ids, **more)

    return (
        row("UPDATE by key", "update customer set last_name = 'a' where id = 101", PREDICATE, 101, rows=1,
            bound=("update customer set last_name = $2 where id = $1", "101", "a")),
        row("UPDATE by list", "update customer set last_name = 'a' where id in (102, 103)", PREDICATE, 102, 103, rows=2),
        row("UPDATE by array", "update customer set last_name = 'a' where id = any('{104,105}')", PREDICATE, 104, 105,
            bound=("update customer set last_name = 'a' where id = any($1)", "{104,105}"), rows=2),
        row("UPDATE by row constructor", "update order_line set label = 'a' where (order_id, line_no) in ((106, 1), (107, 1))",
            PREDICATE, shows={"order_line": ((106, 1), (107, 1)), "orders": (106, 107)},
            changed=("public.order_line.label",), rows=2),
        row("UPDATE by alternate key", "update customer set last_name = 'a' where phone = '+33639980108'", PREDICATE,
            alternates={("customer", "phone"): ("+33639980108",)}, rows=1),
        row("UPDATE between keys", "update customer set last_name = 'a' where id between 109 and 111", COUNT_ONLY, rows=3,
            hint="returning_key"),
        row("UPDATE of a search", "update customer set last_name = 'a' where last_name = 'Nom112'", COUNT_ONLY, rows=1,
            hint="returning_key"),
        row("UPDATE returning key", "update customer set last_name = 'a' where last_name = 'Nom113' returning id", EXACT,
            113, rows=1),
        row("UPDATE returning all", "update customer set last_name = 'a', phone = null where id = 114 returning *", EXACT,
            114, rows=1, changed=("public.customer.last_name", "public.customer.phone")),
        row("UPDATE returning old and new", "update customer set last_name = 'a' where last_name = 'Nom118'"
            " returning old.id, new.last_name", EXACT, 118, rows=1, since=18),
        row("UPDATE from VALUES", "update customer c set last_name = v.label from (values (115, 'a'), (116, 'b'))"
            " v(id, label) where c.id = v.id", PREDICATE, 115, 116, rows=2),
        row("UPDATE from a table", "update customer c set last_name = 'a' from orders o where o.customer_id = c.id and o.id = 117",
            COUNT_ONLY, shows={"orders": (117,)}, rows=1, hint="returning_key"),
        row("UPDATE in a CTE", "with u as (update customer set last_name = 'a' where id = 119 returning id) select id from u",
            EXACT, 119, rows=1),
        row("UPDATE of a view", "update names set last_name = 'a' where id = 120", PREDICATE, 120, rows=1),
        row("UPDATE of nothing", "update customer set last_name = 'a' where id = 999999", PREDICATE, 999999, rows=0),
        row("DELETE by key", "delete from order_line where order_id = 121 and line_no = 1", PREDICATE, changed=(),
            shows={"order_line": ((121, 1),), "orders": (121,)}, action=DELETE, rows=1,
            bound=("delete from order_line where order_id = $1 and line_no = $2", "121", "1")),
        row("DELETE by foreign key", "delete from order_line where order_id = 122", PREDICATE, action=DELETE, changed=(),
            shows={"orders": (122,)}, rows=1),
        row("DELETE using", "delete from order_line l using orders o where o.id = l.order_id and o.id = 123", PREDICATE,
            shows={"orders": (123,)}, action=DELETE, changed=(), rows=1),
        row("DELETE returning", "delete from order_line where order_id = 124 returning *", EXACT, action=DELETE, changed=(),
            shows={"order_line": ((124, 1),), "orders": (124,)}, rows=1),
        row("TRUNCATE", "truncate note", COUNT_ONLY, action=DELETE, changed=(), tables=("public.note",), hint="returning_key",
            before=("begin",), after=("rollback",), outcome=Outcome.ATTEMPTED),
        row("EXPLAIN ANALYZE of a write", "explain analyze update customer set last_name = 'a' where id = 125", PREDICATE, 125),
        row("SQL EXECUTE of a write", "execute change(126)", PREDICATE, 126, rows=1,
            before=("prepare change as update customer set last_name = 'a' where id = $1",)),
    )  # fmt: skip


def _creations() -> tuple[Row, ...]:
    def row(name: str, sql: str, coverage: CoverageClass, *ids: int, **more: object) -> Row:
        more = {"action": CREATE, "changed": ("public.customer.id", *NAME), **more}
        return _row(
            "Inserts and merges",
            name,
            sql,
            coverage,
            *ids,
            **{"hint": "returning_key" if coverage is not EXACT else "", **more},
        )

    merged = "merge into customer t using (values {0}) s(id, label) on t.id = s.id when matched then update set last_name = s.label"
    bound_merge = (
        "merge into customer t using (select $1::bigint as id, $2::text as label) s on t.id = s.id when matched then"
        " update set last_name = s.label when not matched then insert (id, last_name) values (s.id, s.label)"
    )
    return (
        row("INSERT", "insert into customer (id, last_name) values (5001, 'x'), (5002, 'y')", PREDICATE, 5001, 5002, rows=2),
        row("INSERT by bind", "insert into customer (id, last_name) values (5003, 'x')", PREDICATE, 5003, rows=1,
            bound=("insert into customer (id, last_name) values ($1, $2)", "5003", "x")),
        row("INSERT without key", "insert into keyless (label) values ('x')", COUNT_ONLY, rows=1, hint="declare_table",
            before=("create temp table keyless (label text)",), ways=()),
        row("INSERT returning", "insert into customer (id, last_name) values (5004, 'x') returning id", EXACT, 5004, rows=1),
        row("INSERT without column list", "insert into note values (5005, 'x')", PREDICATE, shows={"note": (5005,)},
            changed=("public.note.id", "public.note.body"), rows=1),
        row("INSERT … SELECT of series", "insert into note (id, body) select g, 'x' from generate_series(5010, 5012) g",
            COUNT_ONLY, changed=("public.note.id", "public.note.body"), rows=3),
        row("INSERT … SELECT returning", "insert into note (id, body) select g, 'x' from generate_series(5013, 5014) g returning id",
            EXACT, shows={"note": (5013, 5014)}, changed=("public.note.id", "public.note.body"), rows=2),
        row("upsert", "insert into customer (id, last_name) values (127, 'x') on conflict (id) do update set phone = null",
            PREDICATE, 127, changed=("public.customer.id", *NAME, "public.customer.phone"), rows=1),
        row("upsert that does nothing", "insert into customer (id, last_name) values (128, 'x') on conflict do nothing",
            PREDICATE, 128, rows=0),
        row("MERGE of VALUES", merged.format("(129, 'a'), (130, 'b')"), PREDICATE, 129, 130, changed=NAME, rows=2,
            action=UPDATE),
        row("MERGE by bind", "merge into customer t using (select 131 as id, 'a' as label) s on t.id = s.id when matched"
            " then update set last_name = s.label when not matched then insert (id, last_name) values (s.id, s.label)",
            PREDICATE, 131, rows=1, action=UPDATE, changed=(*NAME, "public.customer.id"),
            bound=(bound_merge, "131", "a")),
        row("MERGE from a table", "merge into customer t using orders o on o.customer_id = t.id and o.id = 132 when matched"
            " then update set last_name = 'm'", COUNT_ONLY, shows={"orders": (132,)}, changed=NAME, rows=1, action=UPDATE),
        row("MERGE returning", "merge into customer t using (select 134 as id) s on t.id = s.id when matched then update"
            " set last_name = 'm' returning t.id", EXACT, 134, changed=NAME, rows=1, action=UPDATE, since=17),
    )  # fmt: skip


def _copies_in() -> tuple[Row, ...]:
    def row(name: str, sql: str, coverage: CoverageClass, *ids: int, **more: object) -> Row:
        more = {"action": CREATE, "ways": SIMPLE, "changed": ("public.customer.id", *NAME), **more}
        return _row("Copies in", name, sql, coverage, *ids, **{"hint": "returning_key", **more})

    binary = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
    for number in (6005, 6006):
        binary += struct.pack("!hiqi", 2, 8, number, 1) + b"x"
    binary += b"\xff\xff"
    return (
        row("COPY in, text", "copy customer (id, last_name) from stdin", PREDICATE, 6001, 6002, rows=2,
            copy=b"6001\ta\\tb\n6002\tx\n"),
        row("COPY in, csv", "copy customer (last_name, id) from stdin (format csv, header)", PREDICATE, 6003, 6004,
            changed=(*NAME, "public.customer.id"), copy=b'last_name,id\n"a, ""b""\nc",6003\nx,6004', rows=2),
        row("COPY in, binary", "copy customer (id, last_name) from stdin (format binary)", PREDICATE, 6005, 6006, rows=2,
            copy=binary),
        row("COPY in, whole table", "copy note from stdin", PREDICATE, shows={"note": (6007, 6008)}, rows=2,
            changed=("public.note.id", "public.note.body"), copy=b"6007\tx\r\n6008\ty\r\n"),
        row("COPY in, generated column", "copy stock from stdin", PREDICATE, shows={"stock": (6009,)}, rows=1,
            changed=("public.stock.label", "public.stock.id", "public.stock.code"), copy=b"abc\t6009\n\\.\n"),
        row("COPY in without key", "copy old_keyless from stdin", COUNT_ONLY, rows=1, ways=(), copy=b"x\n"),
        row("COPY in, some rows kept", "copy customer (id, last_name) from stdin where id > 6010", COUNT_ONLY, 6010, 6011,
            rows=1, copy=b"6010\tx\n6011\ty\n"),
        row("COPY in, refused row", "copy customer (id, last_name) from stdin", PREDICATE, 6012, copy=b"6012\t\\N\n",
            fails=True, outcome=Outcome.ERROR),
    )  # fmt: skip


def _transactions() -> tuple[Row, ...]:
    def row(name: str, number: int, *, before: tuple[str, ...], after: tuple[str, ...], outcome: Outcome) -> Row:
        sql = f"update customer set last_name = 'a' where id = {number}"
        return _row("Transactions", name, sql, PREDICATE, number, rows=1, before=before, after=after, outcome=outcome,
                    action=UPDATE, changed=NAME, hint="returning_key")  # fmt: skip

    ok, attempted = Outcome.OK, Outcome.ATTEMPTED
    return (
        row("committed", 141, before=("begin",), after=("commit",), outcome=ok),
        row("rolled back", 142, before=("begin",), after=("rollback",), outcome=attempted),
        row("savepoint released", 143, before=("begin", "savepoint a"), after=("release a", "commit"), outcome=ok),
        row("rolled back to a savepoint", 144, before=("begin", "savepoint a"), after=("rollback to a", "commit"),
            outcome=attempted),
        row("before the savepoint", 145, before=("begin",), after=("savepoint a", "rollback to a", "commit"), outcome=ok),
        row("commit of a failed transaction", 146, before=("begin",), after=("select 1/0", "commit"), outcome=attempted),
        row("prepared and committed", 147, before=("begin",), after=("prepare transaction 'p{way}'", "commit prepared 'p{way}'"),
            outcome=ok),
        row("prepared and rolled back", 148, before=("begin",),
            after=("prepare transaction 'q{way}'", "rollback prepared 'q{way}'"), outcome=attempted),
        row("two chained", 149, before=("begin",), after=("rollback and chain", "commit"), outcome=attempted),
    )  # fmt: skip


WRITES = tuple(row for row in (*_changes(), *_creations(), *_copies_in(), *_transactions()) if row.ways)
