"""Where the tests of commands run them."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands run here, in a wide terminal; nobody answers for Prefect or the web."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("SOP_PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setenv("SOP_WEB_PORT", "1")
    for name in ("SOP_HOME", "SOP_STORE_URL", "SOP_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
