"""Publisher and testing team, each with a folder, keys and trust anchors of its own, over real HTTP."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.cli.review import _cells
from harness.sandbox.assembly import make_service
from harness.sandbox.server import SandboxServer
from tests.cli.conftest import Answer

Command = Callable[..., Answer]

SET = """
testset: records
version: 1.0.0
title: {en: Records, fr: Dossiers}
candidate: server
tests:
  - id: stored
    title: {en: A patient is stored, fr: Un patient est stocké}
    verifies: [FHIR-REST-001]
    steps:
      - create: {resourceType: Patient, name: [{family: "${random.token}"}]}
        expect: {status: 201}
        save: {id: header.Location.id}
      - read: Patient/${id}
        expect: {status: 200, conforms: base}
  - id: refused
    title: {en: An unknown gender is refused, fr: Un genre inconnu est refusé}
    verifies: [FHIR-REST-002]
    control: stored
    steps:
      - create: {resourceType: Patient, gender: robot}
        expect: {status: 422, outcome: {severity: error}}
"""


@dataclass
class Team:
    """One side: where it works, and its keys."""

    home: Path
    keys: Path

    @property
    def anchor(self) -> Path:
        return self.keys / "ca.pem"

    @property
    def signing(self) -> tuple[object, ...]:
        return ("--key", self.keys / "key.pem", "--cert", self.keys / "chain.pem")


@dataclass
class World:
    """Both sides, and what the publisher handed over."""

    publisher: Team
    team: Team
    sets: Path
    file: Path

    @property
    def trusted(self) -> tuple[object, ...]:
        """The team has the publisher's anchor; nothing else crossed over."""
        return ("--trust", self.team.home / "publisher-ca.pem")


def _team(command: Command, home: Path, organization: str) -> Team:
    home.mkdir()
    command("keys", "new", "--out", home / "keys", "--organization", organization)
    return Team(home, home / "keys")


@pytest.fixture
def world(command: Command, tmp_path: Path, sandbox: str, request: pytest.FixtureRequest) -> World:
    """Both sides; the publisher hands in what the command made, or (parameter ``pytest``) what the plugin made."""
    publisher = _team(command, tmp_path / "publisher", "Éditeur")
    team = _team(command, tmp_path / "team", "Équipe de test")
    for side in (publisher, team):
        (side.home / "sets").mkdir()
        (side.home / "sets" / "records.yaml").write_text(SET, encoding="utf-8")
    handed_in = publisher.home / "acceptance.zip"
    make = _by_pytest if getattr(request, "param", "") == "pytest" else _by_command
    make(command, publisher, sandbox, handed_in)
    file = team.home / "inbox.zip"
    shutil.copy(handed_in, file)
    shutil.copy(publisher.anchor, team.home / "publisher-ca.pem")
    return World(publisher, team, team.home / "sets", file)


TOKEN = "canary-token-8d1"


def _by_command(command: Command, publisher: Team, base_url: str, target: Path) -> None:
    run = publisher.home / "run"
    where = ("--root", publisher.home / "sets", "--out", run)
    assert command("run", "--base-url", base_url, "--token", TOKEN, *where).exit == 0
    assert command("accept", run, *publisher.signing, "--out", target).exit == 0


def _by_pytest(_: Command, publisher: Team, base_url: str, target: Path) -> None:
    words = ["-p", "no:cacheprovider", "sets", "--fhir-base-url", base_url, "--fhir-accept", target.name]
    words += ["--fhir-key", "keys/key.pem", "--fhir-cert", "keys/chain.pem"]
    environment = {**os.environ, "FHIR_HARNESS_TOKEN": TOKEN}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=publisher.home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _review(command: Command, world: World, name: str, decision: str, *more: object) -> Answer:
    target = world.team.home / name
    words = ("review", world.file, "--decision", decision, "--reasons", "Tout est vu", *world.trusted)
    return command(*words, *world.team.signing, "--out", target, *more)


