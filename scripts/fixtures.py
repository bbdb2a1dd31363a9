#!/usr/bin/env python3
"""Fixtures from PyTorch → test/fixtures/*.safetensors: outputs, losses and every gradient, computed in float64.

    python3 scripts/fixtures.py           (Debian: apt-get install python3-torch, which is 1.13; /usr/bin/python3)

`<model>.safetensors`: the models of models/, their weights drawn as `dlmc init --seed 7`
draws them (the generator is written out below, independently), so the weights are not stored. `std.safetensors`: one case
per function and layer of the standard library, each with the .dlm program it belongs to in the metadata; a new function is
one `case(…)` here; `recurrent.safetensors`: the same for recurrent layers. `optimizers.safetensors`: five steps of each optimizer. Equal inputs give equal
files on one processor; on another, sums in another order differ in their last bit.
"""
import json
import math
import os
import struct

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "fixtures")
DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "int32": "I32", "int64": "I64", "uint8": "U8"}


def write_safetensors(name, tensors, metadata):
    header, chunks, at = {"__metadata__": metadata}, [], 0
    for key in sorted(tensors):
        array = np.asarray(tensors[key], order="C")
        header[key] = {"dtype": DTYPES[str(array.dtype)], "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        chunks.append(array.tobytes())
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    os.makedirs(ROOT, exist_ok=True)
    with open(os.path.join(ROOT, name), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))
    print(f"{name}: {len(tensors)} tensors, {(8 + len(text) + at) // 1024} KiB")


# ------------------------------------------------------------------------------------------- initial values
# Threefry-2x32, 20 rounds (Salmon et al., SC 2011), keyed by (seed, hash of the path), counted by (block, other hash).

def fnv(name, basis):
    h = basis
    for unit in name.encode("utf-16-le"):
        h = ((h ^ unit) * 0x01000193) & 0xFFFFFFFF
    return h


def threefry(key0, key1, counter0, counter1):
    keys = [key0, key1, 0x1BD11BDA ^ key0 ^ key1]
    keys = [np.uint32(k) for k in keys]
    x0, x1 = counter0.astype(np.uint32) + keys[0], np.full_like(counter0, counter1, dtype=np.uint32) + keys[1]
    for group in range(1, 6):
        for r in ((13, 15, 26, 6) if group % 2 else (17, 29, 16, 24)):
            x0 = x0 + x1
            x1 = ((x1 << np.uint32(r)) | (x1 >> np.uint32(32 - r))) ^ x0
        x0 = x0 + keys[group % 3]
        x1 = x1 + keys[(group + 1) % 3] + np.uint32(group)
    return x0, x1


