"""JAX and Pallas numerics, one folder per operation."""
