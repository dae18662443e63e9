"""Twenty pieces, each produced, empty or not covered; the same facts the same bytes; nothing cut in silence."""

import asyncio
import csv
import io
import json
import zipfile
from hashlib import sha256

import pytest
from asn1crypto.x509 import Certificate
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from quivive.privacy.keyring import Keyring
from quivive.reports.archive import MANIFEST, pack
from quivive.reports.compile import compile_pdf
from quivive.reports.document import MAX_TABLE_ROWS, CellKind, Column, Document, PieceState, Table, piece
from quivive.reports.dossier import MAX_ROWS, QUERIES, Found, compile_dossier, read_all
from quivive.reports.evidence import PIECES, compile_evidence
from quivive.reports.facts import ControllerFact, HeadFact, Installation, Period
from quivive.reports.render import csv_files, page_data
from quivive.reports.signing import ReportSigner
from quivive.reports.subject import compile_subject
from quivive.web.i18n import load_texts

NOW = 1_795_000_000_000_000
PERIOD = Period(from_at=NOW - 90 * 86_400_000_000, to_at=NOW, as_of=NOW)
TEXTS = load_texts("Europe/Paris")
AURORE = ControllerFact(id="aurore", name="Aurore Énergie", retention_days={"trace": 365, "alert": 90})
INSTALLATION = Installation(
    operator="Relais Horizon", contact="dpo@relais-horizon.example", version="0", controllers=(AURORE,), sources=(),
    heads=(HeadFact(controller="aurore", shard="aurore/202611", entries=5, published=4, root="AAAA", signed_at=NOW),),
)  # fmt: skip
ACCOUNT = {
    "controller": "aurore", "agent_code": "ZB9TT", "valid_from": 0, "valid_to": NOW, "last_at": 0, "accesses": 0,
    "left_at": NOW - 9,
}  # fmt: skip


def found(**rows):
    return Found(by_query={**dict.fromkeys(QUERIES, ()), **rows})


def test_the_twenty_pieces_are_there_whatever_was_found():
    """Numbered as the law's list; what cannot be told is said."""
    pieces = compile_dossier(found(), INSTALLATION, PERIOD).pieces
    assert [each.number for each in pieces] == list(range(1, 21))
    states = {each.code: each.state for each in pieces}
    assert states["piece.prospection"] is PieceState.NOT_COVERED
    assert states["piece.council"] is PieceState.EMPTY
    assert states["piece.integrity"] is PieceState.PRODUCED


def test_the_same_facts_give_the_same_bytes():
    """In each language, before the signature."""
    document = compile_dossier(found(entitlements=(ACCOUNT,)), INSTALLATION, PERIOD)
    for texts in TEXTS.values():
        first = compile_pdf(document, texts, INSTALLATION.operator)
        assert first == compile_pdf(document, texts, INSTALLATION.operator)
        assert first.startswith(b"%PDF-1.7")


def test_an_account_of_somebody_who_left_is_told():
    """Still open after leaving, and never used."""
    document = compile_dossier(found(entitlements=(ACCOUNT,)), INSTALLATION, PERIOD)
    (accounts,) = document.pieces[6].tables
    names = [column.code for column in accounts.columns]
    assert dict(zip(names, accounts.rows[0], strict=True))["leaver_open"] == 1
    assert dict(zip(names, accounts.rows[0], strict=True))["unused"] == 1


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_long_table_is_cut_on_paper_only_and_says_so(language):
    """Every row stands in the attached file."""
    rows = tuple((f"p{n}", n) for n in range(MAX_TABLE_ROWS + 3))
    columns = (Column(code="principal"), Column(code="times", kind=CellKind.COUNT))
    table = Table(name="looks", columns=columns, rows=rows)
    document = Document(code="dossier", as_of=NOW, meta=(), intro=(), pieces=(piece(1, "piece.looks", table),))
    shown = page_data(document, TEXTS[language], {}, "x")["pieces"][0]["tables"][0]
    assert len(shown["rows"]) == MAX_TABLE_ROWS
    assert "3" in shown["more"]
    assert "looks.csv" in shown["more"]
    lines = csv_files(document)["looks.csv"].decode("utf-8-sig").splitlines()
    assert len(lines) == MAX_TABLE_ROWS + 4


