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
    """A folder with the journals of a session: every worker writes its own, and whoever ends the session reads all.

    A run is that of one item, with what the item needed, or that of many items together.
    """

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which lies on a disk that all workers see."""
        self._folder = folder

    def writer(self, position: int, place: Place) -> JournalWriter:
        """Return what records the item at ``position`` of the session; a rerun replaces what was there."""
        folder = self._folder / f"{position:06}~{place[0]}~{place[1]}"
        shutil.rmtree(folder, ignore_errors=True)
        return JournalWriter(folder)

    def writer_of_all(self) -> JournalWriter:
        """Return what records a run of many items; it is theirs, with all that they needed."""
        return JournalWriter(self._folder / f"{sum(1 for _ in self._folder.iterdir()):06}")

    def _runs(self) -> Iterator[tuple[Place, RunResult]]:
        for folder in sorted(self._folder.iterdir()):
            _, *place = folder.name.split("~")
            run = RunResult.read(read_journal(folder))
            if place:
                yield (place[0], place[1]), run
            else:
                yield from (((test.started.test_set, test.started.test), run) for test in run.tests)

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
            sources.setdefault(name, next(one for one in run.started.test_sets if one.id == name))
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
