#!/usr/bin/env python3
"""Cases of attention, positions, masks and transformer blocks from PyTorch → test/fixtures/attention.safetensors.

    python3 scripts/fixtures_attention.py

Rows as in fixtures.py's `case(…)`. Layers are PyTorch's own (MultiheadAttention, TransformerEncoderLayer,
TransformerDecoderLayer, in float64), called with this project's parameters under their names there; what PyTorch has no
module for is written out from its equation.
"""
import json
import math

import torch
import torch.nn.functional as F
from torch.nn.utils.stateless import functional_call

from fixtures import CASES, CASE_TENSORS, WIDE, case, np, write_safetensors

WEIGHT, NORM = (-0.6, 0.6), (0.5, 1.5)


def linear(path, features, inputs, bias=True):
    return {f"{path}.weight": ((features, inputs), WEIGHT), **({f"{path}.bias": ((features,), WEIGHT)} if bias else {})}


def attention(path, dim, query, context, bias=True):
    return {**linear(f"{path}.wq", dim, query, bias), **linear(f"{path}.wk", dim, context, bias),
            **linear(f"{path}.wv", dim, context, bias), **linear(f"{path}.wo", dim, dim, bias)}


def norm(path, dim):
    return {f"{path}.weight": ((dim,), NORM), f"{path}.bias": ((dim,), WEIGHT)}


def packed(t, ours, theirs):
    """PyTorch keeps the three projections in one tensor."""
    return {f"{theirs}.in_proj_weight": torch.cat([t[f"{ours}.w{n}.weight"] for n in "qkv"]),
            f"{theirs}.in_proj_bias": torch.cat([t[f"{ours}.w{n}.bias"] for n in "qkv"]),
            f"{theirs}.out_proj.weight": t[f"{ours}.wo.weight"], f"{theirs}.out_proj.bias": t[f"{ours}.wo.bias"]}


def same(t, ours, theirs):
    return {f"{theirs}.weight": t[f"{ours}.weight"], f"{theirs}.bias": t[f"{ours}.bias"]}


def block_names(t, path, cross):
    names = {**packed(t, f"{path}.attention", "self_attn"), **same(t, f"{path}.feed_forward.inner", "linear1"),
             **same(t, f"{path}.feed_forward.outer", "linear2"), **same(t, f"{path}.norm1", "norm1"), **same(t, f"{path}.norm2", "norm2")}
    return {**names, **packed(t, f"{path}.cross", "multihead_attn"), **same(t, f"{path}.norm3", "norm3")} if cross else names


def block_parameters(path, dim, hidden, cross, memory=None):
    p = {**attention(f"{path}.attention", dim, dim, dim), **linear(f"{path}.feed_forward.inner", hidden, dim),
         **linear(f"{path}.feed_forward.outer", dim, hidden), **norm(f"{path}.norm1", dim), **norm(f"{path}.norm2", dim)}
    return {**p, **attention(f"{path}.cross", dim, dim, memory or dim), **norm(f"{path}.norm3", dim)} if cross else p


def hidden_future(t):
    return torch.triu(torch.ones(t, t, dtype=torch.bool), 1)


def mha(t, dim, heads, query, context, bias=True, attn_mask=None, padding=None):
    w = [t[f"a.w{n}.weight"] for n in "qkv"]
    b = torch.cat([t[f"a.w{n}.bias"] for n in "qkv"]) if bias else None
    y, weight = F.multi_head_attention_forward(
        query.transpose(0, 1), context.transpose(0, 1), context.transpose(0, 1), dim, heads, None, b, None, None, False, 0.0,
        t["a.wo.weight"], t.get("a.wo.bias"), training=False, key_padding_mask=padding, attn_mask=attn_mask,
        use_separate_proj_weight=True, q_proj_weight=w[0], k_proj_weight=w[1], v_proj_weight=w[2], average_attn_weights=False)
    return y.transpose(0, 1)


TOKENS = np.array([[4, 2, 0, 0, 0], [1, 3, 2, 5, 1], [2, 2, 2, 0, 0]], np.int32)


