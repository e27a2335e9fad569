"""An acceptance file made on sekmet-fhir, a server that others wrote: signed, checked, judged, run again, reviewed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Answer, command  # noqa: F401  (a fixture)
from tests.interop.servers import sekmet

pytest.importorskip("sekmet", reason="sekmet-fhir is not installed: pip install 'fhir-harness[interop]'")
pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("sekmet")]

Command = Callable[..., Answer]
SETS = ("fhir-crud", "frcore-patient")
FAILS = "frcore-patient"
"""Sekmet does not judge by the French profiles, so some of these tests fail (``sekmet.yaml``)."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sekmet(tmp_path_factory.mktemp("sekmet")) as base_url:
        yield base_url


def test_all_the_way(command: Command, server: str, tmp_path: Path) -> None:  # noqa: F811
    publisher, team = tmp_path / "publisher", tmp_path / "team"
    for home, organization in ((publisher, "Éditeur"), (team, "Équipe de test")):
        assert command("keys", "new", "--out", home / "keys", "--organization", organization).exit == 0
    signing, reviewing = (
        ("--key", home / "keys" / "key.pem", "--cert", home / "keys" / "chain.pem") for home in (publisher, team)
    )
    trusted = ("--trust", publisher / "keys" / "ca.pem")
    file, run = publisher / "acceptance.zip", publisher / "run"

    assert command("run", *SETS, "--base-url", server, "--seed", "1", "--out", run).exit == 1
    accepted = command("accept", run, *signing, "--out", file)
    assert accepted.exit == 0
    assert f"fail        {FAILS}/" in accepted.out

    verified = command("verify", file, *trusted, "--format", "json")
    assert verified.exit == 0
    document = json.loads(verified.out)["document"]
    assert (document["complete"], document["verdict"]) == (True, "fail")

    judged = command("rejudge", file, *trusted)
    assert (judged.exit, "bit for bit" in judged.out) == (0, True)

    again = command("rerun", file, *trusted, "--base-url", server, "--out", team / "again")
    assert again.exit == 0
    found = json.loads((team / "again" / "comparison.json").read_text("utf-8"))
    assert set(found["counts"]) == {"same"}
    assert command("compare", file, team / "again" / "run", *trusted).exit == 0

    decide = ("review", file, *trusted, *reviewing, "--reasons", "Des profils ne sont pas contrôlés")
    refused = command(*decide, "--decision", "satisfactory", "--out", team / "r1.jws")
    assert (refused.exit, "tests did not pass" in refused.err) == (2, True)
    assert command(*decide, "--decision", "unsatisfactory", "--out", team / "r1.jws").exit == 0
    checked = command("verify", file, *trusted, "--review", team / "r1.jws", "--review-trust", team / "keys" / "ca.pem")
    assert checked.exit == 0
    assert "Review 1: unsatisfactory" in checked.out
