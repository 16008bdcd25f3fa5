"""Which sizes work, which requirements no size meets, and what is told of them."""
