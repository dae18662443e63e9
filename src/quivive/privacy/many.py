"""Pseudonyms of many canonical texts at once: SHA-256 over sixteen messages side by side, for large results.

Called by `hasher`, which uses it only where it is compiled (`COMPILED`): a compiler turns the loops over lanes into
vector instructions (0.02 µs a block). As plain Python it is correct and slow, and tests run both against `hmac`.
Pure. `many.pxd` gives the C types; `mask` keeps Python's integers to 32 bits and costs nothing in C.
References: FIPS 180-4 (SHA-256), RFC 2104 (HMAC).
"""

from array import array
from typing import Final

COMPILED: Final = not __file__.endswith(".py")
LANES: Final = 16
ROOM: Final = 55
"""Bytes of a block that text may take: one more marks its end, eight hold the length."""

_SQUARE: Final = (
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
)  # fmt: skip


class Midstate:
    """What hashing a key and a prefix has come to: the state, and the bytes that did not fill a block."""

    __slots__ = ("rest", "state", "taken")

    def __init__(self, data: bytes) -> None:
        """`data`: the padded key, then what every message begins with."""
        self.taken = len(data) - len(data) % 64
        self.rest = data[self.taken :]
        state = array("I", bytes(4 * 8 * LANES))
        words = array("I", bytes(4 * 16 * LANES))
        for row in range(8):
            state[row * LANES] = _SQUARE[row]
        for at in range(0, self.taken, 64):
            for row in range(16):
                words[row * LANES] = int.from_bytes(data[at + 4 * row : at + 4 * row + 4])
            _compress(state, words)
        self.state = array("I", [state[row * LANES] for row in range(8)])


def pseudonyms(inner: Midstate, outer: Midstate, texts: list[bytes]) -> list[str]:
    """HMAC-SHA-256 of each text, its first 16 bytes in hexadecimal; no text longer than ROOM less `inner.rest`."""
    state = array("I", bytes(4 * 8 * LANES))
    words = array("I", bytes(4 * 16 * LANES))
    block, digits = bytearray(64), bytearray(32 * LANES)
    found: list[str] = []
    prefix, taken, first, second = inner.rest, inner.taken, inner.state, outer.state
    for start in range(0, len(texts), LANES):
        count = min(LANES, len(texts) - start)
        for lane in range(count):
            _message(block, prefix, texts[start + lane], taken)
            _place(words, block, lane)
        _begin(state, first)
        _compress(state, words)
        _digests(words, state)
        _begin(state, second)
        _compress(state, words)
        _hexadecimal(digits, state, count)
        text = digits.decode("ascii")
        found.extend([text[32 * lane : 32 * lane + 32] for lane in range(count)])
    return found


def blocks(texts: list[bytes], shift: int) -> set[int]:
    """The integers that the texts are, shifted, each once: up to eighteen plain digits read here, others by `int`."""
    found: set[int] = set()
    last = -1
    for text in texts:
        data, size = text, len(text)
        number, plain = 0, 0 < size <= 18
        for at in range(size if plain else 0):
            digit = data[at]
            if digit < 48 or digit > 57:
                plain = False
                break
            number = number * 10 + (digit - 48)
        if not plain:
            found.add(int(text) >> shift)
            continue
        number >>= shift
        if number != last:
            last = number
            found.add(number)
    return found


def _message(block: bytearray, prefix: bytes, text: bytes, taken: int) -> None:
    """The last block of a message: what is left of its prefix, the text, the end mark, the length in bits."""
    first, size = len(prefix), len(text)
    out, before, data = block, prefix, text
    for at in range(first):
        out[at] = before[at]
    for at in range(size):
        out[first + at] = data[at]
    out[first + size] = 0x80
    for at in range(first + size + 1, 62):
        out[at] = 0
    bits = 8 * (taken + first + size)
    out[62] = bits >> 8 & 255
    out[63] = bits & 255


