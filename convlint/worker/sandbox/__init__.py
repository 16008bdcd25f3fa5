"""What a model's code may do, and what it did."""
