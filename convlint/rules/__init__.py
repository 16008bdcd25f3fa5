"""Declarative rules over facts: loading them, evaluating them, and making diagnostics of what they find."""
