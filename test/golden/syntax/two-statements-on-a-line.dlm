model M {
  input x: float[batch] output y = x
}

train {
  batch: 12 epochs: 3
}
