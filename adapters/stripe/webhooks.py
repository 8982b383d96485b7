"""What Stripe tells us by webhook, as events of the procedures: ``POST /webhooks/stripe``.

Taken are ``payment_intent.amount_capturable_updated`` (the customer has confirmed), ``charge.expired``,
``charge.dispute.funds_withdrawn`` and ``.funds_reinstated``, ``refund.updated`` and ``refund.failed``.
Whatever else comes, and what is not about a payment of ours, is answered 200 and left alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from stripe import SignatureVerificationError, StripeError, WebhookSignature

from adapters.intake import Intake, InvalidEvents
from adapters.problems import Problem
from adapters.stripe.account import Account, entry
from adapters.stripe.holding import ACTION

log = logging.getLogger("sop.stripe")

WINDOW = 300  #: seconds that a signature is good for
_MOST = 1 << 20  #: bytes of a webhook
_RETRY = {"Retry-After": "5"}

Told = list[tuple[str, str, dict[str, object]]]
"""(type, case key, data) of events."""


def add_stripe_webhooks(app: FastAPI, intake: Intake, *, account: Account, secret: str) -> None:
    """``secret`` is that of the webhook endpoint at Stripe, ``whsec_...``."""

    @app.post("/webhooks/stripe", tags=["events"], summary="Webhooks of Stripe")
    async def receive(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST:
                raise Problem("body-too-large", f"at most {_MOST} bytes", headers={"Connection": "close"})
        try:
            signature = request.headers.get("stripe-signature", "")
            WebhookSignature.verify_header(bytes(body), signature, secret, WINDOW)
        except (SignatureVerificationError, UnicodeDecodeError):
            raise Problem(
                "signature-wrong", "the signature of Stripe does not fit; nothing was stored"
            ) from None
        event = orjson.loads(body)
        try:
            told = await translate(event, account)
        except StripeError as error:
            log.warning("%s cannot be looked up at Stripe: %s", event["id"], type(error).__name__)
            raise Problem(
                "busy", "Stripe does not say what it is about; send again", headers=_RETRY
            ) from None
        try:
            await asyncio.to_thread(intake.accept, _envelopes(event["id"], told))
        except InvalidEvents as error:
            raise Problem("invalid-event", "nothing was stored; see errors", faults=error.faults) from None
        return Response(status_code=200)


async def translate(event: Mapping[str, Any], account: Account) -> Told:
    """What an event of Stripe means to the procedures; raises ``StripeError`` if it must be looked up and
    cannot be."""
    thing: Mapping[str, Any] = event["data"]["object"]
    about: Mapping[str, str] = thing.get("metadata") or {}
    payment = about.get("sop_payment", "")
    match event["type"]:
        case "payment_intent.amount_capturable_updated" if about.get(ACTION):
            return [("payment.confirmed", about["sop_order"], {"payment": payment})]
        case "charge.expired" if payment:
            amount = thing["amount"] - thing["amount_captured"]
            return [("payment.lapsed", about["sop_order"], {"payment": payment, "amount": amount})]
        case "charge.dispute.funds_withdrawn" | "charge.dispute.funds_reinstated" as type:
            return await _disputed(type, thing, account)
        case "refund.updated" | "refund.failed" if about.get("sop_refund"):
            return _refunded(thing, about)
    return []


async def _disputed(type: str, dispute: Mapping[str, Any], account: Account) -> Told:
    """A dispute names the intent that it is about, and the intent says which payment of ours that is."""
    if not dispute.get("payment_intent"):
        return []
    metadata = (await account.intent(dispute["payment_intent"])).metadata
    order, payment = entry(metadata, "sop_order"), entry(metadata, "sop_payment")
    if not order:
        return []
    data = {"payment": payment, "amount": dispute["amount"]}
    if type.endswith("reinstated"):
        return [("payment.dispute_won", order, data)]
    return [("payment.disputed", order, {**data, "reason": str(dispute["reason"]).replace("_", " ")})]


def _refunded(refund: Mapping[str, Any], about: Mapping[str, str]) -> Told:
    """A refund that fails has either never been paid or come back to us: the refund's case knows which, takes
    that event and lets the other one be. One of several charges alone says nothing of the whole."""
    key, payment, amount = about["sop_refund"], about["sop_payment"], int(about["sop_amount"])
    if refund["amount"] != amount:
        log.warning("refund %s is a part of %s; see Stripe", refund["id"], key)
        return []
    paid = {"payment": payment, "amount": amount}
    match refund["status"]:
        case "succeeded":
            return [("refund.confirmed", key, paid)]
        case "failed" | "canceled":
            return [("refund.bounced", key, {"payment": payment}), ("refund.reversed", key, paid)]
    return []


def _envelopes(id: str, told: Told) -> list[dict[str, object]]:
    """CloudEvents under Stripe's own event id, so that a webhook sent twice is taken once."""
    return [
        {
            "specversion": "1.0",
            "id": f"{id}/{type}",
            "source": "stripe",
            "type": type,
            "subject": subject,
            "data": data,
        }
        for type, subject, data in told
    ]
