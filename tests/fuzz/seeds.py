"""Writes the seeds of the corpus: golden transcripts of real drivers, and what stands for the rest; invented values only.

    python tests/fuzz/seeds.py

Seeds are named after what they are; `finding-…` files beside them are what fuzzing found, and stay.
"""

import base64
import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[0] / "unit" / "capture"), str(HERE.parents[0] / "unit" / "wire" / "postgres")]

from example_catalogue import CUSTOMER, LINE, ORDERS, fields_of  # noqa: E402
from transcripts import NAMES, transcript  # noqa: E402

from quivive.wire.postgres import messages  # noqa: E402
from quivive.wire.postgres.scram import ScramClient  # noqa: E402
from quivive.wire.postgres.scram_server import ScramServer, verifier_of  # noqa: E402

frame = messages.frame
READY = messages.ready_for_query(0x49)
MAX_READ = 0xFFFF


def reads(*told: tuple[bool, bytes]) -> bytes:
    """A conversation as the targets read it."""
    cut = [(server, data[at : at + MAX_READ]) for server, data in told for at in range(0, len(data), MAX_READ)]
    return b"".join(bytes((server,)) + len(data).to_bytes(2, "big") + data for server, data in cut)


def described(*columns: tuple[int, str]) -> bytes:
    """RowDescription of catalogue columns."""
    body = b""
    for field in fields_of(*columns):
        body += field.name.encode() + b"\x00" + struct.pack("!IhIhih", field.table_oid, field.attnum, 20, 8, -1, 0)
    return frame(b"T", len(columns).to_bytes(2, "big") + body)


def row(*values: bytes | None) -> bytes:
    """DataRow."""
    body = b"".join(b"\xff\xff\xff\xff" if v is None else len(v).to_bytes(4, "big") + v for v in values)
    return frame(b"D", len(values).to_bytes(2, "big") + body)


def query(text: str) -> bytes:
    """Simple Query."""
    return frame(b"Q", text.encode() + b"\x00")


def done(tag: str) -> bytes:
    """CommandComplete."""
    return frame(b"C", tag.encode() + b"\x00")


def prepared(name: bytes, text: str, *binds: bytes, binary: bool = False) -> bytes:
    """Parse, Bind, Describe, Execute, Sync."""
    form = b"\x00\x01\x00\x01" if binary else b"\x00\x00"
    values = b"".join(len(bind).to_bytes(4, "big") + bind for bind in binds)
    bind = b"\x00" + name + b"\x00" + form + len(binds).to_bytes(2, "big") + values + form
    return (
        frame(b"P", name + b"\x00" + text.encode() + b"\x00\x00\x00")
        + frame(b"B", bind)
        + frame(b"D", b"P\x00")
        + frame(b"E", b"\x00\x00\x00\x00\x00")
        + messages.SYNC
    )


