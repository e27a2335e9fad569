"""The simulated Mon espace santé."""
