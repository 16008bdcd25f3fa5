"""The only side of convlint that loads torch and runs the user's code."""
