"""Shape of a statement: literals out, placeholders in (DESIGN §6). A hand lexer, linear in the text.

Called by the relay for each new statement text; the shape is the cache key of plans. Must never raise,
whatever the text, and never let a literal into the shape: shapes are hashed, literals are forgotten.

In the shape a string literal of slot n stands as `'?n'`, a number as `?n`; binds stay `$n`. A list of literals
(`IN (1, 2, 3)`, `ARRAY[…]`, rows of `VALUES`) collapses to the slots of its first row: one slot holds many literals.
"""

import re
from collections.abc import Mapping
from enum import IntEnum
from hashlib import sha256
from typing import Final, NamedTuple

from quivive.wire.comment import merge_tags, parse_tags


class LiteralKind(IntEnum):
    TEXT = 0
    NUMBER = 1


class Literal(NamedTuple):
    """One literal: its decoded text (quotes and escapes resolved)."""

    kind: LiteralKind
    text: str


class Shaped(NamedTuple):
    """A statement text without its values.

    `slots[n]` holds the literals of placeholder n, in order; `tags` the sqlcommenter tags of its comments
    (never of a literal); `fingerprint` 16 hex digits of the SHA-256 of `text`.
    """

    text: str
    fingerprint: str
    slots: tuple[tuple[Literal, ...], ...]
    tags: Mapping[str, str]

    @property
    def literals(self) -> tuple[Literal, ...]:
        """All literals, slot by slot."""
        return tuple(literal for slot in self.slots for literal in slot)


FINGERPRINT_DIGITS: Final = 16
_NO_TAGS: Final[Mapping[str, str]] = {}

