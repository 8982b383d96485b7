"""A return lived through in an installation: real store, intake, drive loop and simulated world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from adapters.world.book import SqliteBook, applied_by_effect
from deployments.bootstrap import Application, open_application
from deployments.driving import running_driver
from deployments.settings import Settings
from machines.kernel.case import Case
from machines.order.data import Order
from machines.order.events import OrderPlaced
from tests.conftest_prefect import eventually

NAME = "Berenike Quast"
PLACED = {
    **OrderPlaced.examples[0],
    "buyer": {"name": NAME, "email": "berenike@quast.example"},
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    with ExitStack() as stack:
        settings = Settings.model_validate({"home": tmp_path / "sop", "world_book": True})
        application = stack.enter_context(open_application(settings))
        stack.enter_context(running_driver(application))
        yield application


def send(app: Application, kind: str, case: str, **data: object) -> None:
    event = {"type": kind, "subject": case, "id": f"{kind}-{case}", "data": data}
    app.intake.accept([{"specversion": "1.0", "source": "test", **event}])


def case(app: Application, sop: str, key: str) -> Case | None:
    return next(iter(app.store.find_case(key=key, sop=sop)), None)


def stands(app: Application, sop: str, key: str, state: str) -> None:
    def there() -> bool:
        found = case(app, sop, key)
        return found is not None and found.state == state

    assert eventually(there), f"{sop}/{key} is {case(app, sop, key)}, expected {state}"


def test_goods_come_back_and_the_money_with_them(app: Application, tmp_path: Path) -> None:
    send(app, "order.placed", "SO-1001", **PLACED)
    stands(app, "shipment", "SO-1001-1", "ready")
    send(app, "shipment.delivered", "SO-1001-1")
    stands(app, "order", "SO-1001", "delivered")
    send(app, "order.return", "SO-1001", customer="C-1", reason="changed mind")
    stands(app, "return", "SO-1001-RT1", "awaiting_parcel")
    send(app, "return.sent", "SO-1001-RT1", customer="C-1", proof=f"receipt of {NAME}")
    stands(app, "return", "SO-1001-RT1", "in_transit")
    send(app, "return.arrived", "SO-1001-RT1")
    found = [{"sku": "KETTLE", "quantity": 1}]
    stands(app, "return", "SO-1001-RT1", "inspecting")
    send(app, "return.inspected", "SO-1001-RT1", by="m.mill", found=found)
    stands(app, "order", "SO-1001", "returned")
    returned = case(app, "order", "SO-1001")
    assert returned is not None
    assert isinstance(returned.data, Order)
    assert [(one.captured, one.refunded, one.refunding) for one in returned.data.payments] == [
        (3500, 3500, 0)
    ]
    book = SqliteBook(tmp_path / "sop" / "world.db")
    effects = applied_by_effect(book)
    book.close()
    assert effects["payment.refund SO-1001 SO-1001-RT1-R1 1"] == 1
    assert max(effects.values()) == 1
    written = b"".join(path.read_bytes() for path in (tmp_path / "sop").rglob("*") if path.is_file())
    assert NAME.encode() not in written


def test_the_journal_says_what_the_policy_said(app: Application) -> None:
    razor = {"sku": "RAZOR-HYGIENE", "quantity": 1, "price": 3000}
    send(app, "order.placed", "SO-1001", **{**PLACED, "lines": [razor]})
    stands(app, "shipment", "SO-1001-1", "ready")
    send(app, "shipment.delivered", "SO-1001-1")
    send(app, "order.return", "SO-1001", customer="C-1", reason="changed mind")
    stands(app, "return", "SO-1001-RT1", "declined")
    entry, _ = next(iter(app.store.journal("return/SO-1001-RT1")))
    assert entry.reason == "declined: RAZOR-HYGIENE cannot be sold again for reasons of hygiene"


def test_an_appeal_that_is_upheld_pays_by_the_order_and_closes_the_circle(
    app: Application, tmp_path: Path
) -> None:
    razor = {"sku": "RAZOR-HYGIENE", "quantity": 1, "price": 3000}
    send(app, "order.placed", "SO-1001", **{**PLACED, "lines": [razor]})
    stands(app, "shipment", "SO-1001-1", "ready")
    send(app, "shipment.delivered", "SO-1001-1")
    send(app, "order.return", "SO-1001", customer="C-1", reason="changed mind")
    stands(app, "return", "SO-1001-RT1", "declined")
    send(app, "return.appeal", "SO-1001-RT1", customer="C-1", words=f"{NAME} never opened it.")
    appeal = "SO-1001-RT1-A"
    stands(app, "complaint", appeal, "acknowledging")
    send(app, "complaint.taken", appeal, owner="a.field")
    stands(app, "complaint", appeal, "assessing")
    send(app, "complaint.assessed", appeal, severity="S4", nature="product")
    send(app, "complaint.found", appeal, cause="the seal is whole", upheld=True)
    stands(app, "complaint", appeal, "proposing")
    send(app, "complaint.proposed", appeal, remedy="full refund", amount=3500, explanation="it is whole")
    stands(app, "complaint", appeal, "awaiting_answer")
    send(app, "complaint.answered", appeal, customer="C-1", number=1, amount=3500, accept=True)
    stands(app, "complaint", appeal, "resolved")
    stands(app, "return", "SO-1001-RT1", "refunded")
    stands(app, "order", "SO-1001", "returned")
    book = SqliteBook(tmp_path / "sop" / "world.db")
    effects = applied_by_effect(book)
    book.close()
    assert [name for name in effects if name.startswith("payment.refund")] == [
        "payment.refund SO-1001 SO-1001-RT1-R1 1"
    ]
    assert max(effects.values()) == 1
