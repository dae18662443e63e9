"""Rows of the coverage table that read: capture reference §4, PostgreSQL part."""

from truth_row import Row

from quivive.model.access import Action, CoverageClass

EXACT, ALTERNATE, PREDICATE = CoverageClass.EXACT, CoverageClass.ALTERNATE, CoverageClass.PREDICATE
COUNT_ONLY, AGGREGATE, OPAQUE = CoverageClass.COUNT_ONLY, CoverageClass.AGGREGATE, CoverageClass.OPAQUE
READ, LIST, QUERY, EXPORT = Action.READ, Action.LIST, Action.QUERY, Action.EXPORT
UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
SIMPLE = ("simple",)


def _plain() -> tuple[Row, ...]:
    """Columns that the server names."""

    def row(name: str, sql: str, *ids: int, action: Action = READ, bound: tuple[str, ...] = (), **more: object) -> Row:
        shows = more.pop("shows", {"customer": ids})
        return Row(name=name, group="Columns the server names", sql=sql, coverage=EXACT, shows=shows, action=action, bound=bound, **more)  # type: ignore[arg-type]  # fmt: skip

    return (
        row("base column", "select id, last_name from customer where id = 1", 1,
            bound=("select id, last_name from customer where id = $1", "1"), rows=1),
        row("alias", "select c.id as number from customer as c where c.id in (2, 3)", 2, 3, rows=2),
        row("star", "select * from customer where id = any('{4,5}')", 4, 5,
            bound=("select * from customer where id = any($1)", "{4,5}"), rows=2),
        row("join", "select c.id, c.last_name, o.id, o.total from customer c join orders o on o.customer_id = c.id"
            " where c.id = 2", shows={"customer": (2,), "orders": (1, 1001)}, rows=2),
        row("foreign key shown", "select id, customer_id from orders where id = 3",
            shows={"orders": (3,), "customer": (4,)}, rows=1),
        row("self-join", "select a.id, b.id from customer a join customer b on b.household_id = a.household_id"
            " where a.id = 1 and b.id = 101", 1, 101, rows=1),
        row("left join", "select c.id, o.id from customer c left join orders o on o.customer_id = c.id and o.id < 1000"
            " where c.id in (1, 6)", shows={"customer": (1, 6), "orders": (5,)}, rows=2),
        row("CTE", "with w as (select id from customer where id = 7) select id from w", 7),
        row("CTE materialized", "with w as materialized (select id from customer) select id from w where id = 8", 8),
        row("sub-select", "select s.id from (select id, last_name from customer) s where s.id = 9", 9),
        row("LATERAL", "select l.id from lateral (select id from customer where id = 10) l", 10),
        row("DISTINCT", "select distinct id from customer where id < 3", 1, 2, action=LIST),
        row("GROUP BY key", "select id, count(*) from customer where id < 3 group by id", 1, 2, action=QUERY),
        row("window", "select id, row_number() over (order by id) from customer where id < 3", 1, 2, action=LIST),
        row("FOR UPDATE", "select id from customer where id = 11 for update", 11),
        row("TABLESAMPLE", "select id from customer tablesample system (100) where id = 12", 12),
        row("cursor", "fetch 2 from reader", 13, 14, action=LIST, rows=2, after=("close reader", "commit"),
            before=("begin", "declare reader cursor for select id from customer where id >= 13 order by id")),
        row("SQL EXECUTE", "execute byid(15)", 15, rows=1,
            before=("prepare byid as select id from customer where id = $1",)),
        row("partition parent", "select * from visit where id = 3",
            shows={"visit": ((3, "2026-01-04"),), "customer": (3,)}),
        row("partition", "select * from visit_2026 where id = 4",
            shows={"visit": ((4, "2026-01-05"),), "customer": (4,)}),
        row("inherited parent", "select id from note where id in (1, 7)", shows={"note": (1, 7)}),
        row("inheriting child", "select * from old_note where id = 8", shows={"note": (8,)}),
        row("view", "select id, last_name from customer_card where id = 16", 16),
        row("nested view", "select number, last_name from nested where number = 17", 17),
        row("materialized view", "select id from frozen where id = 18", 18),
        row("whole row", "select c from customer c where id = 19", 19),
        row("system columns", "select ctid, tableoid, id from customer where id = 20", 20),
        row("composite key", "select * from order_line where order_id = 21",
            shows={"order_line": ((21, 1),), "orders": (21,)}),
        row("uuid key", "select serial from device", shows={"device": (UUID,)}, action=LIST),
        row("char(n) key", "select code from badge where code = 'AB'", shows={"badge": ("AB",)}),
        row("numeric key", "select number from meter where number = 7.5", shows={"meter": ("7.5",)}),
        row("text key", "select name from tag where name = 'Élan'", shows={"tag": ("Élan",)}),
        row("SRF beside a key", "select id, generate_series(1, 2) from customer where id = 22", 22, rows=2),
        row("CTE over a CTE", "with a as (select id from customer where id = 23),"
            " b as (select id from a) select b.id from b", 23),
        row("declared function", "select number, label from card_of(24)", 24, action=QUERY),
        row("declared function, aliased", "select c.number from card_of(25) as c", 25, action=QUERY, bound=("select c.number from card_of($1) as c", "25")),
    )  # fmt: skip


