"""Every finding code can be explained, in both languages."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import harness.engine
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


def test_every_code_of_the_list_is_explained_and_tells_what_to_do(command: Callable[..., Answer]) -> None:
    listed = command("explain").out.split()
    assert {*CODES, *(f"conforms.{rule}" for rule in RULES)} == {*listed}
    said = {}
    for code in listed:
        english, french = (command("explain", code, "--lang", lang) for lang in ("en", "fr"))
        assert (english.exit, french.exit) == (0, 0), code
        assert english.out != french.out, code
        said[code] = english.out
    assert said["network.tls"] != said["network.dns"]


def test_what_is_like_no_code_is_told_where_they_are(command: Callable[..., Answer]) -> None:
    answer = command("explain", "zzz")
    assert answer.exit == 2
    assert "explain without a code lists them all" in answer.err


def test_every_code_that_the_engine_names_has_texts_of_its_own() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(harness.engine.__file__).parent.rglob("*.py")]
    named = {code for text in sources for code in re.findall(r'(?:finding|StepFault)\(\s*"([a-z.-]+)"', text)}
    assert {"more", "step.outside", "needs"} <= named
    assert named - CODES.keys() == set()


@pytest.mark.parametrize(
    ("typed", "near"),
    [("network.conection", "network.connect"), ("step.outsid", "step.outside"), ("STATTUS", "status")],
)
def test_a_slip_in_the_second_word_names_the_nearest_too(command: Callable[..., Answer], typed: str, near: str) -> None:
    answer = command("explain", typed)
    assert answer.exit == 2
    assert f'did you mean "{near}' in answer.err


def test_a_code_may_be_pasted_as_it_comes(command: Callable[..., Answer]) -> None:
    assert command("explain", " Network.TLS ").out == command("explain", "network.tls").out
