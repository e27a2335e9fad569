"""The page in a real browser, as people use it: without JavaScript, by keyboard, in print, for screen readers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engine.results import RunResult
from harness.report import html
from tests.runs import HOSTILE, events

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra: browser)")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (extra: browser)")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM}: there is no Chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(html.render(RunResult.read(events()), {"message": HOSTILE}).encode())
    return path.as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page with JavaScript on, so that a script that slipped through would run."""
    opened = browser.new_page()
    opened.alerts = []
    opened.on("dialog", lambda dialog: (opened.alerts.append(dialog.message), dialog.dismiss()))
    opened.on("pageerror", lambda problem: opened.alerts.append(str(problem)))
    opened.goto(address)
    yield opened
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_axe_finds_no_violation(page: Any, language: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.locator(f"#lang-{language}").check()
    for summary in page.locator(".test > summary").all():
        summary.click()
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_what_a_candidate_sent_runs_nowhere(page: Any) -> None:
    page.locator(".test.fail > summary").click()
    assert "</script><script>alert(1)</script>" in page.locator(".test.fail").inner_text()
    assert page.locator("script:not([type='application/json'])").count() == 0
    assert page.alerts == []


def test_the_page_reads_and_filters_without_javascript(browser: Any, address: str) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(address)
    assert page.locator(".test:visible").count() == 3
    page.locator("#only-fail").check()
    assert [one.get_attribute("id") for one in page.locator(".test:visible").all()] == ["patient.refuses"]
    page.locator("#only-all").check()
    page.get_by_role("combobox", name="Requirement").select_option("FHIR-REST-001")
    assert [one.get_attribute("id") for one in page.locator(".test:visible").all()] == ["patient.reads"]
    page.locator(".test.pass > summary").click()
    page.locator(".test.pass details > summary").click()
    assert page.get_by_text('"resourceType": "Patient"').is_visible()
    page.close()


def test_one_language_is_seen_at_a_time(page: Any) -> None:
    assert page.get_by_text("A patient is read").first.is_visible()
    page.locator("#lang-fr").check()
    assert not page.get_by_text("A patient is read").first.is_visible()
    assert page.get_by_text("Un patient est lu").first.is_visible()


def test_the_keyboard_reaches_and_opens_a_test(page: Any) -> None:
    page.locator("#only-fail").focus()
    page.keyboard.press("Space")
    page.locator(".test.fail > summary").focus()
    page.keyboard.press("Enter")
    assert page.locator(".test.fail .finding").first.is_visible()
    page.get_by_role("link", name="line").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("mark:target").is_visible()


def test_print_shows_what_did_not_pass(page: Any) -> None:
    page.emulate_media(media="print")
    assert page.locator(".test.fail .finding").first.bounding_box()["height"] > 0
    assert not page.locator(".test.pass .step").first.is_visible()
    assert not page.locator(".controls").first.is_visible()


def test_a_narrow_screen_does_not_scroll_sideways(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 700})
    for summary in page.locator(".test > summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
