"""PyTorch in eager mode, on the processor or on a CUDA device, as a peer: the protocol of `serve.ts` in Python.

    torch_peer.py WORKLOAD DEVICE FOLDER            takes turns with the other peers
    torch_peer.py export WORKLOAD FOLDER            writes the workload as ONNX, for ONNX Runtime
"""
import json
import math
import os
import resource
import sys
import time

# Idle OpenMP threads would spin and take the processor from the BLAS library's own.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

RATES = {"W1": (1e-3, 0), "W2": (1e-3, 0), "W3": (1e-3, 0), "W4": (1e-3, 0.01)}
MODEL_OF = {"W5-gpt": "W4", "W5-cnn": "W2"}


def read_tensors(path):
    """A safetensors file: eight bytes of length, a JSON header, the bytes."""
    data = open(path, "rb").read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    types = {"F32": np.float32, "I32": np.int32}
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + at for at in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def tensor(array):
    return torch.from_numpy(np.array(array))


def linear(weights, name, bias=True):
    weight = weights[name + ".w"] if name + ".w" in weights else weights[name]
    layer = nn.Linear(*weight.shape, bias=bias)
    layer.weight.data.copy_(tensor(weight.T))
    if bias:
        layer.bias.data.copy_(tensor(weights[name + ".b"]))
    return layer


def filters(weights, name):
    weight = weights[name + ".w"].transpose(3, 2, 0, 1)
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], padding=weight.shape[2] // 2)
    layer.weight.data.copy_(tensor(weight))
    layer.bias.data.copy_(tensor(weights[name + ".b"]))
    return layer


def embedding(weight):
    layer = nn.Embedding(*weight.shape)
    layer.weight.data.copy_(tensor(weight))
    return layer


def perceptron(weights):
    return nn.Sequential(
        linear(weights, "d1"), nn.ReLU(), linear(weights, "d2"), nn.ReLU(), linear(weights, "d3")
    )


def convnet(weights):
    # The first dense layer's rows are in the order height, width, channels; here channels come first.
    first = weights["d1.w"].reshape(4, 4, 20, 80).transpose(2, 0, 1, 3).reshape(320, 80)
    weights = {**weights, "d1.w": first}
    stages = [m for name in ("c1", "c2", "c3") for m in (filters(weights, name), nn.ReLU(), nn.MaxPool2d(2))]
    return nn.Sequential(
        *stages, nn.Flatten(), linear(weights, "d1"), nn.ReLU(), linear(weights, "d2"), nn.ReLU(), linear(weights, "d3")
    )


