"""The person's own test of the network."""

import network


def test_it_is_a_list():
    """Of pairs."""
    assert all(low < high for low, high in network.build(8))
