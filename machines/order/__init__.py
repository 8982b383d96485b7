"""The order procedure: from placement to delivery, with every way in which that can go wrong."""

from machines.order.procedure import ORDER

__all__ = ["ORDER"]
