"""The running engine: writer, slots, iteration steps, recovery, supervision."""
