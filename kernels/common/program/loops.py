"""How the operands of a loop are shared out, whichever way this jax says so."""

from typing import Any, NamedTuple


class Shares(NamedTuple):
    """How many of a loop's operands are the same in every round, and how many are carried on.

    What is left over is read a row a round.
    """

    constants: int
    carries: int


def shares(scan: Any) -> Shares:
    """The shares of a `scan` equation: two numbers up to jax 0.10, a tree of the operands since."""
    given = scan.params
    if "ft_in" not in given:
        return Shares(given["num_consts"], given["num_carry"])
    constants, carries, _ = given["ft_in"].unpack()
    return Shares(len(list(constants)), len(list(carries)))


def body(scan: Any) -> Any:
    """The jaxpr of one round."""
    return getattr(scan.params["jaxpr"], "jaxpr", scan.params["jaxpr"])
