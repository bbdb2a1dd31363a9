module A() {
  layer a = Linear(3)
  layer a = Linear(4)
  forward(x: float[B, D]) { return a(x) }
}
model M {
  input x: float[batch, 3]
  output y = A()(x)
}
