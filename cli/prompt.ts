/** A prompt → tokens and tensors, through the stages that the training data went through. */
import type { TensorPort } from '../compiler/program.ts'
import type { FieldDescription } from '../runtime/abi.ts'
import { typedArray } from '../runtime/data/batches.ts'
import { elementCount, fillExample } from '../runtime/data/field.ts'
import { makeField } from '../runtime/data/make-field.ts'
import { wholeText } from '../runtime/data/texts.ts'
import { tokenColumn } from '../runtime/data/tokens.ts'
import type { TensorData } from '../runtime/executor.ts'
import { special } from '../runtime/tokenize/special.ts'
import type { Tokenizer } from '../runtime/tokenize/tokenizer.ts'
import { UsageError } from './failure.ts'

/** What the model goes on with: the prompt's tokens, begun as in training. */
export function promptTokens(prompt: string, field: FieldDescription | undefined, tokenizer: Tokenizer): Int32Array {
  const has = (kind: string) => field?.stages.some((stage) => stage.kind === kind) ?? false
  const ids = tokenizer.encode(has('lowercase') ? prompt.toLowerCase() : prompt)
  const begun = has('begin') ? Int32Array.of(special.bos, ...ids) : ids
  if (begun.length === 0) throw new UsageError('this model begins with nothing of its own: give it a --prompt')
  return begun
}

/** An input that is made of the prompt, as the field of this name is made of its text; alike for all rows. */
export function promptTensor(
  port: TensorPort,
  prompt: string,
  field: FieldDescription | undefined,
  vocabularies: ReadonlyMap<string, Tokenizer>,
  rows: number,
  dims: ReadonlyMap<string, number>,
): TensorData {
  const reads = field?.stages.find((stage) => stage.kind === 'tokenize' || stage.kind === 'categories')
  if (!field || !reads) throw new UsageError(`the input "${port.name}" is not made of text, so no prompt can give it`)
  const texts = wholeText('the prompt', prompt)
  const { column, stages } = tokenColumn(texts, field.stages, {
    name: port.name,
    tokenizer: vocabularies.get(port.name),
  })
  const made = makeField(port.name, column, stages)
  const wanted = port.shape.slice(1).map((size) => size.constant ?? dims.get(size.key) ?? 0)
  if (made.shape.length !== wanted.length || made.shape.some((size, i) => size !== wanted[i]))
    throw new UsageError(
      `the input "${port.name}" takes ${wanted.join('×')} numbers, and its data has ${made.shape.join('×')}`,
    )
  const each = elementCount(wanted)
  const tensor = typedArray(port.dtype, new ArrayBuffer(4 * each * rows))
  const fill = fillExample(made)
  for (let row = 0; row < rows; row++) fill(tensor, row * each, 0)
  return tensor
}
