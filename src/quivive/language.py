"""What the commands say in French: help, prompts and errors, from `locale/fr/LC_MESSAGES/cli.po`.

Called by `cli` and by whoever prints the one sentence of an error. English stands in the code; without a French
locale nothing is loaded. Must never change what is stored, logged or answered in JSON: only what a person at a
terminal reads.
"""

import gettext
import inspect
import io
import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, Final

from quivive.model.errors import ConfigurationError

LOCALE_FOLDER: Final = Path(__file__).parent / "locale"
ERROR_CONTEXT: Final = "error"
"""msgctxt of errors: their places are `{0}`, `{1}`… in the order of the English sentence."""
RICH_SETTINGS: Final = {
    "OPTIONS_PANEL_TITLE": "Options",
    "COMMANDS_PANEL_TITLE": "Commands",
    "ARGUMENTS_PANEL_TITLE": "Arguments",
    "ERRORS_PANEL_TITLE": "Error",
    "ABORTED_TEXT": "Aborted.",
    "ERRORS_SUGGESTION": "Add -h for help.",
    "DEFAULT_STRING": r"\[default: {}]",
    "REQUIRED_LONG_STRING": r"\[required]",
    "ENVVAR_STRING": r"\[env var: {}]",
}
"""What rich-click writes itself."""
_PLACE: Final = re.compile(r"\\\{(\d+)\\\}")


def is_french(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the locale is French (order of POSIX: LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return value.lower().startswith("fr")
    return False


@cache
def french() -> gettext.GNUTranslations:
    """Read the catalogue; no compiled file is kept."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - 30 ms that only a French reader pays
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with (LOCALE_FOLDER / "fr" / "LC_MESSAGES" / "cli.po").open("rb") as file:
        catalogue = read_po(file, locale="fr", abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translate(text: str) -> str:
    """A text of the commands in the reader's language."""
    return french().gettext(text) if text and is_french() else text


def said(error: BaseException | str) -> str:
    """The sentence of an error, or a line told, in the reader's language; what the catalogue does not know stays."""
    if not is_french():
        return str(error)
    if isinstance(error, ConfigurationError):
        frame = french().gettext("{file}: {key}: expected {expected}, found {found}")
        return frame.format(
            file=error.file, key=error.key, expected=_sentence(error.expected), found=_sentence(error.found)
        )
    return _sentence(str(error))


def _sentence(text: str) -> str:
    whole = french().pgettext(ERROR_CONTEXT, text)
    if whole != text:
        return whole
    for pattern, template in _templates():
        if found := pattern.fullmatch(text):
            return template.format(*map(_sentence, found.groups()))  # a place may hold a sentence of its own
    return text


@cache
def _templates() -> tuple[tuple[re.Pattern[str], str], ...]:
    """English errors with places in them as patterns, the longest fixed text first."""
    found = []
    for source, template in _errors():
        if "{0}" in source:
            pattern = _PLACE.sub("(.+?)", re.escape(source))
            found.append((len(_PLACE.sub("", source)), re.compile(pattern, re.DOTALL), template))
    found.sort(key=lambda each: -each[0])
    return tuple((pattern, template) for _, pattern, template in found)


def _errors() -> Iterator[tuple[str, str]]:
    prefix = f"{ERROR_CONTEXT}\x04"
    for source, template in vars(french())["_catalog"].items():
        if isinstance(source, str) and source.startswith(prefix):
            yield source.removeprefix(prefix), template


def speak(command: Any, rich: Any) -> None:
    """Put a tree of Click commands, and Click's own messages, into the reader's language. Once, before it runs.

    `rich` is the module of rich-click's settings.
    """
    if not is_french():
        return
    _speak_of_click()
    for setting, text in RICH_SETTINGS.items():
        setattr(rich, setting, translate(text))
    for each in commands_of(command):
        each.help = translate(inspect.cleandoc(each.help or ""))
        for field in ("options_metavar", "subcommand_metavar"):
            _replace(each, field)
        for param in each.params:
            for field in ("help", "prompt"):
                _replace(param, field)


def _replace(holder: Any, field: str) -> None:
    if text := getattr(holder, field, None):
        setattr(holder, field, translate(text))


def _speak_of_click() -> None:
    """Click asks gettext's default domain, which needs compiled files; its modules get our catalogue instead."""
    ours = {"_": french().gettext, "gettext": french().gettext, "ngettext": french().ngettext}
    for name, module in list(sys.modules.items()):
        if name.split(".", 1)[0] in {"click", "rich_click"}:
            for known, translated in ours.items():
                if isinstance(getattr(module, known, None), FunctionType):
                    setattr(module, known, translated)


def commands_of(command: Any) -> Iterator[Any]:
    """A command and all below it."""
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from commands_of(below)
