"""What a trace shows: which sizes work, which requirements no size meets, and the verdict on a model."""
