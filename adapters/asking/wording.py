"""The words of the customer's page in the languages that we have, and how a question is laid out in them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adapters.asking.form import FormField, Kind, fields
from adapters.messages.words import word, written_time
from machines.kernel.event import Event

FALLBACK = "en"
_FOLDER = Path(__file__).with_name("texts")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NO_MONEY = re.compile(r"0(\.0+)? [A-Z]{3}")
_MOST_RADIOS = 6
_INPUTS = {Kind.NUMBER: "number", Kind.DATE: "date"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One field as the page shows it; ``choices`` are (value, label)."""

    name: str
    label: str
    type: str
    required: bool
    choices: tuple[tuple[str, str], ...]
    radios: bool
    longest: int | None
    autocomplete: str
    value: str
    error: str


class Wording:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts: Mapping[str, Any] = tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8"))
        self.page: Mapping[str, str] = self._texts["page"]

    def notice(self, name: str) -> Mapping[str, str]:
        found: Mapping[str, str] = self._texts["notice"][name]
        return found

    def question(self, form: type[Event], *, otherwise: str) -> str:
        return str(self._form(form).get("question", otherwise))

    def fixed(self, form: type[Event]) -> Mapping[str, str]:
        """Fields that stand for the text itself, such as the version of the wording agreed to."""
        found: Mapping[str, str] = self._form(form).get("fixed", {})
        return found

    def asked(
        self,
        form: type[Event],
        *,
        told: Mapping[str, str],
        said: Mapping[str, str],
        errors: Mapping[str, str],
    ) -> list[Asked]:
        """The fields to fill in; ``told`` may list the options of one, ``said`` is what was filled in."""
        texts = self._form(form)
        left_out = {*texts.get("hidden", ()), *texts.get("fixed", {}), *_needless(texts, told)}
        return [
            self._asked(field, texts.get("fields", {}).get(field.name, {}), told, said, errors)
            for field in fields(form)
            if field.name not in left_out
        ]

    def heading(self, form: type[Event]) -> str:
        """What the page is headed by; the key of the case goes where ``{about}`` stands."""
        return str(self._form(form).get("heading", self.page["heading"]))

    def silence(self, form: type[Event]) -> str:
        """What happens without an answer, if the form's texts say it."""
        return str(self._form(form).get("silence", ""))

    def chosen(self, form: type[Event], said: Mapping[str, str]) -> list[tuple[str, str]]:
        """(label, answer) of what was chosen; texts and numbers are not repeated."""
        shown = self.asked(form, told={}, said=said, errors={})
        answers = [(each.label, dict(each.choices).get(each.value, "")) for each in shown]
        return [(label, answer) for label, answer in answers if answer]

    def facts(self, form: type[Event], told: Mapping[str, str]) -> list[tuple[str, str]]:
        """(label, value) of what is known and matters to the question of ``form``."""
        labels = {**self._texts["facts"], **self._form(form).get("facts", {})}
        named = [
            (
                labels.get(name, name.replace("_", " ").capitalize()),
                word(told[name], locale=self.language),
            )
            for name in told
        ]
        return [
            (label, self.day(date.fromisoformat(value)) if _DATE.fullmatch(value) else value)
            for label, value in named
            if label and not _NO_MONEY.fullmatch(value)
        ]

    def refused(self, reason: str) -> str:
        """That an answer cannot be taken, and why. A reason that we have no words for is left out, but in the
        language in which procedures give it."""
        usual = reason if self.language == FALLBACK else ""
        why = self._texts["refusals"].get(reason, usual)
        page = self.page
        return page["refused"].format(reason=why) if why else page["refused_plainly"]

    def day(self, day: date) -> str:
        dates = self._texts["dates"]
        return str(
            dates["form"].format(
                weekday=dates["weekdays"][day.weekday()],
                day=day.day,
                month=dates["months"][day.month - 1],
                year=day.year,
            )
        )

    def moment(self, at: datetime, *, zone: ZoneInfo) -> str:
        day = self.day(at.astimezone(zone).date())
        return f"{day}, {written_time(at, zone=zone, locale=self.language)}"

    def _form(self, form: type[Event]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._texts["forms"].get(form.type, {})
        return found

    def _asked(
        self,
        field: FormField,
        texts: Mapping[str, str],
        told: Mapping[str, str],
        said: Mapping[str, str],
        errors: Mapping[str, str],
    ) -> Asked:
        options = _options(told.get(texts.get("options", ""), "")) or field.choices
        usual = {"true": self.page["yes"], "false": self.page["no"]} if field.kind is Kind.YES_NO else {}
        return Asked(
            name=field.name,
            label=texts.get("label", field.plain_label),
            type="textarea" if field.at_length else _INPUTS.get(field.kind, "text"),
            required=field.required,
            choices=tuple((value, texts.get(value, usual.get(value, value))) for value in options),
            radios=0 < len(options) <= _MOST_RADIOS and field.required,
            longest=field.longest,
            autocomplete=texts.get("autocomplete", "off"),
            value=said.get(field.name, ""),
            error=self._error(errors.get(field.name, ""), field),
        )

    def _error(self, error: str, field: FormField) -> str:
        name = "choose" if error == "fill_in" and field.choices else error
        return self.page[name].format(longest=field.longest) if name else ""


@cache
def _languages() -> Mapping[str, Wording]:
    return {path.stem: Wording(path.stem) for path in _FOLDER.glob("*.toml")}


def wording(locale: str) -> Wording:
    """The texts for a locale such as ``de-AT``; English where we do not have its language."""
    known = _languages()
    return known.get(re.split("[-_]", locale)[0].lower(), known[FALLBACK])


def _needless(texts: Mapping[str, Any], told: Mapping[str, str]) -> set[str]:
    """Fields that are asked ``when`` a fact has a value, and it has another."""
    fields: Mapping[str, Mapping[str, Any]] = texts.get("fields", {})
    return {
        name
        for name, texts in fields.items()
        for fact, value in texts.get("when", {}).items()
        if told.get(fact, value) != value
    }


def _options(listed: str) -> Sequence[str]:
    return tuple(part.strip() for part in listed.split(",") if part.strip())
