"""Explanation templates: YAML parameters over a few join shapes (DESIGN §9.1; detection reference §5).

Read once by the judge, stored beside the verdicts as a relation that the join shapes use. Must never
accept a window above its hard maximum, or a template, shape, role or instant it does not know.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from quivive.model.clock import SECOND_US
from quivive.model.contact import ContactKind, LegRole
from quivive.model.errors import ConfigurationError
from quivive.model.verdict import Strength, Template

SHAPES: Final = (
    "call", "work", "companion", "unidentified", "stated", "related", "listing", "return", "job", "declared",
)  # fmt: skip
"""How a contact and an access are joined. The first four are windows of a leg; `call` and `work` join alike."""
PLACES: Final = ("first", "dialled", "further", "any")
"""Which leg of a call: the first, that of a campaign's outbound call, a further one. Work has `any`."""
INSTANTS: Final = ("began", "hung_up", "wrapped", "preview", "dialled", "due", "assigned", "opened", "closed")
"""Instants of a leg or its contact between which a window spans (`steps/contact_leg.sql`)."""

_WINDOWS: Final = ("before_s", "after_s", "near_s", "max_s")
_LISTS: Final = ("contact", "roles", "places")
_KEYS: Final = {
    "template", "shape", "priority", "strength", "strength_else", "cap", "begins", "ends", *_LISTS, *_WINDOWS,
}  # fmt: skip
Row = tuple[str, str, str, str, str, str, str, int, str, str, int, int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationTemplate:
    """One YAML. Windows in microseconds; `cap` 0 means none. `*_most` are the hard maxima of what may be learned."""

    template: Template
    shape: str
    contact: tuple[str, ...]
    roles: tuple[str, ...]
    places: tuple[str, ...]
    begins: str
    ends: str
    priority: int
    strength: Strength
    strength_else: Strength
    before_us: int
    after_us: int
    max_us: int
    near_us: int
    cap: int
    before_most_us: int
    after_most_us: int
    cap_most: int

    def rows(self) -> Iterator[Row]:
        """Rows of the `template` table, one for each kind of contact, role and place."""
        told = (self.priority, str(self.strength), str(self.strength_else))
        windows = (self.before_us, self.after_us, self.max_us, self.near_us, self.cap)
        for kind in self.contact or ("",):
            for role in self.roles or ("",):
                for place in self.places if kind == ContactKind.CALL else ("any",):
                    yield (self.template, self.shape, kind, role, place, self.begins, self.ends, *told, *windows)


@cache
def shipped_templates() -> tuple[ExplanationTemplate, ...]:
    """Read the templates that ship with this version."""
    folder = files("quivive.detection").joinpath("templates")
    found = [
        parse_template(entry.name, entry.read_text(encoding="utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda each: each.name)
        if entry.name.endswith(".yml")
    ]
    return tuple(sorted(found, key=lambda each: (each.priority, each.shape)))


def parse_template(name: str, text: str) -> ExplanationTemplate:
    """Read one YAML template.

    Raises:
        ConfigurationError: file, key, expected, found.
    """
    raw = yaml.safe_load(text)
    if not isinstance(raw, dict):
        raise ConfigurationError(file=name, key="", expected="a mapping", found=type(raw).__name__)
    for key in raw:
        if key not in _KEYS:
            raise ConfigurationError(file=name, key=str(key), expected="a known key", found="another")
    strength = Strength(_member(name, raw, "strength", tuple(Strength)))
    contact = _members(name, raw, "contact", tuple(ContactKind))
    (before, before_most), (after, after_most), (near, _), (most, _) = (
        _window(name, raw, f"{each}_s") for each in ("before", "after", "near", "max")
    )
    cap, cap_most = _window(name, raw, "cap", bare=True)
    return ExplanationTemplate(
        template=Template(_member(name, raw, "template", tuple(Template))),
        shape=_member(name, raw, "shape", SHAPES),
        contact=contact,
        roles=_members(name, raw, "roles", tuple(LegRole)),
        places=_members(name, raw, "places", PLACES),
        begins=_member(name, raw, "begins", ("", *INSTANTS), ""),
        ends=_member(name, raw, "ends", ("", *INSTANTS), ""),
        priority=_integer(name, raw, "priority"),
        strength=strength,
        strength_else=Strength(_member(name, raw, "strength_else", tuple(Strength), strength)),
        before_us=before * SECOND_US,
        after_us=after * SECOND_US,
        max_us=most * SECOND_US,
        near_us=near * SECOND_US,
        cap=cap,
        before_most_us=before_most * SECOND_US,
        after_most_us=after_most * SECOND_US,
        cap_most=cap_most,
    )


def _member(name: str, raw: dict[str, Any], key: str, known: tuple[str, ...], default: str | None = None) -> str:
    found = raw.get(key, default)
    if found not in known:
        raise ConfigurationError(file=name, key=key, expected=" | ".join(known), found=str(found))
    return str(found)


def _members(name: str, raw: dict[str, Any], key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    found = raw.get(key, [])
    if not isinstance(found, list):
        raise ConfigurationError(file=name, key=key, expected="a list", found=type(found).__name__)
    return tuple(_member(name, {key: each}, key, known) for each in found)


def _integer(name: str, raw: dict[str, Any], key: str) -> int:
    value = raw.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigurationError(file=name, key=key, expected="an integer of 0 or more", found=type(value).__name__)
    return value


def _window(name: str, raw: dict[str, Any], key: str, *, bare: bool = False) -> tuple[int, int]:
    """Start and hard maximum. A `bare` number is both."""
    if key not in raw:
        return 0, 0
    window = raw[key]
    if bare and not isinstance(window, dict):
        both = _integer(name, raw, key)
        return both, both
    if not isinstance(window, dict) or set(window) != {"start", "max"}:
        raise ConfigurationError(file=name, key=key, expected="{start: …, max: …}", found="another form")
    start, most = _integer(name, window, "start"), _integer(name, window, "max")
    if start > most:
        raise ConfigurationError(file=name, key=key, expected=f"at most {most}", found=str(start))
    return start, most
