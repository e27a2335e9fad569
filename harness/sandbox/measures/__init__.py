"""The health measures API of Mon espace santé: feed and search, consent, tokens (its guide, version 1.5.2)."""
