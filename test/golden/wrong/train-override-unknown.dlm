model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output logits = image |> flatten |> Linear(10)
  loss cross_entropy(logits, label)
}
data D {
  train {
    image = idx("images")
    label = idx("labels")
  }
}
train {
  model: M
  data: D
  optimizer: adam(lr: 1e-3) { "linear_1.*": rate 3 }
  batch: 32
  epochs: 1
}
