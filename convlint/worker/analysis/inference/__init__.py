"""What goes into forward where nobody declares it: shown by the project, or inferred from the layers."""
