"""Claims on the sentences: both languages whole, the locale decides."""

import re

from quivive.simulation.sentences import SENTENCES, language_of, say


def test_both_languages_hold_the_same_sentences():
    """Same codes, same places to fill."""
    english, french = SENTENCES["en"], SENTENCES["fr"]
    assert english.keys() == french.keys()
    for code in english:
        assert sorted(re.findall(r"{\w+", english[code])) == sorted(re.findall(r"{\w+", french[code]))


def test_the_locale_decides():
    """LC_ALL over LC_MESSAGES over LANG; anything but French is English."""
    assert language_of({"LANG": "fr_FR.UTF-8"}) == "fr"
    assert language_of({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}) == "en"
    assert language_of({}) == "en"
    assert say("fr", "agents", count=52).startswith("52 téléconseillers")
