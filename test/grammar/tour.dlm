/// Multinomial logistic regression: the 7,850-parameter digit classifier.
model Softmax {
  input  image: float[batch, 28, 28]
  target label: int[batch]

  output logits = image |> flatten |> Linear(10)

  loss   cross_entropy(logits, label)
  metric accuracy = mean(argmax(logits, axis: -1) == label)
}

data Digits {
  train {
    image = idx("train-images-idx3-ubyte.gz") |> scale(1 / 255)
    label = idx("train-labels-idx1-ubyte.gz")
  }
  validation = split(train, 0.1)  // explicit: training never sees it, nor `test`
  test {
    image = idx("t10k-images-idx3-ubyte.gz") |> scale(1 / 255)
    label = idx("t10k-labels-idx1-ubyte.gz")
  }
}

train {
  model: Softmax
  data: Digits
  optimizer: adam(lr: 1e-3)
  batch: 128
  epochs: 5
  seed: 42
}

test "the parameter count of the lecture" {
  expect parameters(Softmax) == 7850
}

module MultiHeadAttention(dim: int, heads: int, dropout: float = 0) {
  require dim % heads == 0, "dim must be a multiple of heads"
  let head = dim / heads

  layer wq = Linear(dim)
  layer wk = Linear(dim)
  layer wv = Linear(dim)
  layer wo = Linear(dim)

  forward(query: float[B, T, dim], context: float[B, S, dim], mask: bool[T, S]? = none) -> float[B, T, dim] {
    let q = query   |> wq |> rearrange("b t (h d) -> b h t d", h: heads)
    let k = context |> wk |> rearrange("b s (h d) -> b h s d", h: heads)
    let v = context |> wv |> rearrange("b s (h d) -> b h s d", h: heads)

    let score  = q @ transpose(k) / sqrt(head)
    let weight = softmax(where(mask, score, -inf), axis: -1) |> dropout(dropout)
    expose weight                                  // named, so tools can show the attention map

    return weight @ v |> rearrange("b h t d -> b t (h d)") |> wo
  }
}

module EncoderBlock(dim: int, heads: int, hidden: int, dropout: float = 0.1) {
  layer attention    = MultiHeadAttention(dim, heads)
  layer feed_forward = chain { Linear(hidden); relu; Linear(dim) }
  layer norm1 = LayerNorm()
  layer norm2 = LayerNorm()

  forward(x: float[B, T, dim]) -> float[B, T, dim] {
    let x = norm1(x + dropout(attention(x, x), dropout))
    return  norm2(x + dropout(feed_forward(x), dropout))
  }
}

module Encoder(layers: int, dim: int, heads: int, hidden: int) {
  layer block = EncoderBlock(dim, heads, hidden) * layers        // a stack: block[0], block[1], …
  forward(x: float[B, T, dim]) -> float[B, T, dim] { return x |> block }
}

module LSTM(hidden: int, reverse: bool = false) {
  forward(x: float[B, T, D]) -> (all: float[B, T, hidden], last: float[B, hidden], cell: float[B, hidden]) {
    param wx: float[D, 4 * hidden]      = uniform(1 / sqrt(hidden))
    param wh: float[hidden, 4 * hidden] = uniform(1 / sqrt(hidden))
    param b:  float[4 * hidden]         = zeros

    scan x_t in x along T reverse: reverse
      carry h: float[B, hidden] = zeros, c: float[B, hidden] = zeros
    {
      let (i, f, o, g) = split(x_t @ wx + h @ wh + b, 4, axis: -1)
      next c = sigmoid(f) * c + sigmoid(i) * tanh(g)
      next h = sigmoid(o) * tanh(c)  // `c` after its `next` is the new one
      yield all = h
    }
    return (all, last: h, cell: c)
  }
}

model CifarNet {
  input  image: float[batch, 3, 32, 32]
  target label: int[batch]

  output logits = image
    |> Conv2d(16, kernel: 5, padding: same) |> relu |> max_pool2d(2)
    |> Conv2d(20, kernel: 5, padding: same) |> relu |> max_pool2d(2)
    |> Conv2d(20, kernel: 3, padding: same) |> relu |> max_pool2d(2)
    |> flatten |> Linear(80) |> relu |> Linear(20) |> relu |> Linear(2)

  loss cross_entropy(logits, label)
}

test "Dance Dance Convolution" {
  let image  = [[1, 3, -2, 4], [0, 8, 6, 5], [2, 1, -9, 0], [4, -1, 3, 7]]
  let filter = [[1, 2], [-2, -1]]
  expect shape(conv2d(image, filter)) == [3, 3]
  expect conv2d(image, filter)[2, 2] == -22
  expect conv2d(image, filter, padding: 1)[4, 4] == 7
}

train Base {
  model: Transformer(dim: 512, layers: 6, heads: 8, hidden: 2048)
  data: Translation
  optimizer: adam(lr: noam(dim: 512, warmup: 4000), beta2: 0.98, eps: 1e-9)
  clip_norm: 1.0
  batch: 64
  steps: 100000
  precision: mixed
  average_last: 5  // checkpoint averaging
  validate: every(1000)
}

train FineTune {
  model: ResNet(depths: [3, 8, 36, 3], classes: 7)
  load: "resnet152.safetensors" except "classifier.*"
  freeze: "stem.*", "stage[0..2].*"
  optimizer: sgd(lr: 1e-3, momentum: 0.9) { "classifier.*": lr 1e-2 }
}

