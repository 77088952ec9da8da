"""Laws that a specification names: families with named parameters, choices and mixtures."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from stochnet.bundle.populations.families import FAMILIES
from stochnet.process import Array

CHOICE, MIXTURE = "choice", "mixture"


class Law(BaseModel):
    """A law of a number over nodes: ``{law = "beta", a = 1, b = 4}``.

    Beside the families there are ``choice`` (`values`, and `weights` if they are not all alike) and
    ``mixture`` (`parts`, each a law, and `weights`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    law: str
    values: dict[str, float] = Field(default_factory=dict)
    options: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    parts: tuple[Law, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _sorted(cls, data: Any) -> Any:
        """Take a bare number as a constant, and what a family needs out of the table."""
        if isinstance(data, Law):
            return data
        if isinstance(data, (int, float)) and not isinstance(data, bool):
            return {"law": "constant", "values": {"value": float(data)}}
        if not isinstance(data, dict) or "law" not in data:
            raise ValueError('a law is a number, or a table such as {law = "beta", a = 1, b = 4}')
        name, rest = data["law"], {key: value for key, value in data.items() if key != "law"}
        if name == CHOICE:
            return {"law": name, "options": rest.pop("values", ()), **rest}
        if name == MIXTURE:
            return {"law": name, **rest}
        if name not in FAMILIES:
            raise ValueError(
                f"no law {name!r}; there are {', '.join([*FAMILIES, CHOICE, MIXTURE])}"
            )
        if set(rest) != set(FAMILIES[name].params):
            raise ValueError(
                f"{name} has the parameters {', '.join(FAMILIES[name].params)} "
                f"({FAMILIES[name].doc}), got {', '.join(rest) or 'none'}"
            )
        return {"law": name, "values": rest}

    @model_validator(mode="after")
    def _possible(self) -> Law:
        if self.law == CHOICE and not self.options:
            raise ValueError("choice needs values")
        if self.law == MIXTURE and not self.parts:
            raise ValueError("mixture needs parts")
        n = len(self.options) + len(self.parts)
        if self.weights and (
            len(self.weights) != n or min(self.weights) < 0 or sum(self.weights) <= 0
        ):
            raise ValueError(f"weights must be {n} numbers of at least 0, and not all 0")
        for name in FAMILIES[self.law].positive if self.law in FAMILIES else ():
            if not self.values[name] > 0:
                raise ValueError(f"{self.law}: {name} must be above 0, got {self.values[name]:g}")
        if self.law == "uniform" and not self.values["low"] < self.values["high"]:
            raise ValueError("uniform: low must be below high")
        return self

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n values."""
        if self.law in (CHOICE, MIXTURE):
            size = len(self.options) + len(self.parts)
            weights = np.array(self.weights or (1.0,) * size)
            which = rng.choice(size, n, p=weights / weights.sum())
            if self.law == CHOICE:
                return np.array(self.options)[which]
            return np.asarray(np.choose(which, [part.draw(n, rng) for part in self.parts]))
        family = FAMILIES[self.law]
        u = np.clip(rng.random(n), 1e-15, 1 - 1e-15)
        return np.asarray(family.quantile(u, *(self.values[name] for name in family.params)))

    def plain(self) -> Any:
        """Return the law as it stands in a file."""
        if self.law == CHOICE:
            table: dict[str, Any] = {"law": self.law, "values": list(self.options)}
        elif self.law == MIXTURE:
            table = {"law": self.law, "parts": [part.plain() for part in self.parts]}
        else:
            return {"law": self.law, **self.values}
        return table | ({"weights": list(self.weights)} if self.weights else {})
