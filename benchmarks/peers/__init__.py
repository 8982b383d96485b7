"""The order work of ``benchmarks.orders`` on other engines and on ours: ``python -m benchmarks.peers``.

``on_*.py`` and ``plot.py`` run in the peers' own environment; they import nothing of ours but ``work`` and
``benchmarks.load``.
"""
