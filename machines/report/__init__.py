"""The figures by which procedures are judged, from the journals of their cases. Pure."""
