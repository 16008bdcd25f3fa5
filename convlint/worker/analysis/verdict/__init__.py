"""Which violations are mistakes of the model, and what is reported of them."""
