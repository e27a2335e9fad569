"""Two runs, test by test: same, better, worse or not comparable, with the difference that tells most."""

from collections.abc import Sequence

from harness.acceptance.exchanges import Versus, telling_difference
from harness.acceptance.naming import Frame, Pairs, saved
from harness.acceptance.recorded import Recorded
from harness.acceptance.testset_differences import TestSetDifference, differences, test_digests
from harness.engine.events import RunStarted
from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
from harness.report.comparison import Comparison, Difference, Relation, Side, TestComparison, Text
from harness.report.words import WORDS, reason
from harness.suite.model import TestSet

Place = tuple[str, str]

_MERIT = {Verdict.PASS: 2, Verdict.WARN: 1, Verdict.FAIL: 0}
"""Of what was judged. The other verdicts prove nothing."""


def relation(first: Verdict, second: Verdict) -> Relation:
    """Return what the second verdict is to the first.

    Between judged verdicts: pass, then warn, then fail. To prove something where nothing was proven is better, to fail
    there is worse; a proof that becomes ``skip`` is worse, for what worked is no longer offered. Whatever else ends in
    a verdict that proves nothing cannot be compared.
    """
    if first is second:
        return Relation.SAME
    if first in _MERIT and second in _MERIT:
        return Relation.BETTER if _MERIT[second] > _MERIT[first] else Relation.WORSE
    if second in _MERIT:
        return Relation.WORSE if second is Verdict.FAIL else Relation.BETTER
    if second is Verdict.SKIP and _MERIT.get(first, 0) > 0:
        return Relation.WORSE
    return Relation.NOT_COMPARABLE


def compare(first: Recorded, second: Recorded, repeats: Sequence[RunResult] = ()) -> Comparison:
    """Compare ``second`` to ``first``. ``repeats`` are further runs like ``second``: a test whose verdict is not the
    same in all of them is flaky, and not comparable."""
    doubtful = _doubtful(first.run.started, second.run.started)
    submitted, here = (recorded.readable_test_sets(doubtful) for recorded in (first, second))
    changed = frozenset(
        (name, case)
        for name in doubtful
        for case in _changed_cases(first.run.started, name, submitted.get(name), here.get(name))
    )
    comparer = _Comparer(first, second, repeats, changed)
    notes = _notes(first.run.started, second.run.started, differences(submitted.values(), here.values()))
    return Comparison(_side(first), _side(second), comparer.tests(), notes)


class _Comparer:
    def __init__(
        self, first: Recorded, second: Recorded, repeats: Sequence[RunResult], changed: frozenset[Place]
    ) -> None:
        self._runs = first.run, second.run
        self._first, self._second = (_by_place(run) for run in self._runs)
        self._repeats = [_by_place(run) for run in repeats]
        self._changed = changed

    def tests(self) -> tuple[TestComparison, ...]:
        """Return the tests of the first run in their order, then those that only the second has."""
        places = list(dict.fromkeys([*self._first, *self._second]))
        return tuple(self._test(place) for place in places)

    def _test(self, place: Place) -> TestComparison:
        one, other = self._first.get(place), self._second.get(place)
        known = one or other
        assert known is not None
        found, why = self._relation(place, one, other)
        flaky = self._flaky(place)
        if flaky:
            found, why = Relation.NOT_COMPARABLE, _why_flaky(flaky)
        return TestComparison(
            test_set=place[0],
            test=place[1],
            title=dict(known.started.title),
            relation=found,
            first=one.verdict if one else None,
            second=other.verdict if other else None,
            first_reason=reason(one) if one and one.reason else {},
            second_reason=reason(other) if other and other.reason else {},
            why=why,
            difference=self._difference(place, one, other),
            flaky=flaky,
        )

    def _relation(self, place: Place, one: TestResult | None, other: TestResult | None) -> tuple[Relation, Text]:
        if one is None or other is None:
            there, missing = ("B", "A") if one is None else ("A", "B")
            text = {
                "en": f"only {there} ran this test, {missing} did not",
                "fr": f"seul {there} a exécuté ce test, pas {missing}",
            }
            return Relation.NOT_COMPARABLE, text
        if place in self._changed:
            text = {"en": "the test is not the same in both runs", "fr": "le test n'est pas le même des deux côtés"}
            return Relation.NOT_COMPARABLE, text
        found = relation(one.verdict, other.verdict)
        if found is not Relation.NOT_COMPARABLE:
            return found, {}
        why = reason(other)
        words = {language: known.verdicts[other.verdict] for language, known in WORDS.items()}
        return found, {
            "en": f"B came to {words['en']}, which neither proves nor disproves: {why['en']}",
            "fr": f"B a donné « {words['fr']} », qui ne prouve ni n'infirme rien : {why['fr']}",
        }

    def _flaky(self, place: Place) -> tuple[Verdict, ...]:
        runs = [run[place].verdict for run in (self._second, *self._repeats) if place in run]
        return tuple(runs) if len(set(runs)) > 1 else ()

    def _difference(self, place: Place, one: TestResult | None, other: TestResult | None) -> Difference | None:
        if one is None or other is None:
            return None
        pairs = Pairs()
        pairs.learn(*(run.started.candidate.get("identities", {}) for run in self._runs))
        pairs.learn(*(saved(run.sets[place[0]].setup) for run in self._runs))
        frames = [
            Frame(_addresses(run.started), test.started.now) for run, test in zip(self._runs, (one, other), strict=True)
        ]
        versus = Versus(frames[0], frames[1], pairs, same_test=place not in self._changed)
        return telling_difference(one.steps, other.steps, versus)


