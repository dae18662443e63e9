"""The calendar of announced periods as SVG, with its table twin in the page.

Used by the register's page. Pure. Must never carry a fact by colour alone (stretches have titles, the table has
all), and never use an inline style: the content-security policy forbids it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from quivive.model.clock import DAY_US

DAYS: Final = 14
_LEFT: Final = 170
_DAY_WIDTH: Final = 62
_ROW: Final = 30
_HEAD: Final = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One campaign: its label and the stretches (from, to, title), microseconds."""

    label: str
    stretches: tuple[tuple[int, int, str], ...]


def period_calendar(lines: Sequence[Line], *, from_at: int, days: Sequence[str], title: str) -> Markup:
    """One row a campaign, one column a day from `from_at` (a midnight here); empty when there is no line."""
    if not lines:
        return Markup()
    width, height = _LEFT + _DAY_WIDTH * len(days), _HEAD + _ROW * len(lines)
    parts = [
        Markup('<text class="calendar-day" x="{}" y="16">{}</text>').format(_LEFT + _DAY_WIDTH * place + 4, day)
        for place, day in enumerate(days)
    ]
    parts += [
        Markup('<line class="calendar-line" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(
            _LEFT + _DAY_WIDTH * place, _HEAD, height
        )
        for place in range(len(days) + 1)
    ]
    end_at = from_at + len(days) * DAY_US
    for row, line in enumerate(lines):
        top = _HEAD + row * _ROW
        parts.append(Markup('<text class="calendar-label" x="0" y="{}">{}</text>').format(top + 20, line.label))
        for begins, ends, told in line.stretches:
            if ends > from_at and begins < end_at:
                parts.append(_stretch(max(begins, from_at), min(ends, end_at), told, from_at, top))
    head = Markup('<svg class="calendar" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return head.format(width, height, title, Markup().join(parts))


def _stretch(begins: int, ends: int, told: str, from_at: int, top: int) -> Markup:
    left = _LEFT + _DAY_WIDTH * (begins - from_at) / DAY_US
    width = max(_DAY_WIDTH * (ends - begins) / DAY_US, 3)
    shape = Markup(
        '<rect class="calendar-period" x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="2"><title>{}</title></rect>'
    )
    return shape.format(left, top + 6, width, _ROW - 12, told)
