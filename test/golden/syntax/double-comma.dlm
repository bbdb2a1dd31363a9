model M {
  layer a = Linear(10,, 3)
  layer b = Linear(, 3)
}
