"""How we write to customers, as rules that can be tested: no blame, no negative stock phrases, and no promise
without a date (obligations SAT-1, SAT-2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BLAME = {
    "en": r"your (own )?(fault|mistake|error)|you (failed|forgot|neglected|should have|claim)",
    "de": r"Ihre? (eigene[rs]? )?(Schuld|Fehler)|"
    r"Sie (haben (versäumt|vergessen)|behaupten|hätten .{0,40}müssen)",
}
_STOCK = {
    "en": r"unfortunately|we regret|company policy|as per|nothing we can do|not our (fault|problem)|"
    r"no exceptions|we are unable|it is impossible|calm down",
    "de": r"leider|bedauerlicherweise|laut unseren Richtlinien|nichts machen|nicht unsere Schuld|"
    r"ist uns nicht möglich|keine Ausnahmen",
}
_VAGUE = {
    "en": r"\bsoon\b|shortly|as soon as possible|\basap\b|in due course|in the near future|when we can",
    "de": r"\bbald\b|in Kürze|so schnell wie möglich|schnellstmöglich|zeitnah|demnächst",
}
_LONGEST_BRIEF = 306  #: characters: two parts of a text message


def faults(text: str, *, locale: str) -> Iterator[str]:
    """What is wrong with the tone of ``text``, each with the words that are."""
    for what, rules in (("blames", _BLAME), ("is a negative stock phrase", _STOCK), ("is no date", _VAGUE)):
        for found in re.finditer(rules[locale], text, re.IGNORECASE):
            yield f"{found[0]!r} {what}"
    if "\n\n" not in text and len(text) > _LONGEST_BRIEF:
        yield f"{len(text)} characters are more than the {_LONGEST_BRIEF} of a text message"
