#!/usr/bin/env python3
"""Turns a network pickle of EDM (Karras et al. 2022) into a safetensors file for teacher.weights.

    scripts/convert-edm-pickle.py network.pkl teacher.safetensors

Such a pickle holds the network as nested dictionaries and, as text, the Python code that made it. This program reads the
dictionaries only: it neither imports nor runs EDM's code, and refuses any pickle that names a function other than the few
that rebuild arrays, so that a pickle from elsewhere cannot run code of its own. It takes `ema` (the moving average that
EDM evaluates) with EDM's preconditioning, drops what plays no part when images are drawn (`map_augment`, resampling
filters), and prints the configuration keys that describe the network.

What has been tested: pickles of the same layout that are made by scripts/test-convert-edm-pickle. The published pickles
were not at hand; one that does not fit ends with a line that says where.

Needs PyTorch and numpy, and no other package.
exit codes: 0; 2 arguments; 65 the pickle is not such a network; 66 it is missing; 69 there is no PyTorch
"""

import argparse
import collections
import hashlib
import io
import json
import os
import pickle
import struct
import sys
from pathlib import Path

try:
    import torch
except ImportError:
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        sys.exit(0)
    print("convert-edm-pickle: no PyTorch: run it with an interpreter that has torch and numpy", file=sys.stderr)
    sys.exit(69)


class Refused(Exception):
    """Why the pickle is not converted."""


class Kept(dict):
    """An object of the pickle, as the dictionary of its attributes; its class is known by name only."""

    class_name = ""

    def __setstate__(self, state):
        self.update(state if isinstance(state, dict) else {})


def rebuilt(meta):
    """What stands where EDM's persistence would run the code in `meta` to make an object."""
    if meta.get("type") != "class":
        raise Refused(f"it holds a persistent {meta.get('type')}, not a class")
    kept = Kept()
    kept.class_name = meta["class_name"]
    state = meta["state"]
    kept.update(state if isinstance(state, dict) else {})
    return kept


def storage(data):
    """The memory of a tensor. PyTorch's own function for this would unpickle anything."""
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def parameter(data, requires_grad, hooks):
    return data


ALLOWED = {
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): rebuilt,
    ("torch.storage", "_load_from_bytes"): storage,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): parameter,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("builtins", "set"): set,
    ("torch", "float32"): torch.float32,
    ("torch", "device"): lambda *arguments: None,
}
# What EDM's networks are made with where nothing else is said.
DEFAULTS = {
    "DhariwalUNet": {
        "model_channels": 192, "channel_mult": [1, 2, 3, 4], "channel_mult_emb": 4, "num_blocks": 3,
        "attn_resolutions": [32, 16, 8],
    },
    "SongUNet": {
        "model_channels": 128, "channel_mult": [1, 2, 2, 2], "channel_mult_emb": 4, "num_blocks": 4,
        "attn_resolutions": [16], "embedding_type": "positional", "channel_mult_noise": 1, "encoder_type": "standard",
        "decoder_type": "standard", "resample_filter": [1, 1],
    },
}
# The options of SongUNet that network.type stands for.
SONG_TYPES = {
    ("positional", 1, "standard", "standard", (1, 1)): "ddpmpp",
    ("fourier", 2, "residual", "standard", (1, 3, 3, 1)): "ncsnpp",
}
# Classes of which only the attributes matter.
PASSIVE = ("torch.nn.modules.", "dnnlib.")


class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) in ALLOWED:
            return ALLOWED[module, name]
        if module.startswith(PASSIVE):
            return type(name, (Kept,), {"class_name": name})
        raise Refused(f"it names {module}.{name}, which no network of EDM needs")


def tensors(module, prefix=""):
    """The parameters and buffers of a module and those below it, under PyTorch's names."""
    for kind in ("_parameters", "_buffers"):
        for name, value in (module.get(kind) or {}).items():
            if value is not None:
                yield prefix + name, value
    for name, child in (module.get("_modules") or {}).items():
        if child is not None:
            yield from tensors(child, f"{prefix}{name}.")


