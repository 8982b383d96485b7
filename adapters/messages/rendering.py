"""Turns a message into words: one template per message and language, one layout per channel and language.

A template fills the blocks ``subject``, ``opening`` (empathy or apology), ``body``, ``next`` (what happens
next and by when) and ``brief`` (all of it in one breath); the layout of the channel chooses among them and
adds greeting, link, and how to reach a person. Passages that several templates share are ``*.jinja`` files.
A name that is sealed stays sealed in the text until it is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache, partial
from zoneinfo import ZoneInfo

from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound

from adapters.errors import OwnFault
from adapters.messages.words import FOLDER, LOCALES, language, word, written_day, written_time, written_zone
from machines.messages import Channel, Message
from machines.policy import House

_KEPT = 4_096  #: amounts that need not be put into words again


@dataclass(frozen=True, slots=True)
class Rendered:
    """What is sent. Names in it are sealed if those of the message are."""

    subject: str
    text: str


class Renderer:
    """Renders for one ``house``; days and times are those of its time ``zone`` (IANA name)."""

    def __init__(self, house: House, *, zone: str) -> None:
        self._house = house
        self.zone = ZoneInfo(zone)
        self._environments = {locale: self._environment(locale) for locale in LOCALES}

    def render(self, message: Message, *, channel: Channel, link: str = "") -> Rendered:
        """Raises ``OwnFault`` when the template is missing or asks for a fact that the message lacks."""
        environment = self._environments[language(message.locale)]
        try:
            written = environment.get_template(f"{message.template}.txt").render(
                layout=f"layout.{channel}.txt",
                house=self._house,
                name=message.to.name,
                about=message.about,
                due=message.deadlines,
                link=link,
                **self._told(message),
            )
        except TemplateNotFound as error:
            raise OwnFault(f"message {message.template}: there is no template {error.name}") from None
        except Exception as error:
            # Its own text may quote facts.
            what = f"{type(error).__name__} in its template"
            raise OwnFault(f"message {message.template} in {message.locale}: {what}") from error
        subject, _, text = written.partition("\n")
        return Rendered(subject.strip(), _tidy(text))

    def _told(self, message: Message) -> dict[str, str]:
        """Its facts, with colleagues by the names under which customers know them, if they do."""
        owner = message.facts.get("owner")
        return (
            message.facts if owner is None else {**message.facts, "owner": self._house.people.get(owner, "")}
        )

    def _environment(self, locale: str) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(FOLDER / locale),
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            # To ask the disk whether a template has changed took a third of the time of a message (measured).
            auto_reload=False,
        )
        environment.globals["zone"] = written_zone(self.zone, locale)
        environment.filters |= {
            "day": lambda at: written_day(self._day(at), locale),
            "moment": lambda at: (
                f"{written_day(self._day(at), locale)}, {written_time(at, zone=self.zone, locale=locale)}"
            ),
            "money": partial(_money, locale=locale),
            "line": lambda text: " ".join(text.split()),  # what comes after a line break is no subject
            "word": lambda text: word(text, locale=locale),
        }
        return environment

    def _day(self, at: datetime | str) -> date:
        return at.astimezone(self.zone).date() if isinstance(at, datetime) else date.fromisoformat(at)


@lru_cache(maxsize=_KEPT)
def _money(text: str, locale: str) -> str:
    amount, currency = text.split()
    return format_currency(amount, currency, locale=locale)


def _tidy(text: str) -> str:
    """No blank line twice, none at either end: blocks may be empty."""
    paragraphs = [paragraph.strip() for paragraph in text.split("\n\n")]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


@cache
def subject_of(template: str) -> str:
    """What a message is called in the handbook: its English subject."""
    file = FOLDER / LOCALES[0] / f"{template}.txt"
    found = re.search(r"block subject %}(.*?){%", file.read_text("utf-8")) if file.exists() else None
    return found[1] if found else template
