"""The product as each of its users meets it: whole installations, real processes, HTTP, and a browser."""
