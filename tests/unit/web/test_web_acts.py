"""Claims on acts and secrecy: every look is written before its answer, and nothing personal gets out."""

import re

import fakes
import pytest
from fakes_detection import ALERT

from quivive.model.entry import ActKind
from quivive.model.permission import Role

TYPED = ("customer:2", "+33612345678", "06 12 34 56 78", "dupont@example.org")

LOOKS = [
    ("/activity", ActKind.VIEW_ACTIVITY_OPEN),
    ("/activity/rows", ActKind.VIEW_ACTIVITY_OPEN),
    ("/activity/episode?open=" + fakes.hex_id("episode-1"), ActKind.VIEW_ACCESS),
    ("/unexplained", ActKind.VIEW_UNEXPLAINED),
    ("/health", ActKind.VIEW_HEALTH),
    ("/", ActKind.VIEW_ALERTS),
    ("/alerts", ActKind.VIEW_ALERTS),
    (f"/alerts/{ALERT}", ActKind.VIEW_ALERT),
    ("/coverage", ActKind.VIEW_COVERAGE),
    ("/v1/activity", ActKind.EXPORT),
    ("/v1/unexplained", ActKind.EXPORT),
    ("/v1/health", ActKind.VIEW_HEALTH),
    ("/v1/gaps", ActKind.VIEW_HEALTH),
]


def search(client, text="customer:2", kind="record"):
    return client.submit("/subject", controller="aurore", kind=kind, text=text)


@pytest.mark.parametrize(("path", "kind"), LOOKS)
def test_every_look_is_one_act_with_its_count(signed_in, place, path, kind):
    """A look leaves its act, after the reads and before the answer."""
    assert signed_in(Role.DPO).get(path).status_code == 200
    assert [act.act for act in place.acts] == [kind]
    act = place.acts[0]
    assert (act.principal, act.role) == ("dpo-1", "dpo")
    assert act.purpose
    assert act.count > 0
    assert place.log[-1] == f"act {kind}"


@pytest.mark.parametrize("path", [path for path, _ in LOOKS])
def test_a_look_that_cannot_be_written_shows_nothing(signed_in, place, path):
    """When the act fails the answer is 503 and holds no row."""
    client = signed_in(Role.DPO)
    place.broken = True
    response = client.get(path)
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert not re.search("7K3QX|M2PWA|ZB9TT|4HHRD|A-9917|aurore-db", response.text)


def test_an_episode_names_its_open_view_and_nothing_else(signed_in, place):
    """The id of the view written with the act is one that this account has open; any other text is dropped."""
    client = signed_in(Role.DPO)
    client.get("/activity")
    view, opened = place.acts[-1].object, fakes.hex_id("episode-1")
    for asked, written in ((view, view), ("+33612345678", ""), ("Dupont", "")):
        client.get("/activity/episode", params={"open": opened, "view": asked})
        assert (place.acts[-1].act, place.acts[-1].object) == (ActKind.VIEW_ACCESS, written)


def test_search_and_view_of_a_person_are_two_acts(signed_in, place):
    """Posting a search and reading what it found are written apart, under the opaque id."""
    client = signed_in(Role.DPO)
    target = search(client).headers["location"]
    assert client.get(target).status_code == 200
    assert client.get(f"{target}/report").status_code == 200
    acts = [(act.act, act.object) for act in place.acts]
    opaque = target.rpartition("/")[2]
    assert acts == [(ActKind.SEARCH_SUBJECT, opaque), (ActKind.VIEW_SUBJECT, opaque), (ActKind.VIEW_SUBJECT, opaque)]
    assert place.acts[1].count == 12
    place.broken = True
    assert client.get(target).status_code == 503
    assert search(client).status_code == 503


def test_a_refused_search_is_an_act_too(signed_in, place):
    """A text that names nothing is said so, kept nowhere, and written without the text."""
    response = search(signed_in(Role.DPO), text="nothing")
    assert response.status_code == 422
    assert "table:clé" in response.text
    (act,) = place.acts
    assert (act.act, act.object, act.count) == (ActKind.SEARCH_SUBJECT, "refused:subject_unreadable", 0)


