"""What was altered does not verify, and says what was altered."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.acceptance import container, manifest, signing
from harness.acceptance.bundle import members_of
from harness.acceptance.keys import ANCHOR, CHAIN, KEY, new_keys
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import Verification, verify
from harness.errors import AcceptanceError
from tests.acceptance.conftest import NOW, sign
from tests.runs import record

WITHIN_TEST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)


def _resign(members: Mapping[str, bytes], keys: Path) -> bytes:
    """What a dishonest signer would do: alter the contents and sign them properly."""
    content = {k: v for k, v in members.items() if k not in (manifest.NAME, manifest.SIGNATURE)}
    listing = manifest.make(content)
    key = signing.load_private_key((keys / KEY).read_bytes())
    signature = signing.sign_payload(listing, key, signing.load_chain((keys / CHAIN).read_bytes()), NOW)
    return container.pack({**content, manifest.NAME: listing, manifest.SIGNATURE: signature})


def _failure(answer: Verification) -> tuple[str, str]:
    assert not answer.ok
    assert answer.document is None
    assert answer.failure is not None
    return answer.failure.name, answer.failure.message


def test_what_was_signed_verifies(signed: Path, policy: TrustPolicy) -> None:
    answer = verify(signed, policy, NOW)
    assert [item.name for item in answer.checks if not item.ok] == []
    assert answer.document is not None
    assert answer.document["verdict"] == "fail"


def test_the_same_run_gives_the_same_bytes_but_for_the_signature(keys: Path, tmp_path: Path) -> None:
    one, two = (sign(record(tmp_path / name), keys, tmp_path / f"{name}.zip") for name in ("one", "two"))
    first, second = (dict(container.read(path)) for path in (one, two))
    assert first.pop(manifest.SIGNATURE) != second.pop(manifest.SIGNATURE)  # ECDSA draws a nonce
    assert first == second


@WITHIN_TEST
@given(data=st.data())
def test_every_flipped_byte_is_found(
    data: st.DataObject, signed: Path, policy: TrustPolicy, altered: Callable[[bytes], Path]
) -> None:
    original = signed.read_bytes()
    position = data.draw(st.integers(0, len(original) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = original[:position] + bytes([original[position] ^ flip]) + original[position + 1 :]
    assert not verify(altered(changed), policy, NOW).ok


@WITHIN_TEST
@given(data=st.data())
def test_every_cut_or_added_byte_is_found(
    data: st.DataObject, signed: Path, policy: TrustPolicy, altered: Callable[[bytes], Path]
) -> None:
    original = signed.read_bytes()
    position = data.draw(st.integers(0, len(original)))
    added = data.draw(st.binary(max_size=20))
    removed = data.draw(st.integers(0, 20))
    changed = original[:position] + added + original[position + removed :]
    assert verify(altered(changed), policy, NOW).ok == (changed == original)


@pytest.mark.parametrize(
    "name", ["acceptance.json", "acceptance.html", "journal.ndjson", "sources/testsets/patient.yaml"]
)
def test_a_member_that_was_altered_removed_or_renamed_is_named(
    name: str, signed: Path, policy: TrustPolicy, altered: Callable[[bytes], Path]
) -> None:
    members = dict(container.read(signed))
    contents = members.pop(name)
    changes = {
        "altered": {**members, name: contents + b" "},
        "missing": members,
        "renamed": {**members, f"other-{name}": contents},
    }
    for change in changes.values():
        check, message = _failure(verify(altered(container.pack(change)), policy, NOW))
        assert check in ("container", "manifest")
        assert name in message


def test_an_added_member_is_named(signed: Path, policy: TrustPolicy, altered: Callable[[bytes], Path]) -> None:
    changed = container.pack({**container.read(signed), "extra.txt": b"x"})
    assert _failure(verify(altered(changed), policy, NOW)) == ("manifest", "extra.txt is not in the manifest")


def test_another_runs_signature_is_refused(
    signed: Path, keys: Path, policy: TrustPolicy, tmp_path: Path, altered: Callable[[bytes], Path]
) -> None:
    run = record(tmp_path / "run")
    (run / "journal.ndjson").write_bytes((run / "journal.ndjson").read_bytes().replace(b'"seed":1', b'"seed":2'))
    other = container.read(sign(run, keys, tmp_path / "other.zip"))
    swapped = {**container.read(signed), manifest.SIGNATURE: other[manifest.SIGNATURE]}
    check, message = _failure(verify(altered(container.pack(swapped)), policy, NOW))
    assert check == "signature"
    assert "does not match what it should cover" in message


def test_a_report_that_says_something_else_than_the_journal_is_refused(
    signed: Path, keys: Path, policy: TrustPolicy, altered: Callable[[bytes], Path]
) -> None:
    members = dict(container.read(signed))
    members["acceptance.json"] = members["acceptance.json"].replace(b'"verdict": "fail"', b'"verdict": "pass"')
    check, message = _failure(verify(altered(_resign(members, keys)), policy, NOW))
    assert check == "report"
    assert "does not say what the recorded" in message


def test_a_page_that_says_something_else_than_the_journal_is_refused(
    signed: Path, keys: Path, policy: TrustPolicy, altered: Callable[[bytes], Path]
) -> None:
    members = dict(container.read(signed))
    members["acceptance.html"] = members["acceptance.html"].replace(b">fail<", b">pass<")
    check, message = _failure(verify(altered(_resign(members, keys)), policy, NOW))
    assert check == "page"
    assert "acceptance.html" in message


def test_a_test_set_that_did_not_run_is_refused(
    signed: Path, keys: Path, policy: TrustPolicy, altered: Callable[[bytes], Path]
) -> None:
    members = {**container.read(signed), "sources/testsets/patient.yaml": b"testset: easier\n"}
    check, message = _failure(verify(altered(_resign(members, keys)), policy, NOW))
    assert check == "journal"
    assert "patient.yaml is not the file that the run used" in message


def test_a_journal_that_contradicts_itself_is_refused_though_it_is_signed(
    signed: Path, keys: Path, policy: TrustPolicy, altered: Callable[[bytes], Path]
) -> None:
    members = dict(container.read(signed))
    said = members["journal.ndjson"].replace(b'"test":"refuses","verdict":"fail"', b'"test":"refuses","verdict":"pass"')
    assert said != members["journal.ndjson"]
    check, message = _failure(verify(altered(_resign({**members, "journal.ndjson": said}, keys)), policy, NOW))
    assert check == "journal"
    assert message == "the test patient/refuses says pass, but its checks and findings come to fail"


def test_an_unknown_key_is_refused(signed: Path, tmp_path: Path) -> None:
    new_keys(tmp_path / "other", "Éditeur de test")
    stranger = TrustPolicy(signing.load_chain((tmp_path / "other" / ANCHOR).read_bytes()))
    check, message = _failure(verify(signed, stranger, NOW))
    assert check == "certificate"
    assert "was not issued by a trust anchor" in message


@pytest.mark.parametrize(("moment", "message"), [(31, "had expired now"), (-1, "not yet valid now")])
def test_a_certificate_out_of_its_time_is_refused(signed: Path, policy: TrustPolicy, moment: int, message: str) -> None:
    check, found = _failure(verify(signed, policy, NOW + timedelta(days=moment)))
    assert check == "certificate"
    assert message in found


def test_age_organisation_and_test_sets_are_demanded(signed: Path, policy: TrustPolicy) -> None:
    later = NOW + timedelta(days=3)
    assert _failure(verify(signed, TrustPolicy(policy.anchors, max_age=timedelta(days=2)), later))[0] == "age"
    other = TrustPolicy(policy.anchors, organization="Another")
    assert "not by the organisation 'Another'" in _failure(verify(signed, other, NOW))[1]
    more = TrustPolicy(policy.anchors, required_test_sets=("documents",))
    assert _failure(verify(signed, more, NOW)) == (
        "test sets",
        "the policy demands the test set 'documents', which was not run",
    )


def test_an_empty_policy_is_refused() -> None:
    with pytest.raises(AcceptanceError, match="trust policy is empty"):
        TrustPolicy(())


def test_a_run_that_was_cut_off_is_not_signed(tmp_path: Path) -> None:
    run = record(tmp_path / "run")
    lines = (run / "journal.ndjson").read_bytes().splitlines(keepends=True)
    (run / "journal.ndjson").write_bytes(b"".join(lines[:-1]))
    with pytest.raises(AcceptanceError, match="was cut off"):
        members_of(run)


@given(st.binary(max_size=400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_refused_without_a_crash(
    policy: TrustPolicy, altered: Callable[[bytes], Path], data: bytes
) -> None:
    assert verify(altered(data), policy, NOW).failure is not None


def _certificate(key: signing.PrivateKey, days: int = 1) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=days))
    )
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
        (rsa.generate_private_key(65537, 2048), "PS256"),
    ],
)
def test_each_algorithm_signs_and_verifies(key: signing.PrivateKey, algorithm: str) -> None:
    signature = signing.sign_payload(b"payload", key, [_certificate(key)], NOW)
    checked = signing.check_signature(signature, b"payload")
    assert (checked.algorithm, checked.signed_at) == (algorithm, NOW.replace(microsecond=0))
    with pytest.raises(AcceptanceError, match="does not match"):
        signing.check_signature(signature, b"other")


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "PS256"},
        {"crit": ["b64"], "b64": False},
        {"crit": ["x"], "x": 1},
        {"x5c": []},
    ],
)
def test_headers_that_could_fool_a_verifier_are_refused(change: dict[str, object]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    protected, _, signature = signing.sign_payload(b"payload", key, [_certificate(key)], NOW).split(b".")
    header = json.loads(signing._decode(protected)) | change
    forged = signing.base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    with pytest.raises(AcceptanceError):
        signing.check_signature(b"..".join([forged, signature]), b"payload")


def test_a_key_that_is_not_the_certificates_cannot_sign() -> None:
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(AcceptanceError, match="is not the private key's"):
        signing.sign_payload(b"payload", key, [_certificate(other)], datetime.now(UTC))