def _place(words: "array[int]", block: bytearray, lane: int) -> None:
    """Put one block into one lane, as sixteen big-endian words."""
    data = block
    for row in range(16):
        at = 4 * row
        words[row * 16 + lane] = data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]


def _begin(state: "array[int]", middle: "array[int]") -> None:
    """Let every lane go on from the same state."""
    for row in range(8):
        value = middle[row]
        for lane in range(16):
            state[row * 16 + lane] = value


def _digests(words: "array[int]", state: "array[int]") -> None:
    """The block of the outer hash: the inner digest, the end mark, 96 bytes in bits."""
    for at in range(128):
        words[at] = state[at]
    for lane in range(16):
        words[128 + lane] = 0x80000000
        for row in range(9, 15):
            words[row * 16 + lane] = 0
        words[240 + lane] = 768


def _hexadecimal(digits: bytearray, state: "array[int]", count: int) -> None:
    """The first four words of each lane as 32 digits."""
    out = digits
    for lane in range(count):
        at = 32 * lane
        for row in range(4):
            value = state[row * 16 + lane]
            for nibble in range(8):
                digit = value >> (28 - 4 * nibble) & 15
                out[at] = digit + 48 if digit < 10 else digit + 87
                at += 1


def _compress(state: "array[int]", words: "array[int]") -> None:  # FIPS 180-4, 6.2.2, sixteen lanes
    cube = [
        0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
        0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
        0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
        0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
        0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
        0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
        0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
        0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
    ]  # fmt: skip
    mask = 0xFFFFFFFF
    a = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    b = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    c = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    d = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    e = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    f = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    g = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    h = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    for lane in range(16):
        a[lane], b[lane], c[lane], d[lane] = state[lane], state[16 + lane], state[32 + lane], state[48 + lane]
        e[lane], f[lane], g[lane], h[lane] = state[64 + lane], state[80 + lane], state[96 + lane], state[112 + lane]
    for turn in range(64):
        here = (turn & 15) * 16
        if turn > 15:
            second, seventh = ((turn - 2) & 15) * 16, ((turn - 7) & 15) * 16
            fifteenth = ((turn - 15) & 15) * 16
            for lane in range(16):
                x = words[fifteenth + lane]
                y = words[second + lane]
                z = ((x >> 7 | x << 25) ^ (x >> 18 | x << 14) ^ (x >> 3)) & mask
                t = ((y >> 17 | y << 15) ^ (y >> 19 | y << 13) ^ (y >> 10)) & mask
                words[here + lane] = (words[here + lane] + z + words[seventh + lane] + t) & mask
        k = cube[turn]
        for lane in range(16):
            x = e[lane]
            y = a[lane]
            z = ((x >> 6 | x << 26) ^ (x >> 11 | x << 21) ^ (x >> 25 | x << 7)) & mask
            t = (h[lane] + z + ((x & f[lane]) ^ ((x ^ mask) & g[lane])) + k + words[here + lane]) & mask
            h[lane] = g[lane]
            g[lane] = f[lane]
            f[lane] = x
            e[lane] = (d[lane] + t) & mask
            z = ((y >> 2 | y << 30) ^ (y >> 13 | y << 19) ^ (y >> 22 | y << 10)) & mask
            a[lane] = (t + z + ((y & b[lane]) ^ (y & c[lane]) ^ (b[lane] & c[lane]))) & mask
            d[lane] = c[lane]
            c[lane] = b[lane]
            b[lane] = y
    for lane in range(16):
        state[lane] = (state[lane] + a[lane]) & mask
        state[16 + lane] = (state[16 + lane] + b[lane]) & mask
        state[32 + lane] = (state[32 + lane] + c[lane]) & mask
        state[48 + lane] = (state[48 + lane] + d[lane]) & mask
        state[64 + lane] = (state[64 + lane] + e[lane]) & mask
        state[80 + lane] = (state[80 + lane] + f[lane]) & mask
        state[96 + lane] = (state[96 + lane] + g[lane]) & mask
        state[112 + lane] = (state[112 + lane] + h[lane]) & mask
