"""Values of the primitive types: legal, varied, and plainly synthetic (FHIR R4 datatypes, primitive types)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from typing import Any

from harness.validation.generation.choices import Choices, pick, seldom

_WORDS = (
    "essai", "Test", "modèle", "Noël", "l'île", "D'ÉTÉ", "Ŵœ", "naïve", "grève", "a-b", "x", "été 2024", "1", "n° 7",
    "«cité»", "日本", "😀", "O'Brien", 'dit "le"', "a/b", "100 %", "fin.", "&", "é", "À propos",
)  # fmt: skip
_ZONES = ("Z", "+01:00", "+02:00", "-04:00", "+11:00")
_BYTES = ("ZXNzYWk=", "JVBERi0xLjQK", "YQ==", "w6ljb2xl")
_TYPES = ("application/pdf", "text/plain", "text/xml", "image/jpeg")
XHTML = '<div xmlns="http://www.w3.org/1999/xhtml"><p>Exemple de synthèse</p></div>'


def text(choices: Choices) -> str:
    """One to four words."""
    return " ".join(pick(choices, _WORDS) for _ in range(choices.integer(1, 4)))


def identifier(choices: Choices) -> str:
    """What the type ``id`` allows."""
    return "".join(pick(choices, "a1bcdef0123456789-.XYZ") for _ in range(choices.integer(1, 12))).strip(".-") or "a"


def _hexadecimal(choices: Choices, digits: int) -> str:
    return f"{choices.integer(0, 16**digits - 1):0{digits}x}"


def uuid(choices: Choices) -> str:
    """A UUID as a URN."""
    return "urn:uuid:" + "-".join(_hexadecimal(choices, digits) for digits in (8, 4, 4, 4, 12))


def oid(choices: Choices) -> str:
    """An OID as a URN, below the arc of UUIDs, which nobody registers."""
    return f"urn:oid:2.25.{choices.integer(1, 10**9)}"


def uri(choices: Choices) -> str:
    """An absolute URI."""
    return pick(choices, ("https://exemple.example/", "urn:example:", "https://hopital.example/ipp/")) + identifier(
        choices
    )


def day(choices: Choices) -> str:
    """A day of the years 1900 to 2024: nobody is born, and nothing measured, in times to come."""
    year = (2024, choices.integer(1900, 2024))[choices.integer(0, 1)]
    month = choices.integer(1, 12)
    return f"{year:04}-{month:02}-{choices.integer(1, monthrange(year, month)[1]):02}"


def time(choices: Choices) -> str:
    """A time of day."""
    fraction = f".{choices.integer(0, 999):03}" if seldom(choices, 3) else ""
    return f"{choices.integer(0, 23):02}:{choices.integer(0, 59):02}:{choices.integer(0, 59):02}{fraction}"


def instant(choices: Choices) -> str:
    """An instant, in one of the zones in use in France."""
    return f"{day(choices)}T{time(choices)}{pick(choices, _ZONES)}"


def _date(choices: Choices) -> str:
    return day(choices)[: pick(choices, (10, 10, 7, 4))]


def _moment(choices: Choices) -> str:
    return pick(choices, (instant, instant, day))(choices)


def decimal(choices: Choices) -> int | float:
    """A number with at most three decimals."""
    places = choices.integer(0, 3)
    number = choices.integer(0, 10 ** choices.integer(1, 4))
    return round(number / 10**places, places) if places else number


MAKERS: Mapping[str, Callable[[Choices], Any]] = {
    "boolean": lambda choices: choices.integer(0, 1) == 1,
    "integer": lambda choices: choices.integer(-100, 1000),
    "unsignedInt": lambda choices: choices.integer(0, 1000),
    "positiveInt": lambda choices: choices.integer(1, 1000),
    "decimal": decimal,
    "string": text,
    "markdown": text,
    "code": lambda choices: pick(choices, ("essai", "a", "b-c", "D_1")),
    "id": identifier,
    "uri": uri,
    "url": lambda choices: "https://exemple.example/" + identifier(choices),
    "canonical": lambda choices: "https://exemple.example/" + identifier(choices),
    "oid": oid,
    "uuid": uuid,
    "time": time,
    "date": _date,
    "dateTime": _moment,
    "instant": instant,
    "base64Binary": lambda choices: pick(choices, _BYTES),
    "xhtml": lambda _: XHTML,
}
"""What makes a value of each primitive type."""


def mime(choices: Choices) -> str:
    """A MIME type."""
    return pick(choices, _TYPES)
