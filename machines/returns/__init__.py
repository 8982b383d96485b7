"""The return procedure: delivered goods come back, and the customer has the money or a replacement."""

from machines.returns.procedure import RETURN

__all__ = ["RETURN"]
