"""The command pairs with a sandbox, runs a test set with the tokens, and writes down nothing that opens a door."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from harness.sandbox.measures.population import SOLUTION
from harness.sandbox.measures.tokens import InvalidToken
from harness.sandbox.server import SandboxServer
from tests.sandbox.authorization.person import decide

COMMAND = [sys.executable, "-c", "from harness.cli import main; main()", "run", "mes-measures-feed", "--lang", "en"]


def candidate(server: SandboxServer) -> dict[str, Any]:
    """The candidate file of somebody who has no token yet."""
    told = httpx.get(server.desk.discovery_url).json()
    whole = server.candidate()
    person = dict(whole["endpoints"]["mes-measures"]["identities"]["default"])
    for secret in ("bearer", "id-token"):
        del person[secret]
    person["oauth"] = {
        "grant": "authorization-code",
        "authorize-url": told["authorization_endpoint"],
        "token-url": told["token_endpoint"],
        "client-id": SOLUTION.client_id,
        "scope": "openid",
        "id-token-header": "X-ID-Token",
    }
    there = {"base-url": server.measures_url, "identities": {"default": person}}
    return {"base-url": server.base_url, "policy": whole["policy"], "endpoints": {"mes-measures": there}}


def consent(address: str) -> None:
    """Say yes on the page at ``address``, in a browser that follows redirections."""
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(address)
        target, form = decide(page, read="yes", write="yes")
        assert browser.post(page.url.join(target), data=form).status_code == 200


def test_a_run_begins_with_a_pairing_and_keeps_its_secrets(tmp_path: Path) -> None:
    with SandboxServer() as server:
        file, out = tmp_path / "candidate.yaml", tmp_path / "out"
        file.write_text(json.dumps(candidate(server)), encoding="utf-8")
        command = [*COMMAND, "--candidate", str(file), "--out", str(out)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                asked = re.search(r"http://\S+/authorize\?\S+", line)
                if asked:
                    consent(asked[0])
        text = "".join(said)
        assert process.returncode == 0, text
        assert "PASS" in text
        assert len(server.desk.authorization.vault.pairings()) == 1
        written = {path: path.read_bytes().decode("utf-8", "replace") for path in out.rglob("*") if path.is_file()}
        assert written
        for path, content in {**written, file: text}.items():
            assert not re.search(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.", content), path
            for word in set(re.findall(r"(?<![\w-])[\w-]{43}(?![\w-])", content)):
                assert not known(server, word), f"{path} holds a token"


def known(server: SandboxServer, word: str) -> bool:
    """True when ``word`` opens a door."""
    try:
        server.measures.office.grant(word)
    except InvalidToken:
        return server.desk.authorization.vault.refresh(word) is not None
    return True
