"""Claims on lines of web servers: each format read, names never mistaken for the line, no text in an error."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.connectors.weblog.lines import Hit, LineError, LineReader
from quivive.model.errors import ConfigurationError

PARIS = ZoneInfo("Europe/Paris")
AT = 1_795_399_902_000_000  # 2026-11-23T03:11:42+01:00
TAIL = '"GET /customers/5 HTTP/1.1" 200 512 "-" "Browser"'
LINE = f"10.0.0.9 - anna [23/Nov/2026:03:11:42 +0100] {TAIL}"


def reader(form="combined", **more) -> LineReader:
    return LineReader(form, zone=PARIS, **more)


def test_combined():
    """nginx's and Apache's common ground."""
    expected = Hit(at=AT, user="anna", address="10.0.0.9", method="GET", target="/customers/5", status=200)
    assert reader().read(LINE) == expected


def test_nobody_signed_in():
    """A dash is nobody."""
    assert reader().read(LINE.replace("anna", "-")).user == ""


def test_http2_and_no_protocol():
    """HTTP/2.0 and an HTTP/0.9 request line are requests."""
    assert reader().read(LINE.replace("HTTP/1.1", "HTTP/2.0")).target == "/customers/5"
    assert reader().read(LINE.replace(" HTTP/1.1", "")).target == "/customers/5"


def test_escapes_of_names():
    r"""`\xC3\xA9` is é; a quote in a request ends nothing."""
    assert reader().read(LINE.replace("anna", r"\xC3\xA9va")).user == "éva"
    assert reader().read(LINE.replace("/customers/5", r"/c?q=\x22a\x22")).target == '/c?q="a"'
    assert reader().read(LINE.replace("/customers/5", r"/c?q=\"a\"")).target == '/c?q="a"'


def test_latin_letters_of_an_old_server():
    """Bytes that are no UTF-8 are read one by one."""
    assert reader().read(LINE.replace("anna", r"\xE9va")).user == "éva"


def test_a_name_with_spaces_stays_a_name():
    """A login that imitates the rest of a line is only a strange login."""
    found = reader().read(LINE.replace("anna", "anna [01/Jan/2026:00:00:00 +0000]"))
    assert (found.user, found.at) == ("anna [01/Jan/2026:00:00:00 +0000]", AT)


@given(st.text(st.characters(exclude_characters='"\n\r\\', max_codepoint=0x2FF), max_size=60))
def test_no_name_changes_the_rest(name):
    """Whatever a login holds that a server would log unescaped: the request, its status and time stay true, or nothing is read."""
    try:
        found = reader().read(LINE.replace("anna", name))
    except LineError:
        return
    assert (found.target, found.status, found.at) == ("/customers/5", 200, AT)


@pytest.mark.parametrize(
    "line",
    ["", "rubbish", "\0\0\0", LINE[:40], LINE + " more", LINE.replace("23/Nov", "32/Nov"), LINE.replace("Nov", "nov"),
     LINE.replace(" 200 ", " 999 "), LINE.replace('"GET ', '"get ')],
)  # fmt: skip
def test_rubbish_is_refused_without_its_text(line):
    """A malformed line names what was expected and never itself."""
    with pytest.raises(LineError) as caught:
        reader().read(line)
    assert "anna" not in str(caught.value)
    assert "customers" not in str(caught.value)


@given(st.text(max_size=200))
def test_reading_raises_line_errors_only(line):
    """Any text is read or refused, in every format."""
    for form in ("combined", "common", "haproxy", "json"):
        try:
            reader(form).read(line)
        except LineError:
            continue


def test_apache_format_with_a_header_that_names_the_agent():
    """`%{X-Agent}i` is kept under the name nginx would give it."""
    form = '%h %l %u %t "%r" %>s %b "%{X-Agent}i" %D'
    found = reader(form, keep=frozenset({"http_x_agent"})).read(
        '10.0.0.9 - - [23/Nov/2026:03:11:42 +0100] "GET /c HTTP/1.1" 200 5 "c.martin" 123'
    )
    assert found.fields == {"http_x_agent": "c.martin"}


def test_nginx_format_with_number_and_milliseconds():
    """`$request_id` identifies a line, `$msec` times it."""
    form = '$request_id $msec $remote_addr "$request_method" "$request_uri" $status'
    found = reader(form).read('8f1c 1795399902.125 10.0.0.9 "GET" "/customers/5?x=1" 200')
    assert (found.request_id, found.at, found.target) == ("8f1c", AT + 125_000, "/customers/5?x=1")


def test_haproxy_with_captured_header():
    """The first captured header names the agent; the time is the site's."""
    line = (
        "Nov 23 03:11:42 lb haproxy[12]: 10.0.0.9:5000 [23/Nov/2026:03:11:42.000] fe be/web1 0/0/1/2/3 200 512 - - ---- "
        '1/1/0/0/0 0/0 {anna|other} "GET /customers/5 HTTP/1.1"'
    )
    found = reader("haproxy", captured=("remote_user",)).read(line)
    assert (found.user, found.at, found.address, found.target) == ("anna", AT, "10.0.0.9", "/customers/5")


def test_json_with_names_of_its_own():
    """Fields by path; a forwarded address beside the proxy's."""
    line = (
        '{"ts":"2026-11-23T03:11:42+01:00","user":{"login":"anna"},"req":"GET /c HTTP/1.1","status":200,'
        '"remote_addr":"::ffff:10.0.0.9"}'
    )
    names = {"time_iso8601": "ts", "remote_user": "user.login", "request": "req"}
    found = reader("json", names=names).read(line)
    assert (found.at, found.user, found.address) == (AT, "anna", "10.0.0.9")


def test_host_names_are_no_addresses():
    """With HostnameLookups the address is not known."""
    assert reader().read(LINE.replace("10.0.0.9", "pc-12.lille.example")).address == ""


@pytest.mark.parametrize("form", ["$remote_addr $status", '$time_local "$request"', '[$time_local] $status "$http_x"'])
def test_a_format_without_time_request_or_status_is_told(form):
    """Such a log cannot tell an access."""
    with pytest.raises(ConfigurationError):
        reader(form)


def test_summer_time_offsets():
    """The offset of the line decides, whatever the site's zone."""
    assert reader().read(LINE.replace("03:11:42 +0100", "02:11:42 +0000")).at == AT