def _others() -> tuple[Row, ...]:
    """What the wire does not name."""

    def row(name: str, sql: str, coverage: CoverageClass | None, *ids: int, action: Action = LIST, **more: object) -> Row:  # fmt: skip
        shows = more.pop("shows", {"customer": ids} if ids else {})
        return Row(name=name, group="Expressions and figures", sql=sql, coverage=coverage, shows=shows, action=action, **more)  # type: ignore[arg-type]  # fmt: skip

    return (
        row("key not selected, key in WHERE", "select last_name from customer where id = 26", PREDICATE, 26, action=READ,
            bound=("select last_name from customer where id = $1", "26"), rows=1, hint="select_key"),
        row("key not selected", "select last_name from customer where last_name = 'Nom27'", COUNT_ONLY, rows=1,
            hint="select_key"),
        row("other key alone", "select last_name, phone from customer where id in (28, 29)", ALTERNATE, action=READ,
            alternates={("customer", "phone"): ("+33639980028", "+33639980029")}, hint="select_key"),
        row("cast", "select id::text from customer where id < 4", OPAQUE, rows=3, hint="select_key_bare"),
        row("cast, key in WHERE", "select id::text from customer where id = 30", PREDICATE, 30, action=READ,
            hint="select_key"),
        row("arithmetic", "select id + 0 from customer where id < 4", OPAQUE, rows=3, hint="select_key_bare"),
        row("coalesce", "select coalesce(id, 0) from customer where id < 4", OPAQUE, rows=3, hint="select_key_bare"),
        row("scalar sub-select", "select (select last_name from customer where id = 31)", PREDICATE, 31, action=READ, hint="select_key"),
        row("UNION", "select id from customer where id < 3 union select id from customer where id = 4", OPAQUE, 4, rows=3, action=READ,
            hint="select_key_bare"),
        row("UNION ALL of two tables", "select id from customer where id < 3 union all select id from orders where id = 4",
            OPAQUE, shows={"orders": (4,)}, rows=3, action=READ, hint="select_key_bare"),
        row("json_agg", "select json_agg(c) from customer c where id < 4", OPAQUE, rows=1, action=QUERY,
            hint="select_key_bare"),
        row("string_agg", "select string_agg(last_name, ',') from customer", OPAQUE, rows=1, action=QUERY,
            hint="select_key_bare"),
        row("row_to_json", "select row_to_json(c) from customer c where id < 4", OPAQUE, rows=3, hint="select_key_bare"),
        row("count", "select count(*) from customer", AGGREGATE, action=QUERY, rows=1),
        row("max", "select max(id) from customer", AGGREGATE, action=QUERY, rows=1),
        row("count by group", "select household_id, count(*) from customer where id < 5 group by household_id", AGGREGATE,
            action=QUERY),
        row("view of figures", "select * from per_household where household_id = 1", COUNT_ONLY, action=READ, hint="select_key"),
        row("range on key", "select last_name from customer where id between 5 and 7", COUNT_ONLY, rows=3,
            hint="select_key"),
        row("SRF alone", "select generate_series(1, 3)", None, action=QUERY),
        row("VALUES", "values (1), (2)", None, action=QUERY),
        row("SHOW", "show search_path", None, action=QUERY),
        row("reference table", "select * from reason_code", None),
        row("EXPLAIN", "explain select id from customer where id = 1", None, action=QUERY),
        row("EXPLAIN ANALYZE of a read", "explain analyze select id from customer where id = 1", AGGREGATE, action=QUERY),
        row("undeclared function", "select * from find_customer(32)", OPAQUE, tables=("public.find_customer()",),
            action=QUERY, hint="declare_function"),
        row("undeclared function of texts", "select hidden_names()", OPAQUE, tables=("public.hidden_names()",), rows=3,
            action=QUERY, hint="declare_function"),
        row("undeclared table", "select * from paper where id = 1", COUNT_ONLY, tables=("public.paper",), action=READ,
            hint="declare_table"),
        row("no row found", "select last_name from customer where last_name = 'nobody'", COUNT_ONLY, rows=0,
            hint="select_key"),
    )  # fmt: skip


