"""Writes docs/life-of-an-access.md: one access through every station, with its real bytes.

Run by hand after a change of the street (`.venv/bin/python tools/life_of_an_access.py`), and with `--check` by a unit
test: exit code 1 when the page is not what the code gives. The wire bytes are a golden transcript; everything else is
made by the product's own functions. Keys, salts, nonces and instants are fixed, so that the page is the same each
time. Must never show bytes that depend on the machine: what deflate makes (the sealed part of a frame) is left out.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Final
from unittest.mock import patch

import msgspec
from one_access import CALL, Life, fixed_random, live

from quivive.ledger.commitment import Committer
from quivive.ledger.frame import PREFIX_BYTES
from quivive.ledger.merkle import leaf_hash, verify_inclusion
from quivive.privacy.pseudonym import agent_key
from quivive.spool.record import HEADER, MAGIC
from quivive.web.i18n import load_texts
from quivive.web.routes.api import access_of
from quivive.web.rows import read_row
from quivive.web.sentences import Speaker
from quivive.wire.framing import HEADER_BYTES, unpack_length

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "life-of-an-access.md"
TEMPLATE: Final = Path(__file__).with_suffix(".md")

MESSAGES: Final = {"CQ": "Query", "CX": "Terminate", "ST": "RowDescription", "SD": "DataRow"} | {
    "SC": "CommandComplete",
    "SZ": "ReadyForQuery",
}


def block(text: str, language: str = "") -> str:
    return f"```{language}\n{text}\n```"


def pretty(value: object) -> str:
    return block(json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False), "json")


def dump(data: bytes, start: int = 0) -> str:
    """Hexadecimal and ASCII, 16 bytes a line."""
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        seen = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start + at:04x}  {part.hex(' '):<47}  {seen}")
    return "\n".join(lines)


def wire(life: Life) -> str:
    lines = []
    for way, data in life.reads:
        at = 0
        while at < len(data):
            end = at + 1 + unpack_length(data, at + 1)[0]
            name = MESSAGES[way + chr(data[at])]
            arrow = "client → server" if way == "C" else "server → client"
            lines.append(f"{arrow}   {name}, type {chr(data[at])}, {end - at - HEADER_BYTES} bytes behind the header")
            lines += [f"    {line}" for line in dump(data[at:end]).split("\n")]
            at = end
    return block("\n".join(lines))


def understood(life: Life) -> str:
    text = life.reads[2][1][HEADER_BYTES:-1]
    known = life.context.statements.known(text, whole=True)
    plan = known.shape.plan(0)
    (extraction,) = known.shape.extractions.values()
    predicate = plan.predicates[0]
    return block(
        f"shape        {known.shaped.text}\n"
        f"fingerprint  {known.shaped.fingerprint}\n"
        f"plan         {plan.kind}, action {plan.action}, tables {', '.join(plan.sources)}, "
        f"predicate {predicate.column} {predicate.comparison}\n"
        f"cut          wire columns {list(extraction.column_indexes)} of each row, nothing else\n"
        f"coverage     {extraction.coverage}\n"
        f"columns      {', '.join(extraction.columns)}"
    )


def keyed(life: Life) -> str:
    keys = life.keyer.keys
    lines = [f"agent   crm, camille.r     → {agent_key(keys, 'crm', 'camille.r')}"]
    lines += [f"record  public.customer, {n}  → {life.keyer.record(f'customer:{n}').key}" for n in (1, 2, 3)]
    lines += [f"near    public.customer, 1–3 → {life.keyer.record('customer:2').neighbourhood}   (key >> 6)"]
    return block("\n".join(lines))


def spool(life: Life) -> str:
    start = len(MAGIC)
    length, checksum = HEADER.unpack_from(life.spooled, start)
    end = start + HEADER.size + length
    return block(
        f"{life.spooled[:start].hex(' ')}   magic of the file, {MAGIC.decode()}\n"
        f"{life.spooled[start : start + 4].hex(' ')}               length of the payload, {length}\n"
        f"{life.spooled[start + 4 : start + 8].hex(' ')}               CRC-32 of length and payload, {checksum:08x}\n"
        f"{dump(life.spooled[start + HEADER.size :][:64], start + HEADER.size)}\n"
        f"…     the payload to offset {end:04x}:\n\n"
        + life.spooled[start + HEADER.size : end].decode().split('"body"')[0]
        + '"body":{ the body of station 4 }}'
    )


def frame(life: Life) -> str:
    header = int.from_bytes(life.frame[4:8])
    clear = life.frame[PREFIX_BYTES : PREFIX_BYTES + header]
    return block(
        f"{life.frame[:4].hex(' ')}   magic, {life.frame[:4].decode()}\n"
        f"{life.frame[4:8].hex(' ')}   length of the header, {header}\n"
        "..            length of the sealed part\n"
        f"{clear.decode()}\n"
        "..            AES-256-GCM of the salts and the deflated entries\n"
        "..            CRC-32 of all before"
    )


def proven(life: Life) -> str:
    proof = life.proof
    log_entry = Committer(life.vkey.name).log_entry(proof.index, proof.salt, proof.data)
    leaf = leaf_hash(log_entry)
    verify_inclusion(entry_hash=leaf, index=proof.index, size=proof.size, proof=proof.hashes, root=proof.root)
    path = "\n".join(f"path       {each.hex()}" for each in proof.hashes)
    return block(
        f"index      {proof.index} of {proof.size}\n"
        f"salt       {proof.salt.hex()}\n"
        f"log entry  {log_entry.hex()}   01 ‖ commitment\n"
        f"leaf hash  {leaf.hex()}\n"
        f"{path}\n"
        f"root       {proof.root.hex()}"
    )


def shortened(note: str) -> str:
    """The note with its second line cut: ML-DSA-44 signs with fresh chance, 3,244 characters, each time others."""
    *lines, last = note.rstrip("\n").split("\n")
    name, _, signature = last.rpartition(" ")
    return "\n".join([*lines, f"{name} {signature[:5]}… {len(signature):,} characters, ML-DSA-44"])


def said(life: Life) -> str:
    row, texts = read_row(life.row), load_texts("Europe/Paris")
    lines = []
    for language in ("fr", "en"):
        speaker = Speaker(texts=texts[language])
        lines.append(
            f"{language}  {texts[language].moment(row.at)} · {speaker.code('action', row.action)} · {row.what} · "
            f"{speaker.code('verdict', row.verdict)} ({speaker.code('strength', row.strength)}) · {speaker.reason(row)}"
        )
    return block("\n".join(lines))


def page(life: Life) -> str:
    body = json.loads(life.proof.data)["body"]
    found = [one for one in life.evidence if one["found"]]
    blocks = {
        "wire": wire(life),
        "understood": understood(life),
        "keyed": keyed(life),
        "body": pretty(body),
        "spool": spool(life),
        "entry": block(life.proof.data.decode(), "json"),
        "frame_place": life.frame_place,
        "frame": frame(life),
        "proven": proven(life),
        "note": block(shortened(life.proof.note)),
        "vkey": block(life.vkey.text),
        "verified": f"exit code {int(life.verified.exit_code)}, {life.verified.entries} entries, "
        f"{life.verified.checkpoints} checkpoints, {len(life.verified.findings)} findings",
        "tie": block(life.tie.decode(), "json"),
        "call": pretty(CALL),
        "row": pretty(life.row),
        "evidence": pretty(found),
        "said": said(life),
        "api": pretty(access_of(read_row(life.row))),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, made in blocks.items():
        assert f"{{{{{name}}}}}" in text, name
        text = text.replace(f"{{{{{name}}}}}", made)
    return text


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description="Write docs/life-of-an-access.md, or check it.")
    parser.add_argument("--check", action="store_true", help="exit 1 when the page is not what the code gives")
    checking = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder, patch.object(os, "urandom", fixed_random()):
        made = page(live(Path(folder)))
    if not checking:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == made:
        return 0
    print(f"{PAGE.name} is not what the code gives: run {Path(__file__).name}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
