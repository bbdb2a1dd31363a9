# a comment
model M {
  /* another
     one */
  input x: float[batch]
}
