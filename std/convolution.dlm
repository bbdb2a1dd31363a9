/// Slides filters over the last two axes and sums the products (a cross-correlation, as the field's convolutions are).
/// x is [..., channels, H, W] and filters [features, channels / groups, kh, kw]; an image [H, W] and a filter [kh, kw]
/// without channels give [H', W'], with H' = (H + 2 · padding - dilation · (kh - 1) - 1) div stride + 1.
/// `padding` is a number, a list [rows, columns], `same` or `valid`; `stride` and `dilation` are numbers or lists.
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

/// A convolution layer over images: [..., channels, H, W] becomes [..., features, H', W'] (see `conv2d` for H').
/// `kernel` is a number or [kh, kw]. `weight` is [features, channels / groups, kh, kw], as in PyTorch; it and the bias
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
/// `weight` is [features, channels / groups, kernel], as in PyTorch.
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
