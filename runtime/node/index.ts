/** The runtime's Node part: devices through Dawn, data files, checkpoints and runs on disk. */
import { providePlatform } from './platform.ts'

export { parseCsv } from '../data/csv.ts'
export { writeFileAtomically } from './atomic-file.ts'
export {
  type CheckpointDirectoryOptions,
  checkpointDirectory,
  readCheckpoint,
  readWholeFile,
} from './checkpoint-directory.ts'
export { type DataPlace, dataPath, projectRoot } from './data-path.ts'
export {
  type DeviceReport,
  deviceNames,
  type FoundDevice,
  findDevice,
  listDevices,
  type MissingDevice,
} from './devices.ts'
export { type OpenDataOptions, openData } from './open-data.ts'
export { openDefaultDevice } from './platform.ts'
export { createRunDirectory, openRunDirectory, type RunDirectory } from './run-directory.ts'
export { sourceHash } from './source-hash.ts'
export { type TrainRunOptions, trainRun } from './train-run.ts'
export { nodeBatches, workerBatches } from './worker-batches.ts'

providePlatform()
