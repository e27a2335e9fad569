"""``mutants:`` in a test: one exchange for each constraint of a profile, with a resource that breaks that one alone."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from typing import Any

from harness.engine.checks import finding
from harness.engine.events import CheckResult, Finding
from harness.engine.performer import Course, Performed, World, perform
from harness.engine.text import inert
from harness.engine.verdict import Verdict
from harness.errors import DefinitionError, HarnessError, UsageError
from harness.fhir.definitions import Definitions
from harness.suite.expressions import expand
from harness.suite.model import Mutants, Step
from harness.suite.problem import ExpressionError
from harness.validation.generation.mutants import Mutant, mutants
from harness.validation.validator import Validator

_SERVERS = ("id", "meta.versionId", "meta.lastUpdated", "meta.profile")
"""Elements that a server replaces (http.html#create), and the claim without which it need not know the profile."""

_ENDING = frozenset({"exchange", "step"})
"""Kinds of checks that are of no single mutant: the next ones would fare the same."""


class Unbreakable(HarnessError):
    """No mutant can be made; ``finding`` says why."""

    def __init__(self, reason: Finding) -> None:
        super().__init__(reason.message)
        self.finding = reason


async def perform_mutants(
    wanted: Mutants, first: int, course: Course, world: World, seed: int
) -> AsyncIterator[Performed]:
    """Send each mutant and judge the answer; ``first`` is the index of the first step among the test's.

    The findings about a mutant name it. After a request that got no answer, or could not be made, no other is sent.
    Raises Unbreakable where there is nothing to send, ExpressionError where the resource or profile cannot be named.
    """
    scope = course.sending.child(saved=course.saved)
    resource, profile = expand(wanted.of, scope), str(expand(wanted.profile, scope))
    made = await asyncio.to_thread(_made, resource, profile, world, seed)
    for index, mutant in enumerate(made, first):
        step = Step(wanted.send, mutant.resource, wanted.location, expect=wanted.expect)
        done = _named(await perform(step, index, course, world), mutant)
        yield done
        if any(check.kind in _ENDING for check in done.event.checks):
            return


def _made(resource: Any, profile: str, world: World, seed: int) -> list[Mutant]:
    """The mutants that a server has to refuse. Raises Unbreakable, ExpressionError."""
    definitions = world.structures
    if not isinstance(resource, Mapping):
        raise ExpressionError(
            "mutants: what stands under of is no resource", "mutants : ce qui est sous of n'est pas une ressource"
        )
    if not isinstance(definitions, Definitions) or definitions.structure(profile) is None:
        raise Unbreakable(finding("conforms.unknown-profile", Verdict.UNDECIDED, expected=profile))
    judge = world.judge
    if not isinstance(judge, Validator):
        judge = Validator(definitions, unknown_extensions="allowed", unknown_codes="allowed")
    try:
        made = mutants(resource, profile, definitions, seed=seed, validator=judge)
    except (UsageError, DefinitionError) as problem:
        raise ExpressionError(f"mutants: {problem}", f"mutants : {problem.message_fr}") from problem
    return list(_sendable(made, str(resource.get("resourceType"))))


def _sendable(made: Iterable[Mutant], kind: str) -> Iterable[Mutant]:
    places = tuple(f"{kind}.{place}" for place in _SERVERS)
    for mutant in made:
        below = any(mutant.element == place or mutant.element.startswith(place + ".") for place in places)
        if not below:
            yield mutant


def _named(done: Performed, mutant: Mutant) -> Performed:
    """Say, in the event and in each of its findings, which mutant it is about."""
    event = replace(
        done.event,
        summary=inert(f"{done.event.summary} · {mutant.name}", 300),
        checks=tuple(_about(check, mutant) for check in done.event.checks),
    )
    return replace(done, event=event, blocked=False)


def _about(check: CheckResult, mutant: Mutant) -> CheckResult:
    return replace(check, findings=tuple(_of(one, mutant) for one in check.findings))


def _of(one: Finding, mutant: Mutant) -> Finding:
    described = {lang: inert(text, 300) for lang, text in mutant.description.items()}
    return replace(
        one,
        message=f"mutant {mutant.name} ({described['en']}): {one.message}",
        message_fr=f"mutant {mutant.name} ({described['fr']}) : {one.message_fr}",
        expression=one.expression or mutant.expression,
        definition=one.definition or mutant.element,
        profile=one.profile or mutant.profile,
        constraint=one.constraint or mutant.name,
    )
