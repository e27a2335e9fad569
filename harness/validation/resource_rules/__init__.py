"""Rules of single resource types that stand in the text of the specification and in no constraint."""
