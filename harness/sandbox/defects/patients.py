"""Defects of what is accepted of a patient: one blind spot for each rule of the French profiles."""

from __future__ import annotations

from harness.sandbox.defects.model import Defect, blind

_INS = r"fr-core-patient-ins"
_CORE = r"fr-core-patient;"

_SPOTS = (
    ("local-number-of-nobody", "FRCORE-PAT-002", "A local number without system is accepted.",
     r"identifier:PI\.system"),
    ("local-number-of-any-use", "FRCORE-PAT-001", "A local number of any use is accepted.", r"identifier:PI\.use"),
    ("national-number-anywhere", "FRCORE-PAT-003", "National numbers of other kinds are accepted under any system.",
     r"identifier:(NSS|INS-C|NDP)\.system", r"identifier-system-rel"),
    ("birth-name-incomplete", "FRCORE-PAT-004", "An official name without family name is accepted.",
     r"name:officialName"),
    ("two-civilities-accepted", "FRCORE-PAT-006", "A name with two civilities is accepted.", r"HumanName\.prefix"),
    ("telecom-without-system", "FRCORE-PAT-006", "A telephone number without system or value is accepted.",
     r"ContactPoint\.", r"telecom"),
    ("identity-status-as-text", "FRCORE-PAT-007", "The identity status is accepted as a text, or out of its list.",
     r"fr-core-identity-reliability"),
    ("birth-place-of-any-form", "FRCORE-PAT-008", "A birth place of any form is accepted.",
     r"birthP", r"patient-birthPlace", r"fr-core-address-insee-code"),
    ("extensions-repeated", "FRCORE-PAT-009", "Extensions that stand once are accepted twice.",
     r" structure slice-max .*(birthD|deathP)"),
    ("any-general-practitioner", "FRCORE-PAT-010", "The general practitioner may be anything.", r"generalPractitioner"),
    ("nir-under-any-system", "FRCORE-INS-001", "A national identifier is accepted under another system.",
     r"identifier:INS-NIR\.system", r"identifier\[0\].* (pattern|identifier-system)"),
    ("nia-of-any-use", "FRCORE-INS-002", "A NIA of any use is accepted.", r"identifier:INS-NIA\.", r"identifier\[0\]"),
    ("test-number-as-real", "FRCORE-INS-003", "A test number is accepted under the production system.",
     r"identifier:INS-NIR-TEST", r"identifier\[0\]"),
    ("demonstration-number-as-real", "FRCORE-INS-004", "A demonstration number is accepted under any system.",
     r"identifier:INS-NIR-DEMO", r"identifier\[0\]"),
    ("patient-without-identifier", "FRCORE-INS-006", "A patient without identifier is accepted.",
     r"definition: Patient\.identifier;"),
    ("validated-without-number", "FRCORE-INS-007", "A validated identity without national number is accepted.",
     r"fr-core-1"),
    ("birth-place-without-code", "FRCORE-INS-009", "A birth place without INSEE code is accepted.",
     r"extension:birthPlace", r"Patient\.extension:bi", r"fr-core-address-insee-code"),
    ("official-name-of-any-form", "FRCORE-INS-010", "An official name of any form is accepted.", r"name:officialName",
     r"Patient\.name"),
    ("gender-of-any-kind", "FRCORE-INS-012", "Any gender is accepted, and none.", r"Patient\.gender"),
    ("birth-date-missing", "FRCORE-INS-012", "A patient without birth date is accepted.", r"Patient\.birthDate"),
)  # fmt: skip

PATIENTS = tuple(Defect(name, rule, summary, blind(*patterns)) for name, rule, summary, *patterns in _SPOTS)
