"""Which sizes satisfy the requirements of a trace."""
