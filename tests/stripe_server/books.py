"""What the Stripe of the tests has on its books: intents, charges, refunds, and events about them."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

Thing = dict[str, Any]
HOLD = 7 * 86_400  #: seconds that money is held

_CONFIRMABLE = "requires_payment_method"


class Refused(Exception):
    """An error as Stripe words it."""

    def __init__(self, status: int, **error: object) -> None:
        super().__init__(error.get("message"))
        self.status = status
        self.body: Thing = {"error": error}


class Books:
    """``multicapture`` tells whether cards may be captured more than once."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.multicapture = True
        self.intents: dict[str, Thing] = {}
        self.charges: dict[str, Thing] = {}
        self.refunds: dict[str, Thing] = {}
        self.events: list[Thing] = []

    # -- what is served --------------------------------------------------------------------------

    def serve(self, method: str, path: str, given: Thing) -> Thing:
        self._expire()
        match [method, *path.split("/")]:
            case ["POST", "payment_intents"]:
                answer = self._create(given)
            case ["GET", "payment_intents", id]:
                answer = self._intent(id)
            case ["POST", "payment_intents", id]:
                answer = self._intent(id)
                self._note(answer, given)
            case ["POST", "payment_intents", id, "capture"]:
                answer = self._capture(self._intent(id), given)
            case ["POST", "payment_intents", id, "cancel"]:
                answer = self._cancel(self._intent(id), given["cancellation_reason"])
            case ["GET", "charges"]:
                return self._list(self.charges, given, "transfer_group")
            case ["GET", "refunds"]:
                return self._list(self.refunds, given, "charge")
            case ["POST", "refunds"]:
                answer = self._refund(given)
            case _:
                raise Refused(404, type="invalid_request_error", message=f"Unrecognized request URL: {path}")
        return self._expanded(answer, given)

    def _intent(self, id: str) -> Thing:
        try:
            return self.intents[id]
        except KeyError:
            raise Refused(
                404, type="invalid_request_error", code="resource_missing", message=f"No such intent: {id}"
            ) from None

    def _create(self, given: Thing) -> Thing:
        method, off_session = given["payment_method"], given.get("off_session") in ("true", "True")
        intent: Thing = {
            "id": f"pi_{len(self.intents) + 1}",
            "object": "payment_intent",
            "amount": int(given["amount"]),
            "amount_capturable": 0,
            "amount_received": 0,
            "capture_method": given["capture_method"],
            "cancellation_reason": None,
            "created": int(self._now()),
            "currency": given["currency"],
            "latest_charge": None,
            "metadata": dict(given["metadata"]),
            "next_action": None,
            "payment_method": method,
            "status": "requires_confirmation",
            "transfer_group": given["transfer_group"],
        }
        self.intents[intent["id"]] = intent
        if method.startswith("pm_declined"):
            self._decline(intent, "card_declined", "insufficient_funds", "Your card has insufficient funds.")
        if method.startswith("pm_3ds") and off_session:
            self._decline(
                intent,
                "authentication_required",
                "authentication_required",
                "This payment needs the customer.",
            )
        if method.startswith("pm_3ds"):
            intent["status"] = "requires_action"
            intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
            return intent
        return self._authorise(intent)

    def _decline(self, intent: Thing, code: str, decline: str, message: str) -> None:
        charge = self._charge(intent, status="failed", failure_code=code, failure_message=message)
        intent["status"] = _CONFIRMABLE
        raise Refused(
            402,
            type="card_error",
            code=code,
            decline_code=decline,
            message=message,
            charge=charge["id"],
            payment_intent=deepcopy(intent),
        )

    def _authorise(self, intent: Thing) -> Thing:
        charge = self._charge(intent, status="succeeded")
        if intent["capture_method"] == "automatic":
            intent.update(status="succeeded", amount_received=intent["amount"])
            charge.update(captured=True, amount_captured=intent["amount"])
            return intent
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        self._tell("payment_intent.amount_capturable_updated", intent)
        return intent

    def _charge(self, intent: Thing, **update: object) -> Thing:
        charge: Thing = {
            "id": f"ch_{len(self.charges) + 1}",
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "captured": False,
            "created": int(self._now()),
            "currency": intent["currency"],
            "failure_code": None,
            "failure_message": None,
            "metadata": dict(intent["metadata"]),
            "payment_intent": intent["id"],
            "payment_method_details": {
                "type": "card",
                "card": {
                    "capture_before": int(self._now()) + HOLD,
                    "multicapture": {"status": "available" if self.multicapture else "unavailable"},
                },
            },
            "transfer_group": intent["transfer_group"],
            **update,
        }
        self.charges[charge["id"]] = charge
        intent["latest_charge"] = charge["id"]
        return charge

    def _note(self, thing: Thing, given: Thing) -> None:
        """Metadata is merged; an empty value takes an entry away."""
        for name, value in given.get("metadata", {}).items():
            thing["metadata"].pop(name, None)
            if value:
                thing["metadata"][name] = value

    def _capture(self, intent: Thing, given: Thing) -> Thing:
        amount = int(given.get("amount_to_capture") or intent["amount_capturable"])
        if intent["status"] != "requires_capture":
            raise _unexpected(intent, "captured")
        if amount > intent["amount_capturable"]:
            raise Refused(
                400, type="invalid_request_error", code="amount_too_large", message="more than is held"
            )
        self._note(intent, given)
        intent["amount_received"] += amount
        intent["amount_capturable"] -= amount
        charge = self.charges[intent["latest_charge"]]
        charge.update(captured=True, amount_captured=intent["amount_received"])
        if str(given.get("final_capture", "true")).lower() == "true" or not intent["amount_capturable"]:
            intent.update(status="succeeded", amount_capturable=0)
        self._tell("charge.captured", charge)
        return intent

    def _cancel(self, intent: Thing, why: str) -> Thing:
        if intent["status"] in ("succeeded", "canceled"):
            raise _unexpected(intent, "canceled")
        captured = intent["amount_received"] > 0
        intent.update(
            status="succeeded" if captured else "canceled", amount_capturable=0, cancellation_reason=why
        )
        self._tell("payment_intent.canceled", intent)
        return intent

    def _refund(self, given: Thing) -> Thing:
        charge = self.charges[given["charge"]]
        amount = int(given["amount"])
        if charge.get("disputed"):
            raise Refused(
                400,
                type="invalid_request_error",
                code="charge_disputed",
                message="Charge has been charged back.",
            )
        if amount > charge["amount_captured"] - charge["amount_refunded"]:
            raise Refused(
                400,
                type="invalid_request_error",
                code="charge_already_refunded",
                message="Refund amount is greater than unrefunded amount on charge",
            )
        method = self.intents[charge["payment_intent"]]["payment_method"]
        failed = method.startswith("pm_refund_fails")
        refund: Thing = {
            "id": f"re_{len(self.refunds) + 1}",
            "object": "refund",
            "amount": amount,
            "charge": charge["id"],
            "created": int(self._now()),
            "metadata": dict(given["metadata"]),
            "payment_intent": charge["payment_intent"],
            "status": "failed" if failed else "succeeded",
        }
        if failed:
            refund["failure_reason"] = "expired_or_canceled_card"
        elif method.startswith("pm_refund_pending"):
            refund["status"] = "pending"
        if not failed:
            charge["amount_refunded"] += amount
        self.refunds[refund["id"]] = refund
        return refund

    def _list(self, things: dict[str, Thing], given: Thing, by: str) -> Thing:
        found = [thing for thing in reversed(things.values()) if thing[by] == given[by]]
        expand = {name.removeprefix("data.") for name in given.get("expand", {}).values()}
        data = [self._expanded(thing, {"expand": dict(enumerate(expand))}) for thing in found]
        return {"object": "list", "data": data, "has_more": False, "url": "/v1/list"}

    def _expanded(self, thing: Thing, given: Thing) -> Thing:
        shown = deepcopy(thing)
        for name in given.get("expand", {}).values():
            if isinstance(shown.get(name), str):
                shown[name] = deepcopy({**self.charges, **self.intents}[shown[name]])
        return shown

    # -- what happens of itself ------------------------------------------------------------------

    def confirm(self, id: str) -> None:
        """The customer confirms at the bank."""
        self._authorise(self.intents[id])

    def _expire(self) -> None:
        for intent in self.intents.values():
            if intent["status"] == "requires_capture":
                charge = self.charges[intent["latest_charge"]]
                if self._now() > charge["payment_method_details"]["card"]["capture_before"]:
                    intent.update(status="canceled", amount_capturable=0, cancellation_reason="automatic")
                    self._tell("charge.expired", charge)
                    self._tell("payment_intent.canceled", intent)

    def settle(self, id: str, *, status: str) -> None:
        """A refund comes to an end, or comes back."""
        refund = self.refunds[id]
        refund["status"] = status
        if status == "failed":
            refund["failure_reason"] = "lost_or_stolen_card"
            self.charges[refund["charge"]]["amount_refunded"] -= refund["amount"]
        self._tell("refund.failed" if status == "failed" else "refund.updated", refund)

    def dispute(self, id: str, *, amount: int, event: str) -> None:
        """The customer's bank takes money back, or gives it back: ``event`` of ``charge.dispute.``."""
        charge = self.charges[self.intents[id]["latest_charge"]]
        charge["disputed"] = True
        dispute = {
            "id": "dp_1",
            "object": "dispute",
            "amount": amount,
            "charge": charge["id"],
            "payment_intent": id,
            "reason": "product_not_received",
            "metadata": {},
        }
        self._tell(f"charge.dispute.{event}", dispute)

    def _tell(self, type: str, thing: Thing) -> None:
        self.events.append(
            {
                "id": f"evt_{len(self.events) + 1}",
                "object": "event",
                "type": type,
                "created": int(self._now()),
                "data": {"object": deepcopy(thing)},
            }
        )


def _unexpected(intent: Thing, what: str) -> Refused:
    return Refused(
        400,
        type="invalid_request_error",
        code="payment_intent_unexpected_state",
        message=f"This PaymentIntent could not be {what} because it has a status of {intent['status']}.",
        payment_intent=deepcopy(intent),
    )
