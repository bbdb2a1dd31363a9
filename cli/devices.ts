/** `dlmc devices`: what was found, how fast each is, its limits and features, and what could be installed. */
import { RunError } from '../runtime/errors.ts'
import { listDevices } from '../runtime/node/devices.ts'
import { allowExperiments, type MatrixSupport } from '../runtime/node/matrices.ts'
import { exitCodes } from './failure.ts'
import { deviceOption, type Verb } from './options.ts'
import { type Roofline, rooflineOf } from './profile/roofline.ts'
import { selectDevice } from './session.ts'
import { quantity } from './table.ts'
import { terminal } from './terminal.ts'

export const devicesVerb: Verb = (program, run) => {
  program
    .command('devices')
    .description('list adapters in the order in which they are chosen, and what is missing')
    .option('--measure', 'only how fast the one named by --device copies and multiplies at best')
    .option('--again', 'measure anew what is in the user’s cache')
    .option(...deviceOption)
    .option('--json', 'as JSON')
    .action((options: { json?: boolean; measure?: boolean; again?: boolean; device: string }) =>
      run(async () => {
        if (options.measure) return measure(options)
        allowExperiments()
        const wanted = options.device === 'auto' ? undefined : await nameOf(options.device)
        const report = await listDevices()
        const found = []
        for (const device of report.found)
          if (wanted === undefined || device.description.name === wanted)
            found.push({ ...device, rates: await ratesOf(device.selector, options.again) })
        if (options.json) {
          terminal.json({ ...report, found })
          return exitCodes.done
        }
        found.forEach((device, index) => {
          terminal.line(
            `${index === 0 && wanted === undefined ? '*' : ' '} --device ${device.selector.includes(' ') ? JSON.stringify(device.selector) : device.selector}`,
          )
          terminal.line(`    ${device.description.name} (${device.description.kind}, schedules for ${device.target})`)
          if (device.rates) terminal.line(`    ${ratesText(device.rates)}`)
          const limits = Object.entries(device.limits)
          if (limits.length > 0)
            terminal.line(
              `    ${limits.map(([name, value]) => `${name} ${/Size$/.test(name) && value > 1e6 ? quantity(value, 'B') : value}`).join(', ')}`,
            )
          if (device.features.length > 0) terminal.line(`    features: ${device.features.join(', ')}`)
          if (device.matrices.length > 0)
            terminal.line(`    subgroup matrices: ${device.matrices.map(matrixText).join(', ')}`)
        })
        // The interpreter is not on the list: nobody would want to be given it.
        if (wanted !== undefined && found.length === 0) terminal.line(`  --device ${options.device}\n    ${wanted}`)
        if (wanted === undefined) {
          for (const { selector, installation } of report.missing)
            terminal.line(`  missing: ${selector}: ${installation}`)
          terminal.line('* is what --device auto takes')
        }
        return exitCodes.done
      }),
    )
}

/** What the device is called that a selector chooses, if there is one. */
async function nameOf(selector: string): Promise<string> {
  const { device, description } = await selectDevice(selector, true)
  device?.dispose()
  return description.name
}

/** Measured when they are not in the user's cache; nothing where the device does not work, as a driver that is broken. */
async function ratesOf(selector: string, again: boolean | undefined): Promise<Roofline | undefined> {
  try {
    const device = await selectDevice(selector, true)
    const rates = await rooflineOf(device, again)
    device.device?.dispose()
    return rates
  } catch (error) {
    if (error instanceof RunError) return undefined
    throw error
  }
}

const matrixText = ({ component, result, M, N, K }: MatrixSupport): string =>
  `${M} x ${K} by ${K} x ${N} of ${component}, sums in ${result}`

const ratesText = ({ bytesPerSecond, flopsPerSecond, measured }: Roofline): string =>
  `copies ${quantity(bytesPerSecond, 'B/s')}, multiplies and adds ${quantity(flopsPerSecond, 'FLOP/s')} (measured ${measured.slice(0, 10)})`

async function measure({ device: name, again, json }: { device: string; again?: boolean; json?: boolean }) {
  const device = await selectDevice(name, true)
  const roofline = await rooflineOf(device, again)
  if (json) terminal.json({ device: device.description.name, ...roofline })
  else terminal.line(`${device.description.name}: ${ratesText(roofline)}`)
  return exitCodes.done
}
