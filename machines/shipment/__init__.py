"""The shipment procedure: one parcel, from its label to the customer's door."""

from machines.shipment.procedure import SHIPMENT

__all__ = ["SHIPMENT"]
