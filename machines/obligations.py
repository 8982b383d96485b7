"""What the customer-service documents oblige us to do, by id, and which of it each release answers for.

A state, a clock or a command names in ``fulfils`` the ids that it fulfils. What a procedure's header names is
what it is about; of that only the governance of the procedure itself (GOV) is fulfilled by saying so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from machines.kernel.command import CommandType
from machines.kernel.procedure import Procedure
from machines.messages import MessageType

_SENTENCES = {
    "ORD": (
        "Each order follows one step-by-step procedure from placement to delivery.",
        "Orders are verified before they are accepted: details, address, means of payment, fraud.",
        "Inventory is managed: checked, reserved, released, backordered.",
        "Orders are confirmed to the customer and charged.",
        "Orders can be cancelled for any reason, and the money goes back to the card that paid.",
        "Customer and staff can track an order at any time.",
        "Warehouse, finance and carrier are coordinated so that delivery is timely.",
    ),
    "RES": (
        "Restrictions on availability, zones and quantities are stated clearly.",
        "The customer hears of alternatives when something is unavailable or restricted.",
        "Similar products are suggested when the desired one cannot be had.",
        "Extra fees and conditions are shown before the customer commits.",
    ),
    "RET": (
        "The return policy is clear and easy to find.",
        "Purchase date and eligibility are checked against the policy.",
        "We apologise for the inconvenience and offer help with the return.",
        "Returns are authorised and labels issued.",
        "Returned items are inspected.",
        "Returns are processed promptly, and the customer is told at every step.",
        "Replacement or refund is offered, as the customer prefers and the policy allows.",
        "Refunds are processed promptly, by the rules on approval, method and failure.",
    ),
    "CMP": (
        "Complaints are acknowledged with empathy and professionalism.",
        "All relevant details are documented accurately.",
        "The root cause is investigated with the departments concerned.",
        "The customer is told of the steps being taken.",
        "Complaints are resolved promptly, within policy.",
        "Compensation fits severity and nature.",
        "Unresolved complaints are escalated to named points.",
        "After resolution there is a follow-up for satisfaction and loyalty.",
    ),
    "INQ": (
        "Every inquiry, by whatever channel, is promptly acknowledged.",
        "The query is understood, by asking back where needed.",
        "Needed information, such as account and order number, is gathered.",
        "Answers use the knowledge base and are accurate and timely.",
        "Complex inquiries are escalated to seniors or supervisors.",
        "A follow-up confirms resolution and satisfaction.",
    ),
    "CHA": (
        "E-mail is answered consistently, timely and professionally.",
        "Phone calls have a procedure: greeting, listening, solving, informing, escalating.",
        "Live chat has guidelines: response time, tone, troubleshooting.",
        "Social media has a protocol: one brand voice, concerns handled in time.",
        "Each protocol has purpose, scope, person responsible and references.",
    ),
    "REQ": (
        "Requests are assessed for feasibility and compliance.",
        "The actions that fulfil a request are determined.",
        "Requests are processed accurately within defined times.",
        "Delays and difficulties are told before the customer asks.",
        "Completion is confirmed and feedback on delivery sought.",
        "Feedback is documented for improvement.",
    ),
    "NEW": (
        "New customers are greeted warmly.",
        "Contact details and preferences are collected.",
        "Services, products and promotions are explained in detail.",
        "The customer understands terms, delivery times and payment methods.",
        "A welcome e-mail or call follows up on satisfaction.",
    ),
    "WAR": (
        "The serial number is asked for first.",
        "Purchase date and warranty are verified before the issue is discussed at length.",
        "Validity of product and warranty is determined by procedure.",
        "The customer gets the steps needed when something is wrong with the product.",
    ),
    "PRI": (
        "A detailed statement says how e-mail addresses given to us are used.",
        "Customers are told regularly how their account stands, by the address they gave.",
        "E-mail addresses are never sold.",
        "A third party gets an address only for a declared purpose, with consent on record.",
        "Private information of clients is protected.",
    ),
    "SAT": (
        "We are polite and professional at all times, in positive words, looking for solutions.",
        "Concerns are heard and answered promptly, with empathy and personal solutions.",
        "Queries and complaints are followed up until they are resolved.",
        "Tense situations are calmed; supervisors or mediators are called in when needed.",
    ),
    "KNO": (
        "Articles are written, updated and maintained so that the knowledge base is complete.",
        "Staff have accurate, current information: verified before, reviewed after publishing.",
    ),
    "IMP": (
        "Customers are asked about their experience.",
        "Staff are asked for feedback.",
        "Feedback and figures are analysed regularly.",
        "Action plans address what was found, and their effect is checked.",
    ),
    "GOV": ("Each procedure has objective, scope, person responsible, references and a dated approval.",),
}

OBLIGATIONS: Mapping[str, str] = MappingProxyType(
    {
        f"{group}-{number}": sentence
        for group, sentences in _SENTENCES.items()
        for number, sentence in enumerate(sentences, start=1)
    }
)

#: What each release answers for: whole groups, or single obligations of one.
DEMANDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"0.1": ("ORD", "RES", "RET", "CMP", "SAT", "IMP-1", "GOV-1")}
)


def demanded(release: str) -> Iterator[str]:
    """The ids that ``release`` must fulfil."""
    for entry in DEMANDED[release]:
        yield from (id for id in OBLIGATIONS if id == entry or id.partition("-")[0] == entry)


def fulfilled(procedures: Iterable[Procedure]) -> dict[str, tuple[str, ...]]:
    """Every id that is named, with the places that name it: ``order``, ``order.confirmed``, ..."""
    places: dict[str, list[str]] = {}
    for procedure in procedures:
        named = [(procedure.name, tuple(id for id in procedure.fulfils if id.startswith("GOV-")))]
        named += [(f"{procedure.name}.{state.name}", state.fulfils) for state in procedure.states]
        named += [(f"{procedure.name}.{clock.name}", clock.fulfils) for clock in procedure.clocks]
        performed = [command for state in procedure.states for command in state.does]
        performed += [command for rule in procedure.rules for command in rule.does]
        named += [(f"{procedure.name}: {_name(command)}", command.fulfils) for command in performed]
        for place, ids in named:
            for id in ids:
                found = places.setdefault(id, [])
                if place not in found:
                    found.append(place)
    return {id: tuple(found) for id, found in places.items()}


def _name(command: CommandType) -> str:
    """A message goes by its template."""
    return command.template if isinstance(command, MessageType) else command.name
