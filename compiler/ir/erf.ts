/**
 * The error function in float64, by the rational Chebyshev approximations of W. J. Cody: Rational Chebyshev
 * approximations for the error function, Mathematics of Computation 23 (1969), 631–637; coefficients as in his CALERF
 * (netlib specfun), rounded to float64. The relative error is within a few units of 2⁻⁵³.
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x
  const y = Math.abs(x)
  if (y <= 0.46875) {
    const square = y > 1e-16 ? y * y : 0
    return (x * polynomial(nearNumerator, square)) / polynomial(nearDenominator, square)
  }
  const tail = y > 6 ? 0 : complement(y)
  return x < 0 ? tail - 1 : 1 - tail
}

/** erfc(y) for y > 0.46875. */
function complement(y: number): number {
  // exp(-y²) with y split so that the square of its leading part is exact.
  const leading = Math.trunc(y * 16) / 16
  const decay = Math.exp(-leading * leading) * Math.exp(-(y - leading) * (y + leading))
  if (y <= 4) return (decay * polynomial(middleNumerator, y)) / polynomial(middleDenominator, y)
  const square = 1 / (y * y)
  const correction = (square * polynomial(farNumerator, square)) / polynomial(farDenominator, square)
  return (decay * (1 / Math.sqrt(Math.PI) - correction)) / y
}

/** Highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0
  for (const coefficient of coefficients) sum = sum * x + coefficient
  return sum
}

const nearNumerator = [
  0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694,
]
const nearDenominator = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171]
const middleNumerator = [
  2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769,
  1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
]
const middleDenominator = [
  1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
]
const farNumerator = [
  0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
  0.0006587491615298378,
]
const farDenominator = [
  1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
]
