"""A review belongs to one file and one place in its chain; whatever was altered is refused."""

import base64
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.acceptance import signing
from harness.acceptance.keys import ANCHOR, CHAIN, KEY, new_keys
from harness.acceptance.next_step import Decision
from harness.acceptance.recorded import Recorded, open_recorded
from harness.acceptance.review import TYPE, Review, read_chain, sign_review
from harness.acceptance.shelf import overview
from harness.acceptance.statement import Statement, content_of
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import CheckedItem
from harness.errors import AcceptanceError
from tests.acceptance.conftest import NOW

LATER = NOW + timedelta(minutes=1)
WITHIN_TEST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("team")
    new_keys(folder, "Équipe de test")
    return folder


@pytest.fixture(scope="module")
def reviewers(team: Path) -> TrustPolicy:
    return TrustPolicy(signing.load_chain((team / ANCHOR).read_bytes()))


@pytest.fixture(scope="module")
def recorded(signed: Path, policy: TrustPolicy) -> Recorded:
    return open_recorded(signed, policy, NOW)


def _sign(content: dict[str, object], team: Path, at: datetime = NOW) -> bytes:
    key = signing.load_private_key((team / KEY).read_bytes())
    return sign_review(content, key, signing.load_chain((team / CHAIN).read_bytes()), at)


def _content(recorded: Recorded, before: list[Review] | None = None, **changes: object) -> dict[str, object]:
    statement = Statement(Decision.UNSATISFACTORY, ("Les exigences listées ne sont pas tenues",))
    return {**content_of(recorded, None, statement, before or []), **changes}


@pytest.fixture
def review(recorded: Recorded, team: Path, tmp_path: Path) -> Path:
    path = tmp_path / "r1.jws"
    path.write_bytes(_sign(_content(recorded), team))
    return path


def test_a_review_says_what_to_mend_in_both_languages(review: Path, recorded: Recorded, reviewers: TrustPolicy) -> None:
    (found,) = read_chain(recorded.digest, [review], reviewers, NOW)
    assert found.decision is Decision.UNSATISFACTORY
    assert "Équipe de test" in found.signer
    assert found.content["unmet"] == [
        {"requirement": "FHIR-REST-002", "verdict": "fail", "tests": ["patient/refuses", "patient/skips"]}
    ]
    assert found.content["next"]["items"] == ["FHIR-REST-002: patient/refuses, patient/skips"]
    assert "Corrigez" in found.content["next"]["fr"]
    assert "Mend" in found.content["next"]["en"]


def test_more_tests_names_what_proved_nothing_and_what_was_asked_for(recorded: Recorded) -> None:
    statement = Statement(Decision.MORE_TESTS, ("Il en manque",), add=("documents",))
    assert content_of(recorded, None, statement, [])["next"]["items"] == ["documents", "patient/skips"]


@pytest.mark.parametrize(
    ("statement", "failure", "message"),
    [
        (Statement(Decision.SATISFACTORY, ("x",)), None, "1 tests did not pass"),
        (Statement(Decision.SATISFACTORY, ("x",), despite_failures=True), CheckedItem("age", False, "old"), "age: old"),
        (Statement(Decision.UNSATISFACTORY, (" ",)), None, "needs reasons"),
    ],
)
def test_decisions_that_do_not_fit_the_file_are_refused(
    recorded: Recorded, statement: Statement, failure: CheckedItem | None, message: str
) -> None:
    with pytest.raises(AcceptanceError, match=message):
        content_of(recorded, failure, statement, [])


def test_satisfactory_despite_failures_says_so(recorded: Recorded) -> None:
    content = content_of(recorded, None, Statement(Decision.SATISFACTORY, ("x",), despite_failures=True), [])
    assert content["despiteFailures"] is True
    assert "raccordement" in content["next"]["fr"]


@WITHIN_TEST
@given(data=st.data())
def test_every_flipped_byte_is_found(
    data: st.DataObject, review: Path, recorded: Recorded, reviewers: TrustPolicy, tmp_path: Path
) -> None:
    original = review.read_bytes()
    position = data.draw(st.integers(0, len(original) - 1))
    flip = data.draw(st.integers(1, 255))
    altered = tmp_path / "altered.jws"
    altered.write_bytes(original[:position] + bytes([original[position] ^ flip]) + original[position + 1 :])
    with pytest.raises(AcceptanceError):
        read_chain(recorded.digest, [altered], reviewers, NOW)


def test_every_flipped_bit_of_the_header_is_found(
    review: Path, recorded: Recorded, reviewers: TrustPolicy, tmp_path: Path
) -> None:
    """Among them those that make a certificate odd: another version, a negative serial number."""
    original = review.read_bytes()
    altered = tmp_path / "altered.jws"
    for position in range(original.index(b".")):
        for flip in (1, 4, 16, 64):
            changed = bytes([original[position] ^ flip])
            altered.write_bytes(original[:position] + changed + original[position + 1 :])
            with pytest.raises(AcceptanceError):
                read_chain(recorded.digest, [altered], reviewers, NOW)