@pytest.mark.parametrize("world", ["command", "pytest"], indirect=True)
def test_all_the_way(command: Command, world: World, sandbox: str) -> None:
    team, trusted = world.team, world.trusted
    assert command("verify", world.file, *trusted).exit == 0
    assert TOKEN.encode() not in world.file.read_bytes()

    judged = command("rejudge", world.file, *trusted)
    assert judged.exit == 0
    assert "the same, bit for bit" in judged.out

    out = team.home / "rerun"
    again = command("rerun", world.file, *trusted, "--base-url", sandbox, "--root", world.sets, "--out", out)
    assert again.exit == 0
    found = json.loads((out / "comparison.json").read_text("utf-8"))
    assert found["counts"] == {"same": 2}
    assert [test["difference"] for test in found["tests"]] == [None, None]
    assert '<span lang="fr">identique</span>' in (out / "comparison.html").read_text("utf-8")

    compared = command("compare", world.file, out / "run", *trusted)
    assert (compared.exit, compared.out.splitlines()[-1]) == (0, "2 same")
    assert max(map(len, compared.out.splitlines())) <= 80

    assert _review(command, world, "r1.jws", "satisfactory").exit == 0
    options = ("--review", team.home / "r1.jws", "--review-trust", team.anchor, "--format", "json")
    checked = command("verify", world.file, *trusted, *options)
    assert checked.exit == 0
    answer = json.loads(checked.out)
    assert [one["review"]["decision"] for one in answer["reviews"]] == ["satisfactory"]
    assert "raccordement" in answer["reviews"][-1]["review"]["next"]["fr"]


def test_a_candidate_that_got_worse_is_seen(command: Command, world: World) -> None:
    out = world.team.home / "rerun"
    with SandboxServer(make_service(defects=["invalid-accepted"])) as broken:
        where = ("--base-url", broken.base_url, "--root", world.sets, "--out", out)
        again = command("rerun", world.file, *world.trusted, *where, "--repeat", "2", "--lang", "fr")
    assert again.exit == 1
    assert "MOINS BON (succès → échec) records/refused" in again.out
    found = json.loads((out / "comparison.json").read_text("utf-8"))
    worse = next(test for test in found["tests"] if test["relation"] == "worse")
    assert (worse["test"], worse["flaky"]) == ("refused", [])
    assert worse["difference"]["where"] == "status"
    assert (worse["difference"]["first"][:3], worse["difference"]["second"][:3]) == ("422", "201")
    assert command("compare", out / "1", out / "2").exit == 0
    assert command("compare", out / "1", world.file, *world.trusted).exit == 0  # better


def test_a_test_that_is_not_the_same_is_not_compared(command: Command, world: World, sandbox: str) -> None:
    (world.sets / "records.yaml").write_text(SET.replace("error}", "error, code: value}"), encoding="utf-8")
    out = world.team.home / "other"
    command("run", "--base-url", sandbox, "--root", world.sets, "--out", out)
    answer = command("compare", world.file, out, *world.trusted, "--lang", "fr")
    assert answer.exit == 3
    assert "NON COMPARABLE" in answer.out
    assert "le test n'est pas le même des deux côtés" in answer.out
    page = command("compare", world.file, out, *world.trusted, "--format", "html").out
    assert page.count("<script") == 1
    assert 'http-equiv="Content-Security-Policy"' in page


def test_differences_of_the_teams_test_sets_are_shown(command: Command, world: World, sandbox: str) -> None:
    ours = SET.replace("gender: robot", "gender: machine").replace("version: 1.0.0", "version: 1.1.0")
    ours += """
  - id: absent
    title: {en: Nobody is not there, fr: Personne n'est pas là}
    steps:
      - read: Patient/nobody
        expect: {status: 404}
"""
    (world.sets / "records.yaml").write_text(ours, encoding="utf-8")
    out = world.team.home / "rerun"
    answer = command("rerun", world.file, *world.trusted, "--base-url", sandbox, "--root", world.sets, "--out", out)
    lines = answer.out.splitlines()
    assert lines[0].startswith("Test set records: submitted 1.0.0 ")
    assert " here 1.1.0 " in lines[0]
    assert lines[1:3] == ["  changed  refused", "  added    absent"]
    assert answer.exit == 3
    judged = command("rejudge", world.file, *world.trusted, "--local-testsets", "--root", world.sets)
    assert judged.exit == 1
    assert "cause: test set" in judged.out


