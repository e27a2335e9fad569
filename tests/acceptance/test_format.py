"""The format as its page and schemas say it: other readers read what we write, and refuse what we refuse."""

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.acceptance import container, manifest
from harness.acceptance.bundle import sign
from harness.acceptance.keys import ANCHOR
from tests.acceptance.alterations import designed
from tests.acceptance.authorities import NOW, issue
from tests.acceptance.forger import Forger
from tests.runs import record

INDEPENDENT = Path(__file__).parent / "independent" / "verify.mjs"
SEGMENTS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,8}", fullmatch=True)
NAMES = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)
needs_node = pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed: the second reader needs it"
)


@given(st.dictionaries(NAMES, st.binary(max_size=50), min_size=1, max_size=5))
def test_any_zip_reader_reads_a_container(members: dict[str, bytes]) -> None:
    data = container.pack(members)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == members
    assert dict(container.unpack(data)) == members
    assert container.pack(dict(reversed(members.items()))) == data


def _schema(name: str) -> Draft202012Validator:
    schema = json.loads(files("harness.acceptance.schemas").joinpath(name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("name", ["manifest", "acceptance"])
def test_what_is_written_is_what_the_schema_says(name: str, signed: Path) -> None:
    data = json.loads(container.read(signed)[f"{name}.json"])
    validator = _schema(f"{name}.schema.json")
    assert [error.message for error in validator.iter_errors(data)] == []
    for member in validator.schema["required"]:
        less = {key: value for key, value in data.items() if key != member}
        assert not validator.is_valid(less)


def _independent(file: Path, anchor: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["node", str(INDEPENDENT), str(file), str(anchor)], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout.strip()


@needs_node
def test_an_independent_reader_agrees(signed: Path, keys: Path, altered: Callable[[bytes], Path]) -> None:
    code, said = _independent(signed, keys / ANCHOR)
    assert (code, said[:19]) == (0, "holds: fail, signed")
    members = container.read(signed)
    changed = {**members, manifest.DOCUMENT: members[manifest.DOCUMENT].replace(b'"fail"', b'"pass"')}
    assert _independent(altered(container.pack(changed)), keys / ANCHOR) == (1, "refused: acceptance.json")


@needs_node
@pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)])
def test_an_independent_reader_knows_each_algorithm_and_an_intermediate(
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    root = issue("Racine")
    middle = issue("Intermédiaire", root)
    signer = issue("Éditeur", middle, ca=False, key=key)
    chain = [signer.certificate, middle.certificate]
    file = sign(record(tmp_path / "run"), key, chain, tmp_path / "file.zip", NOW).path
    (tmp_path / "root.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    assert _independent(file, tmp_path / "root.pem")[0] == 0
    (tmp_path / "other.pem").write_bytes(issue("Racine").certificate.public_bytes(Encoding.PEM))
    assert _independent(file, tmp_path / "other.pem") == (1, "refused: chain")


@needs_node
def test_an_independent_reader_refuses_forgeries(signed: Path, tmp_path: Path) -> None:
    root = issue("AC")
    signer = issue("Éditeur", root, ca=False)
    for name in ("file", "other"):
        sign(record(tmp_path / name), signer.key, [signer.certificate], tmp_path / f"{name}.zip", NOW)
    (tmp_path / "root.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    forger = Forger(container.read(tmp_path / "file.zip"), container.read(tmp_path / "other.zip"), root, signer)
    forgeries = dict(designed(forger))
    chosen = [
        *("zip_fields/first-local-time", "zips/deflated", "zips/manifest.json-stands-twice", "manifests/order"),
        *("headers/alg-none", "headers/crit", "signatures/mirrored", "signatures/der", "trust/expired"),
        *("signatures/hmac-with-the-public-key", "trust/authority-of-the-same-name", "trust/signed-as-a-review"),
    ]
    for name in chosen:
        (tmp_path / "forged.zip").write_bytes(forgeries[name])
        code, said = _independent(tmp_path / "forged.zip", tmp_path / "root.pem")
        assert (name, code) == (name, 1), said


def test_the_page_names_every_member_and_algorithm() -> None:
    page = files("harness.acceptance").joinpath("FORMAT.md").read_text(encoding="utf-8")
    for word in (*manifest.DEMANDED, "ES256", "EdDSA", "PS256", f"version {manifest.VERSION}"):
        assert word in page
