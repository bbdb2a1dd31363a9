/** One causal model of each kind, and one that looks ahead. */
export const sequenceModels = `model Gpt {
  input text: int[batch, T]
  let x = text |> Embedding(7, 8) |> LearnedPositions(64, 8)
  output logits = Encoder(1, 8, 2, 12, 0.0)(x, causal_mask(T)) |> Linear(7)
}
model Cell {
  input x: float[batch, T, 3]
  output level = LSTM(5)(x).all |> Linear(2)
}
model Pairs {
  input word: int[batch, S]
  input said: int[batch, T]
  let memory = Encoder(1, 8, 2, 12, 0.0)(Embedding(6, 8)(word))
  output logits = Decoder(1, 8, 2, 12, 0.0)(Embedding(7, 8)(said), memory) |> Linear(7)
}
model Reader {
  input text: int[batch, T]
  output logits = Bidirectional(GRU, 4)(Embedding(7, 8)(text)).all |> Linear(7)
}
`
