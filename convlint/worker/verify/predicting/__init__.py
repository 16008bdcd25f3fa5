"""What convlint says beforehand of runs on plain numbers."""
