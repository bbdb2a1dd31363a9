let classes = 10

model M {
  input x: float[batch, 28, 28]
  output y = x |> reshape(784) |> Linear(classes)
}
