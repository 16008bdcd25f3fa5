"""What torch's operators require of their inputs, and the shapes and strides that they give: one module a family."""
