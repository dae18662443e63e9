"""Claims of the languages: complete in French and English, written as a reader writes, without forbidden words."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from quivive.model.alert import AlertState
from quivive.model.approval import ApprovalRefusal
from quivive.web import audio_sentences, problems, sentences
from quivive.web.i18n import LANGUAGES, LOCALE_FOLDER, MissingSentenceError, load_texts
from quivive.web.pages import NAVIGATION
from quivive.web.reading import Period
from quivive.web.routes.home import FIGURES

WEB = LOCALE_FOLDER.parent
TEXTS = load_texts("Europe/Paris")
AT = 1_795_356_303_000_000  # 2026-11-22T14:05:03Z
FORBIDDEN = (
    "surveill", "espionn", "suspect", "suspicious", "fraud", "score", "productiv", "inactivit", "idle",
    "classement des agents", "ranking", "conforme", "compliant", "opérateur ", "incident",
)  # fmt: skip
FORBIDDEN_METRICS = ("idle_time", "keystroke", "handling_time", "break_time", "risk_score", "agent_score", "ranking")


def catalogue(language):
    """Sentences of a language as written."""
    with (LOCALE_FOLDER / language / "LC_MESSAGES" / "console.po").open("rb") as file:
        return {
            (message.id if isinstance(message.id, str) else message.id[0]): message
            for message in read_po(file, locale=language)
            if message.id
        }


def asked_by_templates():
    """Sentence ids that templates ask for; `"prefix." ~ code` gives the prefix."""
    found, prefixes = set(), set()
    for template in (WEB / "templates").glob("*.html"):
        text = template.read_text()
        for code, joined in re.findall(r"""\bn?_\(["']([a-z0-9_.A-Z]+)["']\s*(~)?""", text):
            (prefixes if joined else found).add(code)
    return found, prefixes


def asked_by_code():
    """Sentence ids that stand whole in `say("…")` and `count("…")` calls."""
    found = set()
    for file in WEB.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"say", "count"}
            ):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str) and "." in first.value:
                    found.add(first.value)
    return found


def joined_codes():
    """Ids made by joining a prefix and a member of a closed set."""
    yield from sentences.all_codes()
    yield from (f"home.figure.{code}" for code, _ in FIGURES)
    yield from (f"period.{period}" for period in Period)
    yield from (f"alerts.tab.{state}" for state in (*AlertState, "all"))
    yield from (f"language.{language}" for language in LANGUAGES)
    yield from (f"share.{code}" for code in ("strong", "medium", "weak", "pending", "unknown", "unexplained"))
    yield from (f"field.{field}" for field in ("controller", "action", "verdict"))
    yield from (label for _, label, _ in NAVIGATION)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_has_a_text(language):
    """Whatever templates, code and codes can ask for has a non-empty text in this language."""
    found, prefixes = asked_by_templates()
    known = catalogue(language)
    for code in sorted(found | asked_by_code() | set(joined_codes())):
        assert code in known, (language, code)
        strings = known[code].string
        assert all(strings if isinstance(strings, tuple) else (strings,)), (language, code)
    assert prefixes <= {"home.figure.", "period.", "language.", "field.", "alerts.tab."}


REFUSERS = ("web", "privacy", "vault.py", "core/compose.py", "core/recording_round.py", "cases", "recordings/desk.py", "recordings/analysis.py",
    "vault_recordings.py", "vault_sessions.py", "vault_accounts.py", "identity", "core/identity_room.py",
)  # fmt: skip


def raised():
    """Codes of the refusals that what stands behind a page can raise."""
    for name in REFUSERS:
        place = WEB.parent / name
        for file in place.rglob("*.py") if place.is_dir() else [place]:
            yield from re.findall(r'RefusedError\(\s*"(\w+)"', file.read_text())


def test_every_refusal_is_told_in_words_and_no_other():
    """A person who mistypes a record reads what to do, not a code; no sentence waits for a code that nobody raises."""
    only_machines = {"source_refused", "day", "day_not_over", "not_ready", "token_role", "inspector_by_inspection"}
    only_machines |= {"account_exists", "account_name", "account_password", "account_role", "account_unknown"}
    answered = {*problems._STATUS_CODE.values(), *problems._OWN_DETAILS, "field_invalid", "not_durable", "defect"}
    answered |= set(ApprovalRefusal) | set(audio_sentences.PROBLEMS)
    assert set(raised()) - only_machines <= set(sentences.PROBLEMS)
    assert set(sentences.PROBLEMS) <= set(raised()) | answered