def uniform(path, shape, bound, seed):
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        x0, x1 = threefry(seed, fnv(path, 0x811C9DC5), np.arange((count + 1) // 2, dtype=np.uint32), fnv(path, 0x6B43A9B5))
    words = np.stack([x0, x1], 1).reshape(-1)[:count]
    u = (words >> np.uint32(8)).astype(np.float64) / 2**24
    return (-bound + 2 * bound * u).astype(np.float32).reshape(shape)


# ------------------------------------------------------------------------------------------- the models

def linear(path, features, inputs):
    return {f"{path}.weight": ((features, inputs), 1 / math.sqrt(inputs)), f"{path}.bias": ((features,), 1 / math.sqrt(inputs))}


def conv(path, features, channels, k):
    bound = 1 / math.sqrt(channels * k * k)
    return {f"{path}.weight": ((features, channels, k, k), bound), f"{path}.bias": ((features,), bound)}


def softmax_model(p, x):
    return {"logits": F.linear(x.flatten(1), p["linear_1.weight"], p["linear_1.bias"])}


def mnist_convnet(p, x):
    x = x.unsqueeze(1)
    for i in (1, 2):
        x = F.max_pool2d(F.relu(F.conv2d(x, p[f"conv2d_{i}.weight"], p[f"conv2d_{i}.bias"])), 2)
    return {"logits": F.linear(x.flatten(1), p["linear_1.weight"], p["linear_1.bias"])}


def cifar_convnet(p, x):
    for i, padding in ((1, 2), (2, 2), (3, 1)):
        x = F.max_pool2d(F.relu(F.conv2d(x, p[f"conv2d_{i}.weight"], p[f"conv2d_{i}.bias"], padding=padding)), 2)
    x = x.flatten(1)
    for i in (1, 2, 3):
        x = F.linear(x, p[f"linear_{i}.weight"], p[f"linear_{i}.bias"])
        x = F.relu(x) if i < 3 else x
    return {"logits": x}


def horse_convnet(p, x):
    x = F.max_pool2d(x, 2, 2)
    x = F.max_pool2d(F.conv2d(x, p["conv.weight"], p["conv.bias"]), 3, 3)
    x = F.relu(F.linear(x.flatten(1), p["dense.weight"], p["dense.bias"]))
    logits = F.linear(x, p["head.weight"], p["head.bias"])
    return {"logits": logits, "probability": logits.softmax(1)}


MODELS = {
    "mnist-softmax": ("models/mnist/softmax.dlm", (28, 28), 10, linear("linear_1", 10, 784), softmax_model),
    "mnist-convnet": ("models/mnist/convnet.dlm", (28, 28), 10,
                      {**conv("conv2d_1", 16, 1, 5), **conv("conv2d_2", 32, 16, 5), **linear("linear_1", 10, 512)}, mnist_convnet),
    "cifar-convnet": ("models/cifar/convnet.dlm", (3, 32, 32), 2,
                      {**conv("conv2d_1", 16, 3, 5), **conv("conv2d_2", 20, 16, 5), **conv("conv2d_3", 20, 20, 3),
                       **linear("linear_1", 80, 320), **linear("linear_2", 20, 80), **linear("linear_3", 2, 20)}, cifar_convnet),
    "horse-convnet": ("models/horse/convnet.dlm", (3, 128, 128), 10,
                      {**conv("conv", 12, 3, 17), **linear("dense", 128, 3072), **linear("head", 10, 128)}, horse_convnet),
}
SEED = 7
#: Gradients of more elements are stored as evenly spaced samples, beside their norm and sum.
WHOLE = 12_000
SAMPLES = 1_499


def make_model(name):
    file, shape, classes, spec, forward = MODELS[name]
    rng = np.random.default_rng(11)
    batch = 2 if name.startswith("horse") else 3
    # Halves hold these exactly, and take half the room.
    image = rng.random((batch, *shape)).astype(np.float16)
    label = rng.integers(0, classes, batch).astype(np.int32)
    p = {k: torch.tensor(uniform(k, s, b, SEED).astype(np.float64), requires_grad=True) for k, (s, b) in spec.items()}
    x = torch.tensor(image.astype(np.float64), requires_grad=True)
    y = torch.tensor(label.astype(np.int64))
    outputs = forward(p, x)
    loss = F.cross_entropy(outputs["logits"], y)
    loss.backward()
    tensors = {"image": image, "label": label, "loss": np.float64(loss.item())}
    tensors["accuracy"] = np.float64((outputs["logits"].argmax(1) == y).double().mean().item())
    tensors.update({k: v.detach().numpy() for k, v in outputs.items()})
    for k, v in [*p.items(), ("image", x)]:
        grad = v.grad.numpy()
        if grad.size <= WHOLE:
            tensors[f"grad.{k}"] = grad.astype(np.float32)
        else:
            step = grad.size // SAMPLES
            tensors[f"grad.{k}.sampled"] = grad.reshape(-1)[::step].astype(np.float32)
            tensors[f"grad.{k}.every"] = np.int32(step)
            tensors[f"grad.{k}.norm"] = np.float64(np.linalg.norm(grad))
            tensors[f"grad.{k}.sum"] = np.float64(grad.sum())
    write_safetensors(f"{name}.safetensors", tensors, {"file": file, "seed": str(SEED)})


# ------------------------------------------------------------------------------------------- the standard library

CASES, CASE_TENSORS = [], {}


def draw(name, shape, kind):
    rng = np.random.default_rng(sum(map(ord, name)) * 7919 + len(CASES))
    if isinstance(kind, tuple):
        return rng.uniform(kind[0], kind[1], shape)
    if isinstance(kind, int):
        return rng.integers(0, kind, shape).astype(np.int32)
    if isinstance(kind, (list, np.ndarray)):
        return np.array(kind)
    raise ValueError(kind)


def case(title, ports, body, f, parameters=None, states=None, training=False, integers=None):
    """`ports`: name → (shape, range or class count); `body`: statements giving `y` (or a scalar `loss`); `f(tensors) → y`.

    Where `f` gives no scalar, the loss is Σ y · probe, with a probe of random numbers: an arbitrary cotangent.
    """
    given, declarations = {}, []
    for name, (shape, kind) in ports.items():
        given[name] = np.asarray(draw(title + name, shape, kind))
        dtype = "int" if given[name].dtype == np.int32 else "float"
        role = "target" if dtype == "int" and name == "label" else "input"
        dims = ", ".join(str(n) for n in shape)
        declarations.append(f"  {role} {name}: {dtype}[{dims}]")
    for path, value in {**(parameters or {}), **(states or {})}.items():
        shape, kind = value
        given[path] = np.asarray(draw(title + path, shape, kind))
    # What the device is given is float32, so the truth must be computed from those numbers.
    given = {k: v if v.dtype == np.int32 else v.astype(np.float32) for k, v in given.items()}
    t = {k: torch.tensor(v.astype(np.int64)) if v.dtype == np.int32 else torch.tensor(v.astype(np.float64), requires_grad=k not in (states or {}))
         for k, v in given.items()}
    result = f(t)
    result = result if isinstance(result, dict) else {"y": result}
    y = result["y"]
    lines = list(declarations)
    if y.dim() == 0:
        loss = y
        lines += [f"  {s}" for s in body.strip().split("\n")] + ["  output y = value", "  loss value"]
    else:
        given["probe"] = draw(title + "probe", tuple(y.shape), (-1, 1)).astype(np.float32)
        t["probe"] = torch.tensor(given["probe"].astype(np.float64), requires_grad=True)
        loss = (y * t["probe"]).sum()
        dims = ", ".join(str(n) for n in y.shape)
        lines += [f"  input probe: float[{dims}]"] + [f"  {s}" for s in body.strip().split("\n")] + ["  output y = value", "  loss sum(y * probe)"]
    loss.backward()
    program = "model Case {\n" + "\n".join(lines) + "\n}\n"
    CASES.append({"title": title, "program": program, "training": training, "parameters": sorted(parameters or {}), "states": sorted(states or {})})
    for k, v in given.items():
        CASE_TENSORS[f"{title}/{k}"] = v
    for k, v in result.items():
        CASE_TENSORS[f"{title}/out.{k}"] = v.detach().numpy().astype(np.float64)
    CASE_TENSORS[f"{title}/out.loss"] = np.float64(loss.item())
    for k, v in t.items():
        if v.requires_grad:
            CASE_TENSORS[f"{title}/grad.{k}"] = (torch.zeros_like(v) if v.grad is None else v.grad).numpy().astype(np.float64)


WIDE = (-4, 4)


def std_cases():
    x = {"x": ((3, 7), WIDE)}
    for name, f in {
        "relu": F.relu, "leaky_relu": F.leaky_relu, "elu": F.elu, "sigmoid": torch.sigmoid, "softplus": F.softplus,
        "log_sigmoid": F.logsigmoid, "silu": F.silu, "gelu": F.gelu, "tanh": torch.tanh,
        "gelu_tanh": lambda v: F.gelu(v, approximate="tanh"),
        "softmax": lambda v: v.softmax(-1), "log_softmax": lambda v: v.log_softmax(-1),
    }.items():
        case(name, x, f"let value = {name}(x)", lambda t, f=f: f(t["x"]))
        case(f"{name} of one number", {"x": ((1,), WIDE)}, f"let value = {name}(x)", lambda t, f=f: f(t["x"]))
    for name, f in {"sigmoid": torch.sigmoid, "softplus": F.softplus, "log_sigmoid": F.logsigmoid, "silu": F.silu}.items():
        far = [-80.0, -20.0, 0.0, 20.0, 80.0]
        case(f"{name} far out and at 0", {"x": ((5,), far)}, f"let value = {name}(x)", lambda t, f=f: f(t["x"]))
    case("leaky_relu with a slope", x, "let value = leaky_relu(x, slope: 0.3)", lambda t: F.leaky_relu(t["x"], 0.3))
    case("elu with alpha", x, "let value = elu(x, alpha: 0.7)", lambda t: F.elu(t["x"], 0.7))
    case("softmax along axis 1 of 3", {"x": ((2, 5, 3), WIDE)}, "let value = softmax(x, axis: 1)", lambda t: t["x"].softmax(1))
    case("log_softmax of great numbers", {"x": ((2, 3), (-300, 300))}, "let value = log_softmax(x)", lambda t: t["x"].log_softmax(-1))

    for b, i, o in ((3, 7, 5), (1, 1, 1), (2, 17, 13)):
        case(f"Linear {b}x{i} to {o}", {"x": ((b, i), WIDE)}, f"let value = x |> l: Linear({o})",
             lambda t: F.linear(t["x"], t["l.weight"], t["l.bias"]), {"l.weight": ((o, i), (-1, 1)), "l.bias": ((o,), (-1, 1))})
    case("Linear on three axes, no bias", {"x": ((2, 3, 5), WIDE)}, "let value = x |> l: Linear(4, bias: false)",
         lambda t: F.linear(t["x"], t["l.weight"]), {"l.weight": ((4, 5), (-1, 1))})
    case("flatten", {"x": ((2, 3, 5, 1), WIDE)}, "let value = flatten(x)", lambda t: t["x"].flatten(1))

    def conv2d_case(title, shape, features, kernel, arguments, bias=True, **options):
        kh, kw = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        groups = options.get("groups", 1)
        weight = {"c.weight": ((features, shape[1] // groups, kh, kw), (-1, 1))}
        if bias:
            weight["c.bias"] = ((features,), (-1, 1))
        text = f"[{kh}, {kw}]" if isinstance(kernel, tuple) else str(kernel)
        case(title, {"x": (shape, WIDE)}, f"let value = x |> c: Conv2d({features}, kernel: {text}{arguments})",
             lambda t: F.conv2d(t["x"], t["c.weight"], t.get("c.bias"), **options), weight)

    conv2d_case("Conv2d", (2, 3, 7, 5), 4, 3, "")
    conv2d_case("Conv2d of one pixel", (1, 1, 1, 1), 1, 1, "")
    conv2d_case("Conv2d stride", (2, 3, 7, 8), 2, 3, ", stride: 2", stride=2)
    conv2d_case("Conv2d stride by axis", (1, 2, 9, 8), 3, 2, ", stride: [3, 2]", stride=(3, 2))
    conv2d_case("Conv2d padding", (2, 2, 5, 4), 3, 3, ", padding: 2", padding=2)
    conv2d_case("Conv2d padding by axis", (1, 2, 5, 4), 3, (3, 2), ", padding: [0, 1]", padding=(0, 1))
    conv2d_case("Conv2d same", (2, 2, 5, 7), 3, 5, ", padding: same", padding="same")
    conv2d_case("Conv2d same, even kernel", (2, 2, 5, 7), 3, (4, 2), ", padding: same", padding="same")
    conv2d_case("Conv2d same, dilated", (1, 2, 7, 6), 3, 3, ", padding: same, dilation: 2", padding="same", dilation=2)
    conv2d_case("Conv2d valid", (1, 2, 6, 6), 3, 3, ", padding: valid", padding="valid")
    conv2d_case("Conv2d dilation", (1, 3, 9, 8), 2, 3, ", dilation: [2, 3]", dilation=(2, 3))
    conv2d_case("Conv2d groups", (2, 6, 5, 4), 4, 3, ", groups: 2", groups=2)
    conv2d_case("Conv2d depthwise, no bias", (2, 3, 6, 5), 3, 3, ", groups: 3, bias: false, padding: 1", bias=False, groups=3, padding=1)
    conv2d_case("Conv2d everything", (2, 4, 11, 9), 6, (3, 2), ", stride: 2, padding: [2, 1], dilation: [1, 3], groups: 2",
                stride=2, padding=(2, 1), dilation=(1, 3), groups=2)
    case("Conv1d", {"x": ((2, 3, 11), WIDE)}, "let value = x |> c: Conv1d(5, kernel: 4, stride: 2, padding: 3, dilation: 2)",
         lambda t: F.conv1d(t["x"], t["c.weight"], t["c.bias"], stride=2, padding=3, dilation=2),
         {"c.weight": ((5, 3, 4), (-1, 1)), "c.bias": ((5,), (-1, 1))})
    case("conv2d of an image and a filter", {"x": ((5, 6), WIDE), "w": ((2, 3), WIDE)}, "let value = conv2d(x, w, padding: 1, stride: 2)",
         lambda t: F.conv2d(t["x"][None, None], t["w"][None, None], padding=1, stride=2)[0, 0])

    image = {"x": ((2, 3, 7, 6), WIDE)}
    pool = {
        "max_pool2d(x, 2)": lambda v: F.max_pool2d(v, 2),
        "max_pool2d(x, 3, stride: 2, padding: 1)": lambda v: F.max_pool2d(v, 3, 2, 1),
        "max_pool2d(x, [2, 3], stride: [1, 2])": lambda v: F.max_pool2d(v, (2, 3), (1, 2)),
        "avg_pool2d(x, 2)": lambda v: F.avg_pool2d(v, 2),
        "avg_pool2d(x, 3, stride: 2, padding: 1)": lambda v: F.avg_pool2d(v, 3, 2, 1),
        "avg_pool2d(x, [7, 1])": lambda v: F.avg_pool2d(v, (7, 1)),
        "global_avg_pool2d(x)": lambda v: v.mean((-2, -1)),
        "global_max_pool2d(x)": lambda v: v.amax((-2, -1)),
    }
    for text, f in pool.items():
        case(text, image, f"let value = {text}", lambda t, f=f: f(t["x"]))
    case("max_pool1d(x, 3, stride: 2, padding: 1)", {"x": ((2, 3, 8), WIDE)}, "let value = max_pool1d(x, 3, stride: 2, padding: 1)", lambda t: F.max_pool1d(t["x"], 3, 2, 1))
    case("avg_pool1d(x, 3)", {"x": ((2, 3, 8), WIDE)}, "let value = avg_pool1d(x, 3)", lambda t: F.avg_pool1d(t["x"], 3))
    case("max_pool2d of equal numbers", {"x": ((1, 1, 4, 4), np.ones((1, 1, 4, 4)))}, "let value = max_pool2d(x, 2)", lambda t: F.max_pool2d(t["x"], 2))

    for shape in ((3, 5), (2, 3, 7), (1, 1)):
        case(f"LayerNorm {'x'.join(map(str, shape))}", {"x": (shape, WIDE)}, "let value = x |> n: LayerNorm()",
             lambda t, n=shape[-1:]: F.layer_norm(t["x"], n, t["n.weight"], t["n.bias"]),
             {"n.weight": (shape[-1:], (0.5, 2)), "n.bias": (shape[-1:], (-1, 1))})
    case("LayerNorm over two axes", {"x": ((2, 3, 5), WIDE)}, "let value = x |> n: LayerNorm(eps: 1e-3, dims: 2)",
         lambda t: F.layer_norm(t["x"], (3, 5), t["n.weight"], t["n.bias"], 1e-3),
         {"n.weight": ((3, 5), (0.5, 2)), "n.bias": ((3, 5), (-1, 1))})
    case("LayerNorm without weights", {"x": ((2, 6), WIDE)}, "let value = x |> LayerNorm(affine: false)", lambda t: F.layer_norm(t["x"], (6,)))

    for shape in ((5, 3), (2, 3, 4), (3, 2, 3, 5)):
        c = shape[1:2]
        for training in (False, True):
            def batch_norm(t, training=training):
                mean, var = t["n.running_mean"].clone(), t["n.running_var"].clone()
                y = F.batch_norm(t["x"], mean, var, t["n.weight"], t["n.bias"], training, 0.1, 1e-5)
                return {"y": y, **({"next.n.running_mean": mean, "next.n.running_var": var} if training else {})}
            case(f"BatchNorm {'x'.join(map(str, shape))}{', training' if training else ''}", {"x": (shape, WIDE)}, "let value = x |> n: BatchNorm()",
                 batch_norm, {"n.weight": (c, (0.5, 2)), "n.bias": (c, (-1, 1))},
                 {"n.running_mean": (c, (-1, 1)), "n.running_var": (c, (0.5, 2))}, training)

    case("Embedding", {"x": ((2, 3), 7)}, "let value = x |> e: Embedding(7, 5)", lambda t: F.embedding(t["x"], t["e.weight"]), {"e.weight": ((7, 5), WIDE)})
    case("Embedding of one index", {"x": ((1,), 1)}, "let value = x |> e: Embedding(1, 1)", lambda t: F.embedding(t["x"], t["e.weight"]), {"e.weight": ((1, 1), WIDE)})
    case("dropout outside training", x, "let value = dropout(x, 0.5)", lambda t: t["x"] * 1)
    case("dropout of rate 0", x, "let value = dropout(x, 0)", lambda t: t["x"] * 1, training=True)

    logits = {"x": ((5, 7), WIDE), "label": ((5,), 7)}
    case("cross_entropy", logits, "let value = cross_entropy(x, label)", lambda t: F.cross_entropy(t["x"], t["label"]))
    case("cross_entropy of one class", {"x": ((1, 1), WIDE), "label": ((1,), 1)}, "let value = cross_entropy(x, label)", lambda t: F.cross_entropy(t["x"], t["label"]))
    case("cross_entropy smoothed", logits, "let value = cross_entropy(x, label, smoothing: 0.1)", lambda t: F.cross_entropy(t["x"], t["label"], label_smoothing=0.1))
    case("cross_entropy with an ignored label", logits, "let value = cross_entropy(x, label, ignore: 3)", lambda t: F.cross_entropy(t["x"], t["label"], ignore_index=3))
    case("cross_entropy smoothed, with an ignored label", {"x": ((6, 4), WIDE), "label": ((6,), np.array([0, 3, 1, 3, 2, 0], np.int32))},
         "let value = cross_entropy(x, label, smoothing: 0.2, ignore: 3)",
         lambda t: F.cross_entropy(t["x"], t["label"], label_smoothing=0.2, ignore_index=3))
    case("cross_entropy at every step of a sequence", {"x": ((2, 3, 5), WIDE), "label": ((2, 3), 5)}, "let value = cross_entropy(x, label)",
         lambda t: F.cross_entropy(t["x"].permute(0, 2, 1), t["label"]))
    case("cross_entropy of great numbers", {"x": ((3, 4), (-200, 200)), "label": ((3,), 4)}, "let value = cross_entropy(x, label)", lambda t: F.cross_entropy(t["x"], t["label"]))
    two = {"x": ((3, 5), WIDE), "z": ((3, 5), WIDE)}
    case("mse", two, "let value = mse(x, z)", lambda t: F.mse_loss(t["x"], t["z"]))
    case("mae", two, "let value = mae(x, z)", lambda t: F.l1_loss(t["x"], t["z"]))
    case("binary_cross_entropy_with_logits", {"x": ((3, 5), (-30, 30)), "z": ((3, 5), (0, 1))}, "let value = binary_cross_entropy_with_logits(x, z)",
         lambda t: F.binary_cross_entropy_with_logits(t["x"], t["z"]))
    case("accuracy", logits, "let value = accuracy(x, label) + 0 * sum(x)", lambda t: (t["x"].argmax(-1) == t["label"]).double().mean() + 0 * t["x"].sum())
    none = {"x": ((0, 7), WIDE)}
    case("relu of nothing", none, "let value = relu(x)", lambda t: F.relu(t["x"]))
    case("softmax of nothing", none, "let value = softmax(x)", lambda t: t["x"].softmax(-1))
    case("Linear on nothing", none, "let value = x |> l: Linear(3)", lambda t: F.linear(t["x"], t["l.weight"], t["l.bias"]),
         {"l.weight": ((3, 7), (-1, 1)), "l.bias": ((3,), (-1, 1))})
    case("LayerNorm on nothing", none, "let value = x |> n: LayerNorm()", lambda t: F.layer_norm(t["x"], (7,), t["n.weight"], t["n.bias"]),
         {"n.weight": ((7,), (0.5, 2)), "n.bias": ((7,), (-1, 1))})
    case("Embedding of nothing", {"x": ((0, 3), 7)}, "let value = x |> e: Embedding(7, 5)", lambda t: F.embedding(t["x"], t["e.weight"]), {"e.weight": ((7, 5), WIDE)})
    conv2d_case("Conv2d on nothing", (0, 2, 5, 5), 3, 3, "")
    case("max_pool2d of nothing", {"x": ((0, 2, 4, 4), WIDE)}, "let value = max_pool2d(x, 2)", lambda t: F.max_pool2d(t["x"], 2))
    write_safetensors("std.safetensors", CASE_TENSORS, {"cases": json.dumps(CASES)})


# ------------------------------------------------------------------------------------------- recurrences

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def recurrence(kind, t, x, paths, biases=2, bidirectional=False, h0=None, c0=None, nonlinearity="tanh"):
    """torch's own layer over weights of `t`; `paths`: one a direction and layer."""
    import torch._VF as VF
    hidden = t[f"{paths[0]}.weight_hh"].shape[1]
    zeros = torch.zeros(len(paths), x.shape[0], hidden, dtype=torch.float64)
    flat = []
    for path in paths:
        none = torch.zeros(GATES[kind] * hidden, dtype=torch.float64)
        flat += [t[f"{path}.weight_ih"], t[f"{path}.weight_hh"], t.get(f"{path}.bias_ih", none), t.get(f"{path}.bias_hh", none)]
    h0 = zeros if h0 is None else h0.unsqueeze(0)
    c0 = zeros if c0 is None else c0.unsqueeze(0)
    layers = len(paths) // (2 if bidirectional else 1)
    common = (flat, True, layers, 0.0, False, bidirectional, True)
    if kind == "LSTM":
        y, h, c = VF.lstm(x, (h0, c0), *common)
        return y, h, c
    return (VF.gru if kind == "GRU" else VF.rnn_relu if nonlinearity == "relu" else VF.rnn_tanh)(x, h0, *common)


def recurrent_weights(kind, path, inputs, hidden, biases=2):
    rows = GATES[kind] * hidden
    shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, hidden), "bias_ih": (rows,), "bias_hh": (rows,)}
    return {f"{path}.{name}": (shape, (-0.9, 0.9)) for name, shape in list(shapes.items())[:2 + biases]}


def recurrent_cases():
    CASES.clear()
    CASE_TENSORS.clear()
    for kind in GATES:
        results = ["all", "last", "cell"] if kind == "LSTM" else ["all", "last"]
        joined = lambda y, *last: torch.cat([y] + [part[-1].unsqueeze(1) for part in last], 1)
        value = "let value = concat([r.all, " + ", ".join(f"expand(r.{name}, 1)" for name in results[1:]) + "], axis: 1)"
        for batch, length, inputs, hidden in ((3, 5, 7, 5), (1, 1, 1, 1), (2, 7, 1, 3), (5, 2, 3, 1)):
            case(f"{kind} {batch}x{length}x{inputs} to {hidden}", {"x": ((batch, length, inputs), (-2, 2))},
                 f"layer l = {kind}({hidden})\nlet r = l(x)\n{value}",
                 lambda t, kind=kind: joined(*recurrence(kind, t, t["x"], ["l"])), recurrent_weights(kind, "l", inputs, hidden))
        x = {"x": ((3, 5, 2), (-2, 2))}
        case(f"{kind} in reverse", x, f"layer l = {kind}(3, reverse: true)\nlet r = l(x)\n{value}",
             lambda t, kind=kind: (lambda y, *last: joined(y.flip(1), *last))(*recurrence(kind, t, t["x"].flip(1), ["l"])), recurrent_weights(kind, "l", 2, 3))
        for biases in (0, 1):
            case(f"{kind} with {biases} biases", x, f"layer l = {kind}(3, biases: {biases})\nlet r = l(x)\n{value}",
                 lambda t, kind=kind: joined(*recurrence(kind, t, t["x"], ["l"])), recurrent_weights(kind, "l", 2, 3, biases))
        start = {"h0": ((3, 3), (-1, 1)), **({"c0": ((3, 3), (-2, 2))} if kind == "LSTM" else {})}
        case(f"{kind} from a state", {**x, **start}, f"layer l = {kind}(3)\nlet r = l(x, {', '.join(start)})\n{value}",
             lambda t, kind=kind: joined(*recurrence(kind, t, t["x"], ["l"], h0=t["h0"], c0=t.get("c0"))), recurrent_weights(kind, "l", 2, 3))
        case(f"{kind} in two layers, both directions", x, f"layer l = Recurrent({kind}, 3, layers: 2, bidirectional: true)\nlet r = l(x)\nlet value = concat([r.all, expand(r.last, 1)], axis: 1)",
             lambda t, kind=kind: (lambda y, h, *_: torch.cat([y, torch.cat([h[2], h[3]], -1).unsqueeze(1)], 1))(
                 *recurrence(kind, t, t["x"], [f"l.level[{i}].{d}" for i in (0, 1) for d in ("forwards", "backwards")], bidirectional=True)),
             {k: v for i in (0, 1) for d in ("forwards", "backwards") for k, v in recurrent_weights(kind, f"l.level[{i}].{d}", 2 if i == 0 else 6, 3).items()})
        case(f"{kind} in two layers", x, f"layer l = Recurrent({kind}, 3, layers: 2)\nlet r = l(x)\nlet value = concat([r.all, expand(r.last, 1)], axis: 1)",
             lambda t, kind=kind: (lambda y, h, *_: torch.cat([y, h[1].unsqueeze(1)], 1))(*recurrence(kind, t, t["x"], ["l.level[0]", "l.level[1]"])),
             {**recurrent_weights(kind, "l.level[0]", 2, 3), **recurrent_weights(kind, "l.level[1]", 3, 3)})
    case("Bidirectional", {"x": ((2, 3, 2), (-2, 2))}, "layer l = Bidirectional(GRU, 2)\nlet value = l(x).all",
         lambda t: recurrence("GRU", t, t["x"], ["l.forwards", "l.backwards"], bidirectional=True)[0],
         {**recurrent_weights("GRU", "l.forwards", 2, 2), **recurrent_weights("GRU", "l.backwards", 2, 2)})
    case("RNN of relu", {"x": ((2, 3, 2), (-2, 2))}, "layer l = RNN(3, activation: relu)\nlet value = l(x).all",
         lambda t: recurrence("RNN", t, t["x"], ["l"], nonlinearity="relu")[0], recurrent_weights("RNN", "l", 2, 3))
    write_safetensors("recurrent.safetensors", CASE_TENSORS, {"cases": json.dumps(CASES)})


# ------------------------------------------------------------------------------------------- one LSTM step, by hand

def lstm_step():
    """models/lessons/lstm-step.dlm in numpy alone, its way back written out gate by gate: no automatic differentiation."""
    rng = np.random.default_rng(5)
    n, d, h = 3, 5, 4
    shapes = {"x": (n, d), "h": (n, h), "c": (n, h), "dh": (n, h), "dc": (n, h), "wx": (d, 4 * h), "wh": (h, 4 * h), "b": (4 * h,)}
    given = {k: rng.uniform(-1.5, 1.5, shape).astype(np.float32) for k, shape in shapes.items()}
    t = {k: v.astype(np.float64) for k, v in given.items()}
    sigmoid = lambda v: 1 / (1 + np.exp(-v))
    z = t["x"] @ t["wx"] + t["h"] @ t["wh"] + t["b"]
    i, f, o = (sigmoid(z[:, k * h:(k + 1) * h]) for k in range(3))
    g = np.tanh(z[:, 3 * h:])
    next_c = f * t["c"] + i * g
    next_h = o * np.tanh(next_c)
    dc = t["dc"] + t["dh"] * o * (1 - np.tanh(next_c) ** 2)
    do = t["dh"] * np.tanh(next_c)
    dz = np.concatenate([dc * g * i * (1 - i), dc * t["c"] * f * (1 - f), do * o * (1 - o), dc * i * (1 - g ** 2)], 1)
    results = {
        "next_h": next_h, "next_c": next_c, "loss": np.float64((next_h * t["dh"]).sum() + (next_c * t["dc"]).sum()),
        "grad.x": dz @ t["wx"].T, "grad.h": dz @ t["wh"].T, "grad.c": dc * f,
        "grad.wx": t["x"].T @ dz, "grad.wh": t["h"].T @ dz, "grad.b": dz.sum(0),
    }
    write_safetensors("lstm-step.safetensors", {**given, **results}, {"file": "models/lessons/lstm-step.dlm"})


# ------------------------------------------------------------------------------------------- optimizers

OPTIMIZERS = {
    "sgd(lr: 0.1)": lambda p: torch.optim.SGD(p, 0.1),
    "sgd(lr: 0.1, weight_decay: 0.05)": lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.05),
    "sgd(lr: 0.1, momentum: 0.9)": lambda p: torch.optim.SGD(p, 0.1, 0.9),
    "sgd(lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01)": lambda p: torch.optim.SGD(p, 0.1, 0.9, weight_decay=0.01, nesterov=True),
    "adam(lr: 1e-2)": lambda p: torch.optim.Adam(p, 1e-2),
    "adam(lr: 1e-2, beta1: 0.8, beta2: 0.98, eps: 1e-4, weight_decay: 0.1)": lambda p: torch.optim.Adam(p, 1e-2, (0.8, 0.98), 1e-4, 0.1),
    "adamw(lr: 1e-2)": lambda p: torch.optim.AdamW(p, 1e-2),
    "adamw(lr: 1e-2, beta1: 0.8, beta2: 0.98, weight_decay: 0.3)": lambda p: torch.optim.AdamW(p, 1e-2, (0.8, 0.98), weight_decay=0.3),
}
STEPS = 5


def optimizers():
    rng = np.random.default_rng(3)
    start = rng.uniform(-1, 1, 11)
    grads = rng.normal(0, 1, (STEPS, 11))
    grads[:, 0] = 0
    tensors, order = {"start": start, "grads": grads}, []
    for i, (text, make) in enumerate(OPTIMIZERS.items()):
        p = torch.tensor(start.copy(), requires_grad=True)
        optimizer, path = make([p]), []
        for g in grads:
            p.grad = torch.tensor(g.copy())
            optimizer.step()
            path.append(p.detach().numpy().copy())
        tensors[f"path.{i}"] = np.stack(path)
        order.append(text)
    write_safetensors("optimizers.safetensors", tensors, {"optimizers": json.dumps(order)})


if __name__ == "__main__":
    for model in MODELS:
        make_model(model)
    std_cases()
    recurrent_cases()
    lstm_step()
    optimizers()
