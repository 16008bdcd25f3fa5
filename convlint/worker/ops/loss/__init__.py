"""What the losses of torch require of their operands, and what they give."""
