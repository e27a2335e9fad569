"""French resources judged by the harness and by HL7's validator: verdicts, every disagreement with its reason, speed.

    python tests/benchmarks/reference/french.py --core CORE.tgz PACKAGE.tgz …

The packages are loaded by both, the last one wins; their examples and the project's good fixtures are judged, by the
profiles that they claim. Exit 1 when a disagreement has no reason.
"""

import argparse
import re
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from compare import Case, ask_harness, ask_reference, bases, errors, with_packages

from harness import Validator

ROOT = Path(__file__).resolve().parents[3]


class Reason(NamedTuple):
    """Why one side alone reports what ``text`` matches."""

    only: str
    text: str
    why: str


_ELSEWHERE = "the definition is in a package that no registry in reach has (extensions 5.2.0, R5, phd, calendars)"
_FOLLOWS = "follows from another error of the same resource"
REASONS = (
    Reason("reference", r"Slicing cannot be evaluated: (Unable to resolve|Problem with use of resolve)", _ELSEWHERE),
    Reason("reference", r"PhdDevice|expected one of \(\[\]\)|rfc2445|Problem processing expression", _ELSEWHERE),
    # A French patient may have a place of birth, whose definition of 5.2.0 is not at hand; documents contain one.
    Reason("reference", r"match for .*(fr-core-patient|pdsm-comprehensive-document-reference)", _ELSEWHERE),
    Reason("reference", r"not valid \(invalid Version '5\.0'\)", f"{_ELSEWHERE}; R4 extensibility allows the URL"),
    Reason(
        "reference",
        r"Could not match any of the \d discriminators",
        "the published slice fixes nothing where its discriminators look: no instance could conform",
    ),
    Reason(
        "reference",
        r"magic LOINC code 9843-4|StructureDefinition/headcircum\|4\.0\.1",
        "R4's head circumference is asked of 8287-5 too; R4's table of vital signs has 9843-4 alone",
    ),
    Reason(
        "reference",
        r"allowed = Device|allows for the type Device|Bundle\.entry:Device\.search\.mode",
        "a slice told by profile that names none takes every entry; its type, Device, tells it as well",
    ),
    Reason(
        "reference",
        r"short-name is not allowed to be used at this point",
        "the extension's context names a profile, which the resource claims and meets",
    ),
    Reason(
        "reference",
        r"Unable to find a (profile )?match|did not match any|is CLOSED|matching slice is required|validating against",
        _FOLLOWS,
    ),
    Reason(
        "harness",
        r"TRE_(R309|A04|R308)",
        "the example has codes that the value set's pinned version no longer contains",
    ),
    Reason(
        "harness", r"This refers to a Organization, but only Location", "the example is wrong: partOf is a location"
    ),
)


def _reasons(only: str, found: list[dict[str, Any]]) -> list[str] | None:
    """Why one side alone calls a resource invalid; None where an error, or all but consequences, has no reason."""
    told = []
    for issue in found:
        why = [r.why for r in REASONS if r.only == only and re.search(r.text, issue["text"])]
        if not why:
            return None
        told.append(why[0])
    return None if set(told) <= {_FOLLOWS} else sorted(set(told) - {_FOLLOWS})


def verdicts(listed: list[Case], ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    """Print the disagreements by reason; whether each has one."""
    explained: Counter[str] = Counter()
    unexplained = same = 0
    for case, mine, reference in zip(listed, ours, theirs, strict=True):
        a, b = errors(mine), errors(reference)
        if bool(a) == bool(b):
            same += 1
            continue
        only, found = ("harness", a) if a else ("reference", b)
        reasons = None if "crash" in mine else _reasons(only, found)
        explained.update(f"only the {only}: {why}" for why in reasons or ())
        if reasons is None:
            unexplained += 1
            print(f"NOT EXPLAINED, only the {only}: {case['id']}: {[i['text'] for i in found][:3]}")
    print(f"{same} of {len(listed)} verdicts agree; the others, by reason (a resource may have several):")
    for why, times in explained.most_common():
        print(f"{times:4}  {why}")
    return not unexplained


def speeds(listed: list[Case], theirs: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Print the ratio of times, median of all resources, each judged several times before."""
    validator = Validator(with_packages(options.package))
    ours: list[float] = []
    for _ in range(options.rounds):
        ours.clear()
        for case in listed:
            started = time.perf_counter()
            validator.validate(case["resource"], profiles=case["profiles"])
            ours.append(1000 * (time.perf_counter() - started))
    ratio = statistics.median(t["millis"] / max(o, 0.001) for t, o in zip(theirs[-len(listed) :], ours, strict=True))
    print(
        f"warm, each resource for the {options.rounds}th time: the harness takes 1/{ratio:.0f} of the reference's time"
    )


def main() -> None:
    """Judge with both, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", nargs="+", help="official packages (.tgz), the last one wins")
    parser.add_argument("--core", required=True, help="the official hl7.fhir.r4.core package (.tgz)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--target", type=Path, help="where Maven put classes/ and lib/")
    options = parser.parse_args()
    files = [*map(Path, options.package), *sorted(ROOT.glob("fixtures/*/*.json"))]
    listed: list[Case] = [
        {"id": name, "profiles": profiles, "supporting": supporting, "resource": resource}
        for name, resource, profiles, supporting in bases(files)
    ]
    started = time.perf_counter()
    theirs = ask_reference(listed * options.rounds, options)
    middle = time.perf_counter()
    ours = ask_harness(listed, options)
    ended = time.perf_counter()
    print(
        f"{len(listed)} resources; the reference {middle - started:.1f} s for {options.rounds} rounds with its start,",
        end=" ",
    )
    print(f"the harness {ended - middle:.1f} s for one")
    good = verdicts(listed, ours, theirs[: len(listed)])
    speeds(listed, theirs, options)
    sys.exit(not good)


if __name__ == "__main__":
    main()
