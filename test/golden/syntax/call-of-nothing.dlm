model M {
  output y = ()
  output z = x.(3)
  output w = x..3..4
}
