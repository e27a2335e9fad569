"""A hierarchy as a health authority has it, and everything that breaks it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ObjectIdentifier

from harness.acceptance import trust
from harness.acceptance.bundle import sign
from harness.acceptance.installed import Installed
from harness.acceptance.path import check_revocation
from harness.acceptance.policy_file import read_policy
from harness.acceptance.trust import TrustPolicy
from harness.acceptance.verify import verify
from harness.engine.events import DefinitionSource, TestSetSource
from harness.errors import AcceptanceError, UsageError
from tests.acceptance.authorities import NOW, Holder, issue, revoke
from tests.runs import record

EMAIL = "1.3.6.1.5.5.7.3.4"
ROOT = issue("AC racine de test")
INTERMEDIATE = issue("AC organisations de test", ROOT, path_length=0)
SIGNER = issue(
    "Éditeur de test", INTERMEDIATE, ca=False, organization="Éditeur de test", unit="318000000000000", extended=[EMAIL]
)
CHAIN = (SIGNER.certificate, INTERMEDIATE.certificate)


def _check(chain: tuple[x509.Certificate, ...], **policy: object) -> str:
    demands = TrustPolicy((ROOT.certificate,), **policy)  # type: ignore[arg-type]
    path = trust.check_path(chain, demands, NOW, NOW)
    trust.check_signer(path[0], demands)
    return check_revocation(path, demands.crls, NOW, required=demands.crls_required)


@pytest.mark.parametrize("chain", [CHAIN, (*CHAIN, ROOT.certificate)], ids=["without the root", "with the root"])
def test_a_chain_to_the_root_holds(chain: tuple[x509.Certificate, ...]) -> None:
    wanted = {"OU": "318000000000000", "C": "FR"}
    assert _check(chain, organization="Éditeur de test", subject=wanted, extended_key_usages=(EMAIL,)) == (
        "no revocation list was given: revocation was not looked at"
    )


def _leaf(issuer: Holder = INTERMEDIATE, **options: object) -> Holder:
    return issue("Éditeur", issuer, ca=False, **options)  # type: ignore[arg-type]


def _below(issuer: Holder, *between: x509.Certificate) -> tuple[x509.Certificate, ...]:
    return (_leaf(issuer).certificate, issuer.certificate, *between)


_NO_AUTHORITY = issue("Pas une autorité", ROOT, ca=False)
_NO_USAGE = issue("Sans droit d'émettre", ROOT, usages=["digital_signature"])
_TOO_DEEP = issue("Une autorité de trop", INTERMEDIATE)
_EXPIRED = issue("Autorité échue", ROOT, end=timedelta(days=-1))
_STRANGER = issue("AC racine de test")
_NAME_TAKER = issue("AC organisations de test", _STRANGER)
_WEAK = issue("Courbe trop courte", ROOT, key=ec.generate_private_key(ec.SECP224R1()))
_CONSTRAINED = issue(
    "Autorité limitée", ROOT, extensions=[(x509.NameConstraints([x509.DNSName("example.org")], None), True)]
)
_UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.2.250.1.213.99"), b"\x05\x00")
BROKEN = {
    "no chain": ((), "carries no certificate"),
    "intermediate missing": ((SIGNER.certificate,), "was not issued by a trust anchor"),
    "order": ((INTERMEDIATE.certificate, SIGNER.certificate), "may not sign"),
    "another root of the same name": (_below(_STRANGER), "was not issued by a trust anchor"),
    "an authority of the same name": ((SIGNER.certificate, _NAME_TAKER.certificate), "was not issued by"),
    "issued by no authority": (_below(_NO_AUTHORITY), "is no certification authority"),
    "issuer may not issue": (_below(_NO_USAGE), "its key usage does not allow it"),
    "path too long": (_below(_TOO_DEEP, INTERMEDIATE.certificate), "allows 0 authorities below it, found 1"),
    "issuer expired": (_below(_EXPIRED), "had expired when the file was signed"),
    "weak key": (_below(_WEAK), "has a weak key"),
    "name constraints": (_below(_CONSTRAINED), "has a critical extension 2.5.29.30"),
    "signer expired": ((_leaf(end=timedelta(days=-1)).certificate, *CHAIN[1:]), "had expired"),
    "signer not yet valid": ((_leaf(start=timedelta(days=1)).certificate, *CHAIN[1:]), "not yet valid"),
    "signer may not sign": ((_leaf(usages=["key_encipherment"]).certificate, *CHAIN[1:]), "may not sign"),
    "unknown critical extension": ((_leaf(extensions=[(_UNKNOWN, True)]).certificate, *CHAIN[1:]), "1.2.250.1.213.99"),
}


@pytest.mark.parametrize(("chain", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_chain_says_what_breaks_it(chain: tuple[x509.Certificate, ...], message: str) -> None:
    with pytest.raises(AcceptanceError, match=message):
        _check(chain)


def test_an_extension_that_is_not_critical_may_be_unknown() -> None:
    assert _check((_leaf(extensions=[(_UNKNOWN, False)]).certificate, *CHAIN[1:]))


DEMANDS = {
    "organisation": ({"organization": "Autre"}, "not by the organisation 'Autre'"),
    "unit": ({"subject": {"OU": "999"}}, "not by OU = '999'"),
    "usage": ({"key_usages": ("nonRepudiation",)}, "its key usage has none of nonRepudiation"),
    "extended usage": ({"extended_key_usages": ("1.2.3",)}, "its extended key usage has none of 1.2.3"),
    "no such usage": ({"key_usages": ("keyCertSign",)}, "'keyCertSign' is no key usage for signing"),
    "no such attribute": ({"subject": {"X": "1"}}, "'X' is no attribute of a subject"),
    "test set's form": ({"required_test_sets": ("a@@",)}, "cannot be read: write id"),
    "definitions' form": ({"required_definitions": ("a:wrong",)}, "cannot be read: write name"),
}


@pytest.mark.parametrize(("policy", "message"), DEMANDS.values(), ids=DEMANDS.keys())
def test_a_policy_that_is_not_met_says_so(policy: dict[str, object], message: str) -> None:
    with pytest.raises(AcceptanceError, match=message):
        _check(CHAIN, **policy)


LISTS: dict[str, tuple[list[x509.CertificateRevocationList], str]] = {
    "signer revoked": ([revoke(INTERMEDIATE, [SIGNER.certificate])], "CN=Éditeur de test.* was revoked on"),
    "intermediate revoked": (
        [revoke(INTERMEDIATE), revoke(ROOT, [INTERMEDIATE.certificate])],
        "CN=AC organisations.* was revoked on",
    ),
    "out of date": ([revoke(INTERMEDIATE, end=timedelta(days=-1))], "is out of date"),
    "signed by another": ([revoke(INTERMEDIATE, signer=_STRANGER)], "does not carry its signature"),
    "one missing": ([revoke(INTERMEDIATE)], "no revocation list of CN=AC racine"),
}


@pytest.mark.parametrize(("lists", "message"), LISTS.values(), ids=LISTS.keys())
def test_revocation_lists_are_obeyed(lists: list[x509.CertificateRevocationList], message: str) -> None:
    with pytest.raises(AcceptanceError, match=message):
        _check(CHAIN, crls=tuple(lists), crls_required=True)


def test_lists_that_revoke_others_are_fine() -> None:
    lists = (revoke(INTERMEDIATE, [ROOT.certificate]), revoke(ROOT))
    assert _check(CHAIN, crls=lists, crls_required=True) == "not revoked, by the lists of 2 of 2 issuers"


def test_an_authority_with_an_ed25519_key() -> None:
    root = issue("Ed", key=ed25519.Ed25519PrivateKey.generate())
    signer = _leaf(root)
    found = trust.check_path((signer.certificate,), TrustPolicy((root.certificate,)), NOW, NOW)
    assert found == (signer.certificate, root.certificate)


RAN = [TestSetSource("feed", "1.2.0", "ab" * 32, "feed.yaml", {}, ("a",))]
JUDGED = [DefinitionSource("hl7.fhir.fr.core", "2.1.0", "00", official=False)]


@pytest.mark.parametrize("demand", ["feed", "feed@1.2.0", f"feed@1.2.0#{'ab' * 32}", f"feed#{'ab' * 8}"])
def test_a_test_set_that_ran_satisfies(demand: str) -> None:
    policy = TrustPolicy((ROOT.certificate,), required_test_sets=(demand,))
    assert trust.check_test_sets(policy, RAN) == "1 demanded, 1 ran"


@pytest.mark.parametrize(
    ("demand", "message"),
    [("fed", "was not run"), ("feed@2.0.0", "but version 1.2.0 was run"), (f"feed#{'cd' * 32}", "another digest")],
)
def test_a_test_set_that_did_not_run_is_named(demand: str, message: str) -> None:
    with pytest.raises(AcceptanceError, match=message):
        trust.check_test_sets(TrustPolicy((ROOT.certificate,), required_test_sets=(demand,)), RAN)


@pytest.mark.parametrize(("demand", "pinned"), [("feed@1.2.0", False), ("feed", False), (f"feed#{'ab' * 8}", True)])
def test_another_test_set_under_the_catalogues_name_does_not_satisfy(demand: str, pinned: bool, tmp_path: Path) -> None:
    (tmp_path / "feed.yaml").write_text("testset: feed\nversion: 1.2.0\n", encoding="utf-8")
    policy, installed = TrustPolicy((ROOT.certificate,), required_test_sets=(demand,)), Installed(tmp_path, tmp_path)
    if pinned:  # the policy itself says which one
        assert trust.check_test_sets(policy, RAN, installed) == "1 demanded, 1 ran"
        return
    with pytest.raises(AcceptanceError, match=r"altered: not the feed 1\.2\.0 of this catalogue"):
        trust.check_test_sets(policy, RAN, installed)


def test_a_test_set_that_ran_in_part_does_not_satisfy() -> None:
    partly = [replace(RAN[0], left_out=("b",))]
    with pytest.raises(AcceptanceError, match="demands the whole test set 'feed'; the run left out b"):
        trust.check_test_sets(TrustPolicy((ROOT.certificate,), required_test_sets=("feed",)), partly)


@pytest.mark.parametrize("demand", ["hl7.fhir.fr.core", "hl7.fhir.fr.core@2.1.0", "hl7.fhir.fr.core@2.1.0:restated"])
def test_definitions_that_judged_satisfy(demand: str) -> None:
    policy = TrustPolicy((ROOT.certificate,), required_definitions=(demand,))
    assert trust.check_definitions(policy, JUDGED) == "1 demanded, 1 judged"


@pytest.mark.parametrize("demand", ["hl7.fhir.fr.core:official", "hl7.fhir.fr.core@2.0.0", "other"])
def test_definitions_that_did_not_judge_are_named(demand: str) -> None:
    with pytest.raises(AcceptanceError, match=f"the policy demands the definitions '{demand}'"):
        trust.check_definitions(TrustPolicy((ROOT.certificate,), required_definitions=(demand,)), JUDGED)


POLICY = """
anchors: [root.pem]
organization: Éditeur de test
subject: {OU: "318000000000000"}
key-usages: [digitalSignature]
crls: [root.crl, organisations.crl]
crls-required: true
max-age: 30
test-sets: [patient@1.0.0]
definitions: ["hl7.fhir.r4.core@4.0.1:restated"]
"""


@pytest.fixture
def policy_file(tmp_path: Path) -> Callable[[str], Path]:
    (tmp_path / "root.pem").write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "root.crl").write_bytes(revoke(ROOT).public_bytes(Encoding.DER))
    (tmp_path / "organisations.crl").write_bytes(revoke(INTERMEDIATE).public_bytes(Encoding.PEM))

    def write(text: str) -> Path:
        (tmp_path / "trust.yaml").write_text(text, encoding="utf-8")
        return tmp_path / "trust.yaml"

    return write


def test_a_policy_file_is_what_verify_demands(policy_file: Callable[[str], Path], tmp_path: Path) -> None:
    file = sign(record(tmp_path / "run"), SIGNER.key, CHAIN, tmp_path / "file.zip", NOW).path
    answer = verify(file, read_policy(policy_file(POLICY)), NOW)
    assert [(item.name, item.message) for item in answer.checks if not item.ok] == []
    assert answer.checks[4].message == "not revoked, by the lists of 2 of 2 issuers"
    stricter = read_policy(policy_file(POLICY.replace(":restated", ":official")))
    failure = verify(file, stricter, NOW).failure
    assert failure is not None
    assert failure.name == "definitions"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "trust.yaml:1:1"),
        ("anchors: []", "trust.yaml:1:10: anchors: must not be empty"),
        ("anchors: [root.pem]\nmax-aeg: 3", 'trust.yaml:2:1: unknown key "max-aeg".*did you mean "max-age"'),
        ("anchors: [root.pem]\nmax-age: -1", "trust.yaml:2:10: max-age: must be from 0"),
        ("anchors: [root.pem, none.pem]", "trust.yaml:1:21: none.pem cannot be read"),
        ("anchors: [trust.yaml]", "trust.yaml:1:11: trust.yaml: no certificate can be read"),
        ("anchors: [root.pem]\ncrls: [root.pem]", "trust.yaml:2:8: root.pem: no revocation list"),
        ("anchors: [root.pem]\ntest-sets: ['a b']", "trust.yaml:2:13: test-sets: must be written id"),
        ("anchors: [root.pem]\nanchors: [root.pem]", "trust.yaml:2:1"),
    ],
)
def test_a_broken_policy_file_says_where(policy_file: Callable[[str], Path], text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_policy(policy_file(text))
