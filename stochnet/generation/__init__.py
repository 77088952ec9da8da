"""Networks from a specification alone: known ground truth, without any recording."""

from stochnet.generation.build import generate
from stochnet.generation.spec import NetworkSpec, read_spec

__all__ = ["NetworkSpec", "generate", "read_spec"]
