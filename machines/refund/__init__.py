"""The refund procedure: money that is owed goes back, each euro once."""

from machines.refund.procedure import REFUND

__all__ = ["REFUND"]
