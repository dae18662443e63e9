"""What a client's encoding means for keys: one record has one pseudonym, came its key as UTF-8, WIN1252 or EUC_JP.

Used by `recorder`, only on connections whose `client_encoding` is another than UTF-8. Pure. Must never raise on bytes,
nor change a value that is no text.
"""

from collections.abc import Sequence
from typing import Final, Self

from quivive.capture.key_reader import Row
from quivive.capture.keys import KeyCollector
from quivive.privacy.canonical import BINARY_FORMAT, BPCHAR, NAME, TEXT, VARCHAR
from quivive.wire.postgres.messages import format_of
from quivive.wire.postgres.state import Execution

_CODECS: Final = {
    "BIG5": "big5",
    "EUC_CN": "gb2312",
    "EUC_JIS_2004": "euc_jis_2004",
    "EUC_JP": "euc_jp",
    "EUC_KR": "euc_kr",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO_8859_5": "iso8859_5",
    "ISO_8859_6": "iso8859_6",
    "ISO_8859_7": "iso8859_7",
    "ISO_8859_8": "iso8859_8",
    "JOHAB": "johab",
    "KOI8R": "koi8_r",
    "KOI8U": "koi8_u",
    "LATIN1": "latin_1",
    "LATIN2": "iso8859_2",
    "LATIN3": "iso8859_3",
    "LATIN4": "iso8859_4",
    "LATIN5": "iso8859_9",
    "LATIN6": "iso8859_10",
    "LATIN7": "iso8859_13",
    "LATIN8": "iso8859_14",
    "LATIN9": "iso8859_15",
    "LATIN10": "iso8859_16",
    "SHIFT_JIS_2004": "shift_jis_2004",
    "SJIS": "cp932",
    "UHC": "cp949",
    "WIN866": "cp866",
    "WIN874": "cp874",
    **{f"WIN{number}": f"cp{number}" for number in range(1250, 1259)},
}
"""Encodings of PostgreSQL (manual 24.3.1) that need reading, by the name the server reports, as Python calls them.

Not among them: UTF8; SQL_ASCII, which means the server's own bytes; EUC_TW and MULE_INTERNAL, which Python cannot read.
"""
_TEXTUAL: Final = frozenset({TEXT, VARCHAR, BPCHAR, NAME})


def codec_of(reported: bytes) -> str:
    """Python's codec for a reported `client_encoding`; "" when bytes are taken as they are."""
    return _CODECS.get(reported.decode("ascii", "replace").upper(), "")


def utf8(raw: bytes, codec: str) -> bytes:
    """Return text in UTF-8."""
    return raw if not codec or raw.isascii() else raw.decode(codec, "replace").encode()


def recode_binds(execution: Execution, codec: str) -> None:
    """Put the texts among the binds of an execution into UTF-8."""
    types = execution.statement.types
    for at, value in enumerate(execution.binds):
        declared = types[at] if at < len(types) else 0
        if value is not None and (format_of(execution.bind_formats, at) != BINARY_FORMAT or declared in _TEXTUAL):
            execution.binds[at] = utf8(value, codec)


def textual(formats: Sequence[int], types: Sequence[int]) -> tuple[bool, ...]:
    """Which of the cut columns are text on the wire."""
    return tuple(form != BINARY_FORMAT or kind in _TEXTUAL for form, kind in zip(formats, types, strict=True))


class RecodingCollector(KeyCollector):
    """A KeyCollector that puts the text columns of cut rows into UTF-8 first."""

    __slots__ = ("_codec", "_textual")

    def recode(self, codec: str, columns: tuple[bool, ...]) -> Self:
        """Say which columns are text in which codec; before the first row."""
        self._codec = codec
        self._textual = columns
        return self

    @property
    def single(self) -> int:
        """See KeyCollector; texts are put into UTF-8 row by row."""
        return -1

    def add_rows(self, rows: Sequence[Row]) -> None:
        """See KeyCollector."""
        codec, columns = self._codec, self._textual
        super().add_rows(
            [
                tuple(
                    utf8(value, codec) if value is not None and text else value
                    for value, text in zip(row, columns, strict=True)
                )
                for row in rows
            ]
        )
