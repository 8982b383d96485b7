"""The page on which a customer answers one question: plain HTML without scripts, opened by a link alone.

Who has the link may answer, nobody is logged in and no cookie is set, so there is no session that another
site could ride on. Opening the page changes nothing: mail scanners open every link.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool

from adapters.asking.answers import Answer, Answers, Became, Given, undecided
from adapters.asking.form import UnknownField, askable, payload
from adapters.asking.links import BadLink, Link, Links
from adapters.asking.questions import Closing, Question, Questions
from adapters.asking.throttle import Throttle
from adapters.asking.wording import FALLBACK, Wording, wording
from adapters.errors import StoreUnavailable
from adapters.intake import InvalidEvents

SOURCE = "customer-link"
T = TypeVar("T")

_LARGEST = 256 * 1024  #: twice what the longest answer takes: one of its characters may be 9 to 12 bytes here
_DRAINED = 16 * 1024 * 1024  #: read and dropped, so that whoever sent too much gets to read why
_PATIENCE_SECONDS = 3.0
_FIRST_LOOK_SECONDS, _LAST_LOOK_SECONDS = 0.05, 0.5
_PER_MINUTE = 30
_FORM = "application/x-www-form-urlencoded"
_LATER = {"Retry-After": "60"}
_HERE = ("same-origin", "none")
_templates = Environment(
    loader=PackageLoader("adapters.asking"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Page:
    """What the page needs; ``zone`` is the one in which deadlines are told, ``patience`` how many seconds a
    customer waits for the decision."""

    questions: Questions
    answers: Answers
    links: Links
    zone: ZoneInfo
    clock: Callable[[], datetime]
    patience: float = _PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class _Put:
    """What a customer has ``said``, committed, and not decided about yet."""

    given: Given
    words: Wording
    said: Mapping[str, str]


def add_page(app: FastAPI, page: Page) -> None:
    """Serve ``/answer/{token}``."""
    throttle = Throttle(_PER_MINUTE)

    def guarded(token: str, answer: Callable[[Link], T]) -> Response | T:
        try:
            link = page.links.read(token)
        except BadLink:
            return _notice(wording(FALLBACK), "unknown", 404)
        if not throttle.allows(link.question):
            return _notice(wording(FALLBACK), "busy", 429, _LATER)
        return _kindly(lambda: answer(link))

    # What scans links may ask for the head alone, and takes a refusal for a broken link.
    @app.api_route("/answer/{token}", methods=["GET", "HEAD"], include_in_schema=False)
    def show(token: str) -> Response:
        return guarded(token, lambda link: _shown(page, link))

    @app.post("/answer/{token}", include_in_schema=False)
    async def take(token: str, request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "none") not in _HERE:
            return _notice(wording(FALLBACK), "elsewhere", 403)
        said = await _said(request)
        if isinstance(said, Response):
            return said
        taken = await run_in_threadpool(guarded, token, lambda link: _taken(page, link, said))
        if isinstance(taken, Response):
            return taken
        answer = await _decided(page, taken.given)
        return await run_in_threadpool(_kindly, lambda: _became(page, taken, answer))


async def _said(request: Request) -> dict[str, str] | Response:
    """What was filled in, each field once; or the page that says why it cannot be read."""
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= _LARGEST:
            body += chunk
        elif size > _DRAINED:
            break
    if size > _LARGEST:
        return _notice(wording(FALLBACK), "too_long", 413)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
        with suppress(ValueError):
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100, errors="strict")
            return {name: value.replace("\r\n", "\n").strip() for name, value in pairs}
    return _notice(wording(FALLBACK), "unknown", 400)


async def _decided(page: Page, given: Given) -> Answer:
    """Wait for the decision, holding no thread: while no worker runs, many may wait."""
    pause, until = _FIRST_LOOK_SECONDS, time.monotonic() + page.patience
    with suppress(StoreUnavailable):  # it is committed, whatever comes now
        while (answer := await run_in_threadpool(page.answers.look, given)) is None:
            if time.monotonic() > until:
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_LOOK_SECONDS)
        return answer or undecided(given)
    return undecided(given)


def _kindly(answer: Callable[[], T]) -> Response | T:
    """What ``answer`` gives, or the page that asks to try again while the store is away."""
    try:
        return answer()
    except StoreUnavailable:
        return _notice(wording(FALLBACK), "away", 503, _LATER)


def _shown(page: Page, link: Link) -> Response:
    found = _open(page, link)
    return found if isinstance(found, Response) else _asked(page, found, said={})


def _taken(page: Page, link: Link, said: Mapping[str, str]) -> Response | _Put:
    question = _open(page, link)
    if isinstance(question, Response):
        return question
    words = wording(question.locale)
    shown = words.asked(question.form, told={}, said=said, errors={})
    errors = {field.name: "fill_in" for field in shown if field.required and not field.value}
    errors |= {
        field.name: "shorten" for field in shown if len(field.value) > (field.longest or len(field.value))
    }
    if errors:
        return _asked(page, question, said=said, errors=errors)
    try:
        filled = [*said.items(), *words.fixed(question.form).items()]
        data = payload(question.form, filled, currency=question.currency)
        given = page.answers.put(question, data, source=SOURCE)
    except UnknownField:
        return _notice(words, "unknown", 400)
    except InvalidEvents as error:
        wrong = {fault.field.removeprefix("data."): "check" for fault in error.faults}
        return _asked(page, question, said=said, errors=wrong)
    if isinstance(given, Answer):
        return _settled(words, page.questions.closing(question.id, in_the_end=True))
    return _Put(given, words, said)


def _became(page: Page, put: _Put, answer: Answer) -> Response:
    question, words, said = put.given.question, put.words, put.said
    match answer.became:
        case Became.TAKEN:
            return _notice(words, "thanks", 200, said=words.chosen(question.form, said))
        case Became.WAITING:
            return _notice(words, "waiting", 202, said=words.chosen(question.form, said))
        case Became.LATE:
            return _settled(words, page.questions.closing(question.id, in_the_end=True))
        case Became.REFUSED:
            alert = words.refused(answer.reason)
            return _asked(page, question, said=said, alert=alert, status=409)


def _open(page: Page, link: Link) -> Question | Response:
    """The open question behind a link, or the page that says why there is none."""
    question = page.questions.find(link.question) or page.questions.follower(link.question)
    if question is None:
        words, closing = _wording_of(page, link), page.questions.closing(link.question, in_the_end=True)
        if closing is None and page.questions.is_beyond(link.question):
            return _notice(words, "away", 503, _LATER)
        if page.clock() >= link.ends:
            return _notice(words, "link_expired", 410)
        return _settled(words, closing)
    if not (question.for_customer and askable(question.form)):
        return _notice(wording(question.locale), "unsupported", 200)
    return question


def _wording_of(page: Page, link: Link) -> Wording:
    """In the language of the case, which goes on although the question is closed."""
    return wording(page.questions.locale(link.question))


def _settled(words: Wording, closing: Closing | None) -> Response:
    if closing is None:
        return _notice(words, "moved", 410)
    if closing.source.startswith(SOURCE):
        return _notice(words, "answered", 200)
    return _notice(words, "expired" if closing.by_deadline else "moved", 410)


def _asked(
    page: Page,
    question: Question,
    *,
    said: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    alert: str = "",
    status: int = 200,
) -> Response:
    words = wording(question.locale)
    told = page.questions.told(question)
    due = question.due
    moment = words.moment(due.due, zone=page.zone) if due and not _repeats(question) else ""
    if errors:
        alert, status = words.page["mend"], int(HTTPStatus.UNPROCESSABLE_ENTITY)
    return _html(
        "question.html",
        words,
        status,
        heading=words.heading(question.form).format(about=question.case.key),
        question=words.question(question.form, otherwise=question.ask.text),
        facts=words.facts(question.form, told),
        due=words.page["deadline"].format(due=moment) if moment else "",
        silence=words.silence(question.form),
        fields=words.asked(question.form, told=told, said=said, errors=errors or {}),
        alert=alert,
    )


def _repeats(question: Question) -> bool:
    return question.deadline is not None and question.deadline.repeats


def _notice(
    words: Wording,
    name: str,
    status: int,
    headers: Mapping[str, str] | None = None,
    *,
    said: Sequence[tuple[str, str]] = (),
) -> Response:
    response = _html("notice.html", words, status, notice=words.notice(name), said=said)
    response.headers.update(headers or {})
    return response


def _html(template: str, words: Wording, status: int, **values: Any) -> Response:
    nonce = secrets.token_urlsafe(16)
    text = _templates.get_template(template).render(
        lang=words.language, page=words.page, nonce=nonce, **values
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(text, status_code=status, headers=headers)
