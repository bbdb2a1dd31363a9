/** `data` and `train` blocks → plain descriptions, and whether they fit the model. */
export { checkData } from './data.ts'
export { checkFit, type FitOptions } from './fit.ts'
export { checkTrain, type Known, settingNames } from './train.ts'
