"""Claims about quivive.recording_cli: files go to the core as they are, refusals are said in words, exit codes."""

import base64

import pytest
from click.testing import CliRunner
from rich_click import RichGroup

from quivive.recording_cli import add_recording_commands

CAMPAIGN = {
    "campaign": "formation-aurore",
    "version": 1,
    "state": "proposed",
    "controller": "aurore",
    "purpose": "training",
    "media": ["recording"],
    "from": "2026-10-18T22:00:00.000000Z",
    "to": "2026-10-30T23:00:00.000000Z",
    "first_day": "2026-10-19",
    "last_day": "2026-10-30",
    "share_permille": 30,
    "retention_days": 30,
    "refusals": [],
    "warnings": [{"code": "kept_long", "found": 60, "usual": 30}],
}


@pytest.fixture
def core():
    """Commands before a core that notes what it is asked; `answers` by command."""

    class Core:
        asked, answers = [], {}

        def ask(self, _home, name, **fields):
            self.asked.append((name, fields))
            return dict(self.answers.get(name, CAMPAIGN))

    core = Core()
    core.asked, core.answers = [], {}
    core.group = RichGroup("quivive")
    add_recording_commands(core.group, core.ask, lambda answer, as_json: print(answer))
    core.run = lambda *args, **more: CliRunner().invoke(core.group, ["recordings", *args], **more)
    return core


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")


def test_a_draft_goes_to_the_core_and_its_warnings_are_said(core, tmp_path):
    """The file's text as it is; a lawful one ends with 0."""
    (tmp_path / "draft.yaml").write_text("campaign: x\n")
    done = core.run("campaign", "add", str(tmp_path / "draft.yaml"))
    assert done.exit_code == 0
    assert "Retention of 60 days" in done.output
    assert core.asked == [("campaign-add", {"draft": "campaign: x\n", "demonstration": False})]


def test_a_refused_draft_ends_with_1_and_its_clause(core, tmp_path, monkeypatch):
    """In the reader's language."""
    (tmp_path / "draft.yaml").write_text("campaign: x\n")
    refusals = [{"code": "retention_too_long", "found": 400, "limit": 180}]
    core.answers["campaign-add"] = CAMPAIGN | {"state": "refused", "refusals": refusals, "warnings": []}
    done = core.run("campaign", "add", str(tmp_path / "draft.yaml"))
    assert done.exit_code == 1
    assert "R-04  Retention of 400 days; at most 180" in done.output
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert "Conservation de 400 jours" in core.run("campaign", "add", str(tmp_path / "draft.yaml")).output


def test_the_second_person_gives_a_secret_of_his_own(core, monkeypatch):
    """Asked for without echo, or from the environment."""
    assert core.run("campaign", "approve", "formation-aurore", input="secret\n").exit_code == 0
    monkeypatch.setenv("QUIVIVE_SIGN_IN", "other")
    core.run("campaign", "approve", "formation-aurore", "--refuse")
    assert [fields["secret"] for _, fields in core.asked] == ["secret", "other"]
    assert [fields["agree"] for _, fields in core.asked] == [True, False]


def test_sheet_kiosk_and_neutralise(core, tmp_path):
    """A sheet goes whole, numbers line by line, a person or a line but not both."""
    sheet, numbers = tmp_path / "sheet.csv", tmp_path / "numbers.txt"
    sheet.write_text("A17;signed\n")
    numbers.write_text("A17\n\nA18\n")
    core.answers["notices-sheet"] = {"signed": 1}
    core.answers["notices-kiosk"] = {"codes": [{"number": "A17", "code": "AAAA-BBBB-CCCC"}]}
    core.answers["recordings-neutralise"] = {"neutralised": True}
    assert core.run("sheet", "x", str(sheet)).exit_code == 0
    assert base64.b64decode(core.asked[-1][1]["sheet"]) == b"A17;signed\n"
    assert "A17;AAAA-BBBB-CCCC" in core.run("kiosk", "x", str(numbers)).output
    assert core.asked[-1][1]["numbers"] == ["A17", "A18"]
    assert core.run("neutralise", "A17", "--days", "3").exit_code == 0
    assert core.run("neutralise", "--line", "4217", "--controller", "aurore").exit_code == 0
    for wrong in (["neutralise"], ["neutralise", "A17", "--line", "4"], ["neutralise", "--line", "4217"]):
        assert core.run(*wrong).exit_code == 2


def test_lists_are_lines_a_person_reads(core):
    """Local days, state, company, purpose, name and version."""
    core.answers["campaign-list"] = {"campaigns": [CAMPAIGN]}
    core.answers["grid-list"] = {"grids": [{"grid": "accueil", "version": 1, "purpose": "training", "criteria": 3}]}
    assert "2026-10-19 2026-10-30  proposed" in core.run("campaign", "list").output
    assert "accueil" in core.run("grid", "list").output
    core.answers["campaign-show"] = CAMPAIGN | {"sites": ["nord"], "teams": [], "queues": [], "notices": {"sent": 2}}
    assert "sent 2" in core.run("campaign", "show", "formation-aurore").output


@pytest.mark.parametrize("data", [b"\xff\xfe", b"x" * (800 << 10)])
def test_a_file_that_cannot_travel_is_refused_here(core, tmp_path, data):
    """Another encoding, too large: nothing is asked."""
    (tmp_path / "draft.yaml").write_bytes(data)
    assert core.run("campaign", "add", str(tmp_path / "draft.yaml")).exit_code == 2
    assert core.asked == []