@pytest.mark.parametrize("typed", TYPED)
def test_what_is_typed_goes_nowhere(signed_in, place, capfd, tmp_path, typed):
    """No address, page, act, log or file holds what was typed to find a person."""
    client = signed_in(Role.DPO)
    answer = search(client, typed, "record" if ":" in typed else "phone")
    addresses = [answer.headers["location"]]
    pages = [client.get(addresses[0]).text, client.get(f"{addresses[0]}/report").text]
    for page in pages:
        addresses += re.findall(r'(?:href|action|src|hx-get)="([^"]*)"', page)
    place.vault.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    logged = capfd.readouterr()
    for where in (*addresses, *pages, logged.out, logged.err, *(str(act) for act in place.acts)):
        assert typed not in where
    assert typed.encode() not in kept


def test_addresses_hold_only_opaque_ids_and_closed_sets(signed_in):
    """Every address on every page is a path of ours with filters from closed sets and opaque ids."""
    client = signed_in(Role.DPO)
    target = search(client).headers["location"]
    allowed = re.compile(
        r"/(static/[\w./-]+|language|sign-out|account|roles|inspections|activity|activity/rows|activity/episode|activity/close|subject|unexplained"
        r"|keys|(activity|unexplained|alerts)\.(csv|jsonl|parquet)|alerts|alerts/attest|alerts/[0-9a-f]{32}(/review|/mute)?|rules/[a-z0-9-]+|evidence|evidence/(dossier|pack)|cases|cases/[0-9a-f]{32}(/steps|/name|/hand-over|/records)?|coverage|exposure|exposure/[\w-]{22}(/note)?"
        r"|recordings/(campaigns|campaigns/(new|close|decide|end)|analysis|playback|purge|purge/(decide|plan))|health|story/\w+|subject/[\w-]{22}(/report(-pdf)?)?)?(\?[\w=&;%.-]*)?(#\w+)?$|#\w+$|mailto:dpo@relais-horizon\.example$"
    )
    found = client.submit("/exposure", controller="aurore", records="customer:2").headers["location"]
    own = ("/", "/activity", "/subject", "/unexplained", "/health", "/alerts", "/coverage", "/exposure")
    for path in (*own, f"/alerts/{ALERT}", "/rules/wildcard-search", found, target, f"{target}/report"):
        for address in re.findall(r'(?:href|action|src|hx-get)="([^"]*)"', client.get(path).text):
            assert allowed.match(address), address


def test_a_search_belongs_to_its_author(signed_in):
    """Another account that gets the address reads nothing: 404."""
    target = search(signed_in(Role.DPO)).headers["location"]
    assert signed_in(Role.SECURITY).get(target).status_code == 404


def test_a_search_is_forgotten(signed_in, place):
    """After its expiry the address is empty."""
    client = signed_in(Role.DPO)
    target = search(client).headers["location"]
    for _ in range(4):
        place.now += 45 * 60_000_000
        assert client.get("/account").status_code == 200  # an hour without a request would end the session itself
    assert client.get(target).status_code == 404


def test_the_story_is_an_act(signed_in, place):
    """Proving and tampering are written with their outcome."""
    client = signed_in(Role.SECURITY)
    assert "intact" in client.submit("/story/prove").text
    assert "segments/aurore/trace/20261122" in client.submit("/story/tamper").text
    assert [(act.act, act.object) for act in place.acts] == [
        (ActKind.VERIFY_LEDGER, "whole:0"),
        (ActKind.VERIFY_LEDGER, "changed:20"),
    ]


@pytest.mark.parametrize("path", ["/story/prove", "/story/tamper"])
def test_no_story_copies_a_folder_that_is_not_invented(signed_in, place, path):
    """Outside a demonstration the first page tells no story and nothing copies keys and evidence."""
    client = signed_in(Role.SECURITY, demonstration=False)
    assert "/story/" not in client.get("/").text
    assert client.submit(path).status_code == 404
    assert ActKind.VERIFY_LEDGER not in {act.act for act in place.acts}
