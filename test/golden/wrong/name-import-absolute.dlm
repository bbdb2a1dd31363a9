import "/etc/passwd"
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output logits = image |> flatten |> Linear(10)
  loss cross_entropy(logits, label)
}
