"""What is indexed of a resource when it is written: one row for each value of each of its search parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from harness.sandbox.search.parameters import Parameter, Parameters
from harness.sandbox.search.paths import Found
from harness.sandbox.search.values import EARLIEST, LATEST, fold, time_range
from harness.sandbox.store import Contained, Entry

Row = dict[str, Any]

_SPECIAL = "http://terminology.hl7.org/CodeSystem/special-values"
_HUMAN_NAME = ("family", "given", "prefix", "suffix", "text")
_ADDRESS = ("text", "line", "city", "district", "state", "postalCode", "country")


def _tokens(type_: str | None, value: Any) -> Iterator[tuple[str, str]]:
    """``(system, code)`` pairs of a value; "" stands for no system, "*" for one that the element implies."""
    if isinstance(value, bool):
        yield _SPECIAL, str(value).lower()
    elif isinstance(value, (str, int, Decimal)):
        yield "*", str(value)
    elif isinstance(value, dict):
        if "coding" in value or type_ == "CodeableConcept":
            for coding in value.get("coding", ()):
                yield from _tokens("Coding", coding)
        elif "code" in value:
            yield value.get("system", ""), str(value["code"])
        elif "value" in value:
            yield value.get("system", ""), str(value["value"])


def token_rows(key: str, type_: str | None, value: Any) -> Iterator[tuple[str, Row]]:
    """Token rows, with those for ``:of-type`` and the text for ``:text``."""
    for system, code in _tokens(type_, value):
        yield "token", {"param": key, "system": system, "code": code.lower()}
    if not isinstance(value, dict):
        return
    kind = value.get("type")
    if "value" in value and isinstance(kind, dict):
        for system, code in _tokens("CodeableConcept", kind):
            yield "token", {"param": f"{key}:of-type", "system": system, "code": f"{code}|{value['value']}".lower()}
    texts = [value.get("text"), value.get("display"), kind.get("text") if isinstance(kind, dict) else None]
    texts += [coding.get("display") for coding in value.get("coding", ()) if isinstance(coding, dict)]
    for text in texts:
        if isinstance(text, str):
            yield "string", {"param": f"{key}:text", "value": text, "folded": fold(text)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        parts = _HUMAN_NAME if {"family", "given"} & value.keys() else _ADDRESS
        for part in parts:
            found = value.get(part, ())
            yield from (item for item in ([found] if isinstance(found, str) else found) if isinstance(item, str))


def string_rows(key: str, _: str | None, value: Any) -> Iterator[tuple[str, Row]]:
    """One row for each text, part of a name or part of an address."""
    for text in _texts(value):
        yield "string", {"param": key, "value": text, "folded": fold(text)}


def _times(value: Any) -> tuple[int, int] | None:
    try:
        if isinstance(value, str):
            return time_range(value)
        if not isinstance(value, dict):
            return None
        if "event" in value or "repeat" in value:
            moments = [time_range(item) for item in value.get("event", ()) if isinstance(item, str)]
            bounds = (value.get("repeat") or {}).get("boundsPeriod")
            if not moments:
                return _times(bounds) if bounds else None
            return min(low for low, _ in moments), max(high for _, high in moments)
        if {"start", "end"} & value.keys():
            low = time_range(value["start"])[0] if "start" in value else EARLIEST
            return low, time_range(value["end"])[1] if "end" in value else LATEST
    except (ValueError, TypeError, OverflowError):
        return None
    return None


def date_rows(key: str, _: str | None, value: Any) -> Iterator[tuple[str, Row]]:
    """One row for each moment or period."""
    found = _times(value)
    if found is not None:
        yield "date", {"param": key, "low": found[0], "high": found[1]}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None


def quantity_rows(key: str, _: str | None, value: Any) -> Iterator[tuple[str, Row]]:
    """One row for each number, quantity, money or range."""
    if not isinstance(value, dict):
        number = _number(value)
        if number is not None:
            yield "quantity", _quantity(key, number, number, {})
    elif "low" in value or "high" in value:
        low, high = value.get("low", {}), value.get("high", {})
        least, most = _number(low.get("value")), _number(high.get("value"))
        yield (
            "quantity",
            _quantity(
                key,
                float("-1e308") if least is None else least,
                float("1e308") if most is None else most,
                low or high,
            ),
        )
    else:
        number = _number(value.get("value"))
        if number is not None:
            units = {"system": "urn:iso:std:iso:4217", "code": value["currency"]} if "currency" in value else value
            yield "quantity", _quantity(key, number, number, units)


def _quantity(key: str, low: float, high: float, units: Mapping[str, Any]) -> Row:
    found = {name: units.get(name, "") for name in ("system", "code", "unit")}
    return {"param": key, "low": low, "high": high, **found}


def position_rows(key: str, _: str | None, value: Any) -> Iterator[tuple[str, Row]]:
    """One row for a position: its latitude as ``low``, its longitude as ``high``."""
    if isinstance(value, dict):
        latitude, longitude = _number(value.get("latitude")), _number(value.get("longitude"))
        if latitude is not None and longitude is not None:
            yield "special", _quantity(key, latitude, longitude, {})


def uri_rows(key: str, _: str | None, value: Any) -> Iterator[tuple[str, Row]]:
    """One row for each URI."""
    if isinstance(value, str):
        yield "uri", {"param": key, "value": value}


def _reference_row(key: str, base: str, value: Any) -> Row | None:
    literal = value if isinstance(value, str) else value.get("reference") if isinstance(value, dict) else None
    identifier = value.get("identifier") if isinstance(value, dict) else None
    row: Row = {"param": key, "type": None, "id": None, "url": None, "system": None, "value": None}
    if isinstance(identifier, dict) and "value" in identifier:
        row |= {"system": identifier.get("system", ""), "value": str(identifier["value"]).lower()}
        row["type"] = value.get("type")
    if isinstance(literal, str):
        parts = literal.removeprefix(f"{base}/").split("/")
        if literal.startswith("#"):
            row["id"] = literal
        elif ":" not in parts[0] and len(parts) >= 2:
            row |= {"type": parts[0], "id": parts[1]}
        else:
            row["url"] = literal
    return row if row["id"] or row["url"] or row["value"] else None


_ROWS: Mapping[str, Callable[[str, str | None, Any], Iterator[tuple[str, Row]]]] = {
    "token": token_rows,
    "string": string_rows,
    "date": date_rows,
    "quantity": quantity_rows,
    "number": quantity_rows,
    "uri": uri_rows,
    "special": position_rows,
}


class Indexer:
    """Makes the index rows of resources."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters

    def entry(self, resource: dict[str, Any], base: str) -> Entry:
        """The rows of ``resource`` and of what it contains; ``base`` is the server's, to know its own references."""
        contained = {str(item.get("id")): item for item in resource.get("contained", ()) if isinstance(item, dict)}
        rows = self._rows(resource, base, contained)
        inner = tuple(
            Contained(str(item.get("resourceType")), name, self._rows(item, base, {}))
            for name, item in contained.items()
        )
        return Entry(rows, inner)

    def _rows(self, resource: dict[str, Any], base: str, contained: Mapping[str, Any]) -> dict[str, list[Row]]:
        rows: dict[str, list[Row]] = {}
        for parameter in self._parameters.of(str(resource.get("resourceType"))).values():
            found = parameter.find(resource)
            if not found or parameter.code in {"_id", "_lastUpdated"}:
                continue
            if parameter.type == "reference":
                rows.setdefault("reference", []).extend(_references(parameter.key, base, found, contained))
            elif parameter.type == "composite":
                for kind, row in composite_rows(parameter, found, base):
                    rows.setdefault(kind, []).append(row)
            else:
                for type_, value in found:
                    for kind, row in _ROWS[parameter.type](parameter.key, type_, value):
                        rows.setdefault(kind, []).extend(_implied(row, parameter.systems))
        return {kind: list({tuple(row.items()): row for row in items}.values()) for kind, items in rows.items()}


def _implied(row: Row, systems: tuple[str, ...]) -> list[Row]:
    """``row`` once for each system that its element implies, where the value itself names none."""
    if not systems or row.get("system") != "*":
        return [row]
    return [{**row, "system": system} for system in systems]


def _references(key: str, base: str, found: list[Found], contained: Mapping[str, Any]) -> Iterator[Row]:
    for _, value in found:
        row = _reference_row(key, base, value)
        if row is not None:
            if row["id"] and str(row["id"]).startswith("#"):
                row["type"] = contained.get(str(row["id"])[1:], {}).get("resourceType")
            yield row


def composite_rows(parameter: Parameter, found: list[Found], base: str) -> Iterator[tuple[str, Row]]:
    """Rows of a composite: the values of its parts carry the number of the element that holds them, so they pair up."""
    for number, (_, element) in enumerate(found):
        for position, part in enumerate(parameter.components):
            for type_, value in part.find(element):
                key = f"{parameter.key}${position}"
                if part.type == "reference":
                    link = _reference_row(key, base, value)
                    rows = [("reference", link)] if link else []
                else:
                    rows = list(_ROWS[part.type](key, type_, value)) if part.type in _ROWS else []
                for kind, row in rows:
                    yield kind, {**row, "element": number}