BOTH = frame(b"1", b"") + frame(b"2", b"")
AGAIN = (
    frame(b"B", b"\x00s1\x00\x00\x00\x00\x01\x00\x00\x00\x017\x00\x00")
    + frame(b"E", b"\x00\x00\x00\x00\x00")
    + messages.SYNC
)
SESSIONS = {
    "keys": reads(
        (False, query("select id, last_name from customer where id < 4")),
        (True, described((CUSTOMER, "id"), (CUSTOMER, "last_name")) + row(b"1", b"x") + row(b"2", None)),
        (True, row(b"3", b"") + done("SELECT 3") + READY),
    ),
    "limit": reads(
        (False, query("select id from customer; select 1")),
        (True, described((CUSTOMER, "id")) + b"".join(row(b"%d" % n) for n in range(9)) + done("SELECT 9")),
        (True, described((0, "x")) + row(b"1") + done("SELECT 1") + READY),
    ),
    "lane": reads(
        (False, prepared(b"s1", "select last_name from customer where id = $1", b"7")),
        (True, BOTH + described((CUSTOMER, "last_name")) + row(b"x") + done("SELECT 1") + READY),
        *[(False, AGAIN), (True, frame(b"2", b"") + row(b"x") + done("SELECT 1") + READY)] * 3,
    ),
    "binary": reads(
        (
            False,
            prepared(b"", "select order_id, no from line where order_id = $1", (7).to_bytes(8, "big"), binary=True),
        ),
        (True, BOTH + described((LINE, "order_id"), (LINE, "no"))),
        (True, row((7).to_bytes(8, "big"), (1).to_bytes(4, "big")) + done("SELECT 1") + READY),
    ),
    "transaction": reads(
        (False, query("begin; set local search_path = other; update customer set last_name = 'x' where id = 5")),
        (True, done("BEGIN") + done("SET") + done("UPDATE 1") + messages.ready_for_query(0x54)),
        (False, query("savepoint a; delete from orders where id = 5; rollback to a; commit")),
        (True, done("SAVEPOINT") + done("DELETE 1") + done("ROLLBACK") + done("COMMIT") + READY),
    ),
    "attributed": reads(
        (False, query("set quivive.agent = 'agent-one'")),
        (True, done("SET") + READY),
        (False, query("/*agent='agent-two'*/ select id from orders where customer_id = 3")),
        (True, described((ORDERS, "id")) + row(b"3") + done("SELECT 1") + READY),
    ),
    "pipeline": reads(
        (False, prepared(b"a", "select id from customer where id = $1", b"1")),
        (False, prepared(b"b", "select nothing", b"") + prepared(b"c", "select 3")),
        (True, BOTH + described((CUSTOMER, "id")) + row(b"1") + done("SELECT 1") + READY),
        (
            True,
            frame(b"E", b"SERROR\x00C42703\x00Mno\x00\x00")
            + READY
            + BOTH
            + frame(b"n", b"")
            + done("SELECT 0")
            + READY,
        ),
    ),
    "notices": reads(
        (True, frame(b"N", b"SNOTICE\x00Mx\x00\x00") + frame(b"A", b"\x00\x00\x00\x01ch\x00pay\x00")),
        (True, frame(b"S", b"client_encoding\x00LATIN1\x00")),
        (False, query("select id from customer where last_name = '\u00e9'")),
        (True, described((CUSTOMER, "id")) + row(b"4") + done("SELECT 1") + READY),
    ),
    "function-call": reads(
        (False, frame(b"F", b"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00")),
        (True, frame(b"V", b"\x00\x00\x00\x01x") + READY),
    ),
    "suspended": reads(
        (
            False,
            prepared(b"", "select id from customer").replace(
                b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00", b"E\x00\x00\x00\x09\x00\x00\x00\x00\x01"
            ),
        ),
        (True, BOTH + described((CUSTOMER, "id")) + row(b"1") + frame(b"s", b"") + messages.ready_for_query(0x54)),
        (False, frame(b"E", b"\x00\x00\x00\x00\x00") + messages.SYNC),
        (True, row(b"2") + done("SELECT 1") + READY),
    ),
}
STATEMENTS = (
    "select c.id, o.id from customer c left join orders o on o.customer_id = c.id where c.id in (1, 2, 3) or c.phone like '%12'",
    "with w as (select * from customer where id = any('{4,5}')) select json_agg(w) from w -- agent='x'",
    "insert into orders (id, number, customer_id) values (1, 'A', 2), (3, $1, 4) on conflict (id) do update set number = excluded.number returning id",
    "merge into customer c using (values (1, 'a')) v(id, n) on c.id = v.id when matched then update set last_name = v.n",
    "update customer set last_name = E'a\\'b' || $$c;d$$ || U&'\\00e9' where (id, household_id) in ((1, 2))",
    "delete from line using orders where line.order_id = orders.id and orders.number = 'x'",
    "select set_config('quivive.agent', $1, true), get_customer(4)",
    "copy (select id from customer) to stdout (format csv, header true, delimiter ';')",
    "copy customer (id, phone) from stdin where id > 4",
    "begin; savepoint a; rollback to a; prepare transaction 'x'; commit prepared 'x'; discard all; reset all",
    "prepare p (int) as select * from customer where id = $1; execute p(7); deallocate p",
    "declare c cursor for select * from card; fetch 3 from c; move 2 in c; close c",
    "do $a$ begin perform 1; end $a$; call x(); explain analyze select 1; create table t as select * from customer",
    "select /* a /* b */ c */ \"Mixed\".\"t\".x, 1e5, .5, 0x1f, :'v', $1::text, array[1,2], '{}'::jsonb ? 'k' from t",
    "set local search_path = a, b; show search_path; listen ch; notify ch, 'p'",
)


