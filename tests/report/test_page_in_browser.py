"""The page in a real browser, as people use it: without JavaScript, by keyboard, in print, for screen readers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.engine.codes import Language
from harness.engine.events import Event, StepFinished, TestFinished
from harness.engine.results import RunResult
from harness.engine.verdict import Verdict
from harness.report import html
from harness.report.comparison import Comparison, Difference, Relation, Side, TestComparison, render_html
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


def _seen(page: Any) -> list[str]:
    return [one.get_attribute("id") for one in page.locator(".test:visible > .inside").all()]


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
    assert _seen(page) == ["patient.refuses"]
    page.locator("#only-all").check()
    page.get_by_role("combobox", name="Requirement").select_option("FHIR-REST-001")
    assert _seen(page) == ["patient.reads"]
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


def test_a_link_to_a_test_opens_it_also_through_the_filters_and_back_goes_back(page: Any) -> None:
    page.locator("#only-fail").check()
    page.locator("#req-FHIR-REST-001 a").click()
    assert _seen(page) == ["patient.reads", "patient.refuses"]
    assert page.locator("[id='patient.reads'] .step").is_visible()
    assert page.locator(".test.pass > summary").bounding_box()["y"] >= 0  # its title stands above what is linked to
    page.go_back()
    assert _seen(page) == ["patient.refuses"]


def test_an_address_can_lead_to_a_test(browser: Any, address: str) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{address}#patient.reads")
    page.locator("[id='patient.reads'] .step").wait_for(state="visible")
    assert not page.locator("[id='patient.refuses']").is_visible()
    page.close()


def test_a_click_selects_the_whole_command_and_nothing_else(page: Any) -> None:
    page.locator(".test.fail > summary").click()
    page.locator(".c").first.click()
    assert page.evaluate("getSelection().toString()").strip() == page.locator(".c").first.text_content()


def test_what_was_sent_and_answered_is_named_in_the_language_that_is_chosen(page: Any) -> None:
    named = "kind => getComputedStyle(document.querySelector(kind), '::before').content.split('\\\\')[0]"
    assert [page.evaluate(named, kind) for kind in (".q", ".a")] == ['"Sent', '"Answered']
    page.locator("#lang-fr").check()
    assert [page.evaluate(named, kind) for kind in (".q", ".a")] == ['"Envoyé', '"Réponse']


def test_a_narrow_screen_does_not_scroll_sideways(browser: Any, tmp_path: Path) -> None:
    word = "https://harness.example/" + "a" * 300
    long: list[Event] = []
    for event in events():
        if isinstance(event, StepFinished):
            (exchange,) = event.exchanges
            sent = replace(exchange, request=replace(exchange.request, url=word))
            long.append(replace(event, summary=f"{event.summary} {word}", exchanges=(sent,)))
        else:
            long.append(replace(event, reason=f"because {word}") if isinstance(event, TestFinished) else event)
    (tmp_path / "page.html").write_text(html.render(RunResult.read(long)), encoding="utf-8")
    page = browser.new_page(viewport={"width": 320, "height": 700})
    page.goto((tmp_path / "page.html").as_uri())
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.close()


def _compared() -> Comparison:
    run = RunResult.read(events())
    told = (run.started.run, run.started.started, "0", "http://x/")
    sides = [
        Side(place, *told, run.started.software, run.verdict, run.counts(), verified=False)
        for place in ("runs/" + "a" * 300, "runs/b")
    ]
    title = {"en": "A patient is read", "fr": "Un patient est lu"}
    tests = (
        TestComparison("patient", "reads", title, Relation.SAME, Verdict.PASS, Verdict.PASS),
        TestComparison(
            "patient", "refuses", title, Relation.WORSE, Verdict.PASS, Verdict.FAIL,
            second_reason={"en": HOSTILE, "fr": HOSTILE}, difference=Difference(0, 0, "status", False, "404", HOSTILE),
        ),
    )  # fmt: skip
    return Comparison(sides[0], sides[1], tests)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_comparison_is_accessible_narrow_and_shows_first_what_is_worse(
    browser: Any, tmp_path: Path, language: Language, scheme: str
) -> None:
    (tmp_path / "page.html").write_text(render_html(_compared(), language), encoding="utf-8")
    page = browser.new_page(viewport={"width": 320, "height": 700}, color_scheme=scheme)
    page.goto((tmp_path / "page.html").as_uri())
    word = {"en": "worse", "fr": "moins bon"}[language]
    assert page.locator(".test").first.inner_text().strip().startswith(word)
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.locator("#only-worse").check()
    assert page.locator(".test:visible").count() == 1
    page.close()
