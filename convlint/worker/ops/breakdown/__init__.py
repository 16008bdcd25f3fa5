"""One number of a layer's output in a real run, taken apart into the numbers that it is made of."""
