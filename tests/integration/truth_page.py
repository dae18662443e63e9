"""Writes docs/coverage-classes.md from the rows that `test_truth_table.py` runs: `.venv/bin/python tests/integration/truth_page.py`.

Must never say of a statement what the test does not assert.
"""

from pathlib import Path

from truth_reads import READS
from truth_row import Row
from truth_writes import WRITES

PAGE = Path(__file__).parents[2] / "docs" / "coverage-classes.md"
_HEAD = """# Coverage classes: what the relay can say of each form of statement

Each row below is a test (`tests/integration/test_truth_table.py`): it runs through a real relay in front of PostgreSQL 18
and 15, as a simple query, extended with text results and extended with binary results, unless the row says otherwise.
*Keys* are the records named in the ledger, as pseudonyms; here they are written as they stood in the test's database.

- `exact`: the key of every row shown passed the wire. `alternate`: another declared key did. `predicate`: the statement
  itself names the records (WHERE, VALUES, the rows of a COPY). `count_only`: rows without keys. `aggregate`: figures.
  `opaque`: rows were made or moved where the wire does not tell which. A class without keys still has rows, bytes, tables,
  shape and agent: never "no records".
- *Counted*: no protected table is touched; statements are counted per shape and minute.
- **Remedy**: a code (`quivive.model.hint`) of what would make the class better:
  `select_key` add the primary key to the SELECT list · `select_key_bare` select it as a plain column, without cast,
  expression, UNION or json · `returning_key` name the key in WHERE or VALUES, or add RETURNING with it ·
  `declare_table` and `declare_function` in the controller's file, or list as not protected · `temporary_table` read
  the source rather than a copy · `server_side` nothing passes the wire: withdraw the right, or read pgAudit's log.

**Functions.** `[[functions]]` of a controller's file declares which result column of a row-returning function holds the
key of which table: `SELECT … FROM f(…)` is then keyed like the table, as long as the function is the only source, is
called once, and the column is shown as it is. Any other call stays `opaque`, and the function's name stands among the tables.

**Copies inside the server.** CREATE TABLE AS, SELECT INTO and INSERT … SELECT into an undeclared table are told where they
happen, with their source tables and row count; from then on a read of the copy names the source tables too, in any session
of that relay process, until it is restarted; another process tells the copy itself, as an undeclared table. A temporary table is always `opaque`.

**Transactions.** A change that is rolled back is `attempted`, also back to a savepoint. Changes of PREPARE TRANSACTION wait
for COMMIT PREPARED or ROLLBACK PREPARED from any connection of the same relay process; told by another way, another relay
process included, they stay without an end, never with a wrong one (`tests/integration/test_two_relays.py`).

**Names.** A name without its schema means what the session's search path makes of it: SET, SET LOCAL, SET SCHEMA, `set_config`, RESET, DISCARD ALL, roll-backs,
start-up options, settings of the role and of the database are followed; PostgreSQL 18 reports the path by itself. A prepared statement that the server plans
anew is not believed to show the columns it showed before: it is described aside, from the session's own path. Where that cannot be done (no side connection, a
schema that the side account may not use, a path that cannot be read, a temporary table of the same name) the rows have a class without keys and the table is
written `?.name`, never another's. A path that a function changes by itself is unknown to the relay before PostgreSQL 18.

**Limits.** Two sides of a self-join are both told, without saying which belonged to which. A COPY in tells the keys that
were sent; with WHERE the server keeps only some of them, so the class is `count_only`. Triggers, rules and ON DELETE CASCADE
change further records that no wire shows. Rows of a predicate class may not exist: an UPDATE of a key without row tells
the key and 0 rows.
"""


def page() -> str:
    """Text of the page."""
    lines = [_HEAD]
    group = ""
    for row in (*READS, *WRITES):
        if row.group != group:
            group = row.group
            lines += [
                f"\n## {group}\n",
                "| Form | Statement | Class | Action | Keys | Outcome | Remedy |",
                "|---" * 7 + "|",
            ]
        lines.append(_line(row))
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    sql = row.sql if not row.before else "; ".join((*row.before, row.sql))
    name = row.name + (f" (PostgreSQL {row.since})" if row.since > 15 else "")
    name += " (simple)" if len(row.ways) == 1 else ""
    keys = [f"{table} {', '.join(_key(key) for key in found)}" for table, found in row.shows.items() if found]
    keys += [f"{table} by {kind}" for table, kind in row.alternates]
    coverage = "counted" if row.coverage is None else f"`{row.coverage}`"
    cells = (
        name,
        f"`{sql.replace('|', chr(92) + '|')}`",
        coverage,
        "" if row.coverage is None else str(row.action),
        "; ".join(keys),
        "" if row.coverage is None else str(row.outcome),
        f"`{row.hint}`" if row.hint else "",
    )
    return "| " + " | ".join(cells) + " |"


def _key(key: object) -> str:
    return "(" + ", ".join(map(str, key)) + ")" if isinstance(key, tuple) else str(key)


if __name__ == "__main__":
    PAGE.write_text(page())
