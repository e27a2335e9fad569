"""Resources made from a profile: good ones, drawn by hypothesis, and bad ones that each break one constraint."""
