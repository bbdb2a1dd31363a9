/// The windows of the last two axes: [..., H, W] becomes [..., H', kh, W', kw], with
/// H' = (H + 2 · padding - kh) div stride + 1. `stride` is the kernel's size unless it is given.
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
/// gradient goes to the first greatest value. `kernel`, `stride` and `padding` are numbers or lists [rows, columns].
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
