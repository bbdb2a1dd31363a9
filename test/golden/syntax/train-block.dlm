train {
  model Softmax
  batch = 128
  optimizer: sgd(lr: 1e-3) { classifier: lr 1e-2 }
  load: "w.safetensors" except
}
