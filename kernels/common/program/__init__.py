"""A traced program as plain data: written where it was traced, rebuilt where it is judged."""
