"""A catalogue of sentences in one language, with dates, numbers and durations as a reader writes them.

Used by the console (`web.i18n`) and by the reports. Must never fall back silently: a sentence missing in a language is
an error, found by a test over every code.
"""

import gettext
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from quivive.model.clock import SECOND_US

LANGUAGES: Final = ("fr", "en")
_DATE_TIME: Final = "dd/MM/yyyy HH:mm:ss"  # both languages: the product's readers compare exhibits in both
_DATE: Final = "dd/MM/yyyy"
_TIME: Final = "HH:mm:ss"
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400


class MissingSentenceError(LookupError):
    """A sentence has no text in a language: a defect of ours."""


def load_translations(folder: Path, domain: str, language: str) -> gettext.GNUTranslations:
    """Read `<language>/LC_MESSAGES/<domain>.po` directly: no compiled file is committed."""
    path = folder / language / "LC_MESSAGES" / f"{domain}.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Everything that depends on language and time zone. `zone` is the site's."""

    language: str
    locale: Locale
    translations: gettext.GNUTranslations
    zone: ZoneInfo

    def say(self, code: str, /, **values: object) -> str:
        """Return the sentence of a code, with its named values put in.

        Raises:
            MissingSentenceError: no text in this language.
        """
        text = self.translations.gettext(code)
        if text == code:
            raise MissingSentenceError(f"{code} ({self.language})")
        return text % values if values else text

    def knows(self, code: str) -> bool:
        """Tell whether a code has a text; for codes that another part of the product may extend."""
        return self.translations.gettext(code) != code

    def count(self, code: str, number: int, /, **values: object) -> str:
        """Return the singular or plural sentence of a code; `%(count)s` is the number as written here."""
        text = self.translations.ngettext(code, code + ".plural", number)
        if text in {code, code + ".plural"}:
            raise MissingSentenceError(f"{code} ({self.language})")
        return text % {"count": self.number(number), **values}

    def moment(self, at: int) -> str:
        """`dd/mm/yyyy HH:MM:SS` in the time zone of the site."""
        return format_datetime(self._local(at), _DATE_TIME, tzinfo=self.zone, locale=self.locale)

    def day(self, at: int) -> str:
        """`dd/mm/yyyy` in the time zone of the site."""
        return format_datetime(self._local(at), _DATE, tzinfo=self.zone, locale=self.locale)

    def day_short(self, at: int) -> str:
        """`lun. 7` in the time zone of the site."""
        return format_datetime(self._local(at), "EEE d", tzinfo=self.zone, locale=self.locale)

    def weekday(self, at: int) -> str:
        """`lundi 7 décembre` in the time zone of the site."""
        return format_datetime(self._local(at), "EEEE d MMMM", tzinfo=self.zone, locale=self.locale)

    def clock(self, at: int) -> str:
        """`HH:MM:SS` in the time zone of the site."""
        return format_datetime(self._local(at), _TIME, tzinfo=self.zone, locale=self.locale)

    def utc(self, at: int) -> str:
        """The same instant in UTC, for the hover text."""
        return datetime.fromtimestamp(at // SECOND_US, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

    def number(self, value: float) -> str:
        """A number with the language's separators (U+202F in French)."""
        return format_decimal(value, locale=self.locale)

    def percent(self, share: float) -> str:
        """A share as a percentage, one decimal when not whole."""
        return format_percent(
            share, format="#,##0.#\u202f%" if self.language == "fr" else "#,##0.#%", locale=self.locale
        )

    def duration(self, seconds: int) -> str:
        """A length of time in its largest unit: `3 min`, `2 h`, `5 j`."""
        seconds = abs(seconds)
        for size, code in ((_DAY, "unit.days"), (_HOUR, "unit.hours"), (_MINUTE, "unit.minutes")):
            if seconds >= size:
                return self.say(code, count=self.number(seconds // size))
        return self.say("unit.seconds", count=self.number(seconds))

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at // SECOND_US, tz=UTC)


def load_catalogue(folder: Path, domain: str, zone: str) -> dict[str, Texts]:
    """Load every language of one catalogue for a site's time zone."""
    return {
        language: Texts(
            language=language,
            locale=Locale.parse(language if language == "fr" else "en_GB"),
            translations=load_translations(folder, domain, language),
            zone=ZoneInfo(zone),
        )
        for language in LANGUAGES
    }
