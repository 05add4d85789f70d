"""What any kernel needs to be compiled and costed for a TPU on a machine that has none."""
