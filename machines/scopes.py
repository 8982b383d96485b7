"""What ``sop check`` looks at of each procedure.

A procedure that is not named here is walked through completely: whatever opens it, whatever happens to it,
with at most two cases of one kind opened by each. That suits most procedures, and nothing need be stated.
Where it takes too long, name scopes that leave something out (a single example that opens it, without some
events, one child), complete or as far as so many deviations from the ordinary course lead, and further ones
for what those leave out::

    "repair": (
        Scope(title="one article", openings=(0,), children={"shipment": 1}),
        Scope(title="several articles", openings=(1,), deviations=3),
    ),

Together the scopes must meet every state, rule, event and outcome: what none of them meets is a finding. Each
is walked through on its own, so that processors can share them; the longest stands first.
"""

from __future__ import annotations

from collections.abc import Mapping

from machines.check.scope import Scope

CHANGES = frozenset({"order.amend", "order.reprice"})
#: What only an order tells of a dispute, and nobody else does where it tells nothing.
CAPS = frozenset({"refund.capped", "return.capped"})
DISPUTES = frozenset({"payment.disputed", "payment.dispute_won"}) | CAPS
LAPSES = frozenset({"payment.lapsed"})
OFFERS = frozenset({"restrictions.offer"})
CANCEL = frozenset({"order.cancel"})
MEANS = frozenset({"order.means_given", "deadline.reminder", "deadline.means_due"})
TROUBLE_BEFORE_THE_WAREHOUSE = frozenset(
    {
        "order.suspicious",
        "order.address_undeliverable",
        "order.means_unusable",
        "stock.short",
        "payment.declined",
        "payment.action_required",
        "warehouse.rejected",
    }
)
LATENESS = frozenset(
    f"deadline.{name}"
    for name in ("payment_due", "dispatch_due", "dispatch_overdue", "stop_due", "hold_ends_soon")
)
WHO_DEALS_WITH_IT = frozenset(
    {
        "complaint.assigned",
        "complaint.customer_wrote",
        "complaint.escalation_taken",
        "complaint.specialist_called",
    }
)
THIRD_DAY = frozenset({"deadline.third_day"})
COMING_BACK = frozenset({"shipment.returning", "shipment.returned"})
ONLY_LOST = frozenset(  #: of all that can happen to a parcel
    {
        "shipment.damaged",
        "shipment.disputed",
        "shipment.scanned",
        "carrier.label_refused",
        "carrier.claim_refused",
        "deadline.no_scan",
    }
)
REFUND_IN_TROUBLE = frozenset({"payment.refund_pending", "payment.refund_failed"})
UNDERWAY = frozenset({"return.scanned", "return.lost"})

