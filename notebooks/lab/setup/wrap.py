"""Functions of MLflow's that are called with other arguments than the lessons, or MLflow itself, give them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def wrap(
    owner: Any,
    name: str,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    then: Callable[[], None] = lambda: None,
) -> None:
    """Replace a function of MLflow's, unless that was done before.

    Args:
        owner: the module or class that has the function.
        name: what it is called.
        change: takes the keyword arguments of a call, and returns those to call the function with.
        then: what to do after each call.
    """
    function = getattr(owner, name)
    if getattr(function, "_is_wrapped", False):
        return

    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **change(options))
        then()
        return result

    vars(wrapped)["_is_wrapped"] = True
    setattr(owner, name, wrapped)
