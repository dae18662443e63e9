"""Drafts say what this installation does, in both languages, and never that anything was decided."""

import pytest
from tests.unit.web.test_web_i18n import FORBIDDEN

from quivive.model.gate import Module
from quivive.reports.drafting import DRAFTED, LANGUAGES, write_drafts

FACTS = {
    "operator": "Relais Horizon", "contact": "dpo@relais-horizon.example",
    "controllers": [
        {"id": "aurore", "name": "Aurore Énergie", "tables": ["customer", "contract"], "trace_days": 365, "alert_days": 90}
    ],
    "sources": [{"name": "aurore-db", "kind": "postgres", "controller": "aurore", "grade": "A"}],
    "rules": [
        {
            "id": "wildcard-search", "fr": "Recherche trop large", "en": "Search too wide", "note_fr": "Note.",
            "note_en": "Note.",
        }
    ],
    "switches": ["residual"],
}  # fmt: skip


def drafts():
    return write_drafts(FACTS, employer="Relais Horizon", establishment="Lille", module=Module.ACCESS, day="2026-11-23")


def test_every_paper_is_drafted_in_every_language():
    """And the same facts give the same text, by its hash."""
    made = drafts()
    assert {(each.record, each.language) for each in made} == {(r, lang) for r in DRAFTED for lang in LANGUAGES}
    assert [each.digest for each in made] == [each.digest for each in drafts()]


@pytest.mark.parametrize("record", DRAFTED)
def test_each_draft_calls_itself_one(record):
    """Dated, to be completed by a person."""
    texts = {each.language: each.text for each in drafts() if each.record is record}
    assert "Projet" in texts["fr"]
    assert "Draft of 2026-11-23" in texts["en"]


def test_the_declared_purposes_and_the_rules_are_named():
    """Evidence is not turned from its purpose when the paper names it; the council reads each rule."""
    note = next(each.text for each in drafts() if each.name == "council_note.fr.md")
    for words in ("régularité", "preuve d’un manquement", "Recherche trop large", "365 jours", "Aurore Énergie"):
        assert words in note


def test_no_draft_says_a_forbidden_word():
    """Nor promises compliance."""
    for each in drafts():
        assert not [word for word in (*FORBIDDEN, "conforme") if word in each.text.lower()], each.name
