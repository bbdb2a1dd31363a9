/// sin(2π · turns), to the last digits of a float32 at any size of angle: whole turns fall away exactly, where the sine of
/// a graphics processor may be off by more than 1e-4 after a few turns. The series of the sine does the rest.
fn sin_turns(turns: float[...]) -> float[...] {
  let u = turns - round(turns)
  let near = where(u > 0.25, 0.5 - u, where(u < -0.25, -0.5 - u, u))
  let a = 2 * pi * near
  let s = a * a
  let series = 1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110 * (1 - s / 156 * (1 - s / 210))))))
  return a * series
}

/// Frequencies, each cut in two short parts, whose products with a position are exact in float32, and a small rest. A
/// position times a frequency as it is would lose a digit for each digit of the position.
fn frequency_parts(frequency: list) {
  let coarse = map(frequency, (f) => floor(f * 256) / 256.0)
  let left = map(frequency, (f, c) => f - c, coarse)
  let fine = map(left, (f) => floor(f * 65536) / 65536.0)
  return (coarse: coarse, fine: fine, rest: map(left, (f, c) => f - c, fine))
}

/// position · frequency[j] + phase[j] in turns, up to whole turns: [T] and the parts of a list of frequencies
/// (`frequency_parts`) give [T, number of frequencies].
fn position_turns(position: int[T], parts: any, phase: list) {
  let t = float(expand(position, 1))
  let a = t * parts.coarse
  let b = t * parts.fine
  return (a - floor(a)) + (b - floor(b)) + (t * parts.rest + phase)
}

/// The parts of the frequencies of `sinusoidal_positions`, and their phases: numbers, whatever the positions. A sine and
/// a cosine share a frequency; of an odd size the last cosine falls away.
fn sinusoidal_waves(dim: int, base: float = 10000) {
  let rate = -log(base) * 2
  let turn = 2 * pi
  let parts = frequency_parts(map(0..dim, (j) => exp(rate * (j div 2) / dim) / turn))
  return (coarse: parts.coarse, fine: parts.fine, rest: parts.rest, phase: map(0..dim, (j) => 0.25 * (j % 2)))
}

/// Positions 0, 1, … as waves of lengths from 2π to `base` · 2π: PE[t, 2i] = sin(t / base^(2i / dim)) and
/// PE[t, 2i+1] = cos(t / base^(2i / dim)), as float[length, dim]. Nothing is stored, and the length may be any.
/// Source: Vaswani et al., "Attention is all you need", 2017.
fn sinusoidal_positions(length: int, dim: int, base: float = 10000) {
  let waves = sinusoidal_waves(dim, base)
  return sin_turns(position_turns(arange(length), waves, waves.phase))
}

/// Turns each pair (x[2i], x[2i+1]) of the last axis by the angle t / base^(2i / D), t being the place along the axis
/// before it: [..., T, D] stays so. A query and a key turned like this meet in a score that depends on their distance alone.
/// Source: Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021.
fn rotary(x: float[..., T, D], base: float = 10000) -> float[..., T, D] {
  require D % 2 == 0, "rotary positions turn pairs: the last axis must be even"
  let rate = -log(base) * 2
  let turn = 2 * pi
  let frequency = map(0..D div 2, (i) => exp(rate * i / D) / turn)
  let turns = position_turns(arange(T), frequency_parts(frequency), [0.0] * (D div 2))
  let sine = sin_turns(turns)
  let cosine = sin_turns(turns + 0.25)
  let pairs = reshape(x, shape(x)[:-1] + [D div 2, 2])
  let (a, b) = split(pairs, 2, axis: -1)
  let a = squeeze(a, axis: -1)
  let b = squeeze(b, axis: -1)
  return reshape(stack([a * cosine - b * sine, a * sine + b * cosine], axis: -1), shape(x))
}

/// Adds the waves of `sinusoidal_positions` to a sequence of vectors.
module SinusoidalPositions(base: float = 10000) {
  forward(x: float[B, T, dim]) -> float[B, T, dim] {
    return x + sinusoidal_positions(T, dim, base)
  }
}

/// Adds a learned vector for each place, up to `length` places. `weight` is [length, dim].
/// Source: Gehring et al., "Convolutional sequence to sequence learning", 2017.
module LearnedPositions(length: int, dim: int) {
  param weight: float[length, dim] = normal(0, 0.02)
  forward(x: float[B, T, dim]) -> float[B, T, dim] {
    require T <= length, "a sequence is longer than its table of learned positions"
    return x + gather(weight, arange(T), axis: 0)
  }
}
