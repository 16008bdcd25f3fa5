"""Numbers in tensors: what small tensors hold, as far as sizes and plain numbers tell."""
