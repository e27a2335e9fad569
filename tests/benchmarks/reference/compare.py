"""Judge many resources with the harness and with HL7's validator, and show where they differ, by rule.

    mvn -q -f tests/benchmarks/reference/pom.xml compile dependency:copy-dependencies -DoutputDirectory=target/lib
    python tests/benchmarks/reference/compare.py --core hl7.fhir.r4.core.tgz [--seed N] [--each N] FILE…

FILE… are resources (JSON), cases with a "resource" key, or packages (.tgz) whose examples are taken; ``--package``
loads a package into both validators. Without FILE, resources of every type are made from the definitions.
"""

import argparse
import collections
import json
import random
import re
import subprocess
import sys
import tarfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from instances import Shapes
from mutations import mutants
from profiles import cases as profile_cases

from harness import Definitions, Validator
from harness.validation.judge import Judge

HERE = Path(__file__).resolve().parent
ERRORS = frozenset({"fatal", "error"})
Case = dict[str, Any]

OFFLINE = re.compile(
    r"urn:ietf:bcp|ValueSet/mimetypes|ValueSet/(all-)?languages|could not be expanded|"
    r"could not be found, so the code cannot|"
    r"A definition for CodeSystem|displayLanguage|ValueSet/currencies|ValueSet/iso3166|"
    r"running without terminology|Unable to resolve package id"
)
"""What the reference says because it has no terminology server and no package server."""


def place(expression: object) -> str:
    """An element's path without indexes, casts, comments and slice names."""
    text = re.sub(r"\.ofType\([^)]*\)|\[[^\]]*\]|/\*.*?\*/", "", str(expression or ""))
    text = re.sub(r":[\w-]+(?=\.|$)", "", text)
    return re.sub(r"(value|effective|onset|deceased|multipleBirth)[A-Z]\w*$", r"\1", text)


def bases(files: list[Path]) -> Iterator[tuple[str, dict[str, Any], list[str], list[dict[str, Any]]]]:
    """(name, resource, profiles, supporting) of each file."""
    for file in files:
        if file.suffix == ".tgz":
            with tarfile.open(file) as archive:
                for member in archive:
                    if "/example" in member.name and member.name.endswith(".json") and "index" not in member.name:
                        stream = archive.extractfile(member)
                        resource = json.load(stream) if stream else {}
                        if "resourceType" in resource:
                            yield f"{file.name}:{member.name.rpartition('/')[2]}", resource, [], []
            continue
        value = json.loads(file.read_text(encoding="utf-8"))
        if "resource" in value and "supporting" in value:
            yield value["id"], value["resource"], value["profiles"], value["supporting"]
        elif "resourceType" in value:
            yield file.stem, value, [], []


def cases(options: argparse.Namespace, judge: Judge) -> Iterator[Case]:
    """Every case: the bases themselves, and their mutants."""
    rng = random.Random(options.seed)
    shapes = Shapes(judge)
    if options.profiles:
        yield from profile_cases(options.profiles, options.each, rng, shapes)
        return
    found: list[tuple[str, dict[str, Any], list[str], list[dict[str, Any]]]] = list(bases(options.files))
    if not options.files:
        for name in sorted(judge.resource_types):
            for likely in (0, 0.25, 0.25, 0.5):
                found.append((f"{name}~{likely}", shapes.make(name, rng, likely), [], []))
    for name, resource, profiles, supporting in found:
        yield {"id": name, "profiles": profiles, "supporting": supporting, "resource": resource}
        for index, (done, changed) in enumerate(mutants(resource, options.each, rng, shapes)):
            yield {"id": f"{name}#{index}:{done}", "profiles": profiles, "supporting": supporting, "resource": changed}


