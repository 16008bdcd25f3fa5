"""Operators that cannot run here, followed by their signatures."""
