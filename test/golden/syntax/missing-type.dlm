model M {
  input x float[batch]
  input y:
  target label: [batch]
}
