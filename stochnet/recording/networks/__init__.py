"""Networks and what they fire: everything that needs torch."""

from stochnet.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError("torch", "torch") from error
