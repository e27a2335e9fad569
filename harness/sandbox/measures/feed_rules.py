"""The rules of a feed, in the order in which they are judged: the first one that is broken is the answer (422).

Source: the guide of the measures API 1.5.2, §2.2.2 to §2.2.8 (its error table). The codes are those of FHIR's
issue-type; the guide writes them in capitals (AMB-05).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.fhir.terminology import Terminology
from harness.sandbox.codec import Resource
from harness.sandbox.measures.glycaemia import GLYCAEMIA
from harness.sandbox.measures.glycaemia import judge as judge_glycaemia
from harness.sandbox.policy import Policy
from harness.sandbox.problems import issue

Issue = dict[str, Any]

BMI = "39156-5"
BLOOD_PRESSURE = "85354-9"
CODES = frozenset(
    {"29463-7", "8302-2", "8280-0", "8310-5", BLOOD_PRESSURE, BMI, "72514-3", "8867-4", "41950-7", "8287-5", *GLYCAEMIA}
)
"""The kinds of measures, by code alone: their system is not said for all of them (AMB-14)."""
_FAMILY = "https://fhir.monespacesante.fr/ref/mesure/StructureDefinition/"
"""Where the canonical URLs of the profiles begin: the family that the profiles fix, of those in the guide (AMB-02)."""
_CONDITION = re.compile(r"identifier=(?P<system>urn:oid:[0-2](?:\.\d+)+)\|(?P<value>.+)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")


@dataclass(frozen=True)
class Feed:
    """A feed under judgement: its Bundle, the OID of the sender, the server's choices and code lists."""

    bundle: Resource
    solution: str
    policy: Policy
    terminology: Terminology

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The entries of the Bundle."""
        found: list[dict[str, Any]] = self.bundle.get("entry", [])
        return found

    def of_type(self, type_: str) -> list[dict[str, Any]]:
        """The entries that carry a resource of ``type_``."""
        return [entry for entry in self.entries if _resource(entry).get("resourceType") == type_]

    @cached_property
    def observation_entry(self) -> dict[str, Any] | None:
        """The entry of the measure, if there is one."""
        return next(iter(self.of_type("Observation")), None)

    @cached_property
    def device_entry(self) -> dict[str, Any] | None:
        """The entry of the device, if there is one."""
        return next(iter(self.of_type("Device")), None)

    @property
    def observation(self) -> Resource:
        """The measure; empty where there is none."""
        return _resource(self.observation_entry or {})

    @property
    def device(self) -> Resource | None:
        """The device, or None."""
        return None if self.device_entry is None else _resource(self.device_entry)

    @property
    def codes(self) -> set[str]:
        """The codes of the measure, without their systems."""
        code = self.observation.get("code")
        codings = code.get("coding") if isinstance(code, dict) else None
        listed = codings if isinstance(codings, list) else []
        return {str(coding.get("code")) for coding in listed if isinstance(coding, dict)}

    @property
    def profiles(self) -> list[str]:
        """The profiles that the measure declares, without versions."""
        return _profiles(self.observation)

    @property
    def subject_identifier(self) -> Mapping[str, Any]:
        """``Observation.subject.identifier``, empty where it is missing."""
        subject = self.observation.get("subject")
        found = subject.get("identifier") if isinstance(subject, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def where(self) -> str:
        """FHIRPath of the measure."""
        return self._place(self.observation_entry)

    @property
    def device_where(self) -> str:
        """FHIRPath of the device."""
        return self._place(self.device_entry)

    def _place(self, wanted: dict[str, Any] | None) -> str:
        for position, entry in enumerate(self.entries):
            if entry is wanted:
                return f"Bundle.entry[{position}].resource"
        return "Bundle"


@dataclass(frozen=True, slots=True)
class FeedRule:
    """One rule: a name for ``Policy.waived``, the requirement behind it, and what it finds wrong."""

    name: str
    requirement: str
    judge: Callable[[Feed], Iterator[Issue]]


def _resource(entry: Mapping[str, Any]) -> Resource:
    found = entry.get("resource")
    return found if isinstance(found, dict) else {}


def _profiles(resource: Mapping[str, Any]) -> list[str]:
    meta = resource.get("meta")
    found = meta.get("profile", ()) if isinstance(meta, dict) else ()
    return [str(url).partition("|")[0] for url in found] if isinstance(found, list) else []


def _error(code: str, diagnostics: str, where: str) -> Issue:
    return issue("error", code, diagnostics, where)


def _type(feed: Feed) -> Iterator[Issue]:
    if feed.bundle.get("type") != "transaction":
        yield _error("invalid", f"Bundle.type is {feed.bundle.get('type')!r}; a feed is a transaction.", "Bundle.type")


def _acceptable(feed: Feed) -> Iterator[Issue]:
    for position, entry in enumerate(feed.entries):
        request = entry.get("request")
        method = request.get("method") if isinstance(request, dict) else None
        type_ = str(_resource(entry).get("resourceType"))
        if type_ not in {"Observation", "Device"} or method != "POST":
            told = f"A resource {type_} with the method {method} is not acceptable: POST an Observation or a Device."
            yield _error("not-supported", told, f"Bundle.entry[{position}]")
        elif isinstance(request, dict) and request.get("url") != type_:
            told = f"The request url is {request.get('url')!r}; to create a {type_} it is {type_}."
            yield _error("invalid", told, f"Bundle.entry[{position}].request.url")


def _one_observation(feed: Feed) -> Iterator[Issue]:
    count = len(feed.of_type("Observation"))
    if count != 1:
        yield _error("invalid", f"The bundle must hold one observation creation; it holds {count}.", "Bundle.entry")


def _one_device(feed: Feed) -> Iterator[Issue]:
    count = len(feed.of_type("Device"))
    if count > 1:
        yield _error("invalid", f"The bundle may hold one Device; it holds {count}.", "Bundle.entry")


def _device_profile(feed: Feed) -> Iterator[Issue]:
    if feed.device is not None and not _profiles(feed.device):
        yield _error("invalid", "The Device must provide meta.profile.", f"{feed.device_where}.meta.profile")


def _condition(feed: Feed) -> Iterator[Issue]:
    if feed.device_entry is None or feed.device is None:
        return
    where = feed.device_where.replace(".resource", ".request.ifNoneExist")
    text = str(feed.device_entry["request"].get("ifNoneExist", ""))
    found = _CONDITION.fullmatch(text)
    if found is None:
        told = f"IfNoneExist is {text!r}; it must be identifier=urn:oid:{{OID}}|{{DEVICE ID}}."
        yield _error("invalid", told, where)
        return
    identifiers = feed.device.get("identifier")
    listed = identifiers if isinstance(identifiers, list) else []
    named = [(item.get("system"), item.get("value")) for item in listed if isinstance(item, dict)]
    if (found["system"], found["value"]) not in named:
        told = f"IfNoneExist is {text!r}, and the Device has no such identifier (identifier=urn:oid:{{OID}}|…)."
        yield _error("invalid", told, where)


def _device_reference(feed: Feed) -> Iterator[Issue]:
    if feed.device is not None and not _reference(feed):
        told = "Observation.device.reference is mandatory when the bundle has a Device."
        yield _error("invalid", told, f"{feed.where}.device.reference")


def _reference(feed: Feed) -> str:
    device = feed.observation.get("device")
    return str(device.get("reference", "")) if isinstance(device, dict) else ""


def _linked(feed: Feed) -> Iterator[Issue]:
    reference, device, entry = _reference(feed), feed.device, feed.device_entry
    # Both ways are taken (AMB-03): the id of the Device, as the guide has it, and the fullUrl, as R4 has it.
    targets = {f"Device/{device['id']}"} if device and "id" in device else set()
    if entry and "fullUrl" in entry:
        targets.add(str(entry["fullUrl"]))
    if reference and reference not in targets:
        told = "Observation and Device are not linked: Observation.device.reference is not Device/ and the Device's id."
        yield _error("invalid", told, f"{feed.where}.device.reference")


def _observation_profile(feed: Feed) -> Iterator[Issue]:
    if not feed.profiles:
        yield _error("invalid", "The Observation must provide meta.profile.", f"{feed.where}.meta.profile")


def _family(feed: Feed) -> Iterator[Issue]:
    strange = [url for url in feed.profiles if not url.startswith(_FAMILY)]
    if strange:
        told = f"The meta.profile of the Observation, {strange[0]}, is not one of the measure profiles."
        yield _error("invalid", told, f"{feed.where}.meta.profile")


def _source(feed: Feed) -> Iterator[Issue]:
    meta = feed.observation.get("meta")
    source = meta.get("source") if isinstance(meta, dict) else None
    if source is None:
        return
    oid = str(source).removeprefix("urn:oid:")
    if oid != feed.solution and not oid.startswith(f"{feed.solution}."):
        told = f"Observation.meta.source is {source}; it must begin with the root editor OID, {feed.solution}."
        yield _error("value", told, f"{feed.where}.meta.source")


def _no_bmi(feed: Feed) -> Iterator[Issue]:
    if BMI in feed.codes or any(
        url.lower().endswith(("mes-observation-bmi", "mesobservationbmi")) for url in feed.profiles
    ):
        told = "A Bmi observation cannot be created: it is computed from weight and height."
        yield _error("not-supported", told, feed.where)


def _kind(feed: Feed) -> Iterator[Issue]:
    if not feed.codes & CODES:
        yield _error("invalid", "Observation.code is not one of the measures that can be fed.", f"{feed.where}.code")


def _subject(feed: Feed) -> Iterator[Issue]:
    identifier = feed.subject_identifier
    if not identifier.get("value") or not identifier.get("system"):
        told = "Observation.subject.identifier is mandatory, with system and value."
        yield _error("invalid", told, f"{feed.where}.subject.identifier")


def _quantity(element: Any) -> bool:
    found = element.get("valueQuantity") if isinstance(element, dict) else None
    return isinstance(found, dict) and "value" in found


def _value(feed: Feed) -> Iterator[Issue]:
    observation = feed.observation
    components = observation.get("component", ())
    several = BLOOD_PRESSURE in feed.codes and isinstance(components, list)
    if not _quantity(observation) and not (several and any(_quantity(item) for item in components)):
        told = "The value quantity of the Observation is missing."
        yield _error("value", told, f"{feed.where}.value")


def _effective(feed: Feed) -> Iterator[Issue]:
    where = f"{feed.where}.effective"
    if feed.policy.effective_period and "effectivePeriod" in feed.observation:
        return
    moment = feed.observation.get("effectiveDateTime")
    if moment is None:
        yield _error("required", "Observation.effectiveDateTime is mandatory.", where)
    elif not isinstance(moment, str) or not _DAY.fullmatch(moment):
        yield _error("value", f"Observation.effectiveDateTime is {moment}; it must tell the day at least.", where)


def _glycaemia(feed: Feed) -> Iterator[Issue]:
    yield from judge_glycaemia(feed.observation, feed.codes, feed.where, feed.policy, feed.terminology)


RULES: tuple[FeedRule, ...] = (
    FeedRule("feed-type", "MES-MEASURE-002", _type),
    FeedRule("feed-entry", "MES-ERR-004", _acceptable),
    FeedRule("feed-one-observation", "MES-ERR-006", _one_observation),
    FeedRule("feed-one-device", "MES-MEASURE-003", _one_device),
    FeedRule("feed-device-profile", "MES-ERR-018", _device_profile),
    FeedRule("feed-condition", "MES-ERR-005", _condition),
    FeedRule("feed-device-reference", "MES-ERR-007", _device_reference),
    FeedRule("feed-linked", "MES-ERR-008", _linked),
    FeedRule("feed-observation-profile", "MES-ERR-009", _observation_profile),
    FeedRule("feed-source", "MES-ERR-010", _source),
    FeedRule("feed-bmi", "MES-ERR-012", _no_bmi),
    FeedRule("feed-family", "MES-MEASURE-020", _family),
    FeedRule("feed-kind", "MES-MEASURE-020", _kind),
    FeedRule("feed-subject", "MES-ERR-013", _subject),
    FeedRule("feed-value", "MES-ERR-011", _value),
    FeedRule("feed-effective", "MES-MEASURE-021", _effective),
    FeedRule("feed-glycaemia", "MES-GLU-003", _glycaemia),
)
