"""A request of a person that is refused, and why, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import HarnessError
from harness.sandbox.pages.languages import Language


class Refusal(HarnessError):
    """What a page answers with: HTTP ``status``, and the reason by language; programs are told the English one."""

    def __init__(self, status: int, *, fr: str, en: str) -> None:
        self.status = status
        self.reason: Mapping[Language, str] = {"fr": fr, "en": en}
        super().__init__(en)
