"""Glossary and configuration page follow the code: every member, permission, register, role, setting and default is there."""

import re
from enum import StrEnum
from pathlib import Path

import msgspec
import pytest

from quivive import anchor_settings, notice_settings, oidc_settings, output_settings, settings
from quivive.model import (
    access,
    alert,
    approval,
    audio,
    case,
    catalogue,
    contact,
    entry,
    gate,
    gate_record,
    permission,
    purge,
    recording,
    recording_register,
    register,
    verdict,
)

DOCS = Path(__file__).parents[2] / "docs"
GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")
SETS = [
    member
    for module in (
        access,
        alert,
        approval,
        audio,
        case,
        catalogue,
        contact,
        entry,
        gate,
        gate_record,
        permission,
        purge,
        recording,
        recording_register,
        register,
        verdict,
        settings,
    )
    for member in vars(module).values()
    if isinstance(member, type) and issubclass(member, StrEnum) and member is not StrEnum
]
STRUCTS = [
    settings.OperatorSettings,
    settings.SourceSettings,
    settings.TelephonySettings,
    settings.DetectionSettings,
    notice_settings.SmtpSettings,
    oidc_settings.OidcSettings,
    oidc_settings.OidcGroup,
    settings.ZoneSettings,
    settings.AudioSettings,
    settings._ControllerFile,
    settings.RetentionSettings,
    settings._TableSettings,
    anchor_settings.WitnessesSettings,
    anchor_settings.TimestampsSettings,
    anchor_settings.AuthoritySettings,
    output_settings.OutputSettings,
]


def rows(text):
    """Cells of each table row, by the code in its first cell."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


@pytest.mark.parametrize("closed", SETS, ids=lambda s: s.__name__)
def test_every_member_of_every_closed_set_is_in_the_glossary(closed):
    """A new member is a new word: it is explained before it is written."""
    missing = [member.value for member in closed if f"`{member.value}`" not in GLOSSARY]
    assert missing == []


def test_each_kind_of_entry_has_its_retention_class():
    """The table agrees with KIND_CLASS."""
    told = {cells[0].strip("` |"): cells[1] for cells in rows(GLOSSARY) if len(cells) == 4}
    assert told == {kind.value: kept.value for kind, kept in entry.KIND_CLASS.items()}


def test_each_permission_has_its_roles():
    """The table agrees with ROLE_PERMISSIONS."""
    told = {c[0].strip("`"): set(re.findall("`([a-z]+)`", c[1])) for c in rows(GLOSSARY) if c[0].count(".") == 2}
    assert told == {
        each.value: {role.value for role, held in permission.ROLE_PERMISSIONS.items() if each in held}
        for each in permission.Permission
    }


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda s: s.__name__)
def test_every_setting_and_its_default_is_documented(struct):
    """Name, and default as it would be written."""
    told = [(c[0].strip("`"), c[1]) for c in rows(CONFIGURATION)]
    for field in msgspec.structs.fields(struct):
        if field.name in {"retention", "tables"}:
            assert f"[{field.name}]" in CONFIGURATION
            continue
        assert (field.name, _default(field)) in told


def _default(field):
    if field.required:
        return "required"
    match field.default:
        case "":
            return "empty"
        case () | None:
            return "none"
        case bool():
            return f"`{str(field.default).lower()}`"
        case _:
            return f"`{field.default}`"


def test_the_page_documents_nothing_that_is_not_there():
    """A removed setting leaves the page."""
    names = {field.name for struct in STRUCTS for field in msgspec.structs.fields(struct)}
    assert {cells[0].strip("`") for cells in rows(CONFIGURATION)} <= names


def test_the_example_configuration_loads(tmp_path):
    """What an administrator copies from the page starts."""
    main, controller = re.findall(r"^```toml\n(.*?)^```", CONFIGURATION, re.DOTALL | re.MULTILINE)
    (tmp_path / "quivive.toml").write_text(main, encoding="utf-8")
    (tmp_path / "controllers").mkdir()
    (tmp_path / "controllers" / "aurore.toml").write_text(controller, encoding="utf-8")
    loaded = settings.load_settings(tmp_path)
    assert {source.kind for source in loaded.sources.values()} == set(settings.SourceKind)
    assert [table.kind for table in loaded.controllers["aurore"].catalogue.tables] == ["person", "linked"]


def test_forbidden_words_stand_only_where_they_are_forbidden():
    """No page calls a person suspicious or measures productivity; saying that we do not is allowed (law §4, §6)."""
    for path in DOCS.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        kept = re.sub(r"(?m)^(Never: |No ).*$", "", text)
        assert not re.search(r"suspicio|fraudster|productivity|score of an agent|surveill", kept, re.IGNORECASE), path