def attention_cases():
    for b, t, dim, heads in ((3, 5, 6, 2), (1, 1, 1, 1), (2, 7, 15, 3), (0, 3, 4, 2)):
        case(f"MultiHeadAttention {b}x{t}x{dim}, {heads} heads", {"x": ((b, t, dim), WIDE)}, f"layer a = MultiHeadAttention({dim}, {heads})\nlet value = a(x, x)",
             lambda v, dim=dim, heads=heads: mha(v, dim, heads, v["x"], v["x"]), attention("a", dim, dim, dim))
    two = {"x": ((3, 4, 6), WIDE), "m": ((3, 5, 7), WIDE)}
    case("MultiHeadAttention to another width", two, "layer a = MultiHeadAttention(6, 3)\nlet value = a(x, m)",
         lambda v: mha(v, 6, 3, v["x"], v["m"]), attention("a", 6, 6, 7))
    case("MultiHeadAttention without biases", two, "layer a = MultiHeadAttention(6, 2, bias: false)\nlet value = a(x, m)",
         lambda v: mha(v, 6, 2, v["x"], v["m"], False), attention("a", 6, 6, 7, False))
    case("MultiHeadAttention, causal", {"x": ((2, 5, 6), WIDE)}, "layer a = MultiHeadAttention(6, 2)\nlet value = a(x, x, causal_mask(5))",
         lambda v: mha(v, 6, 2, v["x"], v["x"], attn_mask=hidden_future(5)), attention("a", 6, 6, 6))
    case("MultiHeadAttention, causal and padded", {"x": ((3, 5, 6), WIDE), "token": ((3, 5), TOKENS)},
         "layer a = MultiHeadAttention(6, 2)\nlet value = a(x, x, causal_mask(5) and padding_mask(token))",
         lambda v: mha(v, 6, 2, v["x"], v["x"], attn_mask=hidden_future(5), padding=v["token"] == 0), attention("a", 6, 6, 6))
    case("MultiHeadAttention over lengths", {"x": ((3, 4, 6), WIDE), "m": ((3, 5, 6), WIDE), "n": ((3,), np.array([1, 5, 3], np.int32))},
         "layer a = MultiHeadAttention(6, 1)\nlet value = a(x, m, mask: length_mask(n, 5))",
         lambda v: mha(v, 6, 1, v["x"], v["m"], padding=torch.arange(5)[None] >= v["n"][:, None]), attention("a", 6, 6, 6))
    for causal in (False, True):
        def near(causal=causal):
            d = torch.arange(7)[:, None] - torch.arange(7)[None]
            return ((d.abs() <= 2) & ((d >= 0) | (not causal))).logical_not()
        case(f"MultiHeadAttention in a window{', causal' if causal else ''}", {"x": ((2, 7, 4), WIDE)},
             f"layer a = MultiHeadAttention(4, 2)\nlet value = a(x, x, window_mask(7, 2, causal: {str(causal).lower()}))",
             lambda v, near=near: mha(v, 4, 2, v["x"], v["x"], attn_mask=near()), attention("a", 4, 4, 4))
    case("MultiHeadAttention with dropout, outside training", {"x": ((2, 3, 4), WIDE)}, "layer a = MultiHeadAttention(4, 2, dropout: 0.5)\nlet value = a(x, x)",
         lambda v: mha(v, 4, 2, v["x"], v["x"]), attention("a", 4, 4, 4))
    case("attend", {"q": ((2, 3, 5, 4), WIDE), "k": ((2, 3, 7, 4), WIDE), "v": ((2, 3, 7, 3), WIDE)}, "let value = attend(q, k, v)",
         lambda v: (v["q"] @ v["k"].mT / 2).softmax(-1) @ v["v"])
    case("attend, causal, on plain sequences", {"q": ((5, 3), WIDE), "k": ((5, 3), WIDE), "v": ((5, 2), WIDE)}, "let value = attend(q, k, v, causal_mask(5))",
         lambda v: (v["q"] @ v["k"].mT / math.sqrt(3)).masked_fill(hidden_future(5), -math.inf).softmax(-1) @ v["v"])

    def additive(v, mask=None):
        score = torch.tanh(F.linear(v["x"], v["a.wq.weight"], v["a.wq.bias"])[:, :, None] + F.linear(v["m"], v["a.wk.weight"])[:, None]) @ v["a.v"]
        return (score if mask is None else score.masked_fill(mask, -math.inf)).softmax(-1) @ v["m"]
    p = {**linear("a.wq", 4, 6), **linear("a.wk", 4, 7, False), "a.v": ((4,), WEIGHT)}
    case("AdditiveAttention", two, "layer a = AdditiveAttention(4)\nlet value = a(x, m)", additive, p)
    case("AdditiveAttention, padded", {**two, "token": ((3, 5), TOKENS)}, "layer a = AdditiveAttention(4)\nlet value = a(x, m, padding_mask(token))",
         lambda v: additive(v, (v["token"] == 0)[:, None]), p)


