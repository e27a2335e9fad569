"""The pages in a real browser: pairing, consents, requests as they come, by keyboard and on a phone."""

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from harness.sandbox.measures.population import PATIENTS
from tests.sandbox.authorization.person import Person

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra: browser)")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (extra: browser)")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
PATIENT = PATIENTS["default"]
OURS = ("http://127.0.0.1:", "file://", "data:")
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser."""
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium, server, tester) -> Iterator[Any]:
    """A French browser's tab; anything that the browser complains about fails the test."""
    context = chromium.new_context(locale="fr-FR")
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page.on("request", lambda asked: asked.url.startswith(OURS) or complaints.append(asked.url))
    yield page
    context.close()
    assert complaints == []


class _Callback(BaseHTTPRequestHandler):
    """An application on the tester's machine."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"back")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def callback() -> Iterator[str]:
    """Where the application waits for the answer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Callback) as application:
        thread = threading.Thread(target=application.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{application.server_port}/callback"
        application.shutdown()
        thread.join()


def feed(server, **changes):
    body = json.dumps({"resourceType": "Patient", **changes}).encode()
    httpx.post(f"{server.base_url}/Patient", content=body, headers={"Content-Type": "application/fhir+json"})


def live(server, tab):
    tab.goto(server.desk.page_url)
    tab.wait_for_selector("#state.on")


def test_requests_appear_as_they_come(server, tab):
    live(server, tab)
    assert tab.locator("#none").is_visible()
    feed(server, gender="robot")
    row = tab.locator("#list > li").first
    row.wait_for()
    assert tab.locator("#none").is_hidden()
    assert "422" in row.inner_text()
    assert "non conforme" in row.inner_text()
    feed(server, gender="male")
    tab.locator("#list > li").nth(1).wait_for()
    assert "201" in tab.locator("#list > li").first.inner_text(), "the newest stands first"
    tab.reload()
    tab.wait_for_selector("#state.on")
    assert tab.locator("#list > li").count() == 2


def test_what_others_send_is_shown_and_not_run(server, tab):
    live(server, tab)
    feed(server, gender=HOSTILE)
    tab.locator("#list summary").first.click()
    assert HOSTILE[:12] in tab.locator("#list > li").first.inner_text()
    assert tab.evaluate("window.hacked") is None
    tab.reload()
    assert tab.evaluate("window.hacked") is None


def test_consents_change_by_keyboard(server, tab):
    live(server, tab)
    switch = tab.get_by_role("button", name=f"Lecture – {PATIENT.given} {PATIENT.family}")
    assert switch.get_attribute("aria-pressed") == "true"
    switch.focus()
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    assert switch.get_attribute("aria-pressed") == "false"
    assert server.measures.registry.given(PATIENT.idpe) == {"write"}
    with tab.expect_navigation():
        switch.click()
    assert server.measures.registry.given(PATIENT.idpe) == {"read", "write"}


def test_everything_is_reached_by_tabulator(server, tab):
    feed(server, gender="male")
    live(server, tab)
    reached = set()
    for _ in range(60):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("document.activeElement.textContent.trim().split(/\\s+/)[0]"))
    assert {"Aller", "English", "donné", "retiré", "Rapport", "Vider", "Nouveau", "Effacer"} <= reached


def test_language_is_chosen_and_kept(server, tab):
    live(server, tab)
    assert tab.locator("html").get_attribute("lang") == "fr"
    tab.get_by_role("link", name="English").click()
    assert tab.get_by_role("heading", name="Requests received").is_visible()
    with tab.expect_navigation():
        tab.get_by_role("button", name="Empty the list").click()
    assert tab.locator("html").get_attribute("lang") == "en"
    assert tab.get_by_role("status").filter(has_text="The list is empty").is_visible()


def test_a_patient_pairs_in_the_browser(server, tab, callback):
    person = Person(server.desk.authorization.issuer)
    with person.http:
        tab.goto(str(person.open(nonce=None, redirect_uri=callback).request.url))
        assert tab.get_by_role("heading", name="Partager vos mesures").is_visible()
        tab.get_by_label(PATIENTS["patient-b"].given).check()
        tab.get_by_label("consulte mes mesures").uncheck()
        with tab.expect_navigation(url=f"{callback}**"):
            tab.get_by_role("button", name="Autoriser").click()
        code = httpx.URL(tab.url).params["code"]
        assert person.redeem(code, redirect_uri=callback).status_code == 200
    assert server.measures.registry.given(PATIENTS["patient-b"].idpe) == {"write"}
    live(server, tab)
    with tab.expect_navigation():
        tab.get_by_role("button", name=f"Terminer l'appairage – {PATIENTS['patient-b'].given}").click()
    assert server.desk.authorization.vault.pairings() == ()


def test_data_are_erased_after_a_second_thought(server, tab):
    feed(server, gender="male")
    live(server, tab)
    assert tab.get_by_role("button", name="Tout effacer").is_hidden()
    tab.get_by_text("Effacer toutes les données").click()
    with tab.expect_navigation():
        tab.get_by_role("button", name="Tout effacer").click()
    assert httpx.get(f"{server.base_url}/Patient").json()["total"] == 0


def test_the_report_is_downloaded(server, tab, tmp_path):
    feed(server, gender="robot")
    live(server, tab)
    with tab.expect_download() as found:
        tab.get_by_role("link", name="Rapport (HTML)").click()
    found.value.save_as(tmp_path / "report.html")
    tab.goto((tmp_path / "report.html").as_uri())
    assert tab.get_by_text("Requêtes (1)").is_visible()
    assert tab.locator(".badge.fail").first.is_visible()


@pytest.mark.parametrize("width", [320, 375, 1200])
def test_pages_fit_the_screen(server, tab, width):
    feed(server, gender="x" * 400)
    tab.set_viewport_size({"width": width, "height": 700})
    live(server, tab)
    tab.locator("#list summary").first.click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    person = Person(server.desk.authorization.issuer)
    with person.http:
        tab.goto(str(person.open(nonce=None).request.url))
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1200])
def test_axe_finds_no_violation(server, tab, scheme, width):
    feed(server, gender="robot")
    feed(server, gender="male")
    person = Person(server.desk.authorization.issuer)
    with person.http:
        person.paired()
        consent = str(person.open(nonce=None).request.url)
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme)
    for address in (f"{server.desk.page_url}?done=reset", consent, f"{server.desk.page_url}?lang=en"):
        tab.goto(address)
        for summary in tab.locator("summary").all():
            summary.click()
        found = axe.Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()


def test_the_page_works_without_javascript(server, chromium, tester):
    feed(server, gender="robot")
    with chromium.new_context(java_script_enabled=False, locale="en") as context:
        tab = context.new_page()
        tab.goto(server.desk.page_url)
        assert tab.get_by_text("reload the page to see more").is_visible()
        assert tab.locator("#list > li").count() == 1
        tab.get_by_role("button", name=f"Reading – {PATIENT.given}").click()
        tab.wait_for_load_state()
        assert server.measures.registry.given(PATIENT.idpe) == {"write"}
