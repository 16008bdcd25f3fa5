"""The oracle: real torch judges what convlint says, on generated nets, on mutants and on whole packages of models."""
