"""Invented sound: a short tune made of a call's own number, as a WAV file. Nobody ever said it.

Called by `exchange.py` and `lessons.py`. Must never write outside the demonstration's own folder.
"""

import math
import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from quivive.model.clock import SECOND_US, from_rfc3339

STORE: Final = "recorder"
"""Name of the audio store in the demonstration's quivive.toml."""
FOLDER: Final = "audio"
RATE: Final = 8_000
"""Samples of one byte a second: telephone quality."""
NOTES_S: Final = 2
"""Notes a second; each is one of sixteen, chosen by four bits of the call's hash."""
LOUDNESS: Final = 40
SHORTEST_S: Final = 3
LONGEST_S: Final = 30
_FILE_MODE: Final = 0o600


def wav(call: str, seconds: int) -> bytes:
    """Make the file of one call: no two calls sound alike, and the same call always does."""
    seconds = max(SHORTEST_S, min(LONGEST_S, seconds))
    bits = sha256(call.encode()).digest()
    steps = [each >> shift & 15 for each in bits for shift in (0, 4)]
    sound = b"".join(_note(steps[place % len(steps)]) for place in range(seconds * NOTES_S))
    head = b"WAVEfmt " + (16).to_bytes(4, "little") + bytes([1, 0, 1, 0]) + RATE.to_bytes(4, "little") * 2
    head += bytes([1, 0, 8, 0]) + b"data" + len(sound).to_bytes(4, "little")
    return b"RIFF" + (len(head) + len(sound)).to_bytes(4, "little") + head + sound


def keep(folder: Path, call: str, started_at: str, ended_at: str) -> Path:
    """Write the sound of one call, dated at its end as a recorder would have."""
    ended = from_rfc3339(ended_at)
    path = folder / f"{datetime.fromisoformat(started_at):%Y%m%d-%H%M%S}-{call}.wav"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE), "wb") as file:
        file.write(wav(call, (ended - from_rfc3339(started_at)) // SECOND_US))
    os.utime(path, ns=(ended * 1_000, ended * 1_000))
    return path


def _note(step: int) -> bytes:
    tone = 220 * 2 ** (step / 12)
    return bytes(128 + int(LOUDNESS * math.sin(math.tau * tone * each / RATE)) for each in range(RATE // NOTES_S))
