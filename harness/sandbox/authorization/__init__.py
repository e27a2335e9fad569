"""Pairing: an OAuth 2.0 and OpenID Connect authorization server for the patients and solutions of one sandbox.

Authlib holds the protocol; what is here is who the clients are, what is kept of codes and tokens, and the consent page.
"""
