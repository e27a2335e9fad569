"""Writers of one protocol, fed by events."""
