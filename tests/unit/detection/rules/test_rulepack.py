"""Every shipped rule has texts in two languages and three examples on each side that hold; none measures work."""

import re
from collections import Counter

import pytest

from quivive.detection.rules.examples import satisfied, shipped_examples
from quivive.detection.rules.load import load_rules, shipped_rules
from quivive.model.alert import Switch

RULES = {rule.topic: rule for rule in shipped_rules()}
EXAMPLES = shipped_examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e.topic}: {e.title}")
def test_each_example_holds(example):
    """The very SQL that looks at real accesses finds what it must, and nothing else."""
    assert satisfied(RULES[example.topic], example.events) is example.hit


def test_three_examples_on_each_side():
    """A rule without a counter-example is a rule nobody thought about."""
    told = Counter((example.topic, example.hit) for example in EXAMPLES)
    assert {(topic, hit) for topic in RULES for hit in (True, False)} == set(told)
    assert min(told.values()) >= 3


def test_scenarios_of_the_catalogue_are_covered():
    """Those that detection reference §4 marks R, but where only the recorder knows (33) or no attribute is stored (29, 37)."""
    covered = {number for rule in RULES.values() for number in rule.scenarios}
    assert covered >= {3, 4, 5, 8, 10, 12, 19, 20, 21, 28, 30, 32, 34, 35, 38, 39}


def test_what_is_off_by_default_names_its_switch():
    """Own and colleagues' records, and canaries, run only when somebody turned them on with a reference."""
    off = {topic: rule.switch for topic, rule in RULES.items() if rule.switch}
    assert off == {
        "own_record": Switch.OWN_RECORD,
        "colleague_record": Switch.OWN_RECORD,
        "canary_touched": Switch.CANARIES,
        "canary_contacted": Switch.CANARIES,
    }


def test_no_rule_measures_work():
    """Law reference §4: no duration, pause, ranking, keystroke or score; and no forbidden word in any text."""
    forbidden = r"durée d|pause|inactiv|idle|productiv|cadence|classement|ranking|score|frappes|keystroke|surveil|suspicio|suspect"
    for rule in RULES.values():
        for texts in rule.texts.values():
            for text in (texts.title, texts.description, texts.runbook):
                assert not re.search(forbidden, text, re.IGNORECASE), (rule.topic, text)


def test_french_writes_its_signs_as_french_does():
    """No ordinary space before a double sign."""
    for rule in RULES.values():
        texts = rule.texts["fr"]
        for text in (texts.title, texts.description, texts.runbook, texts.legal_note):
            assert not re.search(r" [:;?!»]|« ", text), (rule.topic, text)


def test_a_user_rule_takes_the_place_of_a_shipped_one(tmp_path):
    """The same name replaces, `enabled: false` keeps it in the list and does not run it."""
    text = RULES["export"].text.replace("    quota: 5", "    quota: 1\n    enabled: false")
    (tmp_path / "mine.yml").write_text(text, encoding="utf-8")
    found = {rule.topic: rule for rule in load_rules((tmp_path,))}
    assert len(found) == len(RULES)
    assert (found["export"].shipped, found["export"].enabled, found["export"].quota) == (False, False, 1)
    assert not found["export"].runs(frozenset())
