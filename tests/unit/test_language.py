"""The commands speak French under a French locale: nothing lacks a translation, nothing is left over."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import rich_click
from babel.messages.pofile import read_po

from quivive import language
from quivive.cli import cli
from quivive.model.errors import ConfigurationError, RefusedError

SOURCE = Path(language.__file__).parent
NOT_AT_A_TERMINAL = {"intake/accept.py", "rows.py", "privacy/canonical.py", "web/filters.py"}
"""Refusals of the API: they travel as problems, whose codes the console translates."""
ERRORS = {
    "CoreUnreachableError", "DatabaseError", "DatabaseUnreachableError", "LedgerDamagedError", "ProductError",
    "RefusedError", "RollbackError", "StartError", "StorageError",
}  # fmt: skip
CLICK = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")


@pytest.fixture(scope="module")
def catalogue():
    """Messages by (context, id)."""
    with (language.LOCALE_FOLDER / "fr" / "LC_MESSAGES" / "cli.po").open("rb") as file:
        return {(m.context, m.id[0] if isinstance(m.id, tuple) else m.id): m for m in read_po(file) if m.id}


@pytest.fixture
def in_french(monkeypatch):
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")


def template(node):
    """A constant or f-string as the catalogue writes it: `{0}`, `{1}`… for its places; None when it is neither."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    places = iter(range(len(node.values)))
    return "".join(v.value if isinstance(v, ast.Constant) else f"{{{next(places)}}}" for v in node.values)


def calls(path, names):
    """Calls of plain names or attributes in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in names:
            yield getattr(node.func, "id", getattr(node.func, "attr", "")), node


def told():
    """Sentences that the code can show at a terminal."""
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).as_posix() in NOT_AT_A_TERMINAL:
            continue
        for name, node in calls(path, ERRORS | {"ConfigurationError"}):
            if name == "ConfigurationError":
                yield from (template(word.value) for word in node.keywords if word.arg in {"expected", "found"})
            elif node.args and (name != "RefusedError" or len(node.args) > 1):
                yield template(node.args[-1])
    for path in (SOURCE / "doctor").glob("*.py"):
        for _, node in calls(path, {"Finding"}):
            for word in node.keywords:
                either = isinstance(word.value, ast.IfExp)
                if word.arg in {"found", "expected", "advice"}:
                    yield from map(template, (word.value.body, word.value.orelse) if either else (word.value,))
        for _, node in calls(path, {"said"}):
            yield template(node.args[0])
    for name, where in (("said", "cli.py"), ("_tell", "cli.py"), ("_tell", "supervisor.py"), ("said", "rule_cli.py")):
        for _, node in calls(SOURCE / where, {name}):
            yield template(node.args[0])


def test_every_help_and_prompt_has_a_text(catalogue):
    """Groups, commands, options, prompts, and what rich-click writes itself."""
    asked = set(language.RICH_SETTINGS.values())
    for command in language.commands_of(cli):
        asked.add(inspect.cleandoc(command.help))
        asked |= {getattr(command, name, "") for name in ("options_metavar", "subcommand_metavar")}
        for param in command.params:
            asked |= {getattr(param, name, "") for name in ("help", "prompt")}
    assert [text for text in sorted(filter(None, asked)) if (None, text) not in catalogue] == []


def test_every_message_of_click_has_a_text(catalogue):
    """Whatever the installed Click asks gettext for."""
    for module in CLICK:
        path = Path(importlib.import_module(f"click.{module}").__file__)
        for _, node in calls(path, {"_", "ngettext"}):
            if node.args and isinstance(node.args[0], ast.Constant):
                assert (None, node.args[0].value) in catalogue, (module, node.args[0].value)


def test_every_error_has_a_text(catalogue):
    """Errors of everything that a command can reach; a place alone needs none."""
    missing = {
        text
        for text in told()
        if text
        and any(map(str.isalpha, text.removeprefix("cannot {0} {1}: {2}")))
        and ("error", text) not in catalogue
        and language_free(text)
    }
    assert missing == set()


def language_free(text):
    """Not only places, units and a program's name."""
    return text not in {"quivive: {0}", "{0} s", "{0} to {1}", "{0}, of {1}"} and any(map(str.isalpha, text))


def test_both_texts_hold_the_same_places(catalogue):
    """A place of the English text stands in the French one; no text is empty."""
    for (context, source), message in catalogue.items():
        for text in message.string if isinstance(message.string, tuple) else (message.string,):
            assert text, source
            places = set(re.findall(r"\{[^}]*\}|%\(\w+\)s", source))
            if context is None and not isinstance(message.id, tuple):
                assert set(re.findall(r"\{[^}]*\}|%\(\w+\)s", text)) == places, source
            elif context and "{0}" in source:
                assert set(re.findall(r"\{[^}]*\}", text)) <= places, source


def test_french_writes_its_signs_as_french_does(catalogue):
    """No-break spaces before double signs."""
    for message in catalogue.values():
        assert not re.search(r" [:;?!»]|« ", str(message.string)), message.id


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "fr_FR.UTF-8"}, True),
        ({"LC_ALL": "C", "LANG": "fr"}, False),
        ({}, False),
        ({"LC_MESSAGES": "fr"}, True),
    ],
)
def test_the_locale_decides(environment, expected):
    """POSIX order: LC_ALL, LC_MESSAGES, LANG."""
    assert language.is_french(environment) is expected


def test_errors_are_said_in_french(in_french):
    """A template finds its places again; an unknown sentence stays as it is."""
    wrong = ConfigurationError(file="quivive.toml", key="sources.db.mode", expected="a known key", found="strikt")
    assert language.said(wrong) == "quivive.toml\u00a0: sources.db.mode\u00a0: attendu une clé connue, trouvé strikt"
    assert language.said("vault: read failed (OperationalError)") == "coffre\u00a0: échec de lecture (OperationalError)"
    refused = RefusedError("core", "source_unknown: expected a source of quivive.toml, found x")
    assert language.said(refused) == "cœur\u00a0: attendu une source de quivive.toml, trouvé x"
    assert language.said("something else") == "something else"


def test_without_a_french_locale_nothing_changes(monkeypatch):
    """English stands in the code."""
    monkeypatch.setenv("LC_ALL", "C")
    assert language.said(RefusedError("x", "y")) == "x: y"
    before = rich_click.rich_click.COMMANDS_PANEL_TITLE
    language.speak(cli, rich_click.rich_click)
    assert before == rich_click.rich_click.COMMANDS_PANEL_TITLE
    assert language.translate("Options") == "Options"


@pytest.mark.parametrize(
    ("locale", "words"), [("fr_FR.UTF-8", ("Commandes", "Affiche cette aide")), ("C", ("Commands", "Show this"))]
)
def test_help_is_in_the_readers_language(locale, words):
    """The whole program, as typed."""
    done = subprocess.run(
        [sys.executable, "-m", "quivive", "--help"],
        capture_output=True, text=True, check=True, timeout=30, env={**os.environ, "LC_ALL": locale, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert all(word in done.stdout for word in words)
    if locale.startswith("fr"):
        assert "Show this" not in done.stdout
