"""Values of torch without a trace: sizes, strides, small contents, nested tensors."""
