"""Whatever the expression and whatever the resource: a collection or a FHIRPathError, never another exception."""

import json
import tarfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import FHIRPathError
from harness.fhir.fhirpath import Environment, compile_expression
from harness.fhir.fhirpath.fhir_functions import FHIR_FUNCTIONS, FHIR_JUDGES
from harness.fhir.fhirpath.functions import FUNCTIONS, JUDGES
from harness.fhir.fhirpath.parser import POWER
from harness.fhir.fhirpath.strings import TEXT_FUNCTIONS, TEXT_JUDGES

PACKAGES = Path(__file__).parents[3] / "shared" / "packages"
KEYS = ["name", "value", "valueQuantity", "valueString", "_name", "code", "unit", "reference", "extension", "url", "id"]
NAMES = st.sampled_from([key for key in KEYS if not key.startswith("_")])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.sampled_from(["2020", "2020-01-31", "2020-02-03T10:00:00Z", "10:00", "#x", "Patient/1", "mg", "", "T", "1.5"]),
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
)
LITERALS = st.sampled_from(
    [
        "1",
        "0",
        "2.50",
        "'a'",
        "'2020-01'",
        "true",
        "{}",
        "@2020-01-31",
        "@T10:00",
        "4 'mg'",
        "13 months",
        "$this",
        "$index",
    ]
)
CALLS = [
    f"({{}}).{name}({', '.join(['{}'] * number)})"
    for table in (FUNCTIONS, JUDGES, TEXT_FUNCTIONS, TEXT_JUDGES, FHIR_FUNCTIONS, FHIR_JUDGES)
    for name, function in table.items()
    for number in range(function.least, function.most + 1)
]
TYPES = st.sampled_from(["string", "Quantity", "System.String", "Patient", "date", "FHIR.Extension"])
OPERATORS = st.sampled_from(sorted(POWER.keys() - {"is", "as"}))


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({}).{}".format, inner, NAMES),
        st.builds(str.format, st.sampled_from(CALLS), inner, inner, inner),
        st.builds("({}).{}({})".format, inner, st.sampled_from(["where", "select", "all", "exists", "repeat"]), inner),
        st.builds("({}).aggregate({} | $total)".format, inner, inner),
        st.builds("iif({}, {}, {})".format, inner, inner, inner),
        st.builds("({}) {} ({})".format, inner, OPERATORS, inner),
        st.builds("({}) {} {}".format, inner, st.sampled_from(["is", "as"]), TYPES),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("-({})".format, inner),
    )


@settings(max_examples=1000, deadline=None)
@given(st.recursive(LITERALS | NAMES, _larger, max_leaves=6), JSON)
def test_a_collection_or_a_fhirpath_error(text: str, focus: Any) -> None:
    environment = Environment(member_of=lambda value, url: None, conforms_to=lambda resource, url: True)
    try:
        expression = compile_expression(text)
        assert expression.native
        assert isinstance(expression.evaluate(focus, environment), list)
        assert isinstance(expression.test(focus, environment), bool)
    except FHIRPathError as problem:
        assert str(problem).startswith("FHIRPath")


@pytest.mark.skipif(not PACKAGES.is_dir(), reason="the official packages are not beside the repository")
def test_every_invariant_of_the_official_packages_is_native() -> None:
    wrong: set[str] = set()
    slow: set[str] = set()
    for archive in PACKAGES.glob("*.tgz"):
        for key, text in _invariants(archive):
            try:
                if not compile_expression(text).native:
                    slow.add(key)
            except FHIRPathError:
                wrong.add(key)
    assert slow == set()
    assert wrong == {"fr-core-3"}  # published with a bracket too many


def _invariants(archive: Path) -> list[tuple[str, str]]:
    found = []
    with tarfile.open(archive) as package:
        for member in package:
            stream = package.extractfile(member) if "StructureDefinition-" in member.name else None
            structure = json.loads(stream.read(), parse_float=Decimal) if stream is not None else {}
            for element in structure.get("differential", {}).get("element", ()):
                constraints = element.get("constraint", ())
                found += [(each["key"], each["expression"]) for each in constraints if "expression" in each]
    return found


@pytest.mark.parametrize("function", ["matches('.*[?&]code=.*')", "matchesFull('.*')", "replaceMatches('.*x', '')"])
def test_a_pattern_is_not_tried_on_a_text_that_is_long_without_measure(function: str) -> None:
    bundle = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": "a" * 1_000_000}]}
    with pytest.raises(FHIRPathError, match="at most 8192 characters; this one has 1000000"):
        compile_expression(f"link.url.{function}").test(bundle, Environment())
