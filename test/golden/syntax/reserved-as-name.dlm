model M {
  input in: float[batch]
  let for = 3
  layer if = Linear(3)
}
