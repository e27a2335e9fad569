"""Every finding code can be explained, in both languages."""

from collections.abc import Callable

import pytest

from harness.engine.codes import CODES
from harness.validation.messages import RULES
from tests.cli.conftest import Answer


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("code", ["status", "conforms.min-cardinality", "json-null", "network.timeout"])
def test_a_code_is_explained(command: Callable[..., Answer], code: str, lang: str) -> None:
    answer = command("explain", code, "--lang", lang)
    assert answer.exit == 0
    assert len(answer.out.splitlines()) >= 2


def test_each_code_has_a_meaning_in_both_languages() -> None:
    assert [code for code, texts in CODES.items() if not (texts.meaning["en"] and texts.meaning["fr"])] == []
    assert [name for name, rule in RULES.items() if not (rule.en and rule.fr)] == []


def test_an_unknown_code_names_the_nearest(command: Callable[..., Answer]) -> None:
    answer = command("explain", "conforms.min-cardinalty")
    assert answer.exit == 2
    assert 'did you mean "conforms.min-cardinality"' in answer.err
