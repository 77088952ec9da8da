"""Workers: processes and clusters that take blocks of nodes."""
