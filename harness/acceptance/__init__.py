"""The signed bundle made from a run, and what others do with it."""
