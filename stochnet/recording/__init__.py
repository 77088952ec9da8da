"""Recording and training networks; the only importer of torch."""

from stochnet.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError("torch", "torch") from error

from stochnet.recording.architectures import ARCHITECTURES
from stochnet.recording.datasets import Dataset, load_dataset
from stochnet.recording.labels import draw_labels
from stochnet.recording.monitor import Monitor
from stochnet.recording.networks import Network, build_model, load_network
from stochnet.recording.recorder import record
from stochnet.recording.summarizer import record_summary
from stochnet.recording.tracking import track
from stochnet.recording.training import Epoch, TrainingResult, train
from stochnet.recording.weights import apply_state, read_weights, save_network

__all__ = [
    "ARCHITECTURES",
    "Dataset",
    "Epoch",
    "Monitor",
    "Network",
    "TrainingResult",
    "apply_state",
    "build_model",
    "draw_labels",
    "load_dataset",
    "load_network",
    "read_weights",
    "record",
    "record_summary",
    "save_network",
    "track",
    "train",
]
