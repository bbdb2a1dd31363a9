/** DLM082x: checkpoints and data files, as the runtime finds them when it opens them (typed errors with its own words). */
import type { DiagnosticRow } from './catalogue.ts'
import type { RunFacts } from './device.ts'

const say = ({ problem, fix }: RunFacts) => ({ message: problem, help: { text: fix } })

export const checkpointFault: DiagnosticRow<RunFacts> = {
  code: 'DLM0821',
  severity: 'error',
  title: 'a file of weights or a checkpoint cannot be used',
  explanation:
    'Weights are safetensors files. Everything is checked before a tensor is touched: the header, that the tensors lie without gaps or overlaps and end where the file ends, and that names, shapes and dtypes are the program’s. A checkpoint of a run also carries a checksum of the whole file, the seed and the batch size: a run goes on with the same ones, or it would not be the same run. Checkpoints are written beside their place, flushed and renamed, so an interrupted write leaves the one before; `--resume` takes the newest that can be read.',
  wrong: 'dlmc run mnist.dlm --weights weights-cut-short.safetensors --input x.safetensors --output y.safetensors',
  right: 'dlmc train mnist.dlm --resume runs/softmax-1',
  say,
}

export const dataFault: DiagnosticRow<RunFacts> = {
  code: 'DLM0822',
  severity: 'error',
  title: 'a data file is missing, damaged, or does not fit',
  explanation:
    'Paths in a data block are relative to the .dlm file and stay inside its project; `--data NAME=DIRECTORY` says where the files of a block are, `--data NAME.PARTITION.FIELD=FILE` names one. Sizes are checked against the file before memory is taken, and a fault is named with its byte or line. Fields of one partition have as many examples each, with the shapes that the model takes.',
  wrong: 'dlmc train mnist.dlm        # before the data was fetched',
  right: 'npm run data mnist\ndlmc train mnist.dlm',
  say,
}
