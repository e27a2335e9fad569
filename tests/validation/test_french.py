"""French is complete: what flows into a message is said in both languages, where it is said in English."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.errors import FHIRPathError
from harness.fhir.fhirpath import compile_expression
from harness.validation.messages import RULES

ROOT = Path(harness.__file__).parent
VALIDATION = sorted((ROOT / "validation").rglob("*.py"))
ERRORS = {"SnapshotError", "FHIRPathError", "FHIRPathValueError", "FHIRXMLError"}
"""What is raised with them becomes the detail of a finding, wherever it is raised."""
WORDS = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
FIELD = re.compile(r"\{(\w+)\}")


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node


def name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def in_both(call: ast.Call) -> bool:
    """Whether an error is given its English and its French, or the pair of them."""
    return len(call.args) > 1 or any(isinstance(argument, ast.Starred) for argument in call.args)


def sentence(node: ast.expr) -> bool:
    """Whether an expression writes words right here."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    written = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
    return isinstance(node, ast.JoinedStr | ast.Constant) and WORDS.search(written) is not None


@pytest.mark.parametrize("path", sorted((ROOT / "fhir").rglob("*.py")) + VALIDATION, ids=lambda path: path.stem)
def test_an_error_that_becomes_a_finding_is_raised_in_both_languages(path: Path) -> None:
    wanted = ERRORS | {"DefinitionError"} if path in VALIDATION else ERRORS
    english = [call.lineno for call in calls(path) if name(call) in wanted and not in_both(call)]
    assert not english, f"{path}: say these in French, too: lines {english}"


@pytest.mark.parametrize("path", VALIDATION, ids=lambda path: path.stem)
def test_a_detail_is_reported_in_both_languages(path: Path) -> None:
    english = []
    for call in calls(path):
        given_ = {keyword.arg: keyword.value for keyword in call.keywords}
        if name(call) == "report" and "detail" in given_ and sentence(given_["detail"]) and "detail_fr" not in given_:
            english.append(call.lineno)
    assert not english, f"{path}: a Reason has both languages: lines {english}"


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_speaks_of_the_same_in_both_languages(rule: str) -> None:
    one = RULES[rule]
    assert one.en != one.fr
    assert set(FIELD.findall(one.en)) == set(FIELD.findall(one.fr))
    assert not re.search(r"\b(the|must(?!-)|is not|found)\b", FIELD.sub("", one.fr))


@given(st.text(alphabet="ab.()[]'+@%$ 1,=`", max_size=12))
def test_whatever_is_no_fhirpath_is_told_in_french(text: str) -> None:
    try:
        compile_expression(text)
    except FHIRPathError as problem:
        assert problem.message_fr.startswith("FHIRPath")
        assert problem.message_fr != str(problem)
        assert not re.search(r"\b(the|expected|unexpected|found|line)\b", problem.message_fr)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "FHIRPath : l'expression est vide"),
        ("a.", "FHIRPath, ligne 1, colonne 3 : nom attendu, trouvé : la fin, dans : a."),
        ("(a", "FHIRPath, ligne 1, colonne 3 : ')' attendu, trouvé : la fin, dans : (a"),
        ("a b", "FHIRPath, ligne 1, colonne 3 : b n'a rien à faire ici, dans : a b"),
    ],
)
def test_what_an_expression_lacks_is_told_in_french(text: str, said: str) -> None:
    with pytest.raises(FHIRPathError) as raised:
        compile_expression(text)
    assert raised.value.message_fr == said
