/**
 * The error function in float64, by the rational Chebyshev approximations of W. J. Cody: Rational Chebyshev
 * approximations for the error function, Mathematics of Computation 23 (1969), 631–637; coefficients as in his CALERF
 * (netlib specfun). The relative error is within a few units of 2⁻⁵³.
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

// biome-ignore-start format: one table a group
const nearNumerator = [1.85777706184603153e-1, 3.1611237438705656, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3]
const nearDenominator = [1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3]
const middleNumerator = [2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
  2.98635138197400131e2, 8.8195222124176909e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3]
const middleDenominator = [1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
  3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3]
const farNumerator = [1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
  1.60837851487422766e-2, 6.58749161529837803e-4]
const farDenominator = [1, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
  2.33520497626869185e-3]
// biome-ignore-end format: one table a group
