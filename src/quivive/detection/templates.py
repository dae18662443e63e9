"""Explanation templates: YAML parameters over a few join shapes (DESIGN §9.1; detection reference §5).

Read once by the judge, stored beside the verdicts as a relation that the join shapes use. Must never
accept a window above its hard maximum, or a template or shape it does not know.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from quivive.model.clock import SECOND_US
from quivive.model.errors import ConfigurationError
from quivive.model.verdict import Strength, Template

SHAPES: Final = ("call", "stated", "unidentified", "wrap_up", "callback", "ticket", "related", "listing")
_WINDOWS: Final = ("before_s", "after_s", "near_s", "max_s")
_KEYS: Final = {"template", "shape", "priority", "strength", "strength_else", "cap", *_WINDOWS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationTemplate:
    """One row of the `template` relation. Windows in microseconds; `cap` 0 means none."""

    template: Template
    shape: str
    priority: int
    strength: Strength
    strength_else: Strength
    before_us: int
    after_us: int
    max_us: int
    near_us: int
    cap: int

    def row(self) -> tuple[str, str, int, str, str, int, int, int, int, int]:
        """Values in the order of the `template` table."""
        windows = (self.before_us, self.after_us, self.max_us, self.near_us)
        return (self.template, self.shape, self.priority, self.strength, self.strength_else, *windows, self.cap)


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
    if raw.get("shape") not in SHAPES:
        raise ConfigurationError(file=name, key="shape", expected=" | ".join(SHAPES), found=str(raw.get("shape")))
    strength = _strength(name, raw, "strength", None)
    return ExplanationTemplate(
        template=_template(name, raw),
        shape=str(raw["shape"]),
        priority=_integer(name, raw, "priority"),
        strength=strength,
        strength_else=_strength(name, raw, "strength_else", strength),
        before_us=_window(name, raw, "before_s"),
        after_us=_window(name, raw, "after_s"),
        max_us=_window(name, raw, "max_s"),
        near_us=_window(name, raw, "near_s"),
        cap=_integer(name, raw, "cap"),
    )


def _template(name: str, raw: dict[str, Any]) -> Template:
    try:
        return Template(str(raw.get("template")))
    except ValueError as error:
        expected = " | ".join(Template)
        raise ConfigurationError(
            file=name, key="template", expected=expected, found=str(raw.get("template"))
        ) from error


def _strength(name: str, raw: dict[str, Any], key: str, default: Strength | None) -> Strength:
    if key not in raw and default is not None:
        return default
    try:
        return Strength(str(raw.get(key)))
    except ValueError as error:
        raise ConfigurationError(file=name, key=key, expected=" | ".join(Strength), found=str(raw.get(key))) from error


def _integer(name: str, raw: dict[str, Any], key: str) -> int:
    value = raw.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigurationError(file=name, key=key, expected="an integer of 0 or more", found=type(value).__name__)
    return value


def _window(name: str, raw: dict[str, Any], key: str) -> int:
    if key not in raw:
        return 0
    window = raw[key]
    if not isinstance(window, dict) or set(window) != {"start", "max"}:
        raise ConfigurationError(file=name, key=key, expected="{start: seconds, max: seconds}", found="another form")
    start, most = _integer(name, window, "start"), _integer(name, window, "max")
    if start > most:
        raise ConfigurationError(file=name, key=key, expected=f"at most {most} s", found=f"{start} s")
    return start * SECOND_US
