"""One redacted value is told and checked; the others stay unknown."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.acceptance import container
from harness.acceptance.bundle import sign
from harness.acceptance.disclosure import check_disclosure, disclose
from harness.acceptance.keys import CHAIN, KEY
from harness.acceptance.signing import load_chain, load_private_key
from harness.engine import commitment
from harness.engine.redaction import Redactor, mark, without_commitments
from harness.errors import AcceptanceError, UsageError
from tests.acceptance.conftest import NOW
from tests.runs import record

SECRET, OTHER = "a-secret-value", "another-secret"
SALTS = st.binary(min_size=32, max_size=32)


@pytest.fixture
def redacted(tmp_path: Path) -> Path:
    """A run that redacted two values."""
    run = record(tmp_path / "run")
    salt = commitment.new_salt()
    commitment.keep(run, salt)
    redactor = Redactor({"identities.default.bearer": SECRET, "other": OTHER}, salt)
    journal = run / "journal.ndjson"
    hidden = redactor.text(f"{SECRET} {OTHER}").encode()
    journal.write_bytes(journal.read_bytes().replace(b'"Produit"', b'"' + hidden + b'"'))
    return run


@pytest.fixture
def file(redacted: Path, keys: Path, tmp_path: Path) -> Path:
    key, chain = load_private_key((keys / KEY).read_bytes()), load_chain((keys / CHAIN).read_bytes())
    return sign(redacted, key, chain, tmp_path / "file.zip", NOW).path


def test_a_value_is_disclosed_and_checked(redacted: Path, file: Path) -> None:
    told = disclose(redacted, SECRET)
    assert check_disclosure(json.dumps(told).encode(), file) == ["identities.default.bearer"]


def test_the_salt_stays_with_the_publisher(redacted: Path, file: Path) -> None:
    salt = redacted / commitment.NAME
    assert stat.S_IMODE(salt.stat().st_mode) == 0o600
    assert commitment.NAME not in container.read(file)
    assert json.loads(salt.read_bytes())["salt"].encode() not in file.read_bytes()


Change = Callable[[dict[str, str]], object]
FALSE: dict[str, tuple[Change, str]] = {
    "another value": (lambda told: {**told, "value": OTHER}, "its value does not give its commitment"),
    "another opening": (lambda told: {**told, "opening": "00" * 32}, "its value does not give its commitment"),
    "another run": (lambda told: {**told, "run": "x"}, "is of the run 'x'"),
    "not hexadecimal": (lambda told: {**told, "opening": "x"}, "is not hexadecimal"),
    "a member less": (lambda told: {"run": told["run"]}, "holds exactly"),
    "not an object": (lambda told: [told], "holds exactly"),
}


@pytest.mark.parametrize(("change", "message"), FALSE.values(), ids=FALSE.keys())
def test_a_false_disclosure_is_refused(redacted: Path, file: Path, change: Change, message: str) -> None:
    with pytest.raises(AcceptanceError, match=message):
        check_disclosure(json.dumps(change(disclose(redacted, SECRET))).encode(), file)


def test_a_value_that_is_not_there_cannot_be_disclosed(redacted: Path, file: Path) -> None:
    with pytest.raises(AcceptanceError, match="no redacted value of this run is the one given"):
        disclose(redacted, "something else")
    opened = commitment.opening(bytes(32), "x")
    made = {"value": "x", "opening": opened.hex(), "commitment": commitment.commitment(opened, "x")}
    told = {"run": disclose(redacted, SECRET)["run"], **made}
    with pytest.raises(AcceptanceError, match="no redacted value has this commitment"):
        check_disclosure(json.dumps(told).encode(), file)
    with pytest.raises(AcceptanceError, match="is not JSON"):
        check_disclosure(b"{", file)


@pytest.mark.parametrize("content", ["{", "[]", '{"salt": "xx"}', '{"salt": "00"}'])
def test_a_run_without_its_salt_says_so(redacted: Path, content: str) -> None:
    (redacted / commitment.NAME).write_text(content)
    with pytest.raises(UsageError, match="is not what a run wrote"):
        disclose(redacted, SECRET)
    (redacted / commitment.NAME).unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        disclose(redacted, SECRET)


@given(salt=SALTS, other=SALTS, one=st.text(), two=st.text())
def test_commitments_are_equal_for_equal_values_of_a_run_only(salt: bytes, other: bytes, one: str, two: str) -> None:
    assert (commitment.commit(salt, one) == commitment.commit(salt, two)) == (one == two)
    assume(salt != other)
    assert commitment.commit(salt, one) != commitment.commit(other, one)


@given(salt=SALTS, value=st.from_regex(r"[a-z0-9]{8,20}", fullmatch=True))
def test_redacting_twice_is_redacting_once_and_names_stay(salt: bytes, value: str) -> None:
    redactor = Redactor({"name": value}, salt)
    url = f"https://h/Patient?identifier=a%7C{value}&access_token=zz{value[::-1]}zz"
    once = redactor.url(url)
    assert redactor.url(once) == once
    assert redactor.body(once.encode()) == once.encode()
    assert value not in without_commitments(once)
    assert mark("name", commitment.commit(salt, value)) in redactor.text(value)
    assert without_commitments(redactor.text(value)) == mark("name")