def _why_flaky(verdicts: Sequence[Verdict]) -> Text:
    told = {language: ", ".join(words.verdicts[one] for one in verdicts) for language, words in WORDS.items()}
    return {
        "en": f"flaky: the repeats came to {told['en']}",
        "fr": f"instable : les répétitions ont donné {told['fr']}",
    }


def _by_place(run: RunResult) -> dict[Place, TestResult]:
    return {(test.started.test_set, test.started.test): test for test in run.tests}


def _addresses(started: RunStarted) -> dict[str, str]:
    """Return the URL of each endpoint by name; the base URL has none."""
    endpoints = started.candidate.get("endpoints", {})
    others = {name: str(content.get("base-url", "")).rstrip("/") for name, content in endpoints.items()}
    return {"": _base(started), **others}


def _base(started: RunStarted) -> str:
    return str(started.candidate.get("base-url", "")).rstrip("/")


def _doubtful(first: RunStarted, second: RunStarted) -> list[str]:
    """Return the ids of the test sets that both runs have, and not byte for byte."""
    ours = {source.id: (source.digest, source.fixtures) for source in second.test_sets}
    return [
        source.id
        for source in first.test_sets
        if source.id in ours and ours[source.id] != (source.digest, source.fixtures)
    ]


def _changed_cases(started: RunStarted, name: str, one: TestSet | None, other: TestSet | None) -> list[str]:
    """Return the tests of the set that do not do or demand the same in both; all, when the sets cannot be read here."""
    theirs, ours = (test_digests(found) if found else {} for found in (one, other))
    cases = next(source.tests for source in started.test_sets if source.id == name)
    tests = {case: case.partition("[")[0] for case in cases}
    return [case for case, test in tests.items() if test not in theirs or theirs[test] != ours.get(test)]


def _side(recorded: Recorded) -> Side:
    started = recorded.run.started
    return Side(
        path=str(recorded.path),
        run=started.run,
        started=started.started,
        harness=started.harness,
        base_url=_base(started),
        software=dict(started.software),
        verdict=recorded.run.verdict,
        counts=recorded.run.counts(),
        verified=recorded.verified,
    )


def _notes(one: RunStarted, other: RunStarted, test_sets: Sequence[TestSetDifference]) -> tuple[Text, ...]:
    notes: list[Text] = []
    if one.harness != other.harness:
        versions = f"{one.harness} → {other.harness}"
        notes.append({"en": f"other version of the harness: {versions}", "fr": f"autre version : {versions}"})
    packages = [{f"{d.name} {d.version}": d.digest for d in started.definitions} for started in (one, other)]
    changed = sorted(n for n in packages[0].keys() | packages[1].keys() if packages[0].get(n) != packages[1].get(n))
    if changed:
        listed = ", ".join(changed)
        notes.append({"en": f"other definitions judged: {listed}", "fr": f"d'autres définitions ont jugé : {listed}"})
    return (*notes, *(_note(found) for found in test_sets if found.local))


def _note(found: TestSetDifference) -> Text:
    versions = f"{found.submitted_version} {found.submitted[:12]} → {found.local_version} {found.local[:12]}"
    listed = ", ".join(found.tests)
    return {
        "en": f"the test set {found.id} differs ({versions}): {listed or 'in no test'}",
        "fr": f"le jeu de tests {found.id} diffère ({versions}) : {listed or 'dans aucun test'}",
    }