def position_cases():
    def frequencies(dim, base):
        return torch.exp(-math.log(base) * torch.arange(0, dim, 2).double() / dim)

    def rotate(x, base=10000.0):
        angle = torch.arange(x.shape[-2]).double()[:, None] * frequencies(x.shape[-1], base)
        turned = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * torch.polar(torch.ones_like(angle), angle)
        return torch.view_as_real(turned).flatten(-2)
    def waves(length, dim, base=10000.0):
        j = torch.arange(dim)
        angle = torch.arange(length).double()[:, None] * torch.exp(-math.log(base) * 2 * (j // 2).double() / dim)
        return torch.where(j % 2 == 0, angle.sin(), angle.cos())
    case("sinusoidal_positions", {"x": ((11, 7), WIDE)}, "let value = x * sinusoidal_positions(11, 7)", lambda v: v["x"] * waves(11, 7))
    case("sinusoidal_positions far out", {"x": ((3000, 4), WIDE)}, "let value = x * sinusoidal_positions(3000, 4, base: 100)", lambda v: v["x"] * waves(3000, 4, 100.0))
    case("SinusoidalPositions", {"x": ((2, 5, 6), WIDE)}, "let value = x |> SinusoidalPositions()", lambda v: v["x"] + waves(5, 6))
    case("LearnedPositions", {"x": ((3, 5, 4), WIDE)}, "let value = x |> p: LearnedPositions(7, 4)", lambda v: v["x"] + v["p.weight"][:5], {"p.weight": ((7, 4), WIDE)})
    case("rotary", {"x": ((2, 3, 7, 6), WIDE)}, "let value = rotary(x)", lambda v: rotate(v["x"]))
    case("rotary with a base", {"x": ((5, 2), WIDE)}, "let value = rotary(x, base: 50)", lambda v: rotate(v["x"], 50.0))

    def turned(v):
        heads = lambda n: F.linear(v["x"], v[f"a.w{n}.weight"], v[f"a.w{n}.bias"]).unflatten(-1, (2, 4)).transpose(1, 2)
        q, k = rotate(heads("q")), rotate(heads("k"))
        y = (q @ k.mT / 2).softmax(-1) @ heads("v")
        return F.linear(y.transpose(1, 2).flatten(2), v["a.wo.weight"], v["a.wo.bias"])
    case("MultiHeadAttention with rotary positions", {"x": ((2, 5, 8), WIDE)}, "layer a = MultiHeadAttention(8, 2, turn: true)\nlet value = a(x, x)", turned, attention("a", 8, 8, 8))
    turns = {"x": ((9,), [-7.25, -0.5, -0.1, 0.0, 0.2, 0.5, 0.8, 1.75, 100.3])}
    case("sin_turns", turns, "let value = sin_turns(x)", lambda v: torch.sin(2 * math.pi * v["x"]))


def block_cases():
    names = {False: "post-norm", True: "pre-norm"}
    for pre in (False, True):
        flag = f", pre_norm: {str(pre).lower()}"
        for b, t, dim, heads, hidden in ((3, 5, 6, 2, 7), (1, 1, 3, 1, 2)):
            layer = torch.nn.TransformerEncoderLayer(dim, heads, hidden, 0.1, batch_first=True, norm_first=pre).double().train()
            layer.dropout.p = layer.dropout1.p = layer.dropout2.p = 0.0
            layer.self_attn.dropout = 0.0
            case(f"EncoderBlock {b}x{t}x{dim}, {names[pre]}", {"x": ((b, t, dim), WIDE)}, f"let value = x |> e: EncoderBlock({dim}, {heads}, {hidden}{flag})",
                 lambda v, layer=layer: functional_call(layer, block_names(v, "e", False), (v["x"],)), block_parameters("e", dim, hidden, False))
        layer = torch.nn.TransformerEncoderLayer(6, 3, 5, 0.0, activation=F.gelu, batch_first=True, norm_first=pre).double().train()
        token = ((3, 5), TOKENS)
        case(f"EncoderBlock with gelu, padded, {names[pre]}", {"x": ((3, 5, 6), WIDE), "token": token},
             f"layer e = EncoderBlock(6, 3, 5, activation: gelu{flag})\nlet value = e(x, padding_mask(token))",
             lambda v, layer=layer: functional_call(layer, block_names(v, "e", False), (v["x"],), {"src_key_padding_mask": v["token"] == 0}),
             block_parameters("e", 6, 5, False))
        decoder = torch.nn.TransformerDecoderLayer(6, 2, 7, 0.0, batch_first=True, norm_first=pre).double().train()
        ports = {"x": ((3, 4, 6), WIDE), "m": ((3, 5, 6), WIDE)}
        case(f"DecoderBlock, {names[pre]}", ports, f"layer d = DecoderBlock(6, 2, 7{flag})\nlet value = d(x, m)",
             lambda v, layer=decoder: functional_call(layer, block_names(v, "d", True), (v["x"], v["m"]), {"tgt_mask": hidden_future(4)}),
             block_parameters("d", 6, 7, True))
        case(f"DecoderBlock over a padded memory, {names[pre]}", {**ports, "token": token, "own": ((3, 4), TOKENS[:, :4])},
             f"layer d = DecoderBlock(6, 2, 7{flag})\nlet value = d(x, m, padding_mask(own), padding_mask(token))",
             lambda v, layer=decoder: functional_call(layer, block_names(v, "d", True), (v["x"], v["m"]), {
                 "tgt_mask": hidden_future(4), "tgt_key_padding_mask": v["own"] == 0, "memory_key_padding_mask": v["token"] == 0}),
             block_parameters("d", 6, 7, True))

    encoder = torch.nn.TransformerEncoderLayer(6, 2, 7, 0.0, batch_first=True).double().train()
    decoder = torch.nn.TransformerDecoderLayer(6, 2, 7, 0.0, batch_first=True).double().train()
    def stack(v, path, layer, cross, x, *rest, **options):
        for i in (0, 1):
            x = functional_call(layer, block_names(v, f"{path}.block[{i}]", cross), (x, *rest), options)
        return F.layer_norm(x, (6,), v[f"{path}.norm.weight"], v[f"{path}.norm.bias"])
    def stack_parameters(path, cross):
        return {**block_parameters(f"{path}.block[0]", 6, 7, cross), **block_parameters(f"{path}.block[1]", 6, 7, cross), **norm(f"{path}.norm", 6)}
    case("Encoder and Decoder", {"x": ((2, 3, 6), WIDE), "m": ((2, 5, 6), WIDE)},
         "layer e = Encoder(2, 6, 2, 7)\nlayer d = Decoder(2, 6, 2, 7)\nlet value = d(x, m |> e)",
         lambda v: stack(v, "d", decoder, True, v["x"], stack(v, "e", encoder, False, v["m"]), tgt_mask=hidden_future(3)),
         {**stack_parameters("e", False), **stack_parameters("d", True)})
    case("FeedForward", {"x": ((2, 3, 5), WIDE)}, "let value = x |> f: FeedForward(5, 9)",
         lambda v: F.linear(F.relu(F.linear(v["x"], v["f.inner.weight"], v["f.inner.bias"])), v["f.outer.weight"], v["f.outer.bias"]),
         {**linear("f.inner", 9, 5), **linear("f.outer", 5, 9)})
    for name, token in (("some", [[1, 0, 2], [0, 0, 3]]), ("none", [[0, 0, 0], [0, 0, 0]])):
        case(f"masked_mean over {name}", {"x": ((2, 3), WIDE), "token": ((2, 3), np.array(token, np.int32))}, "let value = masked_mean(x, token != 0)",
             lambda v: (v["x"] * (v["token"] != 0)).sum() / max(int((v["token"] != 0).sum()), 1))


if __name__ == "__main__":
    attention_cases()
    position_cases()
    block_cases()
    write_safetensors("attention.safetensors", CASE_TENSORS, {"cases": json.dumps(CASES)})