def test_no_sentence_is_left_over():
    """Both languages hold the same sentences, and no sentence that nothing asks for."""
    found, _ = asked_by_templates()
    extra = {"identity.email", "identity.customer_number", "identity.order_number", "identity.contract_number"}
    asked = found | asked_by_code() | set(joined_codes()) | extra
    assert set(catalogue("fr")) == set(catalogue("en"))
    assert set(catalogue("fr")) - asked == set()


def test_both_languages_take_the_same_values():
    """A named value in one language stands in the other."""
    french, english = catalogue("fr"), catalogue("en")
    for code, message in french.items():
        names = [set(re.findall(r"%\((\w+)\)s", str(each.string))) for each in (message, english[code])]
        assert names[0] == names[1], code


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_forbidden_word_is_said(language):
    """Words that judge a person, or promise compliance, are in no sentence (law reference §6)."""
    for code, message in catalogue(language).items():
        text = str(message.string).lower()
        assert not [word for word in FORBIDDEN if word in text], code


def test_no_forbidden_word_or_metric_stands_in_pages_or_code():
    """Templates and code neither say nor compute what the law forbids (law reference §4)."""
    for file in [*(WEB / "templates").glob("*.html"), *WEB.rglob("*.py"), *(WEB / "static").glob("console.*")]:
        text = file.read_text().lower()
        assert not [word for word in FORBIDDEN_METRICS if word in text], file.name
        if file.suffix == ".html":
            assert not [word for word in FORBIDDEN if word in text], file.name


def test_templates_hold_no_sentence_of_their_own():
    """All text of a template comes from the catalogue: only names and symbols stand in it."""
    for template in (WEB / "templates").glob("*.html"):
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", template.read_text(), flags=re.DOTALL)
        text = re.sub(r"<pre>.*?</pre>|<[^>]*>|&amp;", " ", text, flags=re.DOTALL)
        words = set(re.findall(r"[A-Za-zÀ-ÿ]{2,}", text)) - {"Quivive"}
        assert not words, (template.name, words)


def test_french_writes_its_signs_as_french_does():
    """No-break spaces before double signs, apostrophes that are apostrophes."""
    for code, message in catalogue("fr").items():
        text = str(message.string)
        assert not re.search(r" [:;?!»]|« ", text.replace("' : '", "")) or code == "filter.equal", (code, text)
        assert not re.search(r"\w'\w", text), code


def test_dates_and_numbers_are_the_readers():
    """`dd/mm/yyyy HH:MM:SS` in the site's zone, U+202F in French numbers, UTC for the hover."""
    french, english = TEXTS["fr"], TEXTS["en"]
    assert french.moment(AT) == english.moment(AT) == "22/11/2026 15:05:03"
    assert french.day(AT) == "22/11/2026"
    assert french.clock(AT) == "15:05:03"
    assert french.utc(AT) == "2026-11-22 14:05:03 UTC"
    assert french.number(1_234_567.8) == "1\u202f234\u202f567,8"
    assert english.number(1_234_567) == "1,234,567"
    assert french.percent(0.125).replace("\u202f", "\u00a0") == "12,5\u00a0%"
    assert english.percent(0.125) == "12.5%"


def test_plurals_agree():
    """Zero is singular in French and plural in English."""
    assert TEXTS["fr"].count("unexplained.groups", 0).startswith("0 groupe ")
    assert TEXTS["en"].count("unexplained.groups", 0).startswith("0 groups ")
    assert TEXTS["fr"].count("unexplained.groups", 2).startswith("2 groupes ")


def test_durations_take_their_largest_unit():
    """Seconds, minutes, hours, days."""
    said = [TEXTS["en"].duration(seconds) for seconds in (5, 65, 3_700, 90_000, -65)]
    assert said == ["5 s", "1 min", "1 h", "1 d", "1 min"]


def test_a_missing_sentence_is_an_error():
    """Nothing falls back to a code on the screen."""
    with pytest.raises(MissingSentenceError):
        TEXTS["fr"].say("nothing.such")
    with pytest.raises(MissingSentenceError):
        TEXTS["fr"].count("nothing.such", 2)


def test_compiled_catalogues_are_not_needed():
    """Only .po files are kept; nothing has to be built before the start."""
    assert not list(Path(LOCALE_FOLDER).rglob("*.mo"))
