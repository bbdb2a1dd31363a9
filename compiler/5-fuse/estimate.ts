/** Sizes for decisions, as simplification makes them too. */
export { estimate, estimateElements } from '../ir/estimate.ts'
