/** The standard library, path by path. Written by scripts/embed-std.mjs from std/: edit there. */
export const stdSources: ReadonlyMap<string, string> = new Map([
  [
    'std/activations.dlm',
    `/// The rectifier: max(x, 0), elementwise. At 0 its slope is 0.
/// Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
fn relu(x: float[...]) -> float[...] {
  return maximum(x, 0)
}

/// The rectifier with a small slope for negative values.
/// Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
fn leaky_relu(x: float[...], slope: float = 0.01) -> float[...] {
  return where(x > 0, x, slope * x)
}

/// x for positive values, alpha (e^x - 1) for the others.
/// Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by ELUs", 2015.
fn elu(x: float[...], alpha: float = 1) -> float[...] {
  // The exponential sees no positive value, so the branch that is not taken cannot overflow.
  let low = where(x > 0, 0, x)
  return where(x > 0, x, alpha * (exp(low) - 1))
}

/// The logistic function 1 / (1 + e^-x). Every exponential is at most 1, so nothing overflows at either end, and the
/// gradient is exact everywhere, at 0 too.
fn sigmoid(x: float[...]) -> float[...] {
  let e = exp(where(x < 0, x, -x))
  return where(x < 0, e, 1) / (1 + e)
}

/// log(1 + e^x), a smooth rectifier, without overflow.
/// Source: Dugas et al., "Incorporating second-order functional knowledge for better option pricing", 2001.
fn softplus(x: float[...]) -> float[...] {
  return where(x < 0, 0, x) + log(1 + exp(where(x < 0, x, -x)))
}

/// log(sigmoid(x)), without overflow or the logarithm of 0.
fn log_sigmoid(x: float[...]) -> float[...] {
  return -softplus(-x)
}

/// x · sigmoid(x), also called swish.
/// Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function approximation", 2018.
fn silu(x: float[...]) -> float[...] {
  return x * sigmoid(x)
}

/// x · Φ(x), with Φ the distribution function of the standard normal distribution.
/// Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
fn gelu(x: float[...]) -> float[...] {
  return 0.5 * x * (1 + erf(x / sqrt(2)))
}

/// The approximation of gelu by tanh, as GPT-2 has it.
/// Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
fn gelu_tanh(x: float[...]) -> float[...] {
  return 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))
}

/// e^x / Σ e^x along an axis. The greatest value is subtracted first, which changes nothing but keeps e^x in range.
fn softmax(x: float[...], axis: int = -1) -> float[...] {
  let e = exp(x - stop_gradient(max(x, axis: axis, keep: true)))
  return e / sum(e, axis: axis, keep: true)
}

/// The logarithm of softmax along an axis, accurate where softmax itself would round to 0.
fn log_softmax(x: float[...], axis: int = -1) -> float[...] {
  let shifted = x - stop_gradient(max(x, axis: axis, keep: true))
  return shifted - log(sum(exp(shifted), axis: axis, keep: true))
}
`,
  ],
  [
    'std/attention.dlm',
    `/// softmax(q · kᵀ / sqrt(d)) · v: each query's mean of the values, weighted by how well the keys answer it. q is
/// [..., T, d], k is [..., S, d], v is [..., S, n], and the result [..., T, n]. Where the mask is false, nothing is seen.
/// Source: Vaswani et al., "Attention is all you need", 2017.
fn attend(q: float[..., T, d], k: float[..., S, d], v: float[..., S, n], mask: any = none) -> float[..., T, n] {
  let score = q @ transpose(k) / sqrt(d)
  return softmax(where(mask, score, -inf)) @ v
}

/// Attention in \`heads\` subspaces of dim / heads each: head_i = softmax(Q Wqᵢ (K Wkᵢ)ᵀ / sqrt(dim / heads)) V Wvᵢ, all heads
/// side by side through Wo. Queries come from \`query\`, keys and values from \`context\`. \`mask\` is [queries, keys] or
/// [batch, queries, keys], true where a query may look; 1 query stands for all. \`turn\` turns queries and keys by their
/// places, as in \`rotary\`. \`weight\` is what each query saw, [batch, heads, queries, keys].
/// Source: Vaswani et al., "Attention is all you need", 2017.
module MultiHeadAttention(dim: int, heads: int, dropout: float = 0, bias: bool = true, turn: bool = false) {
  require heads > 0 and dim % heads == 0, "dim must be a multiple of heads"
  let head = dim div heads

  layer wq = Linear(dim, bias: bias)
  layer wk = Linear(dim, bias: bias)
  layer wv = Linear(dim, bias: bias)
  layer wo = Linear(dim, bias: bias)

  forward(query: float[B, T, E], context: float[B, S, D], mask: bool[..., Q, S]? = none) -> float[B, T, dim] {
    let q = query |> wq |> rearrange("b t (h d) -> b h t d", h: heads)
    let k = context |> wk |> rearrange("b s (h d) -> b h s d", h: heads)
    let v = context |> wv |> rearrange("b s (h d) -> b h s d", h: heads)
    if turn {
      let q = rotary(q)
      let k = rotary(k)
    }

    let score = q @ transpose(k) / sqrt(head)
    let weight = softmax(where(over_heads(mask), score, -inf)) |> dropout(dropout)
    expose weight

    return weight @ v |> rearrange("b h t d -> b t (h d)") |> wo
  }
}

/// A mask [batch, queries, keys] gets an axis for the heads; others, and none, stay as they are.
fn over_heads(mask: any) {
  if mask == none {
    return none
  }
  return if rank(mask) == 3 then expand(mask, 1) else mask
}

/// Attention whose score is a small network: score(q, k) = v · tanh(Wq q + Wk k), weight = softmax(score), and the result
/// Σ weight · context. Queries [B, T, E] and a context [B, S, D] give [B, T, D]; \`weight\` is [B, T, S].
/// Source: Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and translate", 2015.
module AdditiveAttention(hidden: int) {
  layer wq = Linear(hidden)
  layer wk = Linear(hidden, bias: false)
  param v: float[hidden] = uniform(1 / sqrt(hidden))

  forward(query: float[B, T, E], context: float[B, S, D], mask: bool[..., Q, S]? = none) -> float[B, T, D] {
    let score = tanh(expand(wq(query), 2) + expand(wk(context), 1)) @ v
    let weight = softmax(where(mask, score, -inf))
    expose weight
    return weight @ context
  }
}
`,
  ],
  [
    'std/convolution.dlm',
    `/// Slides filters over the last two axes and sums the products (a cross-correlation, as the field's convolutions are).
/// x is [..., channels, H, W] and filters [features, channels / groups, kh, kw]; an image [H, W] and a filter [kh, kw]
/// without channels give [H', W'], with H' = (H + 2 · padding - dilation · (kh - 1) - 1) div stride + 1.
/// \`padding\` is a number, a list [rows, columns], \`same\` or \`valid\`; \`stride\` and \`dilation\` are numbers or lists.
/// Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
fn conv2d(x: float[..., H, W], filters: any, stride: any = 1, padding: any = 0, dilation: any = 1, groups: int = 1) {
  let filters = float(filters)
  let plain = rank(filters) == 2
  let image = if plain then reshape(x, shape(x)[:-2] + [1, H, W]) else x
  let weight = if plain then reshape(filters, [1, 1] + shape(filters)) else filters
  let y = convolve(image, weight, stride: stride, padding: padding, dilation: dilation, groups: groups)
  return if plain then squeeze(y, axis: -3) else y
}

/// Slides filters over the last axis: x is [..., channels, T], filters [features, channels / groups, k].
fn conv1d(x: float[..., channels, T], filters: any, stride: any = 1, padding: any = 0, dilation: any = 1, groups: int = 1) {
  return convolve(x, float(filters), stride: stride, padding: padding, dilation: dilation, groups: groups)
}

/// A convolution layer over images: [..., channels, H, W] becomes [..., features, H', W'] (see \`conv2d\` for H').
/// \`kernel\` is a number or [kh, kw]. \`weight\` is [features, channels / groups, kh, kw], as in PyTorch; it and the bias
/// start uniform within ±1 / sqrt(channels / groups · kh · kw).
/// Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998.
module Conv2d(features: int, kernel: any, stride: any = 1, padding: any = 0, dilation: any = 1, groups: int = 1, bias: bool = true) {
  let size = per_axis(kernel, 2)
  require len(size) == 2, "kernel is a number or a list of two"
  require groups > 0 and features % groups == 0, "features must be a multiple of groups"
  forward(x: float[..., channels, H, W]) {
    require channels % groups == 0, "the channels of the input must be a multiple of groups"
    let depth = channels div groups
    param weight: float[features, depth, size[0], size[1]] = uniform(1 / sqrt(depth * size[0] * size[1]))
    let y = conv2d(x, weight, stride: stride, padding: padding, dilation: dilation, groups: groups)
    if bias {
      param bias: float[features] = uniform(1 / sqrt(depth * size[0] * size[1]))
      let y = y + reshape(bias, [features, 1, 1])
    }
    return y
  }
}

/// A convolution layer over sequences: [..., channels, T] becomes [..., features, T'].
/// \`weight\` is [features, channels / groups, kernel], as in PyTorch.
module Conv1d(features: int, kernel: int, stride: int = 1, padding: any = 0, dilation: int = 1, groups: int = 1, bias: bool = true) {
  require groups > 0 and features % groups == 0, "features must be a multiple of groups"
  forward(x: float[..., channels, T]) {
    require channels % groups == 0, "the channels of the input must be a multiple of groups"
    let depth = channels div groups
    param weight: float[features, depth, kernel] = uniform(1 / sqrt(depth * kernel))
    let y = conv1d(x, weight, stride: stride, padding: padding, dilation: dilation, groups: groups)
    if bias {
      param bias: float[features] = uniform(1 / sqrt(depth * kernel))
      let y = y + reshape(bias, [features, 1])
    }
    return y
  }
}
`,
  ],
  [
    'std/dropout.dlm',
    `/// While training, sets each value to 0 with probability \`rate\` and scales the others by 1 / (1 - rate), so that the
/// expected value stays; otherwise x as it is. The mask is a function of the run's seed, the step and the place alone.
/// Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
fn dropout(x: float[...], rate: float = 0.5) -> float[...] {
  require rate >= 0 and rate < 1, "the rate of dropout is at least 0 and less than 1"
  if training and rate > 0 {
    let x = where(random_uniform(shape(x)) < rate, 0, x / (1 - rate))
  }
  return x
}
`,
  ],
  [
    'std/embedding.dlm',
    `/// A learned vector of \`dim\` numbers for each of \`count\` indices: int[...] becomes float[..., dim]. \`weight\` is
/// [count, dim] and starts normal with deviation 1, as in PyTorch.
module Embedding(count: int, dim: int) {
  require count > 0 and dim > 0, "an embedding needs at least one vector of at least one number"
  param weight: float[count, dim] = normal(0, 1)
  forward(index: int[...]) -> float[..., dim] {
    return gather(weight, index, axis: 0)
  }
}
`,
  ],
  [
    'std/linear.dlm',
    `/// A dense layer: x Wᵀ + b on the last axis. \`weight\` is [features, inputs], as in PyTorch; both start uniform within
/// ±1 / sqrt(inputs).
module Linear(features: int, bias: bool = true) {
  require features > 0, "a dense layer needs at least one feature"
  forward(x: float[..., inputs]) -> float[..., features] {
    param weight: float[features, inputs] = uniform(1 / sqrt(inputs))
    let y = x @ transpose(weight)
    if bias {
      param bias: float[features] = uniform(1 / sqrt(inputs))
      let y = y + bias
    }
    return y
  }
}
`,
  ],
  [
    'std/losses.dlm',
    `/// The mean of -log p(label), p being the softmax of the last axis: logits float[..., C], label int[...] gives a scalar.
/// \`smoothing\` gives each class an equal part of that much probability; places whose label is \`ignore\` do not count.
/// Source of the smoothing: Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016.
fn cross_entropy(logits: float[..., C], label: int[...], smoothing: float = 0, ignore: any = none) -> float[] {
  require smoothing >= 0 and smoothing <= 1, "smoothing lies between 0 and 1"
  let log_p = log_softmax(logits)
  // The label's place is chosen by comparison, which stays in the row that softmax has at hand.
  let loss = -sum(where(expand(label, -1) == arange(C), log_p, 0), axis: -1)
  if smoothing > 0 {
    let loss = (1 - smoothing) * loss - smoothing * mean(log_p, axis: -1)
  }
  if ignore == none {
    return mean(loss)
  }
  let counts = label != ignore
  return sum(where(counts, loss, 0)) / maximum(float(sum(counts)), 1)
}

/// The mean squared difference.
fn mse(prediction: float[...], target: float[...]) -> float[] {
  let difference = prediction - target
  return mean(difference * difference)
}

/// The mean absolute difference.
fn mae(prediction: float[...], target: float[...]) -> float[] {
  return mean(abs(prediction - target))
}

/// The mean of -(y log p + (1 - y) log(1 - p)), with p = sigmoid(logits) and y in [0, 1], without overflow.
fn binary_cross_entropy_with_logits(logits: float[...], target: float[...]) -> float[] {
  return mean(softplus(logits) - logits * target)
}
`,
  ],
  [
    'std/masks.dlm',
    `// A mask is true where attention may look, and has the axes [queries, keys] or [batch, queries, keys].

/// Each query sees itself and what is before it: true where key <= query.
fn causal_mask(queries: int, keys: int = none) -> bool[...] {
  let width = if keys == none then queries else keys
  return expand(arange(width), 0) <= expand(arange(queries), 1)
}

/// Each query sees the keys at most \`reach\` places away, on both sides or, if \`causal\`, only before it: attention whose
/// cost grows with the length and not with its square.
/// Source: restricted self-attention in Vaswani et al., "Attention is all you need", 2017.
fn window_mask(queries: int, reach: int, causal: bool = false) -> bool[...] {
  let distance = expand(arange(queries), 1) - expand(arange(queries), 0)
  let near = distance <= reach and distance >= -reach
  return if causal then near and distance >= 0 else near
}

/// No query sees a place that only fills up a batch: tokens int[B, S] give bool[B, 1, S], true where the token is not \`pad\`.
fn padding_mask(tokens: int[B, S], pad: int = 0) -> bool[B, 1, S] {
  return expand(tokens != pad, 1)
}

/// No query sees a place at or after its sequence's length: int[B] gives bool[B, 1, S].
fn length_mask(length: int[B], S: int) -> bool[B, 1, S] {
  return reshape(arange(S), [1, 1, S]) < reshape(length, [B, 1, 1])
}

/// The mean over the places where the mask is true, 0 where there is none: a loss or a metric of sequences of several lengths.
fn masked_mean(x: float[...], mask: bool[...]) -> float[] {
  return sum(where(mask, x, 0)) / maximum(float(sum(mask)), 1)
}
`,
  ],
  [
    'std/metrics.dlm',
    `/// The part of the places whose greatest logit is the label's: logits float[..., C], label int[...].
fn accuracy(logits: float[..., C], label: int[...]) -> float[] {
  return mean(argmax(logits, axis: -1) == label)
}
`,
  ],
  [
    'std/normalization.dlm',
    `/// Brings the last \`dims\` axes of each example to mean 0 and variance 1, then scales and shifts them.
/// \`weight\` and \`bias\` have the shape of those axes.
/// Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
module LayerNorm(eps: float = 1e-5, dims: int = 1, affine: bool = true) {
  require dims >= 1 and dims <= 3, "a layer norm covers one to three axes"
  forward(x: float[...]) -> float[...] {
    let sizes = shape(x)[-dims:]
    let axes = [-3, -2, -1][-dims:]
    let centred = x - mean(x, axis: axes, keep: true)
    let variance = mean(centred * centred, axis: axes, keep: true)
    let y = centred * rsqrt(variance + eps)
    if affine {
      if dims == 1 {
        param weight: float[sizes[0]] = ones
        param bias: float[sizes[0]] = zeros
      }
      if dims == 2 {
        param weight: float[sizes[0], sizes[1]] = ones
        param bias: float[sizes[0], sizes[1]] = zeros
      }
      if dims == 3 {
        param weight: float[sizes[0], sizes[1], sizes[2]] = ones
        param bias: float[sizes[0], sizes[1], sizes[2]] = zeros
      }
      let y = y * weight + bias
    }
    return y
  }
}

/// Brings each channel (axis 1) to mean 0 and variance 1 over the batch and all further axes, then scales and shifts it.
/// While training the batch's own statistics count, and the running ones follow them by \`momentum\` (the running variance
/// is the unbiased one, as in PyTorch); otherwise the running ones count.
/// Source: Ioffe and Szegedy, "Batch normalization", 2015.
module BatchNorm(momentum: float = 0.1, eps: float = 1e-5, affine: bool = true) {
  forward(x: float[B, C, ...]) -> float[B, C, ...] {
    state running_mean: float[C] = zeros
    state running_var: float[C] = ones
    let ones_after = [1] * (rank(x) - 2)
    let axes = [0] + list(2..rank(x))

    if training {
      let mean_now = mean(x, axis: axes, keep: true)
      let centred = x - mean_now
      let variance_now = mean(centred * centred, axis: axes, keep: true)
      let y = centred * rsqrt(variance_now + eps)

      let count = B * product(shape(x)[2:])
      let unbiased = reshape(variance_now, [C]) * (count / maximum(count - 1, 1))
      next running_mean = (1 - momentum) * running_mean + momentum * reshape(mean_now, [C])
      next running_var = (1 - momentum) * running_var + momentum * unbiased
    } else {
      let scale = rsqrt(running_var + eps)
      let y = (x - reshape(running_mean, [C] + ones_after)) * reshape(scale, [C] + ones_after)
    }

    if affine {
      param weight: float[C] = ones
      param bias: float[C] = zeros
      let y = y * reshape(weight, [C] + ones_after) + reshape(bias, [C] + ones_after)
    }
    return y
  }
}
`,
  ],
  [
    'std/optimizers.dlm',
    `// An optimizer is a module over a flat run of parameters: \`rate\` is the learning rate of this step, \`step\` counts from 1,
// and its states are the moments. Formulas are those of PyTorch's optimizers of the same names.

/// Gradient descent. With momentum μ, v ← μ v + g and the step is v, or g + μ v as Nesterov has it. \`weight_decay\` adds
/// weight_decay · parameter to the gradient.
/// Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
module sgd(momentum: float = 0, nesterov: bool = false, weight_decay: float = 0) {
  require momentum >= 0 and momentum < 1, "momentum is at least 0 and less than 1"
  require momentum > 0 or not nesterov, "nesterov needs momentum"
  require weight_decay >= 0, "weight_decay is not negative"
  forward(param: float[N], grad: float[N], rate: float[], step: float[]) -> float[N] {
    let g = if weight_decay > 0 then grad + weight_decay * param else grad
    if momentum > 0 {
      state velocity: float[N] = zeros
      let v = momentum * velocity + g
      next velocity = v
      let g = if nesterov then g + momentum * v else v
    }
    return param - rate * g
  }
}

/// Adaptive moments: m and v follow the gradient and its square; the step is m / sqrt(v), each corrected for having
/// started at 0. \`weight_decay\` adds weight_decay · parameter to the gradient.
/// Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
module adam(beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0) {
  require beta1 >= 0 and beta1 < 1 and beta2 >= 0 and beta2 < 1, "beta1 and beta2 are at least 0 and less than 1"
  require eps > 0, "eps is positive"
  require weight_decay >= 0, "weight_decay is not negative"
  forward(param: float[N], grad: float[N], rate: float[], step: float[]) -> float[N] {
    state m: float[N] = zeros
    state v: float[N] = zeros
    let g = if weight_decay > 0 then grad + weight_decay * param else grad
    let m1 = beta1 * m + (1 - beta1) * g
    let v1 = beta2 * v + (1 - beta2) * g * g
    next m = m1
    next v = v1
    let correction1 = one_minus_power(beta1, step)
    let correction2 = one_minus_power(beta2, step)
    return param - (rate / correction1) * m1 / (sqrt(v1) / sqrt(correction2) + eps)
  }
}

/// Adam whose weight decay shrinks the parameters themselves and does not pass through the moments.
/// Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
module adamw(beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.01) {
  require weight_decay >= 0, "weight_decay is not negative"
  layer moments = adam(beta1, beta2, eps)
  forward(param: float[N], grad: float[N], rate: float[], step: float[]) -> float[N] {
    return moments(param * (1 - rate * weight_decay), grad, rate, step)
  }
}

/// 1 - base^exponent for 0 <= base < 1, without the cancellation that costs Adam's first steps half their digits in
/// float32: where the power is near 1 it is -(e^t - 1) by its series, t = exponent · log(base).
fn one_minus_power(base: float, exponent: float[]) -> float[] {
  if base == 0 {
    return exponent / exponent
  }
  let t = exponent * log(base)
  let near = maximum(t, -0.5)
  let series = near * (1 + near / 2 * (1 + near / 3 * (1 + near / 4 * (1 + near / 5 * (1 + near / 6 * (1 + near / 7 * (1 + near / 8)))))))
  return where(t > -0.5, -series, 1 - exp(t))
}
`,
  ],
  [
    'std/pooling.dlm',
    `/// The windows of the last two axes: [..., H, W] becomes [..., H', kh, W', kw], with
/// H' = (H + 2 · padding - kh) div stride + 1. \`stride\` is the kernel's size unless it is given.
fn windows2d(x: float[..., H, W], kernel: any, stride: any = none, padding: any = 0, fill: float = 0) {
  let size = per_axis(kernel, 2)
  let step = if stride == none then size else per_axis(stride, 2)
  let border = per_axis(padding, 2)
  let rows = window(x, axis: -2, size: size[0], stride: step[0], low: border[0], high: border[0], fill: fill)
  return window(rows, axis: -1, size: size[1], stride: step[1], low: border[1], high: border[1], fill: fill)
}

/// The least float32, below every value that a maximum may meet.
const lowest = -3.4028234663852886e38

/// The greatest value of each window of the last two axes: [..., H, W] becomes [..., H', W']. Padding never wins; the
/// gradient goes to the first greatest value. \`kernel\`, \`stride\` and \`padding\` are numbers or lists [rows, columns].
fn max_pool2d(x: float[..., H, W], kernel: any, stride: any = none, padding: any = 0) {
  return max(windows2d(x, kernel, stride, padding, lowest), axis: [-3, -1])
}

/// The mean of each window of the last two axes; padded zeros count as values, as in PyTorch.
fn avg_pool2d(x: float[..., H, W], kernel: any, stride: any = none, padding: any = 0) {
  return mean(windows2d(x, kernel, stride, padding), axis: [-3, -1])
}

/// The greatest value of each window of the last axis: [..., T] becomes [..., T'].
fn max_pool1d(x: float[..., T], kernel: int, stride: any = none, padding: int = 0) {
  let step = if stride == none then kernel else stride
  return max(window(x, axis: -1, size: kernel, stride: step, low: padding, high: padding, fill: lowest), axis: -1)
}

/// The mean of each window of the last axis.
fn avg_pool1d(x: float[..., T], kernel: int, stride: any = none, padding: int = 0) {
  let step = if stride == none then kernel else stride
  return mean(window(x, axis: -1, size: kernel, stride: step, low: padding, high: padding), axis: -1)
}

/// The mean of each channel's image: [..., H, W] becomes [...].
fn global_avg_pool2d(x: float[..., H, W]) -> float[...] {
  return mean(x, axis: [-2, -1])
}

/// The greatest value of each channel's image: [..., H, W] becomes [...].
fn global_max_pool2d(x: float[..., H, W]) -> float[...] {
  return max(x, axis: [-2, -1])
}
`,
  ],
  [
    'std/positions.dlm',
    `/// sin(2π · turns), to the last digits of a float32 at any size of angle: whole turns fall away exactly, where the sine of
/// a graphics processor may be off by more than 1e-4 after a few turns. The series of the sine does the rest.
fn sin_turns(turns: float[...]) -> float[...] {
  let u = turns - round(turns)
  let near = where(u > 0.25, 0.5 - u, where(u < -0.25, -0.5 - u, u))
  let a = 2 * pi * near
  let s = a * a
  let series = 1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110 * (1 - s / 156 * (1 - s / 210))))))
  return a * series
}

/// Frequencies, each cut in two short parts, whose products with a position are exact in float32, and a small rest. A
/// position times a frequency as it is would lose a digit for each digit of the position.
fn frequency_parts(frequency: list) {
  let coarse = map(frequency, (f) => floor(f * 256) / 256.0)
  let left = map(frequency, (f, c) => f - c, coarse)
  let fine = map(left, (f) => floor(f * 65536) / 65536.0)
  return (coarse: coarse, fine: fine, rest: map(left, (f, c) => f - c, fine))
}

/// position · frequency[j] + phase[j] in turns, up to whole turns: [T] and the parts of a list of frequencies
/// (\`frequency_parts\`) give [T, number of frequencies].
fn position_turns(position: int[T], parts: any, phase: list) {
  let t = float(expand(position, 1))
  let a = t * parts.coarse
  let b = t * parts.fine
  return (a - floor(a)) + (b - floor(b)) + (t * parts.rest + phase)
}

/// The parts of the frequencies of \`sinusoidal_positions\`, and their phases: numbers, whatever the positions. A sine and
/// a cosine share a frequency; of an odd size the last cosine falls away.
fn sinusoidal_waves(dim: int, base: float = 10000) {
  let rate = -log(base) * 2
  let turn = 2 * pi
  let parts = frequency_parts(map(0..dim, (j) => exp(rate * (j div 2) / dim) / turn))
  return (coarse: parts.coarse, fine: parts.fine, rest: parts.rest, phase: map(0..dim, (j) => 0.25 * (j % 2)))
}

/// Positions 0, 1, … as waves of lengths from 2π to \`base\` · 2π: PE[t, 2i] = sin(t / base^(2i / dim)) and
/// PE[t, 2i+1] = cos(t / base^(2i / dim)), as float[length, dim]. Nothing is stored, and the length may be any.
/// Source: Vaswani et al., "Attention is all you need", 2017.
fn sinusoidal_positions(length: int, dim: int, base: float = 10000) {
  let waves = sinusoidal_waves(dim, base)
  return sin_turns(position_turns(arange(length), waves, waves.phase))
}

/// Turns each pair (x[2i], x[2i+1]) of the last axis by the angle t / base^(2i / D), t being the place along the axis
/// before it: [..., T, D] stays so. A query and a key turned like this meet in a score that depends on their distance alone.
/// Source: Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021.
fn rotary(x: float[..., T, D], base: float = 10000) -> float[..., T, D] {
  require D % 2 == 0, "rotary positions turn pairs: the last axis must be even"
  let rate = -log(base) * 2
  let turn = 2 * pi
  let frequency = map(0..D div 2, (i) => exp(rate * i / D) / turn)
  let turns = position_turns(arange(T), frequency_parts(frequency), [0.0] * (D div 2))
  let sine = sin_turns(turns)
  let cosine = sin_turns(turns + 0.25)
  let pairs = reshape(x, shape(x)[:-1] + [D div 2, 2])
  let (a, b) = split(pairs, 2, axis: -1)
  let a = squeeze(a, axis: -1)
  let b = squeeze(b, axis: -1)
  return reshape(stack([a * cosine - b * sine, a * sine + b * cosine], axis: -1), shape(x))
}

/// Adds the waves of \`sinusoidal_positions\` to a sequence of vectors.
module SinusoidalPositions(base: float = 10000) {
  forward(x: float[B, T, dim]) -> float[B, T, dim] {
    return x + sinusoidal_positions(T, dim, base)
  }
}

/// Adds a learned vector for each place, up to \`length\` places. \`weight\` is [length, dim].
/// Source: Gehring et al., "Convolutional sequence to sequence learning", 2017.
module LearnedPositions(length: int, dim: int) {
  param weight: float[length, dim] = normal(0, 0.02)
  forward(x: float[B, T, dim]) -> float[B, T, dim] {
    require T <= length, "a sequence is longer than its table of learned positions"
    return x + gather(weight, arange(T), axis: 0)
  }
}
`,
  ],
  [
    'std/recurrent.dlm',
    `/// A plain recurrent layer: h_t = tanh(W x_t + b + U h_(t-1) + d), over x [B, T, D].
/// Gives the state at every step (\`all\`) and after the last step (\`last\`); \`reverse\` runs from the end of the sequence to its
/// beginning, and where \`mask\` is false (padding) the state stays as it is. \`biases: 2\` is PyTorch's form with b and d, 1 has b alone, 0 none. Weights start uniform within ±1 / sqrt(hidden).
/// Source: Elman, "Finding structure in time", Cognitive Science 14, 1990.
module RNN(hidden: int, reverse: bool = false, activation: function = tanh, biases: int = 2) {
  require hidden > 0, "a recurrent layer needs at least one unit"
  require biases >= 0 and biases <= 2, "a recurrent layer has 0, 1 or 2 biases"
  let bound = 1 / sqrt(hidden)

  forward(x: float[B, T, D], initial: float[B, hidden]? = none, mask: bool[B, T]? = none) -> (all: float[B, T, hidden], last: float[B, hidden]) {
    param weight_ih: float[hidden, D] = uniform(bound)
    param weight_hh: float[hidden, hidden] = uniform(bound)
    let bias = 0
    if biases > 0 {
      param bias_ih: float[hidden] = uniform(bound)
      let bias = bias_ih
    }
    if biases > 1 {
      param bias_hh: float[hidden] = uniform(bound)
      let bias = bias + bias_hh
    }
    let h_0 = if initial == none then zeros else initial
    let live = if mask == none then none else expand(mask, -1)

    scan x_t in x, live_t in live along T reverse: reverse
      carry h: float[B, hidden] = h_0
    {
      next h = where(live_t, activation(x_t @ transpose(weight_ih) + h @ transpose(weight_hh) + bias), h)
      yield all = h
    }
    return (all, last: h)
  }
}

/// Long short-term memory over x [B, T, D]. With gates i, f, o = sigmoid(…) and g = tanh(…), each of x_t and h_(t-1),
///     c_t = f c_(t-1) + i g        h_t = o tanh(c_t).
/// Gives the state at every step (\`all\`), and after the last step the state (\`last\`) and the cell (\`cell\`); where
/// \`mask\` is false (padding) both stay as they are. The rows of
/// the weights hold the gates in PyTorch's order i, f, g, o; \`biases: 2\` is PyTorch's form, 1 has one bias, 0 none.
/// Source: Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; the forget gate is that of
/// Gers, Schmidhuber and Cummins, "Learning to forget", 2000.
module LSTM(hidden: int, reverse: bool = false, biases: int = 2) {
  require hidden > 0, "a recurrent layer needs at least one unit"
  require biases >= 0 and biases <= 2, "a recurrent layer has 0, 1 or 2 biases"
  let bound = 1 / sqrt(hidden)

  forward(x: float[B, T, D], initial: float[B, hidden]? = none, initial_cell: float[B, hidden]? = none, mask: bool[B, T]? = none) -> (all: float[B, T, hidden], last: float[B, hidden], cell: float[B, hidden]) {
    param weight_ih: float[4 * hidden, D] = uniform(bound)
    param weight_hh: float[4 * hidden, hidden] = uniform(bound)
    let bias = 0
    if biases > 0 {
      param bias_ih: float[4 * hidden] = uniform(bound)
      let bias = bias_ih
    }
    if biases > 1 {
      param bias_hh: float[4 * hidden] = uniform(bound)
      let bias = bias + bias_hh
    }
    let h_0 = if initial == none then zeros else initial
    let c_0 = if initial_cell == none then zeros else initial_cell
    let live = if mask == none then none else expand(mask, -1)

    scan x_t in x, live_t in live along T reverse: reverse
      carry h: float[B, hidden] = h_0, c: float[B, hidden] = c_0
    {
      let (i, f, g, o) = split(x_t @ transpose(weight_ih) + h @ transpose(weight_hh) + bias, 4, axis: -1)
      next c = where(live_t, sigmoid(f) * c + sigmoid(i) * tanh(g), c)
      next h = where(live_t, sigmoid(o) * tanh(c), h)
      yield all = h
    }
    return (all, last: h, cell: c)
  }
}

/// Gated recurrent unit over x [B, T, D]. With reset r and update z = sigmoid(…), each of x_t and h_(t-1),
///     n = tanh(W x_t + b + r (U h_(t-1) + d))        h_t = (1 - z) n + z h_(t-1).
/// Gives the state at every step (\`all\`) and after the last step (\`last\`); where \`mask\` is false (padding) it stays
/// as it is. The rows of the weights hold the gates in PyTorch's order r, z, n; \`biases: 2\` is PyTorch's form, 1 has no d, 0 none.
/// Source: Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014; the reset gate stands after the
/// product, as in cuDNN and PyTorch.
module GRU(hidden: int, reverse: bool = false, biases: int = 2) {
  require hidden > 0, "a recurrent layer needs at least one unit"
  require biases >= 0 and biases <= 2, "a recurrent layer has 0, 1 or 2 biases"
  let bound = 1 / sqrt(hidden)

  forward(x: float[B, T, D], initial: float[B, hidden]? = none, mask: bool[B, T]? = none) -> (all: float[B, T, hidden], last: float[B, hidden]) {
    param weight_ih: float[3 * hidden, D] = uniform(bound)
    param weight_hh: float[3 * hidden, hidden] = uniform(bound)
    let bias_x = 0
    let bias_h = 0
    if biases > 0 {
      param bias_ih: float[3 * hidden] = uniform(bound)
      let bias_x = bias_ih
    }
    if biases > 1 {
      param bias_hh: float[3 * hidden] = uniform(bound)
      let bias_h = bias_hh
    }
    let h_0 = if initial == none then zeros else initial
    let live = if mask == none then none else expand(mask, -1)

    scan x_t in x, live_t in live along T reverse: reverse
      carry h: float[B, hidden] = h_0
    {
      let (r_x, z_x, n_x) = split(x_t @ transpose(weight_ih) + bias_x, 3, axis: -1)
      let (r_h, z_h, n_h) = split(h @ transpose(weight_hh) + bias_h, 3, axis: -1)
      let z = sigmoid(z_x + z_h)
      let n = tanh(n_x + sigmoid(r_x + r_h) * n_h)
      next h = where(live_t, (1 - z) * n + z * h, h)
      yield all = h
    }
    return (all, last: h)
  }
}

/// Reads a sequence in both directions: \`Bidirectional(LSTM, 128)\`. At every step, and at the end, the states of the two
/// directions stand side by side, first the one that runs forwards.
/// Source: Schuster and Paliwal, "Bidirectional recurrent neural networks", 1997.
module Bidirectional(of: module, hidden: int) {
  layer forwards = of(hidden)
  layer backwards = of(hidden, reverse: true)
  forward(x: float[B, T, D], mask: bool[B, T]? = none) -> (all: float[B, T, 2 * hidden], last: float[B, 2 * hidden]) {
    let a = forwards(x, mask: mask)
    let b = backwards(x, mask: mask)
    return (all: concat([a.all, b.all]), last: concat([a.last, b.last]))
  }
}

/// Recurrent layers on one another, each reading the states of the one below: \`Recurrent(LSTM, 256, layers: 2)\`; with
/// dropout between layers, as in PyTorch. \`last\` is the state of the uppermost layer after its last step.
module Recurrent(of: module, hidden: int, layers: int = 1, bidirectional: bool = false, dropout: float = 0) {
  require layers > 0, "a stack of recurrent layers has at least one"
  forward(x: float[B, T, D], mask: bool[B, T]? = none) {
    let y = (all: x, last: none)
    for i in 0..layers {
      let below = if i > 0 then dropout(y.all, dropout) else y.all
      layer level = if bidirectional then Bidirectional(of, hidden) else of(hidden)
      let y = level(below, mask: mask)
    }
    return (all: y.all, last: y.last)
  }
}
`,
  ],
  [
    'std/shape.dlm',
    `/// Lays all axes but the first, the batch, into one: [B, C, H, W] becomes [B, C·H·W].
fn flatten(x: tensor[B, ...]) {
  return reshape(x, [B, product(shape(x)[1:])])
}

/// One value for each of \`count\` axes: a list as it is, a single value repeated.
fn per_axis(value: any, count: int) {
  return if is_list(value) then value else [value] * count
}
`,
  ],
  [
    'std/transformer.dlm',
    `/// The same small network at each place: W₂ f(W₁ x + b₁) + b₂, f being \`activation\`.
/// Source: Vaswani et al., "Attention is all you need", 2017.
module FeedForward(dim: int, hidden: int, dropout: float = 0, activation: function = relu) {
  layer inner = Linear(hidden)
  layer outer = Linear(dim)
  forward(x: float[..., dim]) -> float[..., dim] {
    return x |> inner |> activation |> dropout(dropout) |> outer
  }
}

/// Self-attention, then a feed-forward network, each added to what it was given. Normalized after the addition, as in the
/// paper, x ← norm(x + f(x)), or before (\`pre_norm\`), x ← x + f(norm(x)), which trains deep stacks without a warm-up.
/// Sources: Vaswani et al., "Attention is all you need", 2017; Xiong et al., "On layer normalization in the transformer
/// architecture", 2020.
module EncoderBlock(dim: int, heads: int, hidden: int, dropout: float = 0.1, pre_norm: bool = false, activation: function = relu, turn: bool = false) {
  layer attention = MultiHeadAttention(dim, heads, dropout: dropout, turn: turn)
  layer feed_forward = FeedForward(dim, hidden, dropout, activation)
  layer norm1 = LayerNorm()
  layer norm2 = LayerNorm()

  forward(x: float[B, T, dim], mask: bool[..., Q, T]? = none) -> float[B, T, dim] {
    if pre_norm {
      let y = norm1(x)
      let x = x + dropout(attention(y, y, mask), dropout)
      return x + dropout(feed_forward(norm2(x)), dropout)
    }
    let x = norm1(x + dropout(attention(x, x, mask), dropout))
    return norm2(x + dropout(feed_forward(x), dropout))
  }
}

/// Self-attention that sees only what is before, attention to a memory (an encoder's result), and a feed-forward network,
/// each added to what it was given and normalized as in \`EncoderBlock\`. \`mask\` hides further places of x, such as padding,
/// and \`memory_mask\` places of the memory.
/// Source: Vaswani et al., "Attention is all you need", 2017.
module DecoderBlock(dim: int, heads: int, hidden: int, dropout: float = 0.1, pre_norm: bool = false, activation: function = relu) {
  layer attention = MultiHeadAttention(dim, heads, dropout: dropout)
  layer cross = MultiHeadAttention(dim, heads, dropout: dropout)
  layer feed_forward = FeedForward(dim, hidden, dropout, activation)
  layer norm1 = LayerNorm()
  layer norm2 = LayerNorm()
  layer norm3 = LayerNorm()

  forward(x: float[B, T, dim], memory: float[B, S, D], mask: bool[..., Q, T]? = none, memory_mask: bool[..., R, S]? = none) -> float[B, T, dim] {
    let past = if mask == none then causal_mask(T) else causal_mask(T) and mask
    if pre_norm {
      let y = norm1(x)
      let x = x + dropout(attention(y, y, past), dropout)
      let x = x + dropout(cross(norm2(x), memory, memory_mask), dropout)
      return x + dropout(feed_forward(norm3(x)), dropout)
    }
    let x = norm1(x + dropout(attention(x, x, past), dropout))
    let x = norm2(x + dropout(cross(x, memory, memory_mask), dropout))
    return norm3(x + dropout(feed_forward(x), dropout))
  }
}

/// A stack of encoder blocks: block[0], block[1], …, and a last norm unless \`final_norm\` is false.
/// Source: Vaswani et al., "Attention is all you need", 2017.
module Encoder(layers: int, dim: int, heads: int, hidden: int, dropout: float = 0.1, pre_norm: bool = false, activation: function = relu, turn: bool = false, final_norm: bool = true) {
  layer block = EncoderBlock(dim, heads, hidden, dropout, pre_norm, activation, turn) * layers
  forward(x: float[B, T, dim], mask: bool[..., Q, T]? = none) -> float[B, T, dim] {
    let x = block(x, mask)
    if final_norm {
      let x = x |> norm: LayerNorm()
    }
    return x
  }
}

/// A stack of decoder blocks over one memory, and a last norm unless \`final_norm\` is false.
/// Source: Vaswani et al., "Attention is all you need", 2017.
module Decoder(layers: int, dim: int, heads: int, hidden: int, dropout: float = 0.1, pre_norm: bool = false, activation: function = relu, final_norm: bool = true) {
  layer block = DecoderBlock(dim, heads, hidden, dropout, pre_norm, activation) * layers
  forward(x: float[B, T, dim], memory: float[B, S, D], mask: bool[..., Q, T]? = none, memory_mask: bool[..., R, S]? = none) -> float[B, T, dim] {
    let x = block(x, memory, mask, memory_mask)
    if final_norm {
      let x = x |> norm: LayerNorm()
    }
    return x
  }
}
`,
  ],
])
