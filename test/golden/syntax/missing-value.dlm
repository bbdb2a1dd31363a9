model M {
  input x: float[batch]
  layer a =
  layer b = Linear(10)
  output y = x |>
  loss
  metric m =
}
