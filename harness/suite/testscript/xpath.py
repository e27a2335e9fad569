"""XPath and JSONPath that only name elements, as FHIRPath."""

import re

from harness.suite.testscript.loss import CannotBeSaid

_STEP = r"(?:f(?:hir)?:)?[A-Za-z]\w*(?:\[[1-9][0-9]{0,3}\])?"
_XPATH = re.compile(rf"/{{0,2}}{_STEP}(?:/{_STEP})*(?:/@value|/@id|/@url)?")
_JSONPATH = re.compile(r"\$((?:\.[A-Za-z]\w*(?:\[(?:[0-9]{1,4}|\*)\])?)+)")
_SEGMENT = re.compile(r"([A-Za-z]\w*)(?:\[([0-9]+)\])?")


def fhirpath_of(path: str) -> str:
    """Return an XPath or a JSONPath of names as FHIRPath: ``fhir:Patient/fhir:id/@value``, ``$.name[0].family``.

    ``b[1]`` of an XPath is the first ``b`` of each element, so it becomes ``select(b[0])``; below ``entry.resource``
    the name of a type is no element but a type. Raises CannotBeSaid for any other path.
    """
    path = path.strip()
    json = _JSONPATH.fullmatch(path)
    if json:
        return json[1][1:].replace("[*]", "")
    if not _XPATH.fullmatch(path):
        raise CannotBeSaid(f"the path {path} is more than names of elements; write it as FHIRPath, in expression")
    first, *steps = [step.rpartition(":")[2] for step in path.lstrip("/").split("/")]
    if "[" in first:
        raise CannotBeSaid(f"the path {path} counts the resource itself; write it as FHIRPath, in expression")
    written = first
    for step in steps:
        if step.startswith("@"):
            written += "" if step == "@value" else f".{step[1:]}"
            continue
        found = _SEGMENT.fullmatch(step)
        name, index = (found[1], found[2]) if found else (step, None)
        if name[0].isupper():
            written += f".ofType({name})"
        elif index:
            written += f".select({name}[{int(index) - 1}])"
        else:
            written += f".{name}"
    return written
