"""``type``: the type of the answer's resource."""

from collections.abc import Iterator
from typing import Any

from harness.engine.checks.evidence import Evidence, as_list, finding, not_fhir, resource_of
from harness.engine.events import Finding
from harness.engine.text import inert


def resource_type(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each answer that is not a resource of one of the types expected."""
    wanted = as_list(expected)
    for index, response in evidence.answers:
        resource = resource_of(response)
        if resource is None:
            yield not_fhir(index, response)
        elif resource["resourceType"] not in wanted:
            yield finding(
                "type",
                exchange=index,
                expected=", ".join(map(str, wanted)),
                found=inert(resource["resourceType"], 80),
                expression="resourceType",
            )
