"""The parent's side of the worker: jobs in, facts out, whatever a file does.

Nothing is imported here: `standby` begins a server before the rest of convlint is loaded.
"""
