"""Good instances of a profile, as hypothesis draws them. Needs hypothesis: the extra ``generate``."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from harness.errors import UsageError
from harness.fhir.definitions import Definitions
from harness.validation.generation.builder import Builder
from harness.validation.generation.element import Elements
from harness.validation.generation.mending import mended
from harness.validation.validator import Validator

try:
    import hypothesis
    from hypothesis import strategies
except ImportError:  # an optional dependency
    hypothesis = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

_MISSING = (
    "hypothesis is not installed, and it draws the instances: pip install 'fhir-harness[generate]' "
    "(or pip install hypothesis)"
)


class _Enough(Exception):
    """Stops hypothesis when there are as many instances as were asked for."""


class _Drawn:
    """Decisions that hypothesis takes, so that it can shrink them."""

    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        """Draw a whole number; it shrinks towards ``low`` where that is not negative, else towards zero."""
        return self._draw(strategies.integers(low, high))


def instances(
    profile: str, definitions: Definitions, *, validator: Validator | None = None
) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy of resources that are valid against ``profile``; the simplest holds what must be there.

    Every resource is judged before it is handed out; ``validator`` is by default one of ``definitions``. Raises
    UsageError when hypothesis is not installed, or the profile is not known, or is not about a resource.
    """
    if hypothesis is None:
        raise UsageError(_MISSING)
    validator = validator or Validator(definitions)
    judge = validator.judge
    schema = judge.schema(profile)
    if schema is None:
        reason = judge.problem(profile) or f"it is not known here{_near(profile, definitions)}"
        raise UsageError(f"{profile}: no instance can be made of it: {reason}")
    if schema.type not in judge.resource_types:
        raise UsageError(f"{profile}: it is about {schema.type}, which is not a resource that can stand alone")

    elements = Elements(judge)

    def build(draw: DrawFn) -> dict[str, Any]:
        built = Builder(judge, _Drawn(draw), elements=elements).resource(profile)
        good = None if built is None else mended(built, profile, validator)
        hypothesis.assume(good is not None)
        return cast(dict[str, Any], good)

    return strategies.composite(build)()


def _near(profile: str, definitions: Definitions) -> str:
    """What to do about a canonical URL that is not known: its version here, the nearest, or a package."""
    url, _, version = profile.partition("|")
    other = definitions.structure(url) if version else None
    if other is not None:
        return f": the version that is known is {other.get('version')}; ask for that, or add the package"
    known = list(definitions.canonicals("StructureDefinition"))
    named = [canonical for canonical in known if canonical.rpartition("/")[2] == profile]
    near = named or difflib.get_close_matches(profile, known, 1, 0.8)
    return f'; did you mean "{near[0]}"?' if near else ": add the package that defines it"


def sample(strategy: SearchStrategy[dict[str, Any]], count: int, seed: int) -> list[dict[str, Any]]:
    """Return ``count`` different instances of ``strategy``: the same for the same ``seed`` and version of hypothesis.

    Fewer where the profile leaves so little open that there are no more, none where no instance was found valid.
    """
    found: list[dict[str, Any]] = []

    def collect(instance: dict[str, Any]) -> None:
        if len(found) < count and instance not in found:
            found.append(instance)
        if len(found) >= count:
            raise _Enough

    settings = hypothesis.settings(
        database=None,
        deadline=None,
        max_examples=10 * count + 50,
        phases=[hypothesis.Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    test: Callable[[], None] = hypothesis.seed(seed)(settings(hypothesis.given(strategy)(collect)))
    with suppress(_Enough, hypothesis.errors.Unsatisfiable):
        test()
    return found
