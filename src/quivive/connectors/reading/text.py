"""Bytes to text: which encoding a file is in, told as an assumption; bytes that fit no letter stay recognisable.

Called by the readers. Pure. Undecodable bytes become lone surrogates (PEP 383), which the mapping refuses where a
column it uses holds one: a damaged cell costs its row, never the file, and a cell nobody reads costs nothing.
"""

import codecs
from typing import Final

from quivive.connectors.reading.model import FileProblemError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MAX_LOOK: Final = 4_096
"""Bytes looked at to tell UTF-16 without its mark."""


def decode(data: bytes, declared: str) -> tuple[str, str]:
    """Decode a file; returns the text and the encoding assumed ("" when declared or marked).

    Raises:
        FileProblemError: bytes of a file that is no text.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _decoded(data, name), ""
    if declared:
        return _decoded(data, declared), ""
    found = _wide(data)
    if found:
        return data.decode(found, errors="replace"), "utf-16"
    if b"\0" in data[:MAX_LOOK]:
        raise FileProblemError(row=0, expected="text or an XLSX workbook", found="another kind of file")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _single_byte(data)


def _decoded(data: bytes, name: str) -> str:
    if name == "utf-16":
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig" if name == "utf-8" else name, errors="surrogateescape")


def _single_byte(data: bytes) -> tuple[str, str]:
    """Not all UTF-8: a file of Windows, unless most of its accents are UTF-8 and only some lines are damaged."""
    text = data.decode("utf-8", errors="surrogateescape")
    wrong = sum("\udc80" <= letter <= "\udcff" for letter in text)
    good = sum(letter > "\x7f" for letter in text) - wrong
    if good > wrong:
        return text, "utf-8"
    return data.decode("cp1252", errors="surrogateescape"), "cp1252"


def _wide(data: bytes) -> str:
    """UTF-16 without its mark: every other byte of Western text is zero."""
    look = data[:MAX_LOOK]
    half = len(look) // 2
    if half < 4:
        return ""
    if look[1::2].count(0) > half * 0.7:
        return "utf-16-le"
    return "utf-16-be" if look[0::2].count(0) > half * 0.7 else ""
