"""The paper procedure, as it stands in both pages, executed with the real openssl and sha256sum."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from quivive.ledger.bundle import write_bundle, write_proofs

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ("paper-procedure.md", "procedure-papier.md")


def script(page):
    return re.search(r"```bash\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)[1]


@pytest.fixture
def proofs(home, tmp_path):
    """Proofs of a log of 300, and its key."""
    ledger = home.open()
    ledger.append(home.events(1, 300), home.now)
    ledger.publish(home.now)
    ledger.close()
    write_bundle(home.path, "aurore", tmp_path / "bundle")
    found = dict(write_proofs(tmp_path / "bundle", "202611", [0, 1, 127, 255, 256, 299]))
    return tmp_path / "bundle/logs/202611/vkey", found


def run(tmp_path, text, vkey):
    (tmp_path / "check.sh").write_text(script(PAGES[0]), encoding="utf-8")
    (tmp_path / "p.tlog-proof").write_text(text, encoding="utf-8")
    return subprocess.run(
        ["bash", "check.sh", "p.tlog-proof", str(vkey)], cwd=tmp_path, capture_output=True, text=True, check=False
    )


def test_both_pages_hold_the_same_procedure():
    """Character by character."""
    assert script(PAGES[0]) == script(PAGES[1])


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_procedure_accepts_what_is_in_the_log(tmp_path, proofs):
    """First, last and edge indices: the signature verifies and the event is shown."""
    vkey, found = proofs
    for index, text in found.items():
        done = run(tmp_path, text, vkey)
        assert done.returncode == 0, done.stderr
        assert f'"n":{index + 1}' in done.stdout
        assert f"in the log: index {index} of 300" in done.stdout
        assert "Signature Verified Successfully" in done.stdout


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_procedure_refuses_everything_else(tmp_path, proofs):
    """Another index, another head, another event, another key."""
    vkey, found = proofs
    text = found[127]
    lines = text.split("\n")
    extra = lines[1][:60] + ("A" if lines[1][60] != "A" else "B") + lines[1][61:]
    for altered in (
        text.replace("index 127", "index 126"),
        text.replace("\n300\n", "\n301\n"),
        "\n".join([lines[0], extra, *lines[2:]]),
    ):
        assert run(tmp_path, altered, vkey).returncode != 0
    other = tmp_path / "other"
    other.write_text((tmp_path / "bundle/spine/vkey").read_text())
    assert run(tmp_path, text, other).returncode != 0