def ask_reference(listed: list[Case], options: argparse.Namespace) -> list[dict[str, Any]]:
    """The reference's answers, in the order of the cases."""
    numbers: dict[str, int] = {}
    lines = []
    for case in listed:
        text = json.dumps(case["supporting"])
        if text not in numbers:
            numbers[text] = len(numbers)
            lines.append(json.dumps({"supporting": case["supporting"]}))
        lines.append(json.dumps({**case, "supporting": numbers[text]}))
    target = options.target or HERE / "target"
    command = [
        "java",
        "-Xmx4g",
        f"-Duser.home={target}",
        "-cp",
        f"{target}/classes:{target}/lib/*",
        "Reference",
        options.core,
    ]
    done = subprocess.run(
        [*command, *options.package], input="\n".join(lines) + "\n", text=True, capture_output=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return [json.loads(line) for line in done.stdout.splitlines()]


def with_packages(packages: list[str]) -> Definitions:
    """The embedded definitions, and these packages: the last one wins."""
    definitions = Definitions.embedded()
    for package in packages:
        definitions.add_package(package)
    return definitions


def ask_harness(listed: list[Case], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Our answers, in the same shape."""
    base = with_packages(options.package)
    validators: dict[str, Validator] = {}
    answers = []
    for case in listed:
        key = json.dumps(case["supporting"])
        if key not in validators:
            definitions = base.copy()
            for resource in case["supporting"]:
                definitions.add(resource)
            validators[key] = Validator(definitions)
        try:
            outcome = validators[key].validate(case["resource"], profiles=case["profiles"])
        except Exception as problem:  # it never may: shown as what it is
            trace = traceback.extract_tb(problem.__traceback__)[-1]
            text = f"{type(problem).__name__}: {problem} at {Path(trace.filename).name}:{trace.lineno}"
            answers.append({"id": case["id"], "valid": False, "issues": [], "crash": text})
            continue
        issues = [
            {
                "severity": i.severity,
                "expression": i.expression,
                "id": f"{i.rule}{'/' + i.constraint if i.constraint else ''}",
                "text": i.message,
            }
            for i in outcome.issues
        ]
        answers.append({"id": case["id"], "valid": outcome.ok, "issues": issues})
    return answers


def errors(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The errors, without what only the lack of a terminology server gives."""
    return [i for i in answer["issues"] if i["severity"] in ERRORS and not OFFLINE.search(i["text"])]


def _name(issue: dict[str, Any]) -> str:
    text = str(issue.get("id"))
    if text in ("None", "null") or "#" in text:
        key = re.match(r"[^']*'?([a-z]+-[\w-]+)", issue["text"])
        text = f"{text} {key[1] if key else issue['text'][:60]}"
    return text


def report(listed: list[Case], ours: list[dict[str, Any]], theirs: list[dict[str, Any]], show: int) -> None:
    """Print the agreement, then the clusters: by verdict first, then by the place of errors."""
    clusters: dict[str, list[tuple[str, str]]] = collections.defaultdict(list)
    same = 0
    for case, mine, reference in zip(listed, ours, theirs, strict=True):
        a, b = errors(mine), errors(reference)
        for who, answer in (("OUR", mine), ("THEIR", reference)):
            if "crash" in answer:
                clusters[f"VERDICT {who} CRASH {answer['crash'][:120]}"].append((case["id"], ""))
        if "crash" in mine or "crash" in reference:
            continue
        same += bool(a) == bool(b)
        mark = "" if bool(a) == bool(b) else "VERDICT "
        here, there = {place(i["expression"]) for i in a}, {place(i.get("expression")) for i in b}
        for issue in b:
            if place(issue.get("expression")) not in here:
                clusters[f"{mark}MISSED {_name(issue)}"].append(
                    (case["id"], f"{issue.get('expression')}: {issue['text'][:300]}")
                )
        for issue in a:
            if place(issue.get("expression")) not in there:
                clusters[f"{mark}EXTRA {_name(issue)}"].append(
                    (case["id"], f"{issue.get('expression')}: {issue['text'][:300]}")
                )
    print(f"verdicts: {same} of {len(listed)} agree, {100 * same / len(listed):.2f} %")
    for name, found in sorted(clusters.items(), key=lambda pair: (not pair[0].startswith("VERDICT"), -len(pair[1]))):
        print(f"\n{len(found):5} {name}")
        for one in found[:: max(1, len(found) // show)][:show]:
            print("        ", one[0], "|", one[1])


def main() -> None:
    """Make the cases, ask both, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--core", required=True, help="the official hl7.fhir.r4.core package (.tgz)")
    parser.add_argument("--package", action="append", default=[], help="a package for both validators (.tgz)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profiles", type=int, default=0, help="make so many random profiles instead, with instances")
    parser.add_argument("--each", type=int, default=4, help="mutants of each resource")
    parser.add_argument("--show", type=int, default=3, help="examples of each cluster")
    parser.add_argument("--target", type=Path, help="where Maven put classes/ and lib/")
    parser.add_argument(
        "--keep", type=Path, help="write cases and both answers here, or read the reference's from here"
    )
    options = parser.parse_args()
    if options.keep and options.keep.exists():
        kept = [json.loads(line) for line in options.keep.read_text(encoding="utf-8").splitlines()]
        listed, theirs = [k["case"] for k in kept], [k["reference"] for k in kept]
    else:
        listed = list(cases(options, Validator(Definitions.embedded()).judge))
        started = time.perf_counter()
        theirs = ask_reference(listed, options)
        print(f"reference: {len(listed)} cases in {time.perf_counter() - started:.1f} s", flush=True)
        if options.keep:
            options.keep.write_text(
                "".join(json.dumps({"case": c, "reference": r}) + "\n" for c, r in zip(listed, theirs, strict=True))
            )
    started = time.perf_counter()
    ours = ask_harness(listed, options)
    print(f"harness: {len(listed)} cases in {time.perf_counter() - started:.1f} s")
    report(listed, ours, theirs, options.show)


if __name__ == "__main__":
    main()
