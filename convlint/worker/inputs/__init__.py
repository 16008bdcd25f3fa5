"""What goes into forward: told, shown by the project, or found out from the layers."""
