"""Claims of the sentences of alerts: every topic and every set of facts is told, in both languages, judging nobody."""

import itertools
import json
import re

import fakes_detection
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.model.alert import AlertOrigin, IncidentKind
from quivive.web.alert_rows import read_alert, read_cause
from quivive.web.alert_sentences import FACTS, REASONS, AlertSpeaker, written_day
from quivive.web.i18n import LANGUAGES, load_texts

TEXTS = load_texts("Europe/Paris")
TITLES = {"fr": "Recherche large", "en": "Wide search"}
JUDGING = re.compile(r"suspect|suspicious|fraud|coupable|guilt|chance sur|chance in|score|surveil", re.IGNORECASE)


def told(row, language="fr", title=""):
    """The whole sentence of a row, with plain spaces."""
    text = AlertSpeaker(texts=TEXTS[language]).sentence(read_alert(row), title)
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def well_formed(text, language):
    """No code, no hole, French signs; a sentence that ends."""
    assert not re.search(r"%\(|None|\balert\.|\bfact\.|\btopic\.|  ", text), text
    assert not JUDGING.search(text), text
    assert text.endswith("."), text
    if language == "fr":
        assert not re.search(r" [:;?!»]|« ", text), text


def test_a_day_without_reasons_is_told_as_the_reference_tells_it():
    """Agent, day, count, contacts, colleagues, how often without any misconduct, and the sources."""
    assert told(fakes_detection.alert(3)) == (
        "Téléconseiller ZB9TT, 21/11/2026 : 11 fiches ouvertes sans appel, ticket ni campagne qui relie ce "
        "téléconseiller à ces personnes et 3 fiches de plus que la première pendant des appels à l’appelant non "
        "identifié, pour 64 contacts traités dans le même temps. 17 collègues comparés, à autant de contacts : "
        "d’ordinaire environ 1,2. Une telle journée arrive environ une fois tous les 25 mois dans un centre de cette "
        "taille, sans aucune faute. Sources complètes à ce moment : aurore-crm, aurore-cti."
    )
    assert told(fakes_detection.alert(3), "en") == (
        "Agent ZB9TT, 21/11/2026: 11 records opened with no call, ticket or campaign linking this agent to these "
        "persons and 3 records beyond the first during calls with no identified caller, for 64 contacts handled in "
        "the same time. 17 colleagues compared, for as many contacts: usually about 1.2. Such a day happens about "
        "once every 25 months in a centre this size, without any misconduct. Sources complete at that time: "
        "aurore-crm, aurore-cti."
    )


def test_a_rule_is_told_by_its_title_and_its_facts():
    """The title in the reader's language, counts, window, threshold; the topic's code when the rule is gone."""
    row = fakes_detection.ALERTS[1]
    assert (
        "règle « Recherche large » : 312 fiches distinctes, 1 204 lignes montrées, en 10 min, 1 caractère fixe"
        in told(row, "fr", TITLES["fr"])
    )
    assert "rule “Wide search”: 312 distinct records, 1,204 rows shown, within 10 min, 1 fixed" in told(
        row, "en", TITLES["en"]
    )
    assert "wildcard-search" in told(row)


@pytest.mark.parametrize(
    ("milli", "said"),
    [
        (0, "moins d’une fois en dix ans"),
        (8, "moins d’une fois en dix ans"),
        (9, "une fois tous les 111 mois"),
        (999, "environ une fois par mois"),
        (1_000, "environ 1 fois par mois"),
        (12_400, "environ 12 fois par mois"),
    ],
)
def test_rarity_is_told_as_how_often_it_happens_by_itself(milli, said):
    """Times a month, once in so many months, or rarer than our statistics reach; never odds."""
    row = fakes_detection.alert(1, facts=fakes_detection.facts(unexplained=3, times_a_month_milli=milli))
    assert said in told(row)


def test_a_source_that_was_late_is_said_and_named():
    """An alert opened before a source was complete says so."""
    late = json.dumps([{"source": "aurore-crm", "complete_to": 1}])
    assert "Sources encore incomplètes à ce moment : aurore-crm." in told(fakes_detection.alert(1, freshness=late))


def test_an_alert_about_nobody_names_nobody():
    """An operational hit has a day and no agent."""
    assert told(fakes_detection.alert(1, agent_code=None)).startswith("21/11/2026 : 11 fiches")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_origin_and_every_choice_of_facts_is_told(language):
    """All subsets of the facts, for every origin: 5 × 2^15 is walked by its pairs, its complements and both ends."""
    speaker = AlertSpeaker(texts=TEXTS[language])
    chosen = {()}
    for size in (1, 2):
        for some in itertools.combinations(FACTS, size):
            chosen |= {some, tuple(name for name in FACTS if name not in some)}
    chosen.add(FACTS)
    for origin, names, value in itertools.product(AlertOrigin, sorted(chosen), (0, 1, 2_300)):
        facts = fakes_detection.facts(**dict.fromkeys(names, value))
        row = fakes_detection.alert(1, origin=origin, topic=str(origin), facts=facts)
        for title in ("", TITLES[language]):
            text = speaker.sentence(read_alert(row), title)
            well_formed(text, language)
            assert speaker.short(read_alert(row), title)[0] == speaker.short(read_alert(row), title)[0].upper()


@given(
    origin=st.sampled_from(list(AlertOrigin)),
    facts=st.dictionaries(st.sampled_from(FACTS), st.integers(min_value=0, max_value=10**9)),
    agent=st.sampled_from([None, "7K3QX"]),
    reach=st.integers(min_value=0, max_value=2 * 10**15),
    language=st.sampled_from(LANGUAGES),
)
def test_any_figures_are_told(origin, facts, agent, reach, language):
    """Whatever integers an entry holds."""
    freshness = json.dumps([{"source": "aurore-crm", "complete_to": reach}])
    row = fakes_detection.alert(
        1, origin=origin, topic=str(origin), agent_code=agent, freshness=freshness, facts=fakes_detection.facts(**facts)
    )
    well_formed(AlertSpeaker(texts=TEXTS[language]).sentence(read_alert(row), ""), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fact_has_a_label_and_a_figure_and_an_unknown_one_is_not_hidden(language):
    """The table beside the sentence shows each fact; a newer name stands as its code."""
    speaker = AlertSpeaker(texts=TEXTS[language])
    assert all(speaker.fact(name, 1)[0] != name for name in FACTS)
    assert speaker.fact("expected_milli", 1_240)[1] in {"1,24", "1.24"}
    assert speaker.fact("window_s", 600)[1] == "10 min"
    assert speaker.fact("newer_than_we_are", 7) == ("newer_than_we_are", "7")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cause_says_that_nobody_is_charged(language):
    """Common causes, lasting and past, known or newer than we are; every reason of the digest."""
    speaker = AlertSpeaker(texts=TEXTS[language])
    for kind, to_at in itertools.product((*IncidentKind, "newer"), (0, fakes_detection.NOW)):
        cause = {"incident_kind": kind, "source": "aurore-cti", "from_at": fakes_detection.NOW - 1, "to_at": to_at}
        text = speaker.cause(read_cause(cause))
        well_formed(text, language)
        assert re.search("personne|nobody|la règle|the rule", text)
        assert "22/11/2026" in text
    assert len({speaker.left_out(reason) for reason in (*REASONS, "newer")}) == len(REASONS) + 1


def test_days_are_written_as_a_reader_writes_them():
    """dd/mm/yyyy, from the controller's own day."""
    assert written_day("20260312") == "12/03/2026"
    assert written_day("") == ""
