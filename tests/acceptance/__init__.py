"""The product as each of its users meets it: whole installations, real processes, real HTTP, a real browser."""
