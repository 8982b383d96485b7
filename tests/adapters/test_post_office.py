"""The simulated post office: addresses are opened for the time of sending only."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from adapters.errors import Rejected, Unavailable
from adapters.master_key import MasterKeys
from adapters.sealing import Vault
from adapters.world.book import MemoryBook
from adapters.world.message import Outbox
from machines.kernel.event import Event
from machines.messages import Buyer, Channel, Message, MessageSent, MessageUndeliverable
from tests.adapters.toys import ToyStore
from tests.adapters.worlds import ask, world


def letter(to: Buyer) -> Message:
    return Message(template="order.replacement", customer="C-1", to=to, locale="en", about="SO-1", facts={})


def sealed_buyer(vault: Vault, *, email: str = "ada@customer.example") -> Buyer:
    class Contact(Event):
        buyer: Buyer

    buyer = Buyer(name="Ada Example", email=email, phone="+49 30 5550100")
    body = vault.seal_event(Contact(buyer=buyer), customer="C-1")
    return Contact.model_validate_json(body).buyer


def test_a_message_is_addressed_for_the_time_of_sending(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vault = Vault(ToyStore(), master=MasterKeys(b"m" * 32))
    outbox = Outbox(kept=2, folder=tmp_path / "outbox")
    adapters = world(vault=vault, outbox=outbox, book=MemoryBook())
    buyer = sealed_buyer(vault)
    with caplog.at_level(logging.DEBUG):
        for key in ("order/SO-1/message.send/1", "order/SO-1/message.send/1", "k2", "k3"):
            answer = ask("message.send", letter(buyer), key=key, to=adapters)
            assert isinstance(answer, MessageSent)
            assert f"Dear {buyer.name}," in answer.text, "what is kept with the case has the name sealed"
    assert outbox.count == 3
    assert [sent.key for sent in outbox.last] == ["k2", "k3"]
    assert outbox.last[0].address == "ada@customer.example"
    file = tmp_path / "outbox" / "order_SO-1_message.send_1.txt"
    assert file.read_text().startswith("To: ada@customer.example\nSubject: A new parcel for you (SO-1)\n")
    assert "Dear Ada Example," in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert "Ada" not in caplog.text + repr(outbox.last)


def test_a_customer_who_prefers_text_messages_gets_them_at_that_number() -> None:
    vault, outbox = Vault(ToyStore(), master=MasterKeys(b"m" * 32)), Outbox()
    buyer = sealed_buyer(vault).model_copy(update={"channel": Channel.SMS})
    ask("message.send", letter(buyer), to=world(vault=vault, outbox=outbox))
    without_number = buyer.model_copy(update={"phone": None})
    ask("message.send", letter(without_number), key="k2", to=world(vault=vault, outbox=outbox))
    assert [sent.address for sent in outbox.last] == ["+49 30 5550100", "ada@customer.example"]
    assert "Ada" not in outbox.last[0].text


def test_a_message_that_cannot_reach_anybody() -> None:
    store = ToyStore()
    vault = Vault(store, master=MasterKeys(b"m" * 32))
    buyer = sealed_buyer(vault, email="ada@nowhere.invalid")
    answer = ask("message.send", letter(buyer), to=world(vault=vault))
    assert isinstance(answer, MessageUndeliverable)

    two_lines = buyer.model_copy(update={"email": "ada@x.example\r\nBcc: eve@x.example"})
    answer = ask("message.send", letter(two_lines), key="k2", to=world(vault=vault))
    assert isinstance(answer, MessageUndeliverable)

    store.destroyed.add("C-1")
    vault.forget("C-1")
    with pytest.raises(Rejected, match="C-1 was destroyed") as caught:
        ask("message.send", letter(buyer), to=world(vault=vault))
    assert "ada" not in str(caught.value)

    store.down = True
    with pytest.raises(Unavailable):
        ask("message.send", letter(buyer), to=world(vault=vault))