def _copies() -> tuple[Row, ...]:
    def row(name: str, sql: str, coverage: CoverageClass, *ids: int, **more: object) -> Row:
        shows = more.pop("shows", {"customer": ids} if ids else {})
        more = {"ways": SIMPLE, "action": EXPORT, **more}
        return Row(name=name, group="Copies out", sql=sql, coverage=coverage, shows=shows, **more)  # type: ignore[arg-type]

    return (
        row("COPY query, text", "copy (select id, last_name from customer where id < 3) to stdout", EXACT, 1, 2, rows=2),
        row("COPY query, csv", "copy (select last_name, id from customer where id < 3) to stdout (format csv, header)",
            EXACT, 1, 2, rows=2),
        row("COPY query, binary", "copy (select id from customer where id < 3) to stdout (format binary)", EXACT, 1, 2,
            rows=2),
        row("COPY table, text", "copy device to stdout", EXACT, shows={"device": (UUID,)}, rows=1),
        row("COPY table, csv", "copy badge (label, code) to stdout csv", EXACT, shows={"badge": ("AB",)}, rows=1),
        row("COPY table, binary", "copy meter to stdout (format binary)", EXACT, shows={"meter": ("7.5",)}, rows=1),
        row("COPY of a declared function", "copy (select label, number from card_of(26)) to stdout", EXACT, 26, rows=1),
        row("COPY without key", "copy (select last_name from customer where id < 3) to stdout", COUNT_ONLY, rows=2,
            hint="select_key"),
        row("COPY of an expression", "copy (select id::text from customer where id < 3) to stdout", OPAQUE, rows=2,
            hint="select_key_bare"),
        row("COPY to a file of the server", "copy customer to '/dev/null'", OPAQUE, rows=1000, hint="server_side"),
        row("COPY query to a file of the server", "copy (select id from customer where id < 4) to '/dev/null'", OPAQUE,
            rows=3, hint="server_side"),
        row("COPY to a program", "copy (select id from customer where id < 3) to program 'cat > /dev/null'", OPAQUE,
            rows=2, hint="server_side"),
        row("CREATE TABLE AS", "create temp table t1 as select * from customer where id < 4", COUNT_ONLY, rows=3,
            ways=("simple", "text", "binary"), tables=("public.customer",), hint="temporary_table"),
        row("SELECT INTO", "select * into temp t2 from customer where id < 4", COUNT_ONLY, rows=3, tables=("public.customer",),
            ways=("simple", "text", "binary"), hint="temporary_table"),
        row("read of a temporary table", "select * from t3", OPAQUE, rows=3, tables=("public.customer",), action=LIST,
            before=("create temp table t3 as select * from customer where id < 4",),
            ways=("simple", "text", "binary"), hint="temporary_table"),
        row("read of a table made from another", "select last_name from made_of_customer", COUNT_ONLY, rows=3,
            tables=("public.customer", "public.made_of_customer"), action=LIST,
            before=("create table made_of_customer as select * from customer where id < 4", "select pg_sleep(1.1)"),
            after=("drop table made_of_customer",), hint="declare_table"),
        row("INSERT … SELECT", "insert into t4 select id, last_name from customer where id < 4", COUNT_ONLY, rows=3,
            before=("create temp table t4 (id bigint, label text)",), tables=("public.customer",), action=Action.CREATE,
            ways=("simple", "text", "binary"), changed=(), hint="temporary_table"),
        row("read of a filled temporary table", "select label from t5", OPAQUE, rows=3, tables=("public.customer",),
            before=("create temp table t5 (id bigint, label text)",
                    "insert into t5 select id, last_name from customer where id < 4"), action=LIST,
            ways=("simple", "text", "binary"), hint="temporary_table"),
    )  # fmt: skip


def _hidden() -> tuple[Row, ...]:
    def row(name: str, sql: str, **more: object) -> Row:
        more = {"action": QUERY, "coverage": OPAQUE, "hint": "server_side", **more}
        return Row(name=name, group="What runs inside the server", sql=sql, **more)  # type: ignore[arg-type]

    return (
        row("DO block", "do $$ begin perform 1 from customer; end $$"),
        row("CALL", "call tidy()", tables=("public.tidy()",), hint="declare_function"),
        row(
            "dblink",
            "select * from dblink('dbname=x', 'select 1') as t(id int)",
            tables=("public.dblink()",),
            hint="declare_function",
        ),
        row(
            "large object",
            "select lo_get(1)",
            fails=True,
            outcome="error",
            tables=("lo_get()",),
            hint="declare_function",
        ),
        row(
            "file of the server",
            "select pg_read_file('/etc/hostname')",
            tables=("pg_read_file()",),
            hint="declare_function",
        ),
    )


READS = _plain() + _others() + _copies() + _hidden()