# Words and punctuation are skipped in one possessive run; then one token that matters. Possessive quantifiers
# throughout: nothing is ever scanned twice, so a hostile text costs no more than an honest one of its length.
_TOKEN: Final = re.compile(
    r"""
    (?:[A-Za-z_\x80-\U0010ffff][\w$]*+(?!')|[\s(),;=<>*+|:\[\]!%^&\#@~?{}\\`]++|\$[0-9]++|\.(?![0-9])|-(?!-)|/(?!\*))*+
    (?:
        [eE]'(?P<escaped>(?:[^'\\]++|\\.|'')*+)(?:'|\\?\Z)
      | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$]*+)?'(?P<plain>(?:[^']++|'')*+)(?:'|\Z)
      | (?P<number>0[xX][0-9a-fA-F_]++|0[oO][0-7_]++|0[bB][01_]++
          |(?:[0-9][0-9_]*+(?:\.(?!\.)[0-9_]*+)?|\.[0-9][0-9_]*+)(?:[eE][+-]?[0-9]++)?)
      | (?P<quoted>"(?:[^"]++|"")*+(?:"|\Z))
      | (?P<line>--[^\r\n]*+)
      | (?P<block>/\*)
      | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff]\w*+)?\$)
      | (?P<other>.)
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_STRING_GROUPS: Final = frozenset({"plain", "word"})
_NESTING: Final = re.compile(r"/\*|\*/")
_PREFIXES: Final = frozenset({"b", "x", "n"})
_ESCAPED: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(.))", re.DOTALL
)
_ESCAPE_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_ASCII_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UNICODE_MAX: Final = 0x10FFFF
_LIST_OPEN: Final = re.compile(r"(?:\bin ?\(|\barray ?\[) ?\Z")
_VALUES_OPEN: Final = re.compile(r"\bvalues ?\( ?\Z")


def shape_of(sql: str) -> Shaped:
    """Return the shape of one statement text (which may hold several statements). Linear time; never raises."""
    lexer = _Lexer(sql)
    lexer.run()
    segments, literals = lexer.segments, lexer.literals
    slots: list[tuple[Literal, ...]]
    if len(literals) > 1 and any(segment.strip() == "," for segment in segments):
        segments, slots = _collapse(segments, literals)
    else:
        slots = [(literal,) for literal in literals]
    pieces = [segments[0]]
    for index, slot in enumerate(slots):
        pieces.append(f"'?{index}'" if slot[0].kind is LiteralKind.TEXT else f"?{index}")
        pieces.append(segments[index + 1])
    text = "".join(pieces).strip().rstrip("; ")
    fingerprint = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:FINGERPRINT_DIGITS]
    return Shaped(text, fingerprint, tuple(slots), lexer.tags or _NO_TAGS)


class _Lexer:
    """One pass over a text: normalised segments, and the literal after each of them but the last."""

    __slots__ = ("_disputed", "_pieces", "_split", "_sql", "literals", "segments", "tags")

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._pieces: list[str] = []
        self._disputed: set[str] = set()
        self._split: list[str] = []  # parts of the last literal, when it is written in several
        self.segments: list[str] = []
        self.literals: list[Literal] = []
        self.tags: dict[str, str] = {}

    def run(self) -> None:
        sql, at, end = self._sql, 0, len(self._sql)
        match_at = _TOKEN.match
        while at < end:
            match = match_at(sql, at)
            if match is None:  # only words and punctuation are left
                self._text(sql[at:])
                break
            kind = match.lastgroup
            if kind == "number":
                start, stop = match.span("number")
                self._text(sql[at:start])
                self._literal(LiteralKind.NUMBER, sql[start:stop])
                at = stop
            elif kind in _STRING_GROUPS:
                at = self._string(match, at)
            else:
                at = self._rare(match, at)
        self.segments.append("".join(self._pieces))
        self._join_split()

    def _string(self, match: re.Match[str], at: int) -> int:
        start = match.start("plain") - 1
        word = match["word"]
        if word is not None and word.lower() in _PREFIXES:
            start = match.start("word")
        before = self._sql[at:start]
        if before[-2:].lower() == "u&":
            before = before[:-2]
        self._text(before)
        self._literal(LiteralKind.TEXT, match["plain"].replace("''", "'"))
        return match.end()

    def _rare(self, match: re.Match[str], at: int) -> int:
        kind, sql = match.lastgroup, self._sql
        assert kind is not None
        start, stop = match.span(kind)
        if kind == "escaped":
            self._text(sql[at : start - 2])
            self._literal(LiteralKind.TEXT, _unescape(match["escaped"]))
            return match.end()
        if kind == "quoted":
            self._text(sql[at:start])
            self._pieces.append(match["quoted"])
            return stop
        if kind == "dollar":
            self._text(sql[at:start])
            close = sql.find(match["dollar"], stop)
            self._literal(LiteralKind.TEXT, sql[stop:] if close < 0 else sql[stop:close])
            return len(sql) if close < 0 else close + stop - start
        if kind == "block":
            self._text(sql[at:start])
            stop = self._comment(stop)
            self._text(" ")
            return stop
        if kind == "line":
            self._text(sql[at:start])
            self._text(" ")
            return stop
        self._text(sql[at:stop])
        return stop

    def _comment(self, at: int) -> int:
        """Skip a block comment, which nests in PostgreSQL; only an unnested one may carry tags."""
        depth, nested, start = 1, False, at
        for match in _NESTING.finditer(self._sql, at):
            if match[0] == "/*":
                depth, nested = depth + 1, True
                continue
            depth -= 1
            if depth == 0:
                if not nested:
                    merge_tags(self.tags, self._disputed, parse_tags(self._sql[start : match.start()]))
                return match.end()
        return len(self._sql)

    def _text(self, chunk: str) -> None:
        """Add code: blanks squeezed, unquoted letters folded as PostgreSQL folds them."""
        if not chunk:
            return
        squeezed = _fold(" ".join(chunk.split()))
        pieces = self._pieces
        if chunk[0].isspace() and not (pieces and pieces[-1][-1] == " "):
            squeezed = " " + squeezed
        if squeezed:
            if chunk[-1].isspace() and squeezed != " ":
                squeezed += " "
            pieces.append(squeezed)

    def _literal(self, kind: LiteralKind, text: str) -> None:
        between = "".join(self._pieces)
        self._pieces.clear()
        if kind is LiteralKind.TEXT and between == " " and self.literals and self.literals[-1].kind is kind:
            # Literals split over lines are one literal (SQL standard; PostgreSQL manual 4.1.2.1).
            self._split.append(text)
            return
        self._join_split()
        self.segments.append(between)
        self.literals.append(Literal(kind, text))

    def _join_split(self) -> None:
        if self._split:
            self.literals[-1] = Literal(LiteralKind.TEXT, "".join((self.literals[-1].text, *self._split)))
            self._split.clear()


def _fold(code: str) -> str:
    """Fold as PostgreSQL does: ASCII letters only in a multibyte encoding."""
    return code.lower() if code.isascii() else code.translate(_ASCII_LOWER)


def _unescape(body: str) -> str:
    if "\\" not in body:
        return body.replace("''", "'")
    return _ESCAPED.sub(_escape, body.replace("''", "'"))


def _escape(match: re.Match[str]) -> str:
    hexadecimal, short, long, octal, letter = match.groups()
    if letter is not None:
        return _ESCAPE_LETTERS.get(letter, letter)
    code = int(octal, 8) & 0xFF if octal is not None else int(hexadecimal or short or long, 16)
    return chr(code) if code <= _UNICODE_MAX else ""


def _collapse(segments: list[str], literals: list[Literal]) -> tuple[list[str], list[tuple[Literal, ...]]]:
    """Fold lists of literals: IN (…) and ARRAY[…] to one slot, rows of VALUES to the slots of the first row."""
    kept, slots = [segments[0]], []
    at, count = 0, len(literals)
    while at < count:
        length = _run(segments, at, count)
        before = segments[at]
        if length > 1 and segments[at + length].lstrip()[:1] in {")", "]"} and _LIST_OPEN.search(before):
            slots.append(tuple(literals[at : at + length]))
            rows = 1
        elif _VALUES_OPEN.search(before):
            rows = _rows(segments, at, length, count)
            slots.extend(tuple(literals[at + k : at + length * rows : length]) for k in range(length))
            kept.extend(", " for _ in range(length - 1))
        else:
            slots.extend((literal,) for literal in literals[at : at + length])
            kept.extend(segments[at + 1 : at + length])
            rows = 1
        at += length * rows
        kept.append(segments[at])
    return kept, slots


def _run(segments: list[str], at: int, count: int) -> int:
    """How many literals from `at` on are separated by commas alone."""
    length = 1
    while at + length < count and segments[at + length].strip() == ",":
        length += 1
    return length


def _rows(segments: list[str], at: int, length: int, count: int) -> int:
    """How many whole rows of `length` literals follow `values (`."""
    rows, start = 1, at + length
    while start + length <= count and segments[start].replace(" ", "") == "),(":
        if _run(segments, start, count) != length or not segments[start + length].lstrip().startswith(")"):
            break
        rows, start = rows + 1, start + length
    return rows
