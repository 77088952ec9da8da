"""Networks of transformers, with random weights, against plain hooks."""

import warnings

import numpy as np
import pytest
import torch

import stochnet as sn
from stochnet.recording.networks.torchvision_compat import import_torchvision

import_torchvision()
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
PICTURES = {**SMALL, "intermediate_size": 24, "image_size": 16, "patch_size": 8}
WORDS = {**SMALL, "intermediate_size": 24, "vocab_size": 99, "max_position_embeddings": 32}

CASES = {
    "vit": (lambda t: t.ViTModel(t.ViTConfig(**PICTURES)), "images", "gelu"),
    "deit": (lambda t: t.DeiTModel(t.DeiTConfig(**PICTURES)), "images", "gelu"),
    "convnext": (
        lambda t: t.ConvNextModel(t.ConvNextConfig(hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1])),
        "images", "gelu",
    ),
    "clip": (lambda t: t.CLIPVisionModel(t.CLIPVisionConfig(**PICTURES)), "images", "quick_gelu"),
    "llama": (
        lambda t: t.LlamaModel(t.LlamaConfig(num_key_value_heads=2, **WORDS)), "words", "silu",
    ),
    "gpt2": (
        lambda t: t.GPT2Model(t.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=99)),
        "words", "gelu_tanh",
    ),
    "bert": (lambda t: t.BertModel(t.BertConfig(**WORDS)), "words", "gelu"),
    "opt": (
        lambda t: t.OPTModel(
            t.OPTConfig(ffn_dim=24, word_embed_proj_dim=16, vocab_size=99, **SMALL)
        ),
        "words", "ReLU",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_default_activations_are_recorded_with_exact_counts(name, dtype):
    make, what, kind = CASES[name]
    torch.manual_seed(0)
    network = make(transformers).eval().to(dtype)
    if what == "images":
        given = torch.randn(
            9, 3, 32 if name == "convnext" else 16, 32 if name == "convnext" else 16
        )
        shown = {"pixel_values": given.to(dtype)}
    else:
        given = torch.randint(0, 99, (9, 7))
        shown = {"input_ids": given, "attention_mask": torch.ones(9, 7, dtype=torch.int64)}
    with warnings.catch_warnings():
        warnings.simplefilter("error", sn.errors.RecordingWarning)
        raster = sn.record(network, shown, batch_size=4)
        channels = sn.record(network, shown, batch_size=4, unit="channel")
    outputs = {}
    modules = dict(network.named_modules())
    names = dict.fromkeys(layer.name for layer in raster.layers)
    for layer in names:
        modules[layer].register_forward_hook(
            lambda *a, layer=layer: outputs.setdefault(layer, []).append(a[2].clone())
        )
    with torch.no_grad():
        for k in (0, 4, 8):
            network(**{key: value[k : k + 4] for key, value in shown.items()})
    assert len(raster.layers) == (4 if name == "convnext" else 2)
    for layer, narrow in zip(raster.layers, channels.layers, strict=True):
        assert kind in layer.kind or layer.kind in ("GELU", "SiLU")
        spikes = torch.cat([x.reshape(-1, *layer.shape) for x in outputs[layer.name]]) > 0
        np.testing.assert_array_equal(
            raster.layer(layer.name).to_dense().sum((1, 2)), spikes.sum(0).flatten().numpy()
        )
        assert narrow.shape == (32 if name == "convnext" else 64 if name == "gpt2" else 24,)
