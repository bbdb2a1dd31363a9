/** A column and a field's stages → the field: its shape and dtype after the stages, or a fault that says which stage cannot be. */
import type { NumberStage, StageDescription } from '../abi.ts'
import { DataError } from './data-error.ts'
import { type Column, elementCount, exampleStart, type Field, holdsIntegers, reader } from './field.ts'
import { isTextStage } from './text-stage.ts'

export function makeField(name: string, column: Column, described: readonly StageDescription[]): Field {
  let shape = column.shape
  let dtype: Field['dtype'] = holdsIntegers(column.values) ? 'int' : 'float'
  let oneHot = false
  const fail = (problem: string, fix: string): never => {
    throw new DataError({ file: column.file, problem: `field \`${name}\`: ${problem}`, fix })
  }
  const text = described.find(isTextStage)
  if (text) fail(`\`${text.kind}\` of numbers`, 'it belongs to text: choose another source or column, or leave it out')
  const stages = described as readonly NumberStage[]
  for (const stage of stages) {
    if (oneHot && stage.kind !== 'reshape')
      fail(`\`${stage.kind}\` after \`one_hot\``, 'let `one_hot` be the last stage but for `reshape`')
    switch (stage.kind) {
      case 'scale':
      case 'shift':
        if (!Number.isInteger(stage.by)) dtype = 'float'
        break
      case 'normalize':
        if (stage.deviation === 0) fail('`normalize` by a deviation of 0', 'give the deviation of the data')
        dtype = 'float'
        break
      case 'reshape':
        if (elementCount(stage.shape) !== elementCount(shape)) {
          fail(
            `\`reshape\` to [${stage.shape.join(', ')}] of an example of shape [${shape.join(', ')}]`,
            `give a shape of ${elementCount(shape)} elements`,
          )
        }
        shape = stage.shape
        break
      case 'one_hot':
        if (dtype !== 'int') fail('`one_hot` of fractions', 'apply it to whole numbers, before any scaling')
        checkClasses(name, column, stages.slice(0, stages.indexOf(stage)), stage.classes)
        shape = [...shape, stage.classes]
        dtype = 'float'
        oneHot = true
        break
      default:
        stage satisfies never
    }
  }
  if (column.buckets && stages.some((stage) => stage.kind === 'reshape')) {
    // Of another shape, the first axis is no length any more: all examples have the greatest.
    const { buckets: _, ...whole } = column
    return { name, column: whole, stages, shape, dtype }
  }
  return { name, column, stages, shape, dtype }
}

/** Every value must be a class; looked at once, when the data is opened. */
function checkClasses(name: string, column: Column, before: readonly NumberStage[], classes: number): void {
  if (before.some((stage) => stage.kind !== 'reshape')) {
    throw new DataError({
      file: column.file,
      problem: `field \`${name}\`: \`one_hot\` after a stage that changes values`,
      fix: 'apply `one_hot` to the classes as the file has them',
    })
  }
  const number = reader(column.values)
  const each = elementCount(column.shape)
  const startOf = exampleStart(column)
  for (let i = 0; i < column.examples * each; i++) {
    const value = number(startOf(Math.floor(i / each)) + (i % each))
    if (value < 0 || value >= classes) {
      throw new DataError({
        file: column.file,
        problem: `field \`${name}\`: example ${Math.floor(i / each)} has the class ${value}, and \`one_hot(${classes})\` knows 0 to ${classes - 1}`,
        fix: `use \`one_hot(${Math.max(0, value) + 1})\` or more, or correct the file`,
      })
    }
  }
}