def test_a_query_that_had_more_is_named_on_the_first_page():
    """No silent limit."""

    async def read(name, *, limit):
        assert limit == MAX_ROWS
        return ({"controller": "aurore"},) * (MAX_ROWS if name == "gaps" else 0)

    everything = asyncio.run(read_all(read))
    intro = compile_dossier(everything, INSTALLATION, PERIOD).intro
    assert [dict(note.values)["query"] for note in intro if note.code == "report.cut"] == ["gaps"]


@pytest.mark.parametrize("value", ["=1+1", "+33", "-2", "@SUM(A1)", "\tx"])
def test_no_cell_is_run_by_a_spreadsheet(value):
    """A text that looks like a formula is written as text."""
    table = Table(name="looks", columns=(Column(code="principal"),), rows=((value,),))
    document = Document(code="dossier", as_of=NOW, meta=(), intro=(), pieces=(piece(1, "piece.looks", table),))
    (_, row) = csv.reader(io.StringIO(csv_files(document)["looks.csv"].decode("utf-8-sig")), delimiter=";")
    assert row == [f"'{value}"]


def test_a_company_s_pack_holds_its_own_pieces_numbered_on_their_own():
    """And nothing of the works council or of other companies' contracts."""
    document = compile_evidence(found(), INSTALLATION, PERIOD)
    assert [(each.number, each.code) for each in document.pieces] == list(enumerate(PIECES, start=1))
    assert dict(document.meta)["report.addressee"] == "Aurore Énergie"


def test_a_subject_s_report_names_no_agent():
    """Date, operation, data, reason; codes of agents have no column."""
    rows = [{"at": NOW, "action": "read", "tables": "customer", "reason": "E1", "agent_code": "ZB9TT"}]
    document = compile_subject(rows, (), (), INSTALLATION, PERIOD)
    text = json.dumps(page_data(document, TEXTS["fr"], {}, "x"), ensure_ascii=False)
    assert "ZB9TT" not in text
    assert "customer" in text
    assert all("agent" not in column.code for each in document.pieces for t in each.tables for column in t.columns)


def test_the_signature_holds_over_the_whole_report_and_breaks_with_a_byte(tmp_path):
    """Checked by pyHanko against the certificate in the archive; the key is made once."""
    keyring = Keyring.create(tmp_path, ["aurore"])
    signer = ReportSigner.open(keyring, "Relais Horizon", NOW)
    assert ReportSigner.open(keyring, "another name", NOW).certificate == signer.certificate
    plain = compile_pdf(compile_dossier(found(), INSTALLATION, PERIOD), TEXTS["fr"], "Relais Horizon")
    signed = signer.sign(plain, "test")
    assert signed.startswith(plain)

    def status(data):
        context = ValidationContext(trust_roots=[Certificate.load(signer.certificate)])
        return validate_pdf_signature(PdfFileReader(io.BytesIO(data)).embedded_signatures[0], context)

    whole = status(signed)
    assert whole.intact
    assert whole.valid
    assert whole.signing_cert.dump() == signer.certificate
    touched = bytearray(signed)
    touched[len(plain) // 2] ^= 1
    assert not status(bytes(touched)).intact


def test_the_manifest_names_every_file_with_its_hash():
    """And the same files give the same archive."""
    files = {"a.txt": b"x", "data/b.csv": b"y"}
    made = pack(files, {"report": "dossier"})
    assert made == pack(dict(reversed(files.items())), {"report": "dossier"})
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        manifest = json.loads(packed.read(MANIFEST))
        assert set(packed.namelist()) == {*files, MANIFEST}
    assert manifest["sha256"] == {name: sha256(data).hexdigest() for name, data in files.items()}
