modle Softmax {
  input image: float[batch]
}

trian {
  model: Softmax
}