def test_a_test_set_under_the_catalogues_name_is_not_the_same(
    command: Command, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = tmp_path / "catalogue"
    catalogue.mkdir()
    (catalogue / "records.yaml").write_text(SET.replace("status: 422", "status: 400"), encoding="utf-8")
    monkeypatch.setattr("harness.data.folder", lambda _: catalogue)
    monkeypatch.chdir(catalogue)  # what judges is made once for a folder
    judged = command("rejudge", world.file, *world.trusted)
    assert judged.exit == 1
    assert judged.out.startswith("ALTERED ")
    assert judged.out.splitlines()[1] == "  altered: not the records 1.0.0 of this catalogue"
    assert command("verify", world.file, *world.trusted).exit == 0
    assert command("verify", world.file, *world.trusted, "--require", "records@1.0.0").exit == 1


def test_a_shelf_is_judged_in_parallel_and_listed(command: Command, world: World) -> None:
    shutil.copy(world.file, world.team.home / "second.zip")
    forged = world.team.home / "forged.zip"
    data = world.file.read_bytes()
    forged.write_bytes(data.replace(b'"verdict":"pass"', b'"verdict":"warn"', 1))
    assert forged.read_bytes() != data
    judged = command("rejudge", world.team.home, *world.trusted, "--jobs", "2", "--format", "json")
    assert judged.exit == 1  # the forged one
    entries = {Path(entry["path"]).name: entry for entry in map(json.loads, judged.out.splitlines())}
    assert {name: entry.get("identical") for name, entry in entries.items()} == {
        "forged.zip": None,
        "inbox.zip": True,
        "second.zip": True,
    }
    assert "does not verify" in entries["forged.zip"]["problem"]
    assert _review(command, world, "r1.jws", "satisfactory").exit == 0
    table = command("review", "--list", world.team.home, *world.trusted, "--review-trust", world.team.anchor)
    assert table.exit == 0
    assert max(map(len, table.out.splitlines())) <= 80
    rows = {line.split()[0]: line for line in table.out.splitlines()[1:] if not line.startswith(" ")}
    assert "satisfactory" in rows["inbox.zip"]
    assert "REFUSED" in rows["forged.zip"]
    trusted = (*world.trusted, "--review-trust", world.team.anchor)
    french = command("review", "--list", world.team.home, *trusted, "--lang", "fr").out.splitlines()
    assert french[0].split() == ["dossier", "logiciel", "signature", "verdict", "décision"]
    assert max(map(len, french)) <= 80
    (row,) = [line for line in french if line.startswith("inbox.zip")]
    assert row.endswith("satisfaisant")
    assert "vérifiée" in row
    assert command("rejudge", world.team.home).exit == 2


def test_every_decision_fits_into_the_table() -> None:
    for decision in ("satisfactory", "unsatisfactory", "more-tests", "insatisfaisant"):
        assert _cells(("a" * 99, "b" * 99, "not checked", "undecided", decision)).endswith(decision)


def test_reviews_are_a_chain(command: Command, world: World) -> None:
    home, anchor = world.team.home, world.team.anchor
    first, second = home / "r1.jws", home / "r2.jws"
    assert _review(command, world, "r1.jws", "more-tests", "--add", "documents/provided").exit == 0
    chained = ("--previous", first, "--review-trust", anchor)
    assert _review(command, world, "r2.jws", "satisfactory", *chained).exit == 0

    def verify(*reviews: Path, trust: Path = anchor) -> Answer:
        named = [word for path in reviews for word in ("--review", path)]
        return command("verify", world.file, *world.trusted, *named, "--review-trust", trust)

    shown = verify(first, second)
    assert shown.exit == 0
    assert "Review 1: more-tests" in shown.out
    assert "Review 2: satisfactory" in shown.out
    assert verify(second).exit == 1
    assert verify(second, first).exit == 1
    assert "does not follow the one before it" in verify(second, first).out
    assert verify(first, second, trust=world.publisher.anchor).exit == 1
    altered = home / "altered.jws"
    header, _, signature = second.read_bytes().split(b".")
    altered.write_bytes(b".".join((header, first.read_bytes().split(b".")[1], signature)))
    assert verify(first, altered).exit == 1
    assert command("verify", world.file, *world.trusted, "--review", first).exit == 2


def test_what_cannot_be_decided_is_refused(command: Command, world: World) -> None:
    stranger = ("--trust", world.team.anchor)
    words = ("review", world.file, "--reasons", "non", *world.team.signing)
    refused = command(*words, "--decision", "satisfactory", *stranger, "--out", world.team.home / "no.jws")
    assert refused.exit == 2
    assert "does not verify cannot be satisfactory" in refused.err
    assert not (world.team.home / "no.jws").exists()
    answer = command(*words, "--decision", "unsatisfactory", *stranger, "--out", world.team.home / "no.jws")
    assert answer.exit == 0
    assert "The file: " in answer.out
    assert "The file does not verify, and the review says so: certificate: " in answer.out
    assert command("review", world.file).exit == 2
    assert command("compare", world.file, world.file).exit == 2
    assert command("rejudge", world.file).exit == 2


def test_an_executor_that_is_not_there_is_a_usage_error(command: Command, world: World) -> None:
    answer = command("rejudge", world.file, *world.trusted, "--executor", "slurm://here")
    assert answer.exit == 2
    assert "dask://HOST:PORT" in answer.err
