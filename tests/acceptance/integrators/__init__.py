"""Integrators: events in and events out over real HTTP, with the examples of the documents."""
