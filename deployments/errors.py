"""What keeps an installation from being used or started; each error says what to do about it.

InstallationError
├── NoInstallation            a command that only asks found nothing to ask
├── SchemaDiffers             the tables of the store are those of another version
├── MasterKeyMissing          a shared store needs a key that every machine is given
├── SettingUnusable           a setting holds something that cannot be used
├── ProcessFailed             one of our processes did not start
└── PrefectServerUnavailable  Prefect's server did not become healthy
"""

from __future__ import annotations


class InstallationError(Exception):
    """An installation cannot be used or started."""

    code = "installation"


class NoInstallation(InstallationError):
    """A command that only asks found nothing to ask."""

    code = "no-installation"


class SchemaDiffers(InstallationError):
    """The tables of the store are those of another version."""

    code = "schema-differs"


class MasterKeyMissing(InstallationError):
    """A shared store needs a key that every machine is given."""

    code = "master-key-missing"


class SettingUnusable(InstallationError):
    """A setting holds something that cannot be used."""

    code = "setting-unusable"


class ProcessFailed(InstallationError):
    """One of our processes did not start."""

    code = "process-failed"


class PrefectServerUnavailable(InstallationError):
    """Prefect's server did not become healthy."""

    code = "prefect-server-unavailable"
