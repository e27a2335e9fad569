"""What the plugin says, in either language."""

from dataclasses import asdict
from string import Formatter

from harness.errors import HarnessError
from harness.pytest_plugin.words import WORDS, said


def _places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}


def test_both_languages_tell_of_the_same() -> None:
    english, french = (asdict(WORDS[language]) for language in ("en", "fr"))
    assert {name: _places(text) for name, text in english.items()} == {
        name: _places(text) for name, text in french.items()
    }
    assert all(text != french[name] for name, text in english.items())


def test_an_error_is_said_in_french_where_it_can_be() -> None:
    assert said(HarnessError("it stopped", "il s'est arrêté"), "fr") == "il s'est arrêté"
    assert said(HarnessError("it stopped", "il s'est arrêté"), "en") == "it stopped"
    assert said(HarnessError("it stopped"), "fr") == "it stopped"


def test_no_terminal_obeys_what_an_error_quotes() -> None:
    assert said(HarnessError("found \x1b]0;x\x07", "trouvé \x1b[31m"), "en") == "found \\x1b]0;x\\x07"
    assert said(HarnessError("found \x1b]0;x\x07", "trouvé \x1b[31m"), "fr") == "trouvé \\x1b[31m"
