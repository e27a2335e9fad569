"""Texts that a test set may give as ``/a regular expression/``."""

import re
from functools import lru_cache

from harness.suite.problem import ExpressionError


@lru_cache(maxsize=1024)
def pattern(text: str) -> re.Pattern[str] | None:
    """Return the compiled expression when ``text`` stands between slashes, else None: an exact text.

    It is searched for; ``^`` and ``$`` bind it to the ends. Raises ExpressionError when it does not compile.
    """
    if len(text) < 2 or not (text.startswith("/") and text.endswith("/")):
        return None
    try:
        return re.compile(text[1:-1])
    except (re.error, OverflowError, RecursionError) as problem:
        raise ExpressionError(
            f"{text} is not a regular expression: {problem}", f"{text} n'est pas une expression régulière : {problem}"
        ) from problem
