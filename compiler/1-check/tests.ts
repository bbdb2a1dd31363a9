/** A `test` block → expectations over literals. */
import type { TestDeclaration } from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import type { TestCase } from '../program.ts'
import type { ModelLookup } from './elaboration.ts'
import { type Elaborated, elaborate } from './model.ts'
import { Scope } from './scope.ts'
import { run } from './statement.ts'

export function elaborateTest(
  declaration: TestDeclaration,
  scope: Scope,
  isStandard: (span: Span) => boolean,
  model: ModelLookup,
): Elaborated<TestCase> {
  return elaborate(
    { training: false, isStandard, kind: 'test', span: declaration.title.span, model },
    (e): TestCase => {
      run(e, declaration.body.statements, new Scope(scope))
      return { title: declaration.title.value, span: declaration.span, expectations: e.test!.expectations }
    },
  )
}
