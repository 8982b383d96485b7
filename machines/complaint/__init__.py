"""The complaint procedure: a customer is heard, the cause is found, and what went wrong is made good."""

from machines.complaint.procedure import COMPLAINT

__all__ = ["COMPLAINT"]
