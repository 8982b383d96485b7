"""Every message, in every language and by every channel: complete, in our tone, and with a day where it
promises something."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from adapters.errors import Rejected
from adapters.messages.rendering import Renderer
from adapters.messages.tone import faults
from adapters.messages.words import FOLDER, LOCALES, language, word
from machines.messages import Buyer, Channel, Message
from tests.adapters.messages.correspondence import POLICY, declared, sent

RENDERER = Renderer(POLICY.house, zone=POLICY.calendar.zone)
NAME = "sealed:1:C-1:bmFtZQ"
PLACEHOLDERS = {"shipment.progress"}  #: stands for one template for each kind of progress
APOLOGY = {"en": r"apologies|apologise|sorry", "de": r"[Ee]ntschuldigen|tut uns leid"}
APOLOGISING = (
    "order.delayed",
    "order.dispatch_late",
    "order.not_left_yet",
    "order.longer_wait",
    "order.remedy_needed",
    "return.authorised",
    "return.keep_the_goods",
    "return.lost_on_the_way",
    "return.replacement_out_of_stock",
)
COURTESY = {
    "return": {"en": r"sorry|apolog|[Tt]hank", "de": r"tut uns leid|[Ee]ntschuldig|[Dd]ank"},
    "complaint": {"en": r"sorry|apolog|understand", "de": r"tut uns (sehr )?leid|[Ee]ntschuldig|versteh"},
    "survey": {"en": r"sorry|[Tt]hank", "de": r"tut uns leid|[Dd]ank"},
}
"""How a message must open, by procedure: a return apologises or thanks, a complaint shows empathy."""

TEMPLATES = sorted({message.template for message in sent()} | declared() - PLACEHOLDERS)


def letter(template: str, locale: str, channel: Channel) -> list[Message]:
    """One of each kind of that message that differs in which facts and deadlines it has."""
    kinds = {
        (frozenset(name for name, fact in one.facts.items() if fact), frozenset(one.deadlines)): one
        for one in sent()
        if one.template == template
    }
    to = Buyer(name=NAME, email="ada@customer.example", phone="+49 30 5550100", channel=channel)
    return [one.model_copy(update={"to": to, "locale": locale}) for one in kinds.values()]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("locale", LOCALES)
def test_each_message_is_complete_and_in_our_tone(template: str, locale: str) -> None:
    letters = letter(template, locale, Channel.EMAIL)
    assert letters, "no scenario sends it: add one, or delete the message"
    for one in letters:
        words = RENDERER.render(one, channel=Channel.EMAIL)
        greeting, *parts = words.text.split("\n\n")
        assert NAME in greeting
        assert one.about in words.subject
        assert "\n" not in words.subject
        assert len(parts) >= 4, "opening, next, how to reach a person, and who writes"
        assert POLICY.house.phone in words.text
        assert {"en": "What happens next: ", "de": "Wie es weitergeht: "}[locale] in words.text
        assert list(faults(words.text, locale=locale)) == []
        assert not re.search(r"\d{4}-\d\d-\d\d|[{}]|None", words.text.replace(one.about, "")), words.text
        if template.startswith(APOLOGISING):
            assert re.search(APOLOGY[locale], words.text)
        if (first := COURTESY.get(template.partition(".")[0])) is not None:
            assert re.search(first[locale], parts[0]), parts[0]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize(
    ("locale", "zone"), [("en", r" \(Berlin time\)"), ("de", r" Uhr \(Ortszeit Berlin\)")]
)
@pytest.mark.parametrize("channel", Channel)
def test_each_time_of_day_names_its_zone(template: str, locale: str, zone: str, channel: Channel) -> None:
    due = datetime(2026, 12, 3, 22, 30, tzinfo=UTC)
    for one in letter(template, locale, channel):
        then = one.model_copy(update={"deadlines": dict.fromkeys(one.deadlines, due)})
        text = RENDERER.render(then, channel=channel).text.replace(POLICY.house.hours, "")
        assert len(re.findall(r"\d:\d\d", text)) == len(re.findall(rf"23:30{zone}", text))


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("locale", LOCALES)
def test_each_message_fits_a_text_message(template: str, locale: str) -> None:
    for one in letter(template, locale, Channel.SMS):
        words = RENDERER.render(
            one, channel=Channel.SMS, link="https://shop.example/a/0123456789abcdef0123456789"
        )
        assert list(faults(words.text, locale=locale)) == []
        assert NAME not in words.text


def test_an_answer_that_is_due_is_asked_for_with_its_deadline() -> None:
    for one in sent():
        ends = [due for name, due in one.deadlines.items() if name in ("answer_due", "means_due")]
        if ends and one.template.endswith("_needed"):
            due = min(ends).astimezone(RENDERER.zone)
            assert f"{due:%-d %B %Y, %H:%M}" in RENDERER.render(one, channel=Channel.EMAIL).text


@pytest.mark.parametrize(
    "template", ["complaint.referral_rights", "complaint.acknowledged", "complaint.merged"]
)
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("channel", Channel)
def test_no_answer_is_promised_by_a_day_that_has_passed(template: str, locale: str, channel: Channel) -> None:
    for one in letter(template, locale, channel):
        facts = {**one.facts, "answer_by": "2020-05-04"}
        words = RENDERER.render(one.model_copy(update={"facts": facts}), channel=channel)
        assert "2020" not in words.text


def test_a_subject_is_one_line_whatever_somebody_wrote() -> None:
    one = letter("complaint.referred", "en", Channel.EMAIL)[0]
    facts = {**one.facts, "reason": "the Ombudsman\nBcc: eve@x.example\n\nDear all"}
    words = RENDERER.render(one.model_copy(update={"facts": facts}), channel=Channel.EMAIL)
    subject = f"Your complaint is with the Ombudsman Bcc: eve@x.example Dear all ({one.about})"
    assert (words.subject, words.text.splitlines()[0]) == (subject, f"Dear {NAME},")


def test_both_languages_have_the_same_messages() -> None:
    names = [{path.name for path in (FOLDER / locale).glob("*.txt")} for locale in LOCALES]
    assert names[0] == names[1]
    layouts = {f"layout.{channel}.txt" for channel in Channel}
    assert names[0] - layouts <= {f"{template}.txt" for template in TEMPLATES}, "nobody sends these"


@pytest.mark.parametrize(("locale", "expected"), [("de-AT", "de"), ("DE_ch", "de"), ("fr", "en"), ("", "en")])
def test_the_nearest_language_is_used(locale: str, expected: str) -> None:
    assert language(locale) == expected


def test_reasons_are_told_in_the_language_of_the_customer() -> None:
    one = next(one for one in letter("order.cancelled", "de", Channel.EMAIL) if one.facts["reason"])
    one = one.model_copy(update={"facts": {**one.facts, "reason": "your choice"}})
    assert "Ihr Wunsch" in RENDERER.render(one, channel=Channel.EMAIL).text


@pytest.mark.parametrize(("locale", "day"), [("en", "4 January 2027"), ("de", "4. Januar 2027")])
def test_a_day_is_written_the_same_with_and_without_a_time(locale: str, day: str) -> None:
    kinds = letter("return.arrived", locale, Channel.EMAIL)
    one = next(one for one in kinds if "refund_by" in one.deadlines)
    due = datetime(2027, 1, 4, 16, 30, tzinfo=RENDERER.zone)
    one = one.model_copy(update={"deadlines": {"inspection_due": due, "refund_by": due}})
    text = RENDERER.render(one, channel=Channel.EMAIL).text
    assert f"{day}, 16:30" in text
    assert len(re.findall(re.escape(day), text)) == 2


def test_what_was_found_in_a_parcel_is_told_with_its_condition() -> None:
    for locale, condition in (("en", "used, damaged or not complete"), ("de", "benutzt, beschädigt")):
        one = letter("return.reminder_to_choose", locale, Channel.EMAIL)[0]
        assert f"1 x KETTLE, {condition}" in RENDERER.render(one, channel=Channel.EMAIL).text


def test_a_missing_template_or_fact_is_named_without_quoting_the_message() -> None:
    one = letter("order.confirmed", "en", Channel.EMAIL)[0]
    with pytest.raises(Rejected, match=r"message order.lost: there is no template order.lost.txt"):
        RENDERER.render(one.model_copy(update={"template": "order.lost"}), channel=Channel.EMAIL)
    with pytest.raises(Rejected, match=r"message order.confirmed in en: UndefinedError"):
        RENDERER.render(one.model_copy(update={"facts": {}}), channel=Channel.EMAIL)


@pytest.mark.parametrize(
    ("text", "locale", "said"),
    [
        ("Unfortunately this is your fault.", "en", ["'your fault' blames", "'Unfortunately' is a negative"]),
        ("We answer as soon as possible.", "en", ["'as soon as possible' is no date"]),
        ("Leider melden wir uns zeitnah.", "de", ["'Leider' is a negative", "'zeitnah' is no date"]),
        ("x" * 307, "en", ["307 characters are more than the 306"]),
        ("We answer by 3 December 2026.", "en", []),
    ],
)
def test_the_tone_is_tested_by_rules(text: str, locale: str, said: list[str]) -> None:
    found = list(faults(text, locale=locale))
    assert len(found) == len(said)
    assert all(fault.startswith(start) for fault, start in zip(found, said, strict=True))


TYPED = {"complaint.referred", "complaint.outside_decision", "complaint.redress_failed", "refund.settled"}
"""Their reasons are what a person wrote, and stay as written."""


def test_reasons_that_procedures_give_are_read_in_german() -> None:
    reasons = {
        message.facts[name]
        for message in sent()
        for name in ("reason", "ground", "remedy")
        if message.facts.get(name) and message.template not in TYPED
    }
    assert {reason for reason in reasons if word(reason, locale="de-AT") == reason} == set()
    assert word("as someone typed it", locale="de") == "as someone typed it"


@pytest.mark.parametrize(("locale", "team"), [("en", "Our complaints team"), ("de", "Unser Beschwerdeteam")])
def test_a_customer_reads_the_name_of_a_colleague_or_the_team_and_never_a_key(locale: str, team: str) -> None:
    named = POLICY.house.model_copy(update={"people": {"a.field": "Ann Field"}})
    owned = [one for one in sent() if one.facts.get("owner")]
    assert {one.template for one in owned} > {"complaint.acknowledged", "complaint.new_owner"}
    for one in owned:
        facts = {**one.facts, "owner": "a.field"}
        letter = one.model_copy(update={"locale": locale, "facts": facts})
        for house in (POLICY.house, named):
            text = Renderer(house, zone=POLICY.calendar.zone).render(letter, channel=Channel.EMAIL).text
            assert "a.field" not in text
            if one.template == "complaint.acknowledged":
                assert ("Ann Field" if house is named else team) in text
