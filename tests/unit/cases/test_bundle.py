"""A bundle opens for its recipient alone, says when a byte was touched, and is the same twice."""

import io
import zipfile

import pyrage
import pytest
from click.testing import CliRunner
from tests.unit.cases.test_exhibits import NOW, ledger  # noqa: F401 - a fixture
from tests.unit.cases.test_steps import MET, at

from quivive.cases.bundle import BundleError, build_bundle, check_bundle, open_bundle, seal_bundle
from quivive.cases.exhibits import ExhibitError, Stretch, exhibit_of, find_accesses
from quivive.cases.reader import ToldCase
from quivive.cli import cli
from quivive.model.clock import DAY_US
from quivive.model.errors import RefusedError
from quivive.projection.columns import access_id


@pytest.fixture
def archive(ledger):  # noqa: F811 - the fixture of that name
    stretch = Stretch(controller="aurore", from_at=NOW, to_at=NOW + DAY_US)
    wanted = {access_id("s1", f"a{n}", NOW + n) for n in (1, 2)}
    found = list(find_accesses(ledger, stretch, wanted))
    exhibits = [exhibit_of(ledger.proof(e.shard, e.index), ledger.verifier_key(e.shard).text) for e in found]

    def build():
        told = ToldCase(view=at(8), agent_code="ZB9TT")
        return build_bundle(told, MET, {"e" * 64: "Entendu le 3."}, exhibits, {"sheet-fr.txt": "Fiche"})

    assert build() == build()
    return build()


def repacked(archive, change):
    """The archive with its files changed by `change`, manifest as it was."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    change(files)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return made.getvalue()


def test_its_recipient_opens_it_and_every_exhibit_holds(archive):
    """And nobody else."""
    key, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    sealed = seal_bundle(archive, f" {key.to_public()}\n")
    assert check_bundle(open_bundle(sealed, f"# my key\n{key}\n")) == 2
    with pytest.raises(BundleError):
        open_bundle(sealed, str(other))
    with pytest.raises(BundleError):
        open_bundle(sealed, "no key at all")


@pytest.mark.parametrize("recipient", ["", "age1xx", "ssh-rsa AAAA", "a" * 70])
def test_a_key_that_is_none_is_refused(archive, recipient):
    """Before anything leaves."""
    with pytest.raises(RefusedError, match="case_recipient"):
        seal_bundle(archive, recipient)


@pytest.mark.parametrize("change", [
    lambda files: files.pop("sheet-fr.txt"),
    lambda files: files.update({"more.txt": b"x"}),
    lambda files: files.update({"facts.json": files["facts.json"].replace(b"aurore", b"boreal")}),
    lambda files: files.pop("manifest.json"),
])  # fmt: skip
def test_a_file_added_altered_or_missing_is_told(archive, change):
    """The manifest names each with its hash."""
    with pytest.raises(BundleError):
        check_bundle(repacked(archive, change))


def test_rubbish_is_no_bundle():
    """One clear error."""
    for data in (b"", b"PK", b"\x00" * 99):
        with pytest.raises(ExhibitError):
            check_bundle(data)


def test_the_receiver_checks_it_with_one_command(archive, tmp_path):
    """Offline, sealed or open; exit code 40 for a touched one."""
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "case.age").write_bytes(seal_bundle(archive, str(key.to_public())))
    (tmp_path / "key").write_text(str(key))
    (tmp_path / "touched.zip").write_bytes(repacked(archive, lambda files: files.pop("sheet-fr.txt")))
    run = CliRunner().invoke
    whole = run(cli, ["case-check", str(tmp_path / "case.age"), "--identity", str(tmp_path / "key")])
    assert whole.exit_code == 0
    assert whole.output.startswith("exhibits whose proof holds: 2\nwho signed them was not checked")
    assert run(cli, ["case-check", str(tmp_path / "touched.zip")]).exit_code == 40


def test_an_exhibit_signed_with_another_key_is_told(ledger, archive, tmp_path):  # noqa: F811
    """Whoever kept the public key from elsewhere sees a forgery, however whole it is."""
    (tmp_path / "case.zip").write_bytes(archive)
    (tmp_path / "right.vkey").write_text(ledger.verifier_key("aurore/202611").text + "\n")
    (tmp_path / "wrong.vkey").write_text("quivive.example/other+00000000+AAAA\n")
    run = CliRunner().invoke
    right = run(cli, ["case-check", str(tmp_path / "case.zip"), "--key", str(tmp_path / "right.vkey")])
    assert (right.exit_code, right.output) == (0, "exhibits whose proof holds: 2\n")
    assert run(cli, ["case-check", str(tmp_path / "case.zip"), "--key", str(tmp_path / "wrong.vkey")]).exit_code == 40
