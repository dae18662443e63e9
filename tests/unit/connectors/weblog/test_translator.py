"""Claims on web logs: what is told of a request, what is not, and that order and repetition change nothing."""

import random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.connectors.model import Record, Refusal
from quivive.connectors.weblog.settings import weblog_settings
from quivive.connectors.weblog.translator import WeblogTranslator

DOCUMENT = {
    "translator": "weblog",
    "log": {"format": "combined"},
    "urls": {
        "patterns": [
            {"path": "/customers/{id:int}", "records": ["public.customer:{id}"], "changed": ["customer.phone"]},
            {"path": "/customers", "table": "public.customer"},
            {"path": "/recordings/{id}.wav", "records": ["public.recording:{id}"]},
        ]
    },
}
PARIS = ZoneInfo("Europe/Paris")


def line(
    target="/customers/5",
    *,
    user="anna",
    method="GET",
    status=200,
    clock="03:11:42 +0100",
    address="10.0.0.9",
    size=512,
):
    return f'{address} - {user} [23/Nov/2026:{clock}] "{method} {target} HTTP/1.1" {status} {size} "-" "Browser"'


def translator():
    return WeblogTranslator(weblog_settings(DOCUMENT, "x.yml"), zone=PARIS)


def feed(*lines, by=None):
    by = by or translator()
    records = [Record(number=number, fields={"line": text}) for number, text in enumerate(lines, start=1)]
    return [*by.feed(records, 0), *by.close(0)]


def one(*lines):
    (found,) = feed(*lines)
    return found.value


def test_a_page_of_a_customer():
    """Who, which record, when, from where; what was asked for is `predicate`, never `exact`."""
    row = one(line())
    assert len(row.pop("id")) == 32
    assert row == {
        "at": "2026-11-23T02:11:42.000000Z",
        "action": "read",
        "outcome": "ok",
        "tables": ["public.customer"],
        "coverage": "predicate",
        "records": ["public.customer:5"],
        "agent": "anna",
        "address": "10.0.0.9",
    }


def test_a_listing_is_counted():
    """A list shows nobody knows whom."""
    row = one(line("/customers?page=2"))
    assert (row["action"], row["coverage"]) == ("list", "count_only")
    assert "records" not in row


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "ok"),
        (206, "ok"),
        (304, "ok"),
        (401, "denied"),
        (403, "denied"),
        (404, "error"),
        (499, "aborted"),
        (503, "error"),
    ],
)
def test_statuses(status, outcome):
    """Only what was answered shows a record; a page from the browser's own copy was shown."""
    row = one(line(status=status))
    assert row["outcome"] == outcome
    assert ("records" in row) == (outcome == "ok")
    assert row.get("rows") == (None if outcome == "ok" else 0)


def test_a_refused_sign_in_names_nobody():
    """With 401 anybody can type anybody's login."""
    assert "agent" not in one(line(status=401))
    assert one(line(status=403))["agent"] == "anna"


def test_redirections():
    """A read that leads elsewhere shows nothing; a form that was saved answers so."""
    by = translator()
    assert feed(line(status=302), by=by) == []
    assert by.skipped == {"a redirection": 1}
    row = one(line(method="POST", status=303))
    assert (row["action"], row["outcome"], row["changed"]) == ("update", "ok", ["customer.phone"])


def test_what_shows_nothing_is_counted_by_class():
    """Unknown URLs, methods without an answer: reasons and numbers, no URL."""
    by = translator()
    assert feed(line("/login?user=c.martin"), line("/zz/martin"), line("/zz/dupont"), line(method="HEAD"), by=by) == []
    assert by.skipped == {"GET /{text}": 1, "GET /{text}/{text}": 2, "a method that shows nothing": 1}


def test_malformed_lines_are_refused_with_their_number():
    """The good ones around them are kept."""
    found = feed(line(), "rubbish", "", line("/customers/6"))
    assert [type(each).__name__ for each in found] == ["CanonicalRow", "Refusal", "CanonicalRow"]
    assert isinstance(found[1], Refusal)
    assert (found[1].number, found[1].field) == (2, "(line)")
    assert found[2].number == 4


def test_ranges_of_one_player_are_one_listening():
    """A player asks for pieces; after a quarter of an hour of silence it began again."""
    piece = "/recordings/R-7.wav"
    by = translator()
    found = feed(
        line(piece, status=206), line(piece, status=206, clock="03:11:43 +0100", size=9),
        line(piece, status=206, clock="03:12:50 +0100"), line(piece, status=206, user="boris"),
        line(piece, status=206, clock="03:40:00 +0100"), by=by,
    )  # fmt: skip
    assert [row.value["agent"] for row in found] == ["anna", "boris", "anna"]
    assert by.skipped == {"a range request of the same player": 2}


def test_a_name_made_of_control_letters_is_nobodys():
    """A login that would break a list of logins is not kept."""
    assert "agent" not in one(line(user=r"an\x0Ana"))


def test_lines_in_two_encodings():
    """A line in Latin letters among UTF-8 ones is read as what it is."""
    utf8, latin = line(user="éva"), line(user="éva", target="/customers/6").encode("latin-1")
    found = feed(utf8, latin.decode("utf-8", "surrogateescape"))
    assert [row.value["agent"] for row in found] == ["éva", "éva"]


def test_complete_to_is_the_latest_line():
    """And nothing is claimed before the first."""
    by = translator()
    assert by.complete_to() == 0
    feed(line(clock="03:11:42 +0100"), line(clock="03:11:40 +0100"), by=by)
    assert by.complete_to() == 1_795_399_902_000_000


LINES = [
    line(f"/customers/{number}", user=user, clock=f"03:{minute:02}:07 +0100", status=status)
    for number, (user, minute, status) in enumerate(
        [("anna", 1, 200), ("boris", 2, 403), ("carla", 3, 200), ("anna", 3, 304), ("boris", 9, 500)], start=1
    )
] + ["rubbish", line("/zz")]


def rows(lines, cuts=()):
    by, found = translator(), []
    for start, end in zip((0, *cuts), (*cuts, len(lines)), strict=True):
        found += feed(*lines[start:end], by=by)
    return {row.value["id"]: row.value for row in found if not isinstance(row, Refusal)}


@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 14), max_size=4))
def test_order_repetition_and_cuts_change_nothing(chance: random.Random, cuts):
    """Shuffled, doubled, in any pieces: the same rows under the same ids."""
    lines = LINES * 2
    chance.shuffle(lines)
    assert rows(lines, tuple(sorted(cuts))) == rows(LINES)
