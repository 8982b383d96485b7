"""``python -m deployments.cli`` is ``sop``."""

from deployments.cli import main

main()
