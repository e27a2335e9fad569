"""Packages: read from a folder, a .tgz or the cache; hostile archives are refused."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data import folder
from harness.errors import PackageError
from harness.fhir import packages
from harness.fhir.archives import Limits, extract, read_archive
from harness.fhir.packages import IndexRow, index_bytes, open_package, write_index

MANIFEST = {"name": "test.pack", "version": "1.2.0", "fhirVersions": ["4.0.1"], "dependencies": {"other": "1.0.0"}}
VALUE_SET = {"resourceType": "ValueSet", "id": "v", "url": "http://x/v", "version": "1.2.0", "status": "draft"}
PROFILE = {
    "resourceType": "StructureDefinition", "id": "p", "url": "http://x/p", "kind": "resource", "type": "Patient",
    "derivation": "constraint", "abstract": False,
}  # fmt: skip
FILES: dict[str, Any] = {
    "package.json": MANIFEST, "ValueSet-v.json": VALUE_SET, "StructureDefinition-p.json": PROFILE,
    ".index.json": {"index-version": 1, "files": []}, "example/Patient-e.json": {"resourceType": "Patient", "id": "e"},
}  # fmt: skip


def write_folder(target: Path, files: dict[str, Any] = FILES) -> Path:
    for name, content in files.items():
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return target


def write_tgz(target: Path, files: dict[str, Any] = FILES, *extra: tarfile.TarInfo) -> Path:
    with tarfile.open(target, "w:gz") as archive:
        for name, content in files.items():
            data = (content if isinstance(content, str) else json.dumps(content)).encode()
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in extra:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return target


def test_folder_archive_and_cache_give_the_same_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_folder(tmp_path / ".fhir/packages/test.pack#1.2.0/package")
    opened = [
        open_package(write_folder(tmp_path / "flat")),
        open_package(write_tgz(tmp_path / "p.tgz")),
        open_package("test.pack@1.2.0"),
        open_package("test.pack#1.2.0"),
    ]
    for package in opened:
        info = package.info
        assert (info.name, info.version, info.fhir_versions) == ("test.pack", "1.2.0", ("4.0.1",))
        assert info.dependencies == {"other": "1.0.0"}
        assert info.official
        assert {r["url"] for r in package.resources()} == {"http://x/v", "http://x/p"}
        assert [r["id"] for _, r in package.examples()] == ["e"]
    assert len({package.info.digest for package in opened}) == 1


def test_digest_sees_every_change(tmp_path: Path) -> None:
    first = open_package(write_folder(tmp_path / "a")).info.digest
    changed = open_package(
        write_folder(tmp_path / "b", {**FILES, "ValueSet-v.json": {**VALUE_SET, "id": "w"}})
    ).info.digest
    renamed = {name.replace("-v", "-w"): content for name, content in FILES.items()}
    assert len({first, changed, open_package(write_folder(tmp_path / "c", renamed)).info.digest}) == 3


def test_index_knows_facts_without_parsing(tmp_path: Path) -> None:
    rows = {row.url: row for row in open_package(write_tgz(tmp_path / "p.tgz")).rows}
    assert rows["http://x/p"].type == "Patient"
    assert rows["http://x/p"].derivation == "constraint"
    assert rows["http://x/v"].resource_type == "ValueSet"


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.size, made.linkname = kind, size, link
    return made


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (member("../evil.json", size=1), "would leave"),
        (member("/etc/evil.json", size=1), "would leave"),
        (member("package/a/../../../evil", size=1), "would leave"),
        (member("C:/evil.json", size=1), "would leave"),
        (member("package\\..\\evil", size=1), "would leave"),
        (member("package/link", tarfile.SYMTYPE, link="/etc/passwd"), "link"),
        (member("package/hard", tarfile.LNKTYPE, link="package/package.json"), "link"),
        (member("package/device", tarfile.CHRTYPE), "device"),
        (member("package/pipe", tarfile.FIFOTYPE), "device"),
        (member("package/big.json", size=3000), "more than 2000"),
        (member("package/package.json", size=1), "twice"),
    ],
)
def test_hostile_member_is_refused(tmp_path: Path, bad: tarfile.TarInfo, message: str) -> None:
    source = write_tgz(tmp_path / "p.tgz", FILES, bad)
    limits = Limits(file=2000)
    with pytest.raises(PackageError, match=message):
        open_package(source, limits=limits)
    with pytest.raises(PackageError, match=message):
        extract(source, tmp_path / "out", limits)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["p.tgz"]


def test_archive_beyond_the_limits_is_refused(tmp_path: Path) -> None:
    source = write_tgz(tmp_path / "p.tgz")
    with pytest.raises(PackageError, match="more than 3 members"):
        read_archive(source, Limits(count=3))
    with pytest.raises(PackageError, match="unpacks to more than 100 bytes"):
        read_archive(source, Limits(total=100))


def test_small_archive_of_a_huge_content_is_refused_early(tmp_path: Path) -> None:
    source = write_tgz(tmp_path / "bomb.tgz", {}, *(member(f"package/{n}.json", size=400_000) for n in range(20)))
    assert source.stat().st_size < 100_000
    with pytest.raises(PackageError, match="unpacks to more than"):
        read_archive(source, Limits(total=1_000_000, count=100))


def test_extraction_writes_all_files_once(tmp_path: Path) -> None:
    extract(write_tgz(tmp_path / "p.tgz"), tmp_path / "out")
    assert open_package(tmp_path / "out").info.name == "test.pack"
    with pytest.raises(PackageError, match="is there already"):
        extract(tmp_path / "p.tgz", tmp_path / "out")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"ValueSet-v.json": VALUE_SET}, "no package.json"),
        ({"package.json": "{"}, "not JSON"),
        ({"package.json": {"name": "x"}}, "no name and version"),
        ({"package.json": {**MANIFEST, "fhirVersions": ["5.0.0"]}}, r"is for FHIR 5\.0\.0"),
    ],
)
def test_what_is_not_an_r4_package_is_refused(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    with pytest.raises(PackageError, match=message):
        open_package(write_folder(tmp_path / "folder", files))
    with pytest.raises(PackageError, match=message):
        open_package(write_tgz(tmp_path / "p.tgz", files))


def test_broken_resource_is_named(tmp_path: Path) -> None:
    package = open_package(write_folder(tmp_path, {"package.json": MANIFEST, "ValueSet-v.json": "{]"}))
    with pytest.raises(PackageError, match=r"ValueSet-v\.json is not JSON"):
        list(package.resources())


@pytest.mark.parametrize("ref", ["nowhere", "nobody.at.all@9.9.9", "a/b@1"])
def test_absent_package_is_named(ref: str) -> None:
    with pytest.raises(PackageError, match=ref):
        open_package(ref)


def test_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.tgz").write_bytes(b"hello")
    with pytest.raises(PackageError, match=r"not a readable \.tgz"):
        open_package(tmp_path / "p.tgz")


@given(st.integers(0, 400))
def test_cut_archive_is_refused(tmp_path_factory: pytest.TempPathFactory, kept: int) -> None:
    source = write_tgz(tmp_path_factory.mktemp("cut") / "p.tgz")
    source.write_bytes(source.read_bytes()[: min(kept, source.stat().st_size - 12)])
    with pytest.raises(PackageError):
        open_package(source)


def test_stale_index_is_not_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_folder(tmp_path / "pack", {k: v for k, v in FILES.items() if k != ".index.json"})
    assert packages.main(["index", str(pack)]) == 0
    assert "written" in capsys.readouterr().out
    assert not write_index(pack)
    write_folder(pack, {"ValueSet-new.json": {**VALUE_SET, "url": "http://x/new"}})
    assert "http://x/new" in {row.url for row in open_package(pack).rows}
    assert write_index(pack)
    assert packages.main(["index", str(tmp_path / "none")]) == 2
    assert packages.main([]) == 2


@pytest.mark.parametrize("pack", sorted(p.parent.name for p in folder("conformance").glob("*/package.json")))
def test_committed_index_is_current(pack: str) -> None:
    root = folder("conformance") / pack
    package = open_package(root)
    index = json.loads((root / ".index.json").read_bytes())
    assert (root / ".index.json").read_bytes() == index_bytes(package.scan(), index["shared"])
    assert package.rows == tuple(sorted(package.scan(), key=lambda row: (row.file, row.offset)))


@given(st.lists(st.tuples(st.text(max_size=5), st.integers(0, 9)), max_size=5))
def test_index_is_the_same_whatever_the_order(places: list[tuple[str, int]]) -> None:
    rows = [IndexRow.of(VALUE_SET, file, offset, 1) for file, offset in places]
    assert index_bytes(rows, {}) == index_bytes(reversed(rows), {})
    assert json.loads(index_bytes(rows, {}))["index-version"] == "harness-1"
