"""What the main French profiles compile to, beside what they compiled to before.

After a change that is meant: ``WRITE_DUMPS=1 pytest tests/validation/test_assertions_dumps.py``, and read the
difference.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.validation.probe import embedded

DUMPS = Path(__file__).with_name("dumps")
_ANS, _HL7 = "https://interop.esante.gouv.fr/ig/fhir/", "https://hl7.fr/ig/fhir/core/StructureDefinition/"
PROFILES = {
    "body-weight": _ANS + "mesures/StructureDefinition/mesures-fr-observation-body-weight",
    "patient": _HL7 + "fr-core-patient",
    "appointment": _ANS + "gap/StructureDefinition/gap-fr-appointment",
    "document-reference": _ANS + "pdsm/StructureDefinition/pdsm-comprehensive-document-reference",
}


def lines(value: Any, path: str = "") -> Iterator[str]:
    """One line for each fact, so that a difference shows what changed."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from lines(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield f"{path}[{index}] {json.dumps(item, ensure_ascii=False, sort_keys=True, default=str)}"
    else:
        yield f"{path} {json.dumps(value, ensure_ascii=False, default=str)}"


@pytest.mark.parametrize("name", PROFILES)
def test_profile_compiles_to_what_it_did(name: str) -> None:
    schema = embedded().schema(PROFILES[name])
    assert schema is not None
    dumped = "\n".join(lines(schema.dump())) + "\n"
    file = DUMPS / f"{name}.txt"
    if os.environ.get("WRITE_DUMPS"):
        DUMPS.mkdir(exist_ok=True)
        file.write_text(dumped, encoding="utf-8")
    assert dumped == file.read_text(encoding="utf-8")
