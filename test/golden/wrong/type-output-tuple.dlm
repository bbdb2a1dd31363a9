model L {
  input x: float[batch, T, 64]
  output y = x |> LSTM(256)
}
