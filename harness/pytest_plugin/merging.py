"""One report of a session whose items each make a run of their own, also on several workers of xdist."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.engine.events import RunFinished, TestSetSource
from harness.engine.journal import JournalWriter, read_journal
from harness.engine.results import RunResult, SetResult
from harness.engine.verdict import combine

Place = tuple[str, str]


class Shelf:
    """A folder with the journal of each item: every worker writes its own, and whoever ends the session reads all."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which lies on a disk that all workers see."""
        self._folder = folder

    def writer(self, position: int, place: Place) -> JournalWriter:
        """Return what records the item at ``position`` of the session; a rerun replaces what was there."""
        folder = self._folder / f"{position:06}~{place[0]}~{place[1]}"
        shutil.rmtree(folder, ignore_errors=True)
        return JournalWriter(folder)

    def _runs(self) -> Iterator[tuple[Place, RunResult]]:
        for folder in sorted(self._folder.iterdir()):
            _, test_set, test = folder.name.split("~")
            yield (test_set, test), RunResult.read(read_journal(folder))

    def merged(self) -> RunResult | None:
        """Return one run with the test of each item, in the order of the session; None when none ran.

        Set-up and clean-up are those of the set's first item.
        """
        runs = [(place, run) for place, run in self._runs() if place[0] in run.sets]
        if not runs:
            return None
        sets: dict[str, SetResult] = {}
        sources: dict[str, TestSetSource] = {}
        for (name, test), run in runs:
            own = run.sets[name]
            kept = sets.setdefault(name, replace(own, tests={}))
            if test in own.tests:
                kept.tests[test] = own.tests[test]
            sources.setdefault(name, run.started.test_sets[0])
        merged = RunResult(
            replace(
                runs[0][1].started,
                test_sets=tuple(
                    replace(
                        source,
                        tests=(ran := tuple(sets[name].tests)),
                        left_out=_without(source.tests, source.left_out, ran),
                    )
                    for name, source in sources.items()
                ),
            ),
            sets,
        )
        ended = [run.finished for _, run in runs if run.finished is not None]
        if len(ended) == len(runs):
            unmet = set.intersection(*(set(one.waivers_unmet) for one in ended))
            verdict = combine(test.verdict for test in merged.tests)
            merged.finished = RunFinished(
                max(one.finished for one in ended), verdict, merged.counts(), tuple(sorted(unmet))
            )
        return merged


def _without(selected: tuple[str, ...], left_out: tuple[str, ...], ran: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(test for test in (*selected, *left_out) if test not in ran)
