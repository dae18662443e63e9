"""The console's sentences (`locale/<language>/LC_MESSAGES/console.po`).

Built once by `pages.Pages`. Must never hold a sentence of its own.
"""

from functools import cache
from pathlib import Path
from typing import Final

from quivive.texts import LANGUAGES, MissingSentenceError, Texts, load_catalogue

__all__ = ["DOMAIN", "LANGUAGES", "LOCALE_FOLDER", "MissingSentenceError", "Texts", "load_texts"]

DOMAIN: Final = "console"
LOCALE_FOLDER: Final = Path(__file__).parent / "locale"


@cache
def load_texts(zone: str) -> dict[str, Texts]:
    """Load every language of the console for a site's time zone."""
    return load_catalogue(LOCALE_FOLDER, DOMAIN, zone)
