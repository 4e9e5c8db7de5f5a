"""What `accelerate` of the adapters says about a model."""

from dataclasses import dataclass, field


@dataclass
class Report:
    """What `accelerate` did; print it.

    Attributes
    ----------
    accelerated : dict of str to str
        Names of the modules (layers) that now run on tidegate, "" for the model itself, and their
        kinds.
    left : dict of str to str
        Names of the recurrent layers that stayed as they were, and why.
    notes : dict of str to str
        Of what was accelerated, what to look at.
    """

    accelerated: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return one line per layer."""
        if not self.accelerated and not self.left:
            return "accelerate: the model has no recurrent layers to accelerate"
        lines = [f"accelerate: {len(self.accelerated)} accelerated, {len(self.left)} left"]
        lines += [f"  {name or '(model)'}: {kind}" for name, kind in self.accelerated.items()]
        lines += [f"  {name or '(model)'}: note: {text}" for name, text in self.notes.items()]
        lines += [f"  {name or '(model)'}: left: {why}" for name, why in self.left.items()]
        return "\n".join(lines)
