"""Where in the user's code something happens: the frames of the stack, and the expressions that they run."""