class CharLSTM(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.emb = embedding(weights["emb"])
        self.lstm = nn.LSTM(128, 256, batch_first=True)
        self.lstm.weight_ih_l0.data.copy_(tensor(weights["lstm.wx"].T))
        self.lstm.weight_hh_l0.data.copy_(tensor(weights["lstm.wh"].T))
        self.lstm.bias_ih_l0.data.copy_(tensor(weights["lstm.b"]))
        # The workload has one bias.
        self.lstm.bias_hh_l0.data.zero_()
        self.lstm.bias_hh_l0.requires_grad_(False)
        self.out = linear(weights, "out")

    def forward(self, x):
        return self.out(self.lstm(self.emb(x))[0])


class Block(nn.Module):
    def __init__(self, weights, prefix):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(128), nn.LayerNorm(128)
        for norm, name in ((self.ln1, "ln1"), (self.ln2, "ln2")):
            norm.weight.data.copy_(tensor(weights[f"{prefix}{name}.g"]))
            norm.bias.data.copy_(tensor(weights[f"{prefix}{name}.b"]))
        self.qkv, self.proj, self.fc, self.fc2 = (linear(weights, prefix + n) for n in ("qkv", "proj", "fc", "fc2"))

    def forward(self, x, future):
        rows, length, width = x.shape
        q, k, v = (
            t.view(rows, length, 4, 32).transpose(1, 2) for t in self.qkv(self.ln1(x)).split(width, dim=2)
        )
        scores = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(32))
        seen = F.softmax(scores.masked_fill(future, float("-inf")), dim=-1) @ v
        x = x + self.proj(seen.transpose(1, 2).reshape(rows, length, width))
        return x + self.fc2(F.gelu(self.fc(self.ln2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.tok, self.pos = embedding(weights["tok"]), embedding(weights["pos"])
        self.blocks = nn.ModuleList(Block(weights, f"l{layer}.") for layer in range(4))
        self.lnf, self.head = nn.LayerNorm(128), linear(weights, "head", bias=False)
        self.register_buffer("future", torch.triu(torch.ones(128, 128, dtype=torch.bool), 1))
        self.register_buffer("places", torch.arange(128))

    def forward(self, x):
        x = self.tok(x) + self.pos(self.places)
        for block in self.blocks:
            x = block(x, self.future)
        return self.head(self.lnf(x))


MODELS = {"W1": perceptron, "W2": convnet, "W3": CharLSTM, "W4": Gpt}


class Product(nn.Module):
    def forward(self, a, b):
        return a @ b


class Training:
    def __init__(self, workload, weights, inputs, device):
        self.model = MODELS[workload](weights).to(device)
        self.device, self.inputs = device, inputs
        rate, decay = RATES[workload]
        learned = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = (
            torch.optim.AdamW(learned, lr=rate, weight_decay=decay) if decay else torch.optim.Adam(learned, lr=rate)
        )

    def run(self):
        x, y = (self.inputs[name].clone().to(self.device) for name in ("x", "y"))
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.model(x)
        self.last = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))
        self.last.backward()
        self.optimizer.step()

    def loss(self):
        return self.last.item()


class Inference:
    def __init__(self, workload, weights, inputs, device):
        self.model = MODELS[MODEL_OF[workload]](weights).eval().to(device)
        self.device, self.inputs = device, inputs

    def run(self):
        with torch.inference_mode():
            self.last = self.model(self.inputs["x"].clone().to(self.device))

    def output(self):
        return self.last.cpu().numpy()


class Multiplication:
    def __init__(self, inputs, device):
        self.a, self.b = (inputs[name].to(device) for name in ("a", "b"))
        self.device = device

    def run(self):
        self.last = self.a @ self.b

    def output(self):
        return self.last.cpu().numpy()

    def settle(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def operands(workload, folder):
    arrays = read_tensors(f"{folder}/{workload}.inputs.safetensors")
    images = workload in ("W2", "W5-cnn")
    prepared = {}
    for name, array in arrays.items():
        if images and name == "x":
            array = np.ascontiguousarray(array.transpose(0, 3, 1, 2))
        prepared[name] = tensor(array).long() if array.dtype == np.int32 else tensor(array)
    return prepared


def weights_of(workload, folder):
    return {} if workload.startswith("W6") else read_tensors(f"{folder}/{workload}.weights.safetensors")


def subject(workload, folder, device):
    weights, inputs = weights_of(workload, folder), operands(workload, folder)
    if workload.startswith("W6"):
        return Multiplication(inputs, device)
    if workload.startswith("W5"):
        return Inference(workload, weights, inputs, device)
    return Training(workload, weights, inputs, device)


def block(work, kind, runs):
    each, reply = [], {}
    spent, start = time.process_time(), time.perf_counter()
    for _ in range(runs):
        began = time.perf_counter()
        work.run()
        if kind == "infer":
            work.output()
            each.append((time.perf_counter() - began) * 1e3)
    if kind == "train":
        reply["loss"] = work.loss()
    elif kind == "product":
        work.settle()
    if kind != "infer":
        each = [(time.perf_counter() - start) * 1e3 / runs]
    return {**reply, "each": each, "processor": (time.process_time() - spent) * 1e3, "dispatches": 0, "buffers": 0}


def peak_bytes():
    try:
        for line in open("/proc/self/status"):
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def serve(workload, device_name, folder):
    device = torch.device("cuda" if device_name == "gpu" and torch.cuda.is_available() else "cpu")
    adapter = torch.cuda.get_device_name() if device.type == "cuda" else f"processor, {torch.get_num_threads()} threads"
    kind = "product" if workload.startswith("W6") else "infer" if workload.startswith("W5") else "train"
    print(json.dumps({"version": torch.__version__}), flush=True)
    work = None
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "first":
            start = time.perf_counter()
            work = subject(workload, folder, device)
            work.run()
            reply = {"loss": work.loss()} if kind == "train" else {}
            if kind != "train":
                work.output().astype(np.float32).tofile(f"{folder}/{os.getpid()}.output")
            reply["ms"] = (time.perf_counter() - start) * 1e3
        elif order["do"] == "block":
            reply = block(work, kind, order["runs"])
        else:
            reply = {"peakBytes": peak_bytes(), "adapter": adapter, "faults": [], "facts": {}}
        print(json.dumps(reply), flush=True)
        if order["do"] == "end":
            return


def export(workload, folder):
    inputs, names = operands(workload, folder), ["a", "b"]
    model = Product()
    if workload.startswith("W5"):
        model, names = MODELS[MODEL_OF[workload]](weights_of(workload, folder)).eval(), ["x"]
    given = tuple(inputs[name] for name in names)
    torch.onnx.export(model, given, f"{folder}/{workload}.onnx", opset_version=17, input_names=names, output_names=["y"])


if sys.argv[1] == "export":
    export(sys.argv[2], sys.argv[3])
else:
    serve(*sys.argv[1:4])