def weights_of(network):
    """The weights that sampling uses, and what was left out."""
    kept, dropped = {}, []
    for name, value in tensors(network):
        if name.endswith("resample_filter") or ".map_augment." in name:
            dropped.append(name)
        else:
            kept[name] = value.detach().float().contiguous()
    if not kept:
        raise Refused("the network in it has no weights")
    return kept, dropped


def configuration(network):
    """Configuration keys that describe the network, as far as it says what it was made with."""
    inner = (network.get("_modules") or {}).get("model") or {}
    class_name = inner.class_name if isinstance(inner, Kept) else ""
    made = {**DEFAULTS.get(class_name, {}), **(inner.get("_init_kwargs") or {})}
    keys = {
        "network.type": network_type(class_name, made),
        "data.resolution": network.get("img_resolution"), "data.imageChannels": network.get("img_channels"),
        "data.classes": network.get("label_dim"), "network.sigmaData": network.get("sigma_data"),
        "network.channels": made.get("model_channels"), "network.channelMultipliers": made.get("channel_mult"),
        "network.channelMultiplierEmbedding": made.get("channel_mult_emb"), "network.blocks": made.get("num_blocks"),
        "network.attentionResolutions": made.get("attn_resolutions"),
    }
    if keys["data.classes"] == 0:
        keys |= {"data.classes": None, "network.conditional": False}
    if made.get("label_dropout"):
        keys["teacher.labelDropout"] = made["label_dropout"]
    return class_name, {k: v for k, v in keys.items() if v is not None}


def network_type(class_name, made):
    """The word for a network of EDM; none for a class that is not its own. Refuses a mixture that has no word."""
    if class_name == "DhariwalUNet":
        return "adm"
    if class_name != "SongUNet":
        return None
    options = (
        made["embedding_type"], made["channel_mult_noise"], made["encoder_type"], made["decoder_type"],
        tuple(made["resample_filter"]),
    )
    if options not in SONG_TYPES:
        raise Refused(f"its SongUNet is neither DDPM++ nor NCSN++: {', '.join(map(str, options))}")
    return SONG_TYPES[options]


def write(path, weights, metadata):
    header, end = {"__metadata__": metadata}, 0
    for name, value in weights.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [end, end + 4 * value.numel()]}
        end += 4 * value.numel()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    temporary = Path(path).with_name(f".{Path(path).name}.{os.getpid()}")
    with open(temporary, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in weights.values():
            file.write(value.numpy().tobytes())
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def convert(source, target, key):
    data = Path(source).read_bytes()
    try:
        content = Reader(io.BytesIO(data)).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError, TypeError, RuntimeError) as error:
        raise Refused(f"it cannot be read: {error}") from error
    if isinstance(content, dict) and key in content:
        network = content[key]
    else:
        found = ", ".join(content) if isinstance(content, dict) else type(content).__name__
        raise Refused(f"it has no {key}, but: {found}")
    if getattr(network, "class_name", "") != "EDMPrecond":
        raise Refused(f"{key} is {getattr(network, 'class_name', '') or 'no network'}, not EDMPrecond; "
                      "other preconditionings compute something else from the same weights")
    weights, dropped = weights_of(network)
    name, keys = configuration(network)
    write(target, weights, {"format": "pt", "source.sha256": hashlib.sha256(data).hexdigest(), "source.key": key})
    count = sum(value.numel() for value in weights.values())
    print(f"{target}: {len(weights)} tensors, {count} weights; left out: {len(dropped)} that sampling does not use")
    print(f"the network is {name or 'of an unknown class'}; it was made with")
    for entry, value in keys.items():
        print(f"  {entry}: {json.dumps(list(value) if isinstance(value, tuple) else value)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="the pickle")
    parser.add_argument("target", help="the safetensors file to write")
    parser.add_argument("--key", default="ema", help="the entry of the pickle to convert (default: ema)")
    arguments = parser.parse_args()
    try:
        convert(arguments.source, arguments.target, arguments.key)
    except OSError as error:
        print(f"convert-edm-pickle: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(66)
    except Refused as error:
        print(f"convert-edm-pickle: {arguments.source}: {error}", file=sys.stderr)
        sys.exit(65)


if __name__ == "__main__":
    main()
