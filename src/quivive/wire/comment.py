"""sqlcommenter tags of one SQL comment: `/*agent='c.duval',route='%2Forders'*/` (google.github.io/sqlcommenter/spec).

Called by `wire.shape` with the inside of block comments only, never with a literal. Must never raise, and never
half-read: a comment that is not wholly of the form is no tag at all.
"""

import re
from typing import Final
from urllib.parse import unquote

MAX_COMMENT: Final = 4_096
"""Characters of a comment that are read for tags; longer ones are prose or code, not tags."""

_PAIR: Final = re.compile(r"\s*+([\w%.~-]++)\s*+=\s*+'((?:[^'\\]++|\\.)*+)'\s*+", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


def parse_tags(comment: str) -> dict[str, str]:
    """Tags of one comment's inside, keys lower-case; empty when it is not wholly `key='value',…`."""
    if len(comment) > MAX_COMMENT or "='" not in comment.replace(" ", ""):
        return {}
    tags: dict[str, str] = {}
    at, end = 0, len(comment)
    while at < end:
        match = _PAIR.match(comment, at)
        if match is None:
            return {}
        key, value = match.groups()
        tags[unquote(key).lower()] = unquote(_ESCAPE.sub(r"\1", value))
        at = match.end()
        if at < end:
            if comment[at] != ",":
                return {}
            at += 1
    return tags


def merge_tags(into: dict[str, str], disputed: set[str], tags: dict[str, str]) -> None:
    """Add one comment's tags. Two comments that contradict each other name nobody: the key is dropped."""
    for key, value in tags.items():
        if key in disputed:
            continue
        if into.setdefault(key, value) != value:
            del into[key]
            disputed.add(key)