def scram() -> bytes:
    """Client-first, then client-final of a whole exchange."""
    client, server = (
        ScramClient("no-secret", "theirs"),
        ScramServer(verifier_of("no-secret", b"0123456789abcdef", 1), "x"),
    )
    return client.first() + b"\n" + client.final(server.first(client.first(), plus=False))


def startup(**pairs: str) -> bytes:
    """StartupMessage."""
    body = b"".join(f"{name}\x00{value}\x00".encode() for name, value in pairs.items()) + b"\x00"
    return (len(body) + 8).to_bytes(4, "big") + b"\x00\x03\x00\x00" + body


def arrivals() -> dict[str, bytes]:
    """Start-ups, each with its flags in front."""
    hello = startup(user="app", database="crm", options="-c search_path=a -c quivive.agent=x")
    first = b"n,,n=*,r=theirs"
    initial = frame(b"p", b"SCRAM-SHA-256\x00" + len(first).to_bytes(4, "big") + first)
    asks = frame(b"R", b"\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00")
    ok = (
        frame(b"R", b"\x00\x00\x00\x00")
        + frame(b"S", b"client_encoding\x00UTF8\x00")
        + frame(b"K", b"12345678")
        + READY
    )
    work = [(False, query("select id from customer where id = 1")), (True, described((CUSTOMER, "id")) + row(b"1"))]
    question = messages.SSL_QUESTION
    return {
        "relayed": b"\x04" + reads((False, hello), (True, ok), *work),
        "ended": b"\x05"
        + reads((False, hello), (True, asks), (False, initial), (False, frame(b"p", b"c=biws,r=x,p=eA=="))),
        "asked-for-tls": b"\x00" + reads((False, question + hello), (True, ok), *work),
        "gss-then-tls": b"\x02" + reads((False, b"\x00\x00\x00\x08\x04\xd2\x16\x30" + question), (False, hello)),
        "cancel": b"\x04" + reads((False, messages.cancel_request(b"12345678" * 4)), (True, b"x")),
        "replication": b"\x04" + reads((False, startup(user="app", replication="true")), (True, ok)),
        "refused": b"\x04" + reads((False, hello), (True, frame(b"E", b"SFATAL\x00C53300\x00Mfull\x00\x00"))),
        "direct-tls": b"\x04" + reads((False, b"\x16\x03\x01\x00\x10" + b"x" * 16)),
        "early": b"\x04" + reads((False, hello + query("select 1")), (True, ok), (True, done("SELECT 1") + READY)),
    }


def binary_copy(*rows_: tuple[bytes | None, ...]) -> bytes:
    """A whole binary COPY."""
    body = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
    return body + b"".join(row(*values)[5:] for values in rows_) + b"\xff\xff"


