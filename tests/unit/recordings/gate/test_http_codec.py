"""Requests come in any cut; what is ambiguous is refused."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.recordings.gate.http_codec import MAX_HEAD_BYTES, RequestError, RequestReader

BODY = b"agent=4105&call=1763.4"
POST = (
    b"POST /may_record HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)
GET = b"GET /may_record?call=9 HTTP/1.1\r\nQuivive-Agent: 4105\r\nConnection: close\r\n\r\n"


@given(st.lists(st.integers(0, len(POST + GET + POST)), max_size=12))
def test_any_cut_gives_the_same_requests(cuts):
    """Three requests of one connection, byte by byte or at once."""
    data, reader, found = POST + GET + POST, RequestReader(), []
    edges = [0, *sorted(cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        found += reader.feed(data[start:end])
    assert [(r.method, r.path, r.query, r.body, r.keep_alive) for r in found] == [
        ("POST", "/may_record", "", BODY, True),
        ("GET", "/may_record", "call=9", b"", False),
        ("POST", "/may_record", "", BODY, True),
    ]


@given(st.binary(max_size=400))
def test_noise_is_refused_or_waited_for(noise):
    """Nothing else is raised, and nothing is invented."""
    try:
        found = RequestReader().feed(noise)
    except RequestError:
        return
    assert all(request.path.startswith("/") for request in found)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"PUT / HTTP/1.1\r\n\r\n", 405),
        (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/3\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nfolded\r\n : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * MAX_HEAD_BYTES, 431),
    ],
)
def test_what_is_ambiguous_or_too_large_is_refused(head, status):
    """Two lengths, codings, other methods, endless heads."""
    with pytest.raises(RequestError) as error:
        RequestReader().feed(head)
    assert error.value.status == status
