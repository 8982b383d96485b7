"""What ``sop check`` looks at of each procedure; of one that is not named here, everything.

Everything that can happen to an order with two parcels and three payments is too much to walk through in
seconds. Mistakes in handling one parcel or one payment need no second one, so these are explored without a
bound; what only several bring about is explored as far as three deviations from the ordinary course lead.
"""

from __future__ import annotations

from collections.abc import Mapping

from machines.check.scope import Scope

CHANGES = frozenset({"order.amend", "order.reprice"})
OFFERS = frozenset({"restrictions.offer"})

SCOPES: Mapping[str, tuple[Scope, ...]] = {
    "order": (
        Scope(title="several articles, parcels, payments and changes", deviations=3),
        Scope(
            title="one article, one parcel, up to two payments, no changes",
            openings=(0,),
            without=CHANGES | OFFERS,
            children=1,
        ),
    ),
}
