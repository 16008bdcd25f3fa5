"""Whole packages of models: each traced by convlint and run by torch, and held against each other."""
