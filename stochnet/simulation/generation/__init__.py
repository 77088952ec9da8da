"""Networks from a specification alone: known ground truth, without any recording."""

from stochnet.simulation.generation.build import generate
from stochnet.simulation.generation.spec import NetworkSpec, read_spec

__all__ = ["NetworkSpec", "generate", "read_spec"]
