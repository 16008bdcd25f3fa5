"""One run of forward on fake tensors: its calls as nodes, and what it reads, refuses and ends with."""
