/// Lays all axes but the first, the batch, into one: [B, C, H, W] becomes [B, C·H·W].
fn flatten(x: tensor[B, ...]) {
  return reshape(x, [B, product(shape(x)[1:])])
}

/// One value for each of `count` axes: a list as it is, a single value repeated.
fn per_axis(value: any, count: int) {
  return if is_list(value) then value else [value] * count
}
