"""What an order can ask of the shop's rules, of stock, of the payment provider and of the warehouse."""

from __future__ import annotations

from machines.kernel.command import CommandType, Retry
from machines.order import asks, possible
from machines.order.events import (
    CancellationAccepted,
    CancellationRejected,
)
from machines.order.outcomes import (
    AddressUndeliverable,
    CancellationNoted,
    CaptureDeclined,
    LimitsReleased,
    MeansUnusable,
    NothingToVoid,
    OrderBlocked,
    OrderSuspicious,
    OrderVerified,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentReauthorized,
    PaymentVoided,
    RestrictionsCleared,
    RestrictionsOffer,
    StockExpected,
    StockReleased,
    StockReserved,
    StockShort,
    WarehouseAccepted,
    WarehouseChased,
    WarehouseRejected,
    WarehouseReported,
)

PATIENT = Retry(attempts=8)  #: for steps where money or goods hang in the air

VERIFY = CommandType(
    "order.verify",
    asks.verification,
    (OrderVerified, OrderSuspicious, AddressUndeliverable, MeansUnusable),
    possible.verdicts,
    takes=asks.Verification,
    fulfils=("ORD-2",),
)
CHECK_RESTRICTIONS = CommandType(
    "restrictions.check",
    asks.restrictions,
    (RestrictionsCleared, RestrictionsOffer, OrderBlocked),
    possible.restrictions,
    takes=asks.Restrictions,
    fulfils=("RES-1",),
)

RELEASE_LIMITS = CommandType(
    "restrictions.release",
    asks.not_kept,
    (LimitsReleased,),
    possible.limits_released,
    takes=asks.Kept,
    fulfils=("RES-1",),
)

# -- stock -----------------------------------------------------------------------------------------

_RESERVED = (StockReserved, StockShort)
RESERVE = CommandType(
    "stock.reserve",
    asks.all_pieces,
    _RESERVED,
    possible.reservations,
    takes=asks.Pieces,
    fulfils=("ORD-3",),
)
RESERVE_AGAIN = CommandType(
    "stock.reserve", asks.pieces_to_replace, _RESERVED, possible.reservations, takes=asks.Pieces
)
FORECAST = CommandType(
    "stock.forecast", asks.promise, (StockExpected,), possible.forecasts, takes=asks.Promise
)
RELEASE = CommandType(
    "stock.release",
    asks.all_reserved_pieces,
    (StockReleased,),
    possible.releases,
    takes=asks.Pieces,
    retry=PATIENT,
)
RELEASE_PARCEL = CommandType(
    "stock.release",
    asks.pieces_of_stopped_parcel,
    (StockReleased,),
    possible.releases,
    takes=asks.Pieces,
    retry=PATIENT,
)
RELEASE_REPLACEMENT = CommandType(
    "stock.release",
    asks.pieces_to_replace,
    (StockReleased,),
    possible.releases,
    takes=asks.Pieces,
    retry=PATIENT,
)

# -- money -----------------------------------------------------------------------------------------

AUTHORISE = CommandType(
    "payment.authorize",
    asks.authorisations,
    (PaymentAuthorized, PaymentDeclined, PaymentActionRequired),
    possible.authorisations,
    takes=asks.Hold,
    fulfils=("ORD-4",),
)
REAUTHORISE = CommandType(
    "payment.reauthorize",
    asks.renewals,
    (PaymentReauthorized, PaymentDeclined),
    possible.renewals,
    takes=asks.Hold,
    retry=PATIENT,
)
_VOIDED = (PaymentVoided, NothingToVoid)
VOID = CommandType(
    "payment.void", asks.voids, _VOIDED, possible.voids, takes=asks.Hold, retry=PATIENT, fulfils=("ORD-5",)
)
VOID_LATE = CommandType(
    "payment.void", asks.void_late, _VOIDED, possible.voids, takes=asks.Hold, retry=PATIENT
)
CALL_OFF = CommandType("payment.void", asks.call_off, _VOIDED, possible.voids, takes=asks.Hold, retry=PATIENT)
_CAPTURED = (PaymentCaptured, CaptureDeclined)
CHARGE_PARCEL = CommandType(
    "payment.capture",
    asks.charge_parcel,
    _CAPTURED,
    possible.captures,
    takes=asks.Taking,
    retry=PATIENT,
    fulfils=("ORD-4",),
)
CHARGE_READY = CommandType(
    "payment.capture", asks.charge_ready, _CAPTURED, possible.captures, takes=asks.Taking, retry=PATIENT
)

CHARGE_OWED = CommandType(
    "payment.capture", asks.charge_owed, _CAPTURED, possible.captures, takes=asks.Taking, retry=PATIENT
)

# -- warehouse -------------------------------------------------------------------------------------

_PLANNED = (WarehouseAccepted, WarehouseRejected)
SUBMIT = CommandType(
    "warehouse.submit",
    asks.submission,
    _PLANNED,
    possible.plans,
    takes=asks.Submission,
    fulfils=("ORD-7",),
)
SUBMIT_AGAIN = CommandType(
    "warehouse.submit", asks.replacement, _PLANNED, possible.plans, takes=asks.Submission
)
STOP_PARCELS = CommandType(
    "warehouse.cancel",
    asks.open_parcels,
    (CancellationAccepted, CancellationRejected, CancellationNoted),
    possible.stops,
    takes=asks.Parcels,
    fulfils=("ORD-5",),
)
RECALL_PLAN = CommandType(
    "warehouse.cancel",
    asks.recalled_parcels,
    (CancellationAccepted, CancellationRejected, CancellationNoted),
    possible.stops,
    takes=asks.Parcels,
)
ASK_WHAT_IS_READY = CommandType(
    "warehouse.report", asks.uncharged_parcels, (WarehouseReported,), possible.reports, takes=asks.Parcels
)
CHASE = CommandType(
    "warehouse.chase",
    asks.open_parcels,
    (WarehouseChased,),
    possible.chases,
    takes=asks.Parcels,
    fulfils=("ORD-7",),
)

MONEY_BACK = (VOID, RELEASE)  #: all that is held is let go
