/// What a scan means, in small numbers; run on the reference by test/check/scan.test.ts.
fn running_product(x: float[T]) -> float[T] {
  scan x_t in x along T
    carry p: float[] = 1
  {
    next p = p * x_t
    yield all = p
  }
  return all
}

module Total() {
  forward(x: float[B, T, D]) -> (all: float[B, T, D], last: float[B, D]) {
    scan x_t in x along T
      carry s: float[B, D] = zeros
    {
      next s = s + x_t
      yield all = s
    }
    return (all, last: s)
  }
}

test "sums along the first and the second axis" {
  let x = [[1, 2], [3, 4.5], [5, 6]]
  scan x_t in x along axis: 0
    carry s: float[2] = zeros
  {
    next s = s + x_t
    yield running = s
  }
  expect s == [9, 12.5]
  expect running == cumsum(x, axis: 0)
  scan column in x along axis: -1
    carry t: float[3] = ones
  {
    yield before = t
    next t = t + column
  }
  expect t == [4, 8.5, 12]
  expect before == [[1, 2], [1, 4], [1, 6]]
}

test "in reverse, yields keep the order of the sequence" {
  let x = [1.0, 2, 3]
  scan x_t in x along axis: 0 reverse: 1 < 2
    carry s: float[] = 0
  {
    next s = 10 * s + x_t
    yield all = s
  }
  expect s == 321
  expect all == [321, 32, 3]
}

test "the name in the type tells equal sizes apart" {
  let total = Total()
  let x = reshape(float(arange(27)), [3, 3, 3])
  layer sum_up = Total()
  let r = sum_up(x)
  expect r.all == cumsum(x, axis: 1)
  expect r.last == sum(x, axis: 1)
}

test "a carry after its `next` is the new one" {
  let x = [1.0, 2, 3]
  scan x_t in x along axis: 0
    carry a: float[] = 0, b: float[] = 0
  {
    let old = a
    next a = a + x_t
    next b = b + a * old
  }
  expect a == 6
  expect b == 1 * 0 + 3 * 1 + 6 * 3
}

test "carries change places" {
  scan along 5
    carry a: int[] = 1, b: int[] = 2
  {
    let old = a
    next a = b
    next b = old
    yield seen = old
  }
  expect a == 2
  expect seen == [1, 2, 1, 2, 1]
}

test "first values are numbers, tensors that broadcast, or what has no type" {
  scan along 2
    carry a: float[2, 3] = [[1], [2]], b: float[2] = full(0.5), c: int[2] = ones, d = [true, false]
  {
    next a = a + 1
    next b = b * 2
    next c = c + c
    next d = not d
  }
  expect a == [[3, 3, 3], [4, 4, 4]]
  expect b == [2, 2]
  expect c == [4, 4]
  expect d == [true, false]
}

test "several inputs, several yields, static choices" {
  let x = [[1.0, 2], [3, 4]]
  let z = [[0, 1], [1, 1]]
  scan x_t in x, z_t in float(z) along axis: 1
    carry s: float[2] = zeros
  {
    for i in 0..2 {
      next s = s + x_t * z_t
    }
    if 1 < 2 {
      yield state = s
    }
    yield total = sum(s)
  }
  expect s == [4, 14]
  expect state == [[0, 4], [6, 14]]
  expect total == [6, 18]
}

test "a scan inside a scan, and functions that scan" {
  let x = [[1.0, 2], [3, 4], [5, 6]]
  scan row in x along axis: 0
    carry s: float[] = 1
  {
    scan item in row along axis: 0
      carry p: float[] = s
    {
      next p = p + item * s
    }
    next s = p / 4
    yield product = running_product(row)
  }
  let first = (1 + 1 + 2) / 4
  let second = (first + 3 * first + 4 * first) / 4
  expect s == (second + 5 * second + 6 * second) / 4
  expect product == [[1, 2], [3, 12], [5, 30]]
}

test "without a carry it is a map" {
  scan x_t in [1.0, 2, 3] along axis: 0 {
    yield square = x_t * x_t
  }
  expect square == [1, 4, 9]
}

test "an empty sequence leaves the first value" {
  let none_at_all = zeros([2, 0])
  scan x_t in none_at_all along axis: 1
    carry s: float[2] = [3, 4]
  {
    next s = s + x_t
    yield all = s
  }
  expect s == [3, 4]
  expect shape(all) == [2, 0]
}
