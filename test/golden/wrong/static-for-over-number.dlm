model M {
  input x: float[batch]
  for i in 5 {
    let x = x + i
  }
  output y = x
}
