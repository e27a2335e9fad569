"""Steps in the making: of the set-up, or of one test."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_ADDRESSED = ("read", "vread", "delete", "history", "operation")
_PLACE = re.compile(r"[A-Z][A-Za-z]+/[^/?]+")


@dataclass(eq=False)
class Made:
    """A step, and what it is about."""

    content: dict[str, Any]
    kind: str = ""
    """The type of the resource that it sends or asks for, as far as it is known."""
    identifier: str | None = None
    """The id that an update writes to, with the variables filled in that are known before the run."""

    @property
    def judges_answer(self) -> bool:
        """Whether it expects anything of its answer."""
        return any(one.get("of") != "request" for one in self.content.get("expect", ()))

    def expect(self, block: Mapping[str, Any]) -> None:
        """Add a block of expectations."""
        self.content.setdefault("expect", []).append(dict(block))


@dataclass
class Part:
    """Steps in the making."""

    name: str
    title: str
    steps: list[Made] = field(default_factory=list)
    responses: dict[str, Made] = field(default_factory=dict)
    """Step by its responseId."""
    requests: dict[str, Made] = field(default_factory=dict)
    """Step by its requestId."""

    def written(self) -> set[str]:
        """Return the addresses (``Type/id``) that its updates write to."""
        return {f"{one.kind}/{one.identifier}" for one in self.steps if one.identifier}

    def addressed(self, plain: Callable[[str], str]) -> Iterator[str]:
        """Yield the addresses (``Type/id``) of single resources that its steps name, made ``plain``."""
        yield from self.written()
        for one in self.steps:
            for key in _ADDRESSED:
                place = _PLACE.match(plain(str(one.content.get(key) or "")))
                if place:
                    yield place[0]

    def makes(self) -> set[str]:
        """Return the types of what it creates or updates; ``*`` for any."""
        any_type = {"*" for one in self.steps if {"transaction", "batch", "request"} & set(one.content)}
        return any_type | {one.kind for one in self.steps if {"create", "update"} & set(one.content)}

    def lists(self) -> set[str]:
        """Return the types that it searches, or lists the history of."""
        targets = [str(one.content.get("search", one.content.get("history")) or "") for one in self.steps]
        return {target for target in targets if target and "/" not in target}


def joined(parts: Sequence[Part], pairs: Sequence[tuple[int, int]]) -> list[Part]:
    """Return the parts, from the first to the second of each pair as one: what stands between them keeps its place."""
    reach = list(range(len(parts)))
    for first, last in pairs:
        reach[first] = max(reach[first], last)
    whole: list[Part] = []
    end = -1
    for index, part in enumerate(parts):
        if index <= end:
            into = whole[-1]
            into.steps += part.steps
            into.responses.update(part.responses)
            into.requests.update(part.requests)
            into.title = f"{into.title} / {part.title}"
        else:
            whole.append(Part(part.name, part.title, list(part.steps), dict(part.responses), dict(part.requests)))
        end = max(end, reach[index])
    return whole
