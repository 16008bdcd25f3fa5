"""What is known about operators: one module a family, and no torch, so that rules and reports may read it as well."""
