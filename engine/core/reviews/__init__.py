"""What a mentor's reviews are made of. Pure."""
