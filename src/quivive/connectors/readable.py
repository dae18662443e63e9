"""Lines of server logs as text: one file may hold several encodings.

Called by the translators of server logs. Pure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address

from quivive.connectors.model import Record


def readable(records: Iterable[Record]) -> Iterator[Record]:
    """Lines in another encoding than the file's become letters again: what is no UTF-8 is read byte by byte."""
    for record in records:
        line = record.fields.get("line")
        if isinstance(line, str) and not line.isascii():
            raw = line.encode("utf-8", "surrogateescape")
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                text = raw.decode("latin-1")
            if text is not line:
                yield replace(record, fields={**record.fields, "line": text})
                continue
        yield record


def address_of(text: str) -> str:
    """The first address of a list; a host name is none."""
    first = text.split(",", maxsplit=1)[0].strip().removeprefix("::ffff:")
    try:
        return str(ip_address(first.strip("[]")))
    except ValueError:
        return ""