SCOPES: Mapping[str, tuple[Scope, ...]] = {
    "order": (
        Scope(
            title="one article and parcel, up to two payments; no changes, offers, lapses; nothing back",
            openings=(0,),
            without=CAPS | CHANGES | COMING_BACK | LAPSES | OFFERS,
            children={"shipment": 1, "refund": 2, "return": 0},
        ),
        Scope(
            title="two parcels, cancelled once the warehouse has the order; nothing is late or comes back",
            openings=(4,),
            without=CHANGES
            | COMING_BACK
            | DISPUTES
            | LAPSES
            | OFFERS
            | TROUBLE_BEFORE_THE_WAREHOUSE
            | LATENESS
            | {"payment.capture_declined"},
            children={"return": 0},
            deviations=5,
        ),
        Scope(
            title="a dear article, taken on at once, then changed, cancelled or returned; no appeals",
            openings=(3,),
            without=DISPUTES | LAPSES | OFFERS | TROUBLE_BEFORE_THE_WAREHOUSE,
            children={"shipment": 1, "return": 1, "complaint": 0},
            deviations=5,
        ),
        Scope(
            title="a dear article, charged back while money for it is set aside; nothing amiss before",
            openings=(3,),
            without=CANCEL | CHANGES | LAPSES | LATENESS | OFFERS | TROUBLE_BEFORE_THE_WAREHOUSE,
            children={"shipment": 1, "return": 0},
            deviations=4,
        ),
        Scope(
            title="one article, changes; no returns",
            openings=(0,),
            without=CAPS,
            children={"return": 0},
            deviations=4,
        ),
        Scope(
            title="two parcels, changed as the hold ends; nothing else is amiss",
            openings=(1,),
            without=CAPS
            | CANCEL
            | COMING_BACK
            | DISPUTES
            | LAPSES
            | OFFERS
            | TROUBLE_BEFORE_THE_WAREHOUSE
            | (LATENESS - {"deadline.hold_ends_soon"})
            | {"shipment.lost", "shipment.damaged", "payment.capture_declined"},
            children={"return": 0, "refund": 0, "complaint": 0},
            deviations=4,
        ),
        Scope(
            title="two parcels, one lost as the hold ends; nothing else is amiss",
            openings=(1,),
            without=CAPS
            | CHANGES
            | COMING_BACK
            | DISPUTES
            | LAPSES
            | OFFERS
            | (TROUBLE_BEFORE_THE_WAREHOUSE - {"payment.declined"})
            | (LATENESS - {"deadline.hold_ends_soon"})
            | ONLY_LOST
            | REFUND_IN_TROUBLE
            | MEANS
            | {
                "payment.capture_declined",
                "warehouse.cancellation_accepted",
                "warehouse.cancellation_rejected",
            },
            children={"return": 0, "refund": 1, "complaint": 0},
            deviations=7,
        ),
        Scope(
            title="two articles, returned one by one; no appeals",
            openings=(1,),
            without=CAPS,
            children={"complaint": 0},
            deviations=3,
        ),
        Scope(
            title="two parcels, one dear enough for finance to decide; no cancel, changes, returns at all",
            openings=(4,),
            without=CHANGES | COMING_BACK | DISPUTES | LAPSES | OFFERS | CANCEL,
            children={"return": 0},
            deviations=4,
        ),
        Scope(
            title="two articles, lost and sent once more; nothing else is amiss",
            openings=(1,),
            without=CANCEL
            | CHANGES
            | COMING_BACK
            | DISPUTES
            | LAPSES
            | LATENESS
            | OFFERS
            | TROUBLE_BEFORE_THE_WAREHOUSE
            | ONLY_LOST
            | REFUND_IN_TROUBLE
            | {"payment.capture_declined"},
            children={"shipment": 3, "refund": 2, "return": 0},
            deviations=6,
        ),
        Scope(
            title="bulky goods, store credit and card; no returns",
            openings=(2,),
            without=CAPS,
            children={"return": 0},
            deviations=3,
        ),
    ),
    "return": (
        Scope(
            title="no replacement goes ahead; no appeals, no parcel to the customer comes back",
            openings=(0, 1, 2, 4, 5, 6),
            without=CAPS | COMING_BACK,
            children={"complaint": 0, "refund": 2},
        ),
        Scope(
            title="charged back while the goods come back",
            openings=(0,),
            without=UNDERWAY,
            children={"complaint": 0},
            deviations=3,
        ),
        Scope(
            title="a replacement goes ahead, and stays; nothing is scanned or lost on its way to us",
            openings=(3,),
            without=UNDERWAY | COMING_BACK | CAPS,
            children={"complaint": 0},
            deviations=5,
        ),
        Scope(
            title="two replacements go ahead, and stay",
            openings=(7,),
            without=CAPS | COMING_BACK,
            children={"complaint": 0},
            deviations=6,
        ),
        Scope(
            title="declined, or sent back after inspection, and appealed against",
            openings=(0, 4),
            without=WHO_DEALS_WITH_IT | THIRD_DAY | CAPS,
            children={"complaint": 1},
            deviations=3,
        ),
    ),
    "complaint": (
        Scope(
            title="one department; the third day does not pass, nobody joins, nothing is added",
            without=WHO_DEALS_WITH_IT | THIRD_DAY,
            children={"task": 1},
        ),
        Scope(title="two departments, everything", deviations=3),
    ),
}
