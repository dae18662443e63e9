"""Charts drawn by the server as SVG, each with a table twin in the page.

Used by the home page and *À expliquer*. Pure. Must never carry a fact by colour alone (gaps, titles
and the twin too), and never use an inline style: the content-security policy forbids it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

_WIDTH: Final = 720
_HEIGHT: Final = 28
_GAP: Final = 2  # between segments, so that they are told apart without colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One segment: `code` is a CSS class suffix from a closed set, `label` and `figure` are shown."""

    code: str
    label: str
    count: int
    figure: str


def share_bar(parts: Sequence[Part], *, title: str) -> Markup:
    """One stacked bar of shares; empty when there is nothing to show."""
    total = sum(part.count for part in parts)
    if total == 0:
        return Markup()
    pieces: list[Markup] = []
    left = 0.0
    for part in parts:
        width = _WIDTH * part.count / total
        if part.count:
            pieces.append(_segment(part, left, width))
        left += width
    head = Markup(
        '<svg class="share" viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">{}</svg>'
    )
    return head.format(_WIDTH, _HEIGHT, title, Markup().join(pieces))


def _segment(part: Part, left: float, width: float) -> Markup:
    shape = Markup('<rect class="part part-{}" x="{:.1f}" y="0" width="{:.1f}" height="{}"><title>{}</title></rect>')
    return shape.format(part.code, left, max(width - _GAP, _GAP), _HEIGHT, f"{part.label}: {part.figure}")