@given(data=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_refused_without_a_crash(
    data: bytes, recorded: Recorded, reviewers: TrustPolicy, tmp_path: Path
) -> None:
    path = tmp_path / "any.jws"
    path.write_bytes(data)
    with pytest.raises(AcceptanceError):
        read_chain(recorded.digest, [path], reviewers, NOW)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file": {"sha256": "0" * 64}}, "review of another file"),
        ({"sequence": 2}, "does not follow"),
        ({"previous": "0" * 64}, "does not follow"),
        ({"decision": "excellent"}, "lacks file, sequence"),
        ({"sequence": True}, "lacks file, sequence"),
        ({"version": 2}, "a newer harness may read it"),
    ],
)
def test_a_review_that_was_signed_wrong_is_refused(
    changes: dict[str, object], message: str, recorded: Recorded, team: Path, reviewers: TrustPolicy, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.jws"
    path.write_bytes(_sign(_content(recorded, **changes), team))
    with pytest.raises(AcceptanceError, match=message):
        read_chain(recorded.digest, [path], reviewers, NOW)


def test_the_chain_holds_only_whole_and_in_order(
    review: Path, recorded: Recorded, team: Path, reviewers: TrustPolicy, tmp_path: Path
) -> None:
    second, early = tmp_path / "r2.jws", tmp_path / "early.jws"
    first = read_chain(recorded.digest, [review], reviewers, NOW)
    second.write_bytes(_sign(_content(recorded, first), team, LATER))
    early.write_bytes(_sign(_content(recorded, first), team, NOW - timedelta(minutes=2)))
    found = read_chain(recorded.digest, [review, second], reviewers, LATER)
    assert [one.content["sequence"] for one in found] == [1, 2]
    for paths, message in (
        ([second], "does not follow"),
        ([second, review], "does not follow"),
        ([review, review], "does not follow"),
        ([review, early], "before the review that it follows"),
    ):
        with pytest.raises(AcceptanceError, match=message):
            read_chain(recorded.digest, paths, reviewers, LATER)


def test_another_kind_of_signature_is_no_review(
    recorded: Recorded, team: Path, reviewers: TrustPolicy, tmp_path: Path
) -> None:
    payload = rfc8785.dumps(_content(recorded))
    key = signing.load_private_key((team / KEY).read_bytes())
    chain = signing.load_chain((team / CHAIN).read_bytes())
    protected, _, signature = signing.sign_payload(payload, key, chain, NOW).split(
        b"."
    )  # as an acceptance file is signed
    path = tmp_path / "other.jws"
    path.write_bytes(b".".join((protected, base64.urlsafe_b64encode(payload).rstrip(b"="), signature)))
    with pytest.raises(AcceptanceError, match="typ"):
        read_chain(recorded.digest, [path], reviewers, NOW)


def test_the_publisher_cannot_review_for_the_team(
    recorded: Recorded, keys: Path, reviewers: TrustPolicy, tmp_path: Path
) -> None:
    path = tmp_path / "own.jws"
    path.write_bytes(_sign(_content(recorded), keys))
    with pytest.raises(AcceptanceError, match="was not issued by a trust anchor"):
        read_chain(recorded.digest, [path], reviewers, NOW)


def test_the_payload_is_what_any_jws_reader_sees(review: Path, recorded: Recorded) -> None:
    header, payload, _ = review.read_bytes().split(b".")
    decoded = [json.loads(base64.urlsafe_b64decode(part + b"==")) for part in (header, payload)]
    assert decoded[0]["typ"] == TYPE
    assert decoded[1]["file"]["sha256"] == recorded.digest


def test_a_shelf_shows_each_file_with_its_last_decision(
    signed: Path, review: Path, policy: TrustPolicy, reviewers: TrustPolicy, tmp_path: Path
) -> None:
    home = tmp_path / "shelf"
    home.mkdir()
    shutil.copy(signed, home / "a.zip")
    shutil.copy(review, home / "a.review.jws")
    (home / "b.zip").write_bytes(b"no zip")
    (home / "note.jws").write_bytes(b"no review")
    one, other = overview(home, policy, reviewers, datetime.now(UTC))
    assert (one.signature, one.decision, one.review_state, one.reviews) == ("verified", "unsatisfactory", "verified", 1)
    assert other.signature.startswith("does not verify: container")
    unchecked, _ = overview(home, None, None, datetime.now(UTC))
    assert (unchecked.signature, unchecked.review_state) == ("not checked", "not checked")
    stranger, _ = overview(home, policy, policy, datetime.now(UTC))
    assert stranger.decision == ""
    assert "was not issued by a trust anchor" in stranger.review_state
