"""Where a shipment can stand, for how long, and what whoever opened it is told at its ends."""

from __future__ import annotations

from machines.between import ParcelCancelled, ParcelFailed, Trouble
from machines.kernel.duration import days, working_days
from machines.kernel.event import Event
from machines.kernel.state import Act, Ask, Deadline, End, Wait
from machines.shipment import commands, events
from machines.shipment.data import Shipment

# -- what the order is told ------------------------------------------------------------------------


def cancelled(shipment: Shipment) -> Event:
    return ParcelCancelled(
        parcel=shipment.parcel, pieces=shipment.pieces, value=shipment.value, reason=shipment.reason
    )


def failed(shipment: Shipment) -> Event:
    trouble = shipment.trouble or Trouble.LOST
    return ParcelFailed(
        parcel=shipment.parcel,
        pieces=shipment.pieces,
        value=shipment.value,
        trouble=trouble,
        after_delivery=shipment.delivered,
    )


# -- time limits -----------------------------------------------------------------------------------

LABEL_DUE = Deadline(
    "label_due", "Nobody has decided; the next in line is called.", after=working_days(1), repeats=True
)
NO_SCAN = Deadline("no_scan", "Nothing was heard of the parcel; it counts as lost.", after=days(5))
NOT_COLLECTED = Deadline(
    "not_collected", "The customer has not collected the parcel and is reminded.", after=days(3), repeats=True
)
UNCOLLECTED = Deadline(
    "uncollected",
    "Nobody has collected the parcel for two weeks; the desk has the carrier send it back.",
    after=days(14),
)
PICKUP_OVER = Deadline(
    "pickup_over", "Four weeks at the pick-up place and not come back; it counts as lost.", after=days(28)
)
NOT_BACK = Deadline("not_back", "The parcel has not come back; it counts as lost.", after=days(21))

# -- states ----------------------------------------------------------------------------------------

REQUESTED = Wait("requested", "A parcel is to be sent.", no_deadline="its first event moves it on")
LABELLING = Act("labelling", "A label is bought.", does=(commands.BUY_LABEL,), fulfils=("ORD-7",))
LABEL_REFUSED = Ask(
    "label_refused",
    "The carrier does not take the parcel; the dispatch desk names another one or gives up.",
    form=events.LabelDecided,
    role=commands.DISPATCH_DESK[0],
    ladder=commands.DISPATCH_DESK[1:],
    does=(commands.CALL_DISPATCH_DESK,),
    deadlines=(LABEL_DUE,),
)
READY = Wait("ready", "The parcel waits for the carrier.", no_deadline="the order chases late parcels")
CANCELLING_LABEL = Act("cancelling_label", "The label is given back.")
ON_THE_WAY = Wait("on_the_way", "The carrier has the parcel.", deadlines=(NO_SCAN,), fulfils=("ORD-6",))
AT_PICKUP = Wait(
    "at_pickup",
    "The parcel waits to be collected; what nobody collects comes back.",
    deadlines=(NOT_COLLECTED, UNCOLLECTED, PICKUP_OVER),
    fulfils=("ORD-6",),
)
COMING_BACK = Wait(
    "coming_back",
    "The parcel is on its way back to us.",
    does=(commands.TELL_COMING_BACK,),
    deadlines=(NOT_BACK,),
)
CLAIMING = Act(
    "claiming",
    "The parcel is lost or spoilt; the carrier is asked to pay.",
    does=(commands.CLAIM, commands.TELL_SEARCHING),
)
PROVING = Act(
    "proving",
    "The customer misses a delivered parcel; the carrier is asked for proof.",
    does=(commands.PROVE,),
)
DELIVERED = End(
    "delivered",
    "The customer has the parcel.",
    outcome="delivered",
    silent="its delivery was told as it was scanned",
    fulfils=("ORD-1",),
)
CANCELLED = End("cancelled", "The parcel never left.", outcome="cancelled", reports=cancelled)
FAILED = End("failed", "The customer does not have the goods.", outcome="failed", reports=failed)
TURNED_UP = End(
    "turned_up",
    "Given up for lost, it has reached the customer after all.",
    outcome="delivered",
    silent="its delivery was told as it was scanned",
)

BEFORE_CARRIER = (LABELLING, LABEL_REFUSED, READY, CANCELLING_LABEL)
WITH_CARRIER = (ON_THE_WAY, AT_PICKUP, COMING_BACK)
AFTERWARDS = (CLAIMING, PROVING, DELIVERED, CANCELLED, FAILED, TURNED_UP)
OPENED = (*BEFORE_CARRIER, *WITH_CARRIER, *AFTERWARDS)
