"""The French of the invariants: all that come along have it, and nobody else's are told in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import Definitions, Validator
from harness.validation.messages.invariants import catalogue, french, name_of
from tests.validation.profiles import element, profile

OFFICIAL = Path(__file__).parents[3] / "shared" / "packages"
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
KEYS = st.from_regex(r"[a-z]{2,8}-[0-9]{1,2}", fullmatch=True)


def constraints(definitions: Definitions, canonicals: list[str]) -> Iterator[tuple[str, str]]:
    """The key and the text of each constraint that an expression judges, in the structures of ``canonicals``."""
    for canonical in canonicals:
        structure = definitions.structure(canonical) or {}
        for part in ("snapshot", "differential"):
            for each in structure.get(part, {}).get("element", ()):
                for constraint in each.get("constraint", ()):
                    if constraint.get("expression"):
                        yield constraint["key"], constraint["human"]


@pytest.fixture(scope="module")
def embedded() -> frozenset[tuple[str, str]]:
    definitions = Definitions.embedded()
    return frozenset(constraints(definitions, definitions.canonicals("StructureDefinition")))


def test_every_invariant_that_comes_along_has_its_french(embedded: frozenset[tuple[str, str]]) -> None:
    missing = {name_of(*each): each[1] for each in sorted(embedded) if french(*each) is None}
    assert not missing, f"say these in French in invariants.fr.json: {missing}"


def test_no_french_is_kept_of_what_is_not_there_any_more(embedded: frozenset[tuple[str, str]]) -> None:
    stale = set(catalogue()) - {name_of(*each) for each in embedded}
    if stale and not OFFICIAL.is_dir():
        pytest.skip(f"the official packages, whose words these are of, are not in {OFFICIAL}: {sorted(stale)}")
    official = set()
    for package in sorted(OFFICIAL.glob("*.tgz")):
        definitions = Definitions.embedded()
        definitions.add_package(package)
        found = constraints(definitions, definitions.canonicals("StructureDefinition"))
        official |= {name_of(key, human) for key, human in found}
    assert not stale - official


def test_the_french_is_short_one_line_and_no_english(embedded: frozenset[tuple[str, str]]) -> None:
    english = {human for _, human in embedded}
    for name, text in catalogue().items():
        assert text == " ".join(text.split()), name
        assert len(text) < 260, name
        assert not text.endswith("."), name
        assert text not in english, name
        assert "SHALL" not in text and " must " not in text, name


@given(key=KEYS, human=st.text(min_size=1))
def test_somebody_elses_invariant_keeps_its_words(key: str, human: str) -> None:
    assert french(key, human) is None


@given(data=st.data(), gaps=st.sampled_from([" ", "\n", "\u00a0", "  ", "\t"]))
def test_white_space_does_not_matter_but_key_and_words_do(data: st.DataObject, gaps: str) -> None:
    key, human = data.draw(st.sampled_from([("dom-6", "A resource should have narrative for robust management"),
                                            ("obs-3", "Must have at least a low or a high or text")]))  # fmt: skip
    assert french(key, gaps.join(human.split(" "))) == french(key, human) is not None
    assert french(key, human + "!") is None
    assert french(key + "0", human) is None


def issue_of(resource: dict[str, Any], key: str, *profiles: dict[str, Any], lang: str = "fr") -> str:
    definitions = Definitions.embedded()
    for each in profiles:
        definitions.add(each)
    outcome = Validator(definitions, lang=lang).validate(resource, [each["url"] for each in profiles])
    return next(issue.message for issue in outcome.issues if issue.constraint == key)


@pytest.mark.parametrize(
    ("resource", "key", "said"),
    [
        ({"resourceType": "Patient"}, "dom-6", "La ressource devrait avoir un texte narratif"),
        (
            {"resourceType": "Patient", "contact": [{"gender": "male"}]},
            "pat-1",
            "Un contact doit comporter au moins un nom, un moyen de contact, une adresse ou une organisation",
        ),
        ({"resourceType": "Parameters", "parameter": [{"name": "a"}]}, "inv-1", "exactement un élément parmi value[x]"),
        (
            {"resourceType": "Patient", "name": [{"period": {"start": "2020", "end": "2019"}}]},
            "per-1",
            "start doit être antérieur ou égal à end",
        ),
    ],
)
def test_what_an_invariant_asks_is_said_in_french(resource: dict[str, Any], key: str, said: str) -> None:
    message = issue_of(resource, key)
    assert message.startswith(f"Contrainte {key} non respectée : ")
    assert said in message


def own(human: str, **more: Any) -> dict[str, Any]:
    constraint = {"key": "obs-3", "severity": "error", "human": human, "expression": "active.exists()", **more}
    return profile("own", "Patient", element("Patient", constraint=[constraint]))


def test_a_key_that_another_author_gives_is_told_in_the_words_of_that_author() -> None:
    said = issue_of({"resourceType": "Patient"}, "obs-3", own("Say whether the record is in use"))
    assert said == "Contrainte obs-3 non respectée : Say whether the record is in use"


def translated(spoken: str, text: str, value: str = "valueString") -> dict[str, Any]:
    parts = [{"url": "lang", "valueCode": spoken}, {"url": "content", value: text}]
    return {"url": TRANSLATION, "extension": parts}


@pytest.mark.parametrize(
    ("extensions", "said"),
    [
        ([translated("fr", "Dire si la fiche est utilisée")], "Dire si la fiche est utilisée"),
        ([translated("de", "Nein"), translated("fr-FR", "Dire oui", "valueMarkdown")], "Dire oui"),
        ([translated("de", "Nein")], "Say it"),
        ([{"url": TRANSLATION}], "Say it"),
    ],
)
def test_the_definitions_own_translation_is_preferred(extensions: list[dict[str, Any]], said: str) -> None:
    made = own("Say it", _human={"extension": extensions})
    assert issue_of({"resourceType": "Patient"}, "obs-3", made) == f"Contrainte obs-3 non respectée : {said}"
    assert issue_of({"resourceType": "Patient"}, "obs-3", made, lang="en") == "obs-3: Say it"


def test_a_translation_in_the_definition_wins_over_ours() -> None:
    human = "A resource should have narrative for robust management"
    companion = {"extension": [translated("fr", "Autrement dit")]}
    made = own(human, key="dom-6", expression="text.exists()", _human=companion)
    messages = {issue_of({"resourceType": "Patient"}, "dom-6", made)}
    assert messages == {"Contrainte dom-6 non respectée : Autrement dit"}


def test_english_needs_no_catalogue() -> None:
    catalogue.cache_clear()
    assert issue_of({"resourceType": "Patient"}, "dom-6", lang="en").startswith("dom-6: A resource should have")
    assert catalogue.cache_info().misses == 0
    assert "narratif" in issue_of({"resourceType": "Patient"}, "dom-6")
    assert catalogue.cache_info().misses == 1
