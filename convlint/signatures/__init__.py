"""Signatures: what operators outside of torch take and give, declared in TOML files."""
