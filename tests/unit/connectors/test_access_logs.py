"""Claims on opening a log by a document: errors before the first line, encodings mended, addresses checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.connectors.model import Record
from quivive.connectors.readable import address_of, readable
from quivive.connectors.registry import Context, open_translator
from quivive.model.access import Grade
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.errors import ConfigurationError
from quivive.settings import SourceKind, SourceSettings

CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(Table(name="public.customer", kind=TableKind.PERSON, key=("id",)),),
    not_protected=(),
)
WEBLOG = (
    "translator: weblog\nlog: {format: combined}\nurls: {patterns: [{path: '/c/{id}', records: ['customer:{id}']}]}\n"
)
PGAUDIT = "translator: pgaudit\nlog: {format: csvlog}\n"


def opened(tmp_path, text, catalogue=CATALOGUE, **more):
    (tmp_path / "log.yml").write_text(text, encoding="utf-8")
    return open_translator("log.yml", Context(source="log", home=tmp_path, catalogue=catalogue, **more))


def test_documents_open(tmp_path):
    """Lines, grade B, ten minutes."""
    for text in (WEBLOG, PGAUDIT):
        feed = opened(tmp_path, text)
        assert (feed.format.type, feed.grade, feed.lateness_s, feed.kind) == ("lines", Grade.B, 600, "accesses")
    assert opened(tmp_path, WEBLOG + "grade: D\nlateness: 24 h\n").lateness_s == 86_400


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("translator: telnet\n", "translator"),
        ("translator: [weblog]\n", "translator"),
        (WEBLOG + "grade: E\n", "grade"),
        (WEBLOG + "lateness: soon\n", "lateness"),
        (WEBLOG + "logs: {}\n", "logs"),
        (WEBLOG.replace("customer:", "client:"), "urls.patterns.0"),
        (WEBLOG.replace("combined", '"$status"'), "log.format"),
        (WEBLOG.replace("format: combined", "format: combined, timezone: Mars/Base"), "log.timezone"),
        ("translator: weblog\nlog: {format: combined}\nurls: {patterns: []}\n", "urls.patterns"),
        (PGAUDIT.replace("csvlog", "eventlog"), "log.format"),
        (PGAUDIT.replace("csvlog", "stderr"), "log.prefix"),
        (PGAUDIT.replace("csvlog", "stderr, prefix: '%t '"), "log.prefix"),
        (PGAUDIT.replace("csvlog", "csvlog, comments: maybe"), "log.comments"),
    ],
)
def test_wrong_documents_are_named(tmp_path, text, key):
    """File and key, before the core starts."""
    with pytest.raises(ConfigurationError) as caught:
        opened(tmp_path, text)
    assert caught.value.key == key


def test_pgaudit_needs_a_catalogue(tmp_path):
    """Without one controller's tables nothing in a statement is a record."""
    with pytest.raises(ConfigurationError):
        opened(tmp_path, PGAUDIT, catalogue=None)
    with pytest.raises(ConfigurationError):
        open_translator("pgaudit-csvlog", Context(source="log"))


def test_the_source_says_who_may_name_an_agent(tmp_path):
    """Attribution settings are those of the source, as for a relay."""
    source = SourceSettings(kind=SourceKind.FILES, namespace="crm", account_is_agent=True, agent_variable="app.user")
    translator = opened(tmp_path, PGAUDIT, settings=source).translator
    assert translator._settings.attribution.account_is_agent
    assert translator._settings.attribution.agent_variable == "app.user"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=40))
def test_lines_are_read_in_the_encoding_they_are_in(text):
    """UTF-8 stays; Latin letters that are no UTF-8 become letters; nothing keeps a half character."""
    for raw in (text.encode(), text.encode("latin-1", "replace")):
        (record,) = readable([Record(number=1, fields={"line": raw.decode("utf-8", "surrogateescape")})])
        record.fields["line"].encode()
    (record,) = readable([Record(number=1, fields={"line": text})])
    assert record.fields["line"] == text


@pytest.mark.parametrize(
    ("text", "address"),
    [("192.0.2.7", "192.0.2.7"), ("192.0.2.7, 10.0.0.1", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"),
     ("[2001:db8::1]", "2001:db8::1"), ("-", ""), ("", ""), ("pc-12", ""), ("192.0.2.999", "")],
)  # fmt: skip
def test_addresses(text, address):
    """What is no address is none."""
    assert address_of(text) == address
