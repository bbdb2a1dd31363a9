/** DLM065x: expectations of `test` blocks that do not hold. */
import type { Span } from '../../grammar/source.ts'
import type { DiagnosticRow } from './catalogue.ts'

export const expectationFails: DiagnosticRow<{
  span: Span
  where: string
  message: string | undefined
  sides: readonly string[] | undefined
}> = {
  code: 'DLM0650',
  severity: 'error',
  title: 'an expectation does not hold',
  explanation:
    'A `test` block is run on the float64 reference and on the device. `==` compares exactly; for rounded numbers write `a ~= b within 1e-6`.',
  wrong: 'test "a third" { expect 1.0 / 3 == 0.333 }',
  right: 'test "a third" { expect 1.0 / 3 ~= 0.333 within 1e-3 }',
  say: ({ span, where, message, sides }) => ({
    message: message ?? `this expectation does not hold (${where})`,
    primary: { span, text: sides ? `left is ${sides[0]}; right is ${sides[1]}` : 'false' },
    ...(sides && { help: { text: 'compare rounded numbers with `~=` and `within`' } }),
  }),
}

export const testRows = [expectationFails] as const