def all_seeds() -> dict[str, dict[str, bytes]]:
    """Target → name → bytes."""
    golden = {name: reads(*[(side == "S", data) for side, data in transcript(name)]) for name in NAMES}
    talks = {**golden, **SESSIONS}
    texts = {f"{n:02}": text.encode() for n, text in enumerate(STATEMENTS)}
    initial = b"SCRAM-SHA-256\x00\x00\x00\x00\x0fn,,n=*,r=theirs"
    return {
        "session": talks,
        "guarded": talks,
        "statement": {name: text + b"\x007\x00x" for name, text in texts.items()},
        "shape": texts,
        "comment": {
            "one": b"agent='c.one',route='%2Forders'",
            "two": b" a = 'b\\'c' */ x='%zz'",
            "prose": b"it's prose",
        },
        "copy": {
            "text": b"\x00" + b"1\tx\\ty\t\\N\n2\t\\x41\\101\t\n\\.\n",
            "csv": b"\x01" + b'id,a,b\n1,"x ""y""\nz",\n2,,"\\."\n',
            "csv-other": b"\x02" + b"1;'a''b';N\r\n2;;'N'\r\n",
            "binary": b"\x03" + binary_copy((b"\x00" * 7 + b"\x01", None, b"x"), (b"\x00" * 7 + b"\x02", b"y", b"")),
            "piped": b"\x84" + b"h|h\n1|\\|x\n",
        },
        "keys": {
            "numeric": bytes((14,)) + struct.pack("!HhHHHH", 2, 0, 0, 2, 1, 5000),
            "number": bytes((14,)) + b"-0012.50e3",
            "uuid": bytes((15,)) + b"{a0eebc99-9c0b4ef8-bb6d-6bb9bd380a11}",
            "stamp": bytes((13,)) + b"2026-01-02 03:04:05.678+01:30:15",
            "bytea": bytes((1,)) + b"\\x00ff\\134\\001",
            "composite": bytes((17,)) + b'(1,"a ""b""\\,",,"")',
            "composite-binary": bytes((17,)) + struct.pack("!iIiqIi", 2, 20, 8, 7, 25, -1),
            "phone": bytes((6,)) + b"+33 6 39 98 00 00",
            "padded": bytes((9,)) + b"AB   ",
            "encoding": bytes((7,)) + b"LATIN1\x00\xe9",
        },
        "rows": {
            "three": row(b"1", b"x", None) + row(b"2", b"", b"z") + row(b"3", None, None),
            "none": row(),
            "ready": READY,
        },
        "scram": {
            "exchange": scram(),
            "bound": b"p=tls-server-end-point,,n=*,r=theirs\nc=cD10,r=x,p=eA==",
            "server-first": b"r=theirsours,s=" + base64.b64encode(b"salt") + b",i=1\nv=eA==",
            "verifier": b"SCRAM-SHA-256$1:c2FsdA==$" + base64.b64encode(b"k" * 32) + b":" + base64.b64encode(b"k" * 32),
            "letters": "\u00ad\u2168 \u0627\u0031".encode(),
        },
        "termination": {
            "asked": reads(
                (True, frame(b"R", b"\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00")),
                (False, initial),
                (False, b"c=biws,r=x,p=eA=="),
            ),
            "trusting": reads((True, frame(b"R", b"\x00\x00\x00\x00"))),
        },
        "logins": {
            "one": b'[app]\npassword = "no-secret"\n',
            "keys": b'[a]\nverifier = "x"\nclient_key = "y"\nserver_key = ""\n',
        },
        "decoders": {
            "row-description": described((CUSTOMER, "id"), (ORDERS, "number"))[5:],
            "parse": b"s\x00select $1\x00\x00\x01\x00\x00\x00\x17",
            "bind": b"\x00s\x00\x00\x01\x00\x01\x00\x02\x00\x00\x00\x01x\xff\xff\xff\xff\x00\x01\x00\x00",
            "error": b"SERROR\x00C42P01\x00Mx\x00\x00",
            "startup": startup(user="app", options="-c a=b\\ c --d-e=f"),
        },
        "arrival": arrivals(),
        "tls": {
            "hello": bytes.fromhex("16030100050100000100"),
            "alert": bytes.fromhex("15030300020228"),
            "clear": b"SELECT",
        },
    }


def main() -> None:
    """Write them."""
    for target, seeds in all_seeds().items():
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
