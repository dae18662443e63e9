"""Which names a source's `mapping` may hold, and how each becomes a translator: presets, a site's file, code.

Called by the core's followers, the webhook and `quivive source test`. The table below is the whole registry:
nothing registers itself. Must never open a mapping that the loader did not check.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from quivive.connectors.access_logs import KINDS, TITLES, open_documented, stated
from quivive.connectors.mapping.loader import load_mapping, parse_mapping, read_document, read_file_document
from quivive.connectors.mapping.spec import CompleteRule, Mapping
from quivive.connectors.mapping.translator import MappingTranslator
from quivive.connectors.model import RowKind, Translator
from quivive.connectors.reading.model import FileType, Format
from quivive.connectors.telephony import MAPPINGS, telephony_settings
from quivive.model.access import Grade
from quivive.model.catalogue import Catalogue
from quivive.model.errors import ConfigurationError
from quivive.settings import SourceSettings

PRESETS: Final = Path(__file__).parent / "presets"
LINES: Final = Format(type=FileType.LINES, encoding="utf-8")
"""Server logs: one text line a record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a translator may know of its source. `timezone`: the operator's; `home`: where relative paths begin.

    `settings`, `catalogue`, `region`: the source as declared, and its controller's, when it serves one.
    """

    source: str
    controller: str = ""
    namespace: str = ""
    timezone: str = "Europe/Paris"
    home: Path = Path()
    settings: SourceSettings | None = None
    catalogue: Catalogue | None = None
    region: str = "FR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A translator written in Python: what it makes, how its files are laid out, what opens it.

    `title` as in a preset: {"fr": …, "en": …}. Most formats need only `Format(type=…, columns=…)`.
    """

    kind: RowKind
    title: dict[str, str]
    format: Format
    open: Callable[[Context], Translator]
    grade: Grade = Grade.A
    lateness_s: int = 0


def _pgaudit(form: str) -> Coded:
    """The server log of PostgreSQL in a format that needs no document."""
    document = {"translator": "pgaudit", "log": {"format": form}}
    return Coded(
        kind=RowKind.ACCESSES,
        title=TITLES["pgaudit"],
        format=LINES,
        open=lambda context: _opened(f"pgaudit-{form}", document, context),
        **stated(document, f"pgaudit-{form}"),
    )


def _shipped_log(name: str) -> Coded:
    """The access log of a hosted application, whose document is shipped in `presets/logs`."""
    file = f"{name}.yml"
    document = read_document((PRESETS / "logs" / file).read_text(encoding="utf-8"), file)
    return Coded(
        kind=RowKind.ACCESSES,
        title=document["title"],
        format=LINES,
        open=lambda context: _opened(file, document, context),
        **stated(document, file),
    )


def _opened(file: str, document: dict[str, Any], context: Context) -> Translator:
    facts = (context.settings, context.catalogue, context.timezone, context.region)
    return open_documented(document, file, *facts)


def _telephony(name: str) -> Coded:
    """A source of calls: Asterisk, Amazon Connect, Genesys Cloud, VICIdial (docs/telephony.md)."""
    translator, form, title = MAPPINGS[name]
    return Coded(
        kind=RowKind.CONTACTS,
        title=title,
        format=form,
        open=lambda told: translator(telephony_settings(told.settings, told.controller, told.timezone)),
    )


# One line per translator written in code, name → Coded(...). A preset in YAML needs no line: its file is enough.
CODED: Final[dict[str, Coded]] = {
    "pgaudit-csvlog": _pgaudit("csvlog"),
    "pgaudit-jsonlog": _pgaudit("jsonlog"),
    "zendesk-access-log": _shipped_log("zendesk-access-log"),
    **{name: _telephony(name) for name in MAPPINGS},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Everything a carrier needs of one mapping. `column` names the file's column behind a field of a refusal.

    `grade`: the best this kind of log deserves. `lateness_s`: how late it comes, 0 when it does not say.
    """

    name: str
    kind: RowKind
    title: dict[str, str]
    format: Format
    complete_to: CompleteRule
    translator: Translator
    column: Callable[[str], str]
    grade: Grade = Grade.A
    lateness_s: int = 0


def preset_names() -> list[str]:
    """Names of the presets shipped, coded ones included."""
    return sorted({path.stem for path in PRESETS.glob("*.yml")} | set(CODED))


def describe_presets(language: str) -> list[tuple[str, str, str]]:
    """Name, rows and title of every mapping shipped, in a reader's language.

    Raises:
        ConfigurationError: a shipped preset is wrong.
    """
    found = []
    for name in preset_names():
        coded = CODED.get(name)
        kind, title = (coded.kind, coded.title) if coded else (load_preset(name).kind, load_preset(name).title)
        found.append((name, str(kind), title.get(language) or title.get("en", "")))
    return found


def load_preset(name: str) -> Mapping:
    """Read a preset.

    Raises:
        ConfigurationError: there is none of this name, or it is wrong.
    """
    return load_mapping(_preset_path(name), f"{name}.yml", _document)


def open_translator(mapping: str, context: Context) -> Feed:
    """Open what a source's `mapping` names: a coded translator, a preset, or a YAML file of the site.

    Raises:
        ConfigurationError: no such preset or file, or its content is wrong.
    """
    coded = CODED.get(mapping)
    if coded is not None:
        return Feed(
            name=mapping,
            kind=coded.kind,
            title=coded.title,
            format=coded.format,
            complete_to=CompleteRule.LATEST_INSTANT,
            translator=coded.open(context),
            column=str,
            grade=coded.grade,
            lateness_s=coded.lateness_s,
        )
    if mapping.endswith((".yml", ".yaml")):
        document = read_file_document(context.home / mapping, mapping)
        if "translator" in document:
            return _documented(mapping, document, context)
        found = parse_mapping(document, mapping, _document)
    else:
        found = load_preset(mapping)
    translator = MappingTranslator(
        found,
        settings={"controller": context.controller, "namespace": context.namespace, "source": context.source},
        site_zone=context.timezone,
        region=context.region,
    )
    return Feed(
        name=found.name,
        kind=found.kind,
        title=dict(found.title),
        format=found.format,
        complete_to=found.complete_to,
        translator=translator,
        column=translator.column_of,
        grade=found.grade,
        lateness_s=found.lateness_s,
    )


def _documented(mapping: str, document: dict[str, Any], context: Context) -> Feed:
    """Open a document that describes a log rather than columns."""
    opened = _opened(mapping, document, context)
    return Feed(
        name=Path(mapping).stem,
        kind=KINDS.get(document["translator"], RowKind.ACCESSES),
        title=TITLES[document["translator"]],
        format=LINES,
        complete_to=CompleteRule.LATEST_INSTANT,
        translator=opened,
        column=str,
        **stated(document, mapping),
    )


def _preset_path(name: str) -> Path:
    path = PRESETS / f"{name}.yml"
    if not name.replace("_", "").replace("-", "").isalnum() or not path.is_file():
        known = ", ".join(preset_names())
        raise ConfigurationError(file="(mapping)", key="mapping", expected=f"a .yml file or one of {known}", found=name)
    return path


def _document(name: str) -> dict[str, Any]:
    return read_document(_preset_path(name).read_text(encoding="utf-8"), f"{name}.yml")
